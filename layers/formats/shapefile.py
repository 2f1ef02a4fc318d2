"""Reading of Shapefiles: their parts, also in a zip, and their text in the encoding that its bytes show."""

import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import geopandas as gpd
import pandas as pd

from gis.errors import InputError
from gis.progress import Note, no_note
from layers.fields.columns import free_name
from layers.formats.encoding import TextEncoding, detect_encoding, find_codec, named_encoding
from layers.formats.registry import Format
from layers.formats.vector import PART_SIZE, collect, open_layer

# In this one each byte is a character, so that GDAL keeps them all.
_BYTES = "ISO-8859-1"
# The byte of a .dbf that tells its code page. 0x57, for that of whoever wrote it, tells nothing.
_CODE_PAGE_AT = 29
_CODE_PAGES = {
    0x01: "cp437",
    0x02: "cp850",
    0x03: "cp1252",
    0x13: "cp932",
    0x26: "cp866",
    0x4D: "cp936",
    0x4E: "cp949",
    0x4F: "cp950",
    0x58: "cp1252",
    0x59: "cp1252",
    0x64: "cp852",
    0x65: "cp866",
    0x78: "cp950",
    0x79: "cp949",
    0x7A: "cp936",
    0x7B: "cp932",
    0x7C: "cp874",
    0xC8: "cp1250",
    0xC9: "cp1251",
    0xCA: "cp1254",
    0xCB: "cp1253",
}
_MAGIC = b"\x00\x00\x27\x0a"


def read_shapefile(
    path: Path,
    file_format: Format,
    *,
    where: str | None = None,
    encoding: str | None = None,
    note: Note = no_note,
) -> gpd.GeoDataFrame:
    """Read a Shapefile, plain or zipped, with its text in the right encoding.

    The bytes of all text decide (`layers.formats.encoding`); what the .cpg file or the .dbf declares wins
    only if it gives plausible text. Names and values that another program cut in the middle of a character
    lose that character.

    Parameters
    ----------
    path, file_format
        The .shp, or a zip that holds one.
    where
        A condition in SQL.
    encoding
        The encoding, which the user names.
    note
        Told which encoding was assumed, and which part of the Shapefile is missing.

    Raises
    ------
    InputError
        If a part is missing without which it cannot be read, or there is no encoding of that name.
    RuntimeError, ValueError, OSError
        As `layers.formats.vector.open_layer` raises them.
    """
    source, parts = _find_parts(path)
    if ".shx" not in parts and _is_shapefile(path, parts[".shp"]):
        raise InputError(
            f"{path}: the index of the Shapefile, its .shx file, is missing; copy all its files (.shp, .shx, "
            ".dbf, .prj, .cpg) into one folder or zip."
        )
    if ".dbf" not in parts:
        note(f"{path}: the table of the Shapefile, its .dbf file, is missing; its records have no fields")
    text = named_encoding(encoding) if encoding is not None else None

    def read(condition: str | None) -> gpd.GeoDataFrame:
        with open_layer(
            path,
            file_format,
            source=source,
            layer=None,
            where=condition,
            size=PART_SIZE,
            note=no_note if condition is None and where else note,
            ENCODING=_BYTES,
            # Numbers of 19 digits may be integers.
            ADJUST_TYPE="YES",
        ) as layer:
            return collect(layer)

    if where is None or where.isascii():
        frame = read(where)
        text = text or _find_encoding(path, parts, frame, note)
    else:
        text = text or _find_encoding(path, parts, read(None), note)
        frame = read(where.encode(text.codec, errors="replace").decode(_BYTES))
    return _decode(frame, text)


def _is_shapefile(path: Path, part: str) -> bool:
    return _read_part(path, part, 4) == _MAGIC


def _find_parts(path: Path) -> tuple[str, dict[str, str]]:
    """Return what GDAL opens, and the parts of the Shapefile by their extensions.

    Raises
    ------
    InputError
        If a zip is none, or holds no Shapefile or several.
    """
    if path.suffix.lower() != ".zip":
        files = (each for each in path.parent.iterdir() if each.stem.lower() == path.stem.lower())
        return str(path), {**{each.suffix.lower(): str(each) for each in files}, ".shp": str(path)}
    try:
        with zipfile.ZipFile(path) as archive:
            members = [PurePosixPath(name) for name in archive.namelist()]
    except (zipfile.BadZipFile, OSError) as error:
        raise InputError(f"{path} cannot be read as zipped Shapefile: it is no zip file.") from error
    # Beside each file macOS packs what its own file system knows of it.
    members = [each for each in members if "__MACOSX" not in each.parts and not each.name.startswith("._")]
    found = [each for each in members if each.suffix.lower() == ".shp"]
    if len(found) != 1:
        names = ", ".join(each.name for each in found)
        held = f"holds {len(found)} Shapefiles ({names})" if found else "holds no Shapefile"
        raise InputError(f"{path} {held}; give a zip with one.")
    beside = (each for each in members if each.with_suffix("") == found[0].with_suffix(""))
    return f"/vsizip/{path}/{found[0]}", {each.suffix.lower(): str(each) for each in beside}


def _find_encoding(path: Path, parts: dict[str, str], frame: gpd.GeoDataFrame, note: Note) -> TextEncoding:
    declared = _declared_codec(path, parts)
    texts = list(_texts(frame))
    found = detect_encoding(texts, declared)
    if all(text.isascii() for text in texts):
        return found
    if declared is not None and declared != found.codec:
        note(
            f"{path} says that its text is in {TextEncoding(declared).name}, but its bytes look like "
            f"{found.name}, so it is read as that; if names look wrong, give the encoding with --encoding"
        )
    elif (sentence := found.note(path)) is not None:
        note(sentence)
    return found


def _declared_codec(path: Path, parts: dict[str, str]) -> str | None:
    codec = None
    if ".cpg" in parts:
        codec = find_codec(_read_part(path, parts[".cpg"], 100).decode("ascii", errors="ignore"))
    if codec is None and ".dbf" in parts:
        head = _read_part(path, parts[".dbf"], _CODE_PAGE_AT + 1)
        codec = find_codec(_CODE_PAGES.get(head[_CODE_PAGE_AT], "")) if len(head) > _CODE_PAGE_AT else None
    return codec


def _read_part(path: Path, part: str, size: int) -> bytes:
    """Return the first bytes of a part."""
    if path.suffix.lower() != ".zip":
        with Path(part).open("rb") as file:
            return file.read(size)
    with zipfile.ZipFile(path) as archive, archive.open(part) as file:
        return file.read(size)


def _texts(frame: gpd.GeoDataFrame) -> Iterator[bytes]:
    """Give the bytes of the names and the different values of all text."""
    for name in frame.columns.drop("geometry"):
        yield str(name).encode(_BYTES)
        if pd.api.types.is_string_dtype(frame[name]):
            yield from (text.encode(_BYTES) for text in frame[name].dropna().unique())


def _decode(frame: gpd.GeoDataFrame, encoding: TextEncoding) -> gpd.GeoDataFrame:
    """Decode names and text that were read byte by byte."""

    def decode(text: str) -> str:
        raw = text.encode(_BYTES)
        try:
            return encoding.decode(raw)
        except UnicodeDecodeError:
            return raw.decode(encoding.codec, errors="replace")

    names: dict[str, str] = {}
    decoded = {}
    for name in frame.columns.drop("geometry"):
        # What was cut off may be all in which two names differ.
        names[name] = free_name(decode(str(name)), [*names.values(), "geometry"])
        if pd.api.types.is_string_dtype(frame[name]):
            decoded[name] = frame[name].map(decode, na_action="ignore")
    return frame.assign(**decoded).rename(columns=names)
