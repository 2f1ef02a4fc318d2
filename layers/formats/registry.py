"""The file formats and their extensions."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gis.errors import InputError
from layers.formats.sqlite_files import require_closed


@dataclass(frozen=True)
class Format:
    """A file format: its display name, its GDAL driver if GDAL does the work, and its capabilities."""

    name: str
    suffixes: tuple[str, ...]
    driver: str | None = None
    writable: bool = True


FORMATS = (
    Format("GeoPackage", (".gpkg",), "GPKG"),
    Format("GeoJSON", (".geojson", ".json"), "GeoJSON"),
    Format("GeoParquet", (".parquet", ".geoparquet")),
    Format("FlatGeobuf", (".fgb",), "FlatGeobuf"),
    Format("Shapefile", (".shp",), "ESRI Shapefile"),
    Format("CSV", (".csv",)),
    Format("OSM PBF", (".pbf", ".osm"), "OSM", writable=False),
    Format("zipped Shapefile", (".zip",), "ESRI Shapefile", writable=False),
)
WORKBOOK = Format("Excel", (".xlsx",), "XLSX", writable=False)
"""Read as a table of text, never as a layer."""

READABLE_EXTENSIONS = tuple(suffix for each in FORMATS for suffix in each.suffixes)
TABLE_EXTENSIONS = (".csv", ".parquet")
"""The extensions of tables without geometry."""

_MAX_NAME_BYTES = 240
# A file system allows 255, of which journals and temporary names need some.

WRITABLE_EXTENSIONS = tuple(suffix for each in FORMATS if each.writable for suffix in each.suffixes)


def _find_format(path: Path) -> Format | None:
    suffix = path.suffix.lower()
    return next((each for each in FORMATS if suffix in each.suffixes), None)


def input_format(path: Path, *, as_table: bool = False) -> Format:
    """Return the format of a file to read, which may be a workbook if only its table is wanted.

    Raises
    ------
    InputError
        If the file is missing, is a folder, cannot be opened, or its extension is unknown.
    """
    if not path.exists():
        raise InputError(f"{path}: there is no such file.")
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file in it.")
    if not os.access(path, os.R_OK):
        raise InputError(f"{path} cannot be opened: permission denied.")
    if as_table and path.suffix.lower() in WORKBOOK.suffixes:
        return WORKBOOK
    found = _find_format(path)
    if found is None:
        known = (*READABLE_EXTENSIONS, *(WORKBOOK.suffixes if as_table else ()))
        raise InputError(f"{path}: the extension '{path.suffix}' is not one of {', '.join(known)}.")
    return found


def output_format(path: Path) -> Format:
    """Return the format of an output file, so that a wrong name is reported before any work is done.

    Raises
    ------
    InputError
        If the extension is unknown or read-only, or the folder is missing or cannot be written.
    """
    found = _find_format(path)
    if found is None or not found.writable:
        raise InputError(
            f"{path}: cannot write '{path.suffix}' files; use one of {', '.join(WRITABLE_EXTENSIONS)}."
        )
    output_folder(path)
    return found


def validate_outputs(
    *,
    layers: Iterable[Path | None] = (),
    tables: Iterable[Path | None] = (),
    texts: Mapping[Path | None, tuple[str, ...]] | None = None,
) -> None:
    """Validate the names of all output files of a command before it does any work.

    Parameters
    ----------
    layers, tables
        Files with and without geometry; None is ignored.
    texts
        Other files with the extensions they may have.

    Raises
    ------
    InputError
        If one of them cannot be written or is open in another program, or two are the same.
    """
    planned: list[Path] = []
    for path in filter(None, layers):
        output_format(path)
        planned.append(path)
    for other, suffixes in [*((path, TABLE_EXTENSIONS) for path in tables), *(texts or {}).items()]:
        if other is None:
            continue
        if other.suffix.lower() not in suffixes:
            raise InputError(f"{other}: give it the extension {' or '.join(suffixes)}.")
        output_folder(other)
        planned.append(other)
    for path in planned:
        require_closed(path)
    names = [path.resolve() for path in planned]
    for place, path in enumerate(planned):
        if names[place] in names[:place]:
            raise InputError(f"{path} is named for two outputs; give each its own name.")


def output_folder(path: Path) -> Path:
    """Return the folder a file is to be written to.

    Raises
    ------
    InputError
        If the folder is missing or cannot be written, or the path itself is a folder.
    """
    folder = path.parent
    if len(os.fsencode(path.name)) > _MAX_NAME_BYTES:
        raise InputError(f"{path.name[:40]}… cannot be written: the name is too long; give a shorter one.")
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file.")
    if not folder.is_dir():
        raise InputError(f"{path} cannot be written: there is no folder {folder}.")
    if not os.access(folder, os.W_OK):
        raise InputError(f"{path} cannot be written: you may not write to the folder {folder}.")
    return folder
