"""Reading of Shapefiles, and detection of their text encoding."""

import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio

from gis.errors import InputError

# GDAL uses this where no encoding is given, and it preserves every byte.
_FALLBACK_ENCODING = "ISO-8859-1"
_MIN_CHINESE_SHARE = 0.9


def vsi_path(path: Path) -> str:
    """Return the path that GDAL opens: the file, or the only Shapefile in a zip.

    Raises
    ------
    InputError
        If the zip is none, or holds no Shapefile or several.
    """
    if path.suffix.lower() != ".zip":
        return str(path)
    names = [name for name in _zip_members(path) if name.lower().endswith(".shp")]
    if len(names) != 1:
        held = f"holds {len(names)} Shapefiles ({', '.join(names)})" if names else "holds no Shapefile"
        raise InputError(f"{path} {held}; give a zip with one.")
    return f"/vsizip/{path}/{names[0]}"


def read_shapefile(path: Path, **options: Any) -> gpd.GeoDataFrame:
    """Read a Shapefile, plain or zipped, with its text in the right encoding.

    A .cpg file or the code page of the .dbf gives the encoding. Without them, or if they are wrong, text is
    UTF-8 if it is valid as such, else GB 18030 if most of it is GB 2312, else Latin-1: GB 18030 alone would
    turn a German ü into a Chinese character. Names that another program cut in the middle of a character lose
    that character.

    Parameters
    ----------
    path
        The .shp, or a zip that holds one.
    options
        For `pyogrio.read_dataframe`.
    """
    source = vsi_path(path)
    try:
        if _has_cpg(path) or pyogrio.read_info(source)["encoding"] != _FALLBACK_ENCODING:
            frame: gpd.GeoDataFrame = pyogrio.read_dataframe(source, **options)
            return frame
    except UnicodeDecodeError:
        pass
    return _decode_text(pyogrio.read_dataframe(source, ENCODING=_FALLBACK_ENCODING, **options))


def _zip_members(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, OSError) as error:
        raise InputError(f"{path} cannot be read as zipped Shapefile: it is no zip file.") from error


def _has_cpg(path: Path) -> bool:
    if path.suffix.lower() == ".zip":
        return any(name.lower().endswith(".cpg") for name in _zip_members(path))
    return any(path.with_suffix(suffix).exists() for suffix in (".cpg", ".CPG"))


def _decode_text(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Decode text that was read as Latin-1 again, in its real encoding."""
    columns = [name for name in frame.columns if name != frame.geometry.name]
    worded = [name for name in columns if pd.api.types.is_string_dtype(frame[name])]
    texts = {str(name) for name in columns}
    for name in worded:
        texts.update(frame[name].dropna().unique())
    encoding = _guess_encoding([text.encode(_FALLBACK_ENCODING) for text in texts if not text.isascii()])

    def decode(text: str) -> str:
        return text.encode(_FALLBACK_ENCODING).decode(encoding, errors="ignore")

    decoded = {name: frame[name].map(decode, na_action="ignore") for name in worded}
    names = {name: decode(str(name)) for name in columns}
    return frame.assign(**decoded).rename(columns=names)


def _guess_encoding(texts: list[bytes]) -> str:
    if all(_is_utf8(text) for text in texts):
        return "utf-8"
    chinese = sum(_is_decodable(text, "gb2312") for text in texts)
    return "gb18030" if chinese >= _MIN_CHINESE_SHARE * len(texts) else _FALLBACK_ENCODING


def _is_utf8(text: bytes) -> bool:
    """Return whether a text is UTF-8, if need be cut off within its last character."""
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return True


def _is_decodable(text: bytes, encoding: str) -> bool:
    try:
        text.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
