"""Writing files that appear whole or not at all."""

import json
import re
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from gis.errors import InputError
from layers.formats.registry import Format, output_folder, output_format, validate_outputs
from layers.formats.sqlite_files import require_closed, sqlite_journals

GDAL_OPTIONS: Mapping[str, Mapping[str, object]] = {
    "GeoJSON": {"SIGNIFICANT_FIGURES": 17, "WRITE_NAME": "NO"},
    # The spatial index reorders records and cannot hold one without geometry.
    "FlatGeobuf": {"SPATIAL_INDEX": "NO"},
    "Shapefile": {"ENCODING": "UTF-8"},
}
"""Options for creating a layer with GDAL, by the name of the format."""

_MIN_FREE_BYTES = 1 << 20
_SHAPEFILE_MAX_NAME_BYTES = 10
_SHAPEFILE_SIDECARS = (".shx", ".dbf", ".prj", ".cpg", ".qix", ".sbn", ".sbx")


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path; move it to `path` if the block succeeds, and leave nothing otherwise.

    Files beside it (the parts of a Shapefile) move along, the named one last. A file that was there keeps its
    permissions, and a link goes on pointing to the file it names.

    Raises
    ------
    InputError
        If the folder cannot be written, the disk is full, or another program has the old file open.
    """
    path = path.resolve() if path.is_symlink() else path
    folder = output_folder(path)
    require_closed(path)
    try:
        temp_dir = Path(tempfile.mkdtemp(prefix=f".{path.stem}-", dir=folder))
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from error
    try:
        yield temp_dir / path.name
        parts = sorted(temp_dir.iterdir(), key=lambda part: part.name == path.name)
        if path.suffix.lower() == ".shp":
            for suffix in _SHAPEFILE_SIDECARS:
                path.with_suffix(suffix).unlink(missing_ok=True)
        if path.exists():
            for part in parts:
                shutil.copymode(path, part)
        # A journal of the former file would be played into the new one.
        require_closed(path)
        for journal in sqlite_journals(path):
            journal.unlink(missing_ok=True)
        for part in parts:
            part.replace(folder / part.name)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(temp_dir, ignore_errors=True)


def write_layer(path: Path, frame: gpd.GeoDataFrame, layer: str | None = None) -> list[str]:
    """Write one layer in the format of the extension.

    Parameters
    ----------
    path
        A file in one of the writable formats; an existing file is replaced.
    frame
        EPSG:4326; columns of lists or mappings are written as JSON text.
    layer
        The layer's name in a GeoPackage; the file's stem when not given.

    Returns
    -------
    list of str
        What the format could not keep, such as shortened field names; usually empty.

    Raises
    ------
    InputError
        If the format cannot hold the layer or the file cannot be written.
    """
    return write_layers(path, {layer or path.stem: frame})


def write_layers(path: Path, layers: Mapping[str, gpd.GeoDataFrame]) -> list[str]:
    """Write several layers into one file; only a GeoPackage holds more than one.

    Returns and raises as `write_layer` does.
    """
    file_format = output_format(path)
    named = {re.sub(r"\W+", "_", name).strip("_") or "layer": frame for name, frame in layers.items()}
    if len(layers) != 1 and file_format.name != "GeoPackage":
        raise InputError(f"{path}: {file_format.name} holds one layer a file; use a GeoPackage.")
    notes: list[str] = []
    with atomic_write(path) as target:
        for name, frame in named.items():
            plain = _to_plain_columns(frame)
            if file_format.name == "GeoParquet":
                plain.to_parquet(target, index=False)
            elif file_format.name == "CSV":
                _geometry_to_columns(plain).to_csv(target, index=False)
            else:
                notes += _write_vector(path, target, plain, name, file_format)
    return notes


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table without geometry as CSV or Parquet.

    Raises
    ------
    InputError
        If the extension is neither, or the file cannot be written.
    """
    validate_outputs(tables=[path])
    with atomic_write(path) as target:
        if path.suffix.lower() == ".csv":
            table.to_csv(target, index=False)
        else:
            table.to_parquet(target, index=False)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text; incomplete characters from files become question marks."""
    with atomic_write(path) as target:
        target.write_text(text, encoding="utf-8", errors="replace")


def write_bytes(path: Path, content: bytes) -> None:
    """Write a finished document."""
    with atomic_write(path) as target:
        target.write_bytes(content)


def _to_plain_columns(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Convert values that some format cannot hold: types of columns, and coordinates that are not finite."""
    geometries = frame.geometry.values
    placed = shapely.is_missing(geometries) | shapely.is_empty(geometries)
    placed |= np.isfinite(shapely.bounds(geometries)).all(axis=1)
    if not placed.all():
        finite = np.array(geometries, dtype=object)
        finite[~placed] = None
        frame = frame.set_geometry(gpd.GeoSeries(finite, index=frame.index, crs=frame.crs))
    changed = {}
    for name in frame.columns:
        column = frame[name]
        if name == frame.geometry.name:
            continue
        if isinstance(column.dtype, pd.CategoricalDtype):
            changed[name] = column.astype(object)
        elif (
            column.dtype == object and column.map(lambda value: isinstance(value, list | dict | tuple)).any()
        ):
            changed[name] = column.map(
                lambda value: json.dumps(value, ensure_ascii=False), na_action="ignore"
            )
    return frame.assign(**changed) if changed else frame


def _geometry_to_columns(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    """Put the geometry of a frame into columns: lon and lat for points, else WKT."""
    geometries = frame.geometry.values
    table = pd.DataFrame(frame.drop(columns=frame.geometry.name))
    types = shapely.get_type_id(geometries)
    if bool(((types == shapely.GeometryType.POINT) | (types == shapely.GeometryType.MISSING)).all()):
        prefix = "wgs84_" if {"lon", "lat"} & set(table.columns) else ""
        table[f"{prefix}lon"], table[f"{prefix}lat"] = shapely.get_x(geometries), shapely.get_y(geometries)
    else:
        table["geometry_wkt" if "geometry" in table else "geometry"] = shapely.to_wkt(
            geometries, rounding_precision=-1
        )
    return table


def _write_vector(
    path: Path, target: Path, frame: gpd.GeoDataFrame, layer: str, file_format: Format
) -> list[str]:
    options = dict(GDAL_OPTIONS.get(file_format.name, {}))
    renamed, notes = launder_names(
        [str(name) for name in frame.columns.drop([frame.geometry.name])], file_format
    )
    frame = frame.rename(columns=renamed)
    types = set(frame.geometry.geom_type.dropna())
    if file_format.name == "Shapefile" and len({name.removeprefix("Multi") for name in types}) > 1:
        raise InputError(f"{path}: a Shapefile holds one kind of geometry, not {', '.join(sorted(types))}.")
    if not types:
        options["geometry_type"] = "Unknown" if file_format.name != "Shapefile" else "Polygon"
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            pyogrio.write_dataframe(
                frame,
                target,
                layer=layer if file_format.name == "GeoPackage" else None,
                driver=file_format.driver,
                append=file_format.name == "GeoPackage" and target.exists(),
                **options,
            )
    except (RuntimeError, ValueError) as error:
        if shutil.disk_usage(target.parent).free < _MIN_FREE_BYTES:
            raise InputError(f"{path} cannot be written: no space left on the disk.") from error
        raise InputError(
            f"{path} cannot be written as {file_format.name}: {str(error).splitlines()[0]}"
        ) from error
    return notes + sorted({str(each.message) for each in caught})


def launder_names(columns: Sequence[str], file_format: Format) -> tuple[dict[str, str], list[str]]:
    """Rename columns that a format considers equal, reserves, or has no room for.

    Returns
    -------
    renamed : dict
        Old name → new name, of those that change.
    notes : list of str
        A sentence for each.
    """
    if file_format.name == "GeoJSON":
        return {}, []
    used = {"fid", "geom", "ogc_fid"} if file_format.name == "GeoPackage" else set()
    max_bytes = _SHAPEFILE_MAX_NAME_BYTES if file_format.name == "Shapefile" else 1_000
    renamed = {}
    for column in columns:
        name, number = _truncate_utf8(column, max_bytes), 1
        while name.lower() in used:
            ending = f"_{number}"
            name, number = _truncate_utf8(column, max_bytes - len(ending)) + ending, number + 1
        used.add(name.lower())
        if name != column:
            renamed[column] = name
    notes = [
        f"{file_format.name} has no field '{old}'; it is written as '{new}'" for old, new in renamed.items()
    ]
    return renamed, notes


def _truncate_utf8(name: str, max_bytes: int) -> str:
    """Cut a name to a number of bytes of UTF-8 at the end of a character."""
    return name.encode()[:max_bytes].decode(errors="ignore")
