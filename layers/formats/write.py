"""Writing files that appear whole or not at all."""

import re
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyogrio
import shapely
from pyproj import CRS

from gis.arrays import FloatArray, Geometries, ObjectArray
from gis.errors import InputError
from layers.fields.columns import free_name
from layers.formats.arrow_columns import to_frame, to_json, to_table
from layers.formats.formulas import guard_formula
from layers.formats.registry import Format, output_folder, output_format, validate_outputs
from layers.formats.sqlite_files import require_closed, sqlite_journals
from layers.formats.write_failures import os_reason, write_failure

GDAL_OPTIONS: Mapping[str, Mapping[str, object]] = {
    "GeoJSON": {"SIGNIFICANT_FIGURES": 17, "WRITE_NAME": "NO"},
    # The spatial index reorders records and cannot hold one without geometry.
    "FlatGeobuf": {"SPATIAL_INDEX": "NO"},
    "Shapefile": {"ENCODING": "UTF-8"},
}
"""Options for creating a layer with GDAL, by the name of the format."""

_NESTED = (list, dict, tuple, np.ndarray)
# Their layers have a type; one that says Polygon should hold no MultiPolygon.
_ONE_TYPE = {"GeoPackage", "FlatGeobuf"}
_MULTI: Mapping[str, Callable[[list[Any]], Any]] = {
    "Point": shapely.MultiPoint,
    "LineString": shapely.MultiLineString,
    "Polygon": shapely.MultiPolygon,
}
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
        raise InputError(f"{path} cannot be written: {os_reason(error)}.") from error
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
        raise InputError(f"{path} cannot be written: {os_reason(error)}.") from error
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
            plain = _to_plain_geometries(frame)
            if file_format.name == "GeoParquet":
                plain.assign(**_to_storable(plain)).to_parquet(target, index=False)
                continue
            plain, further = _further_geometries_to_text(plain, file_format)
            notes += further
            if file_format.name == "CSV":
                _write_csv(target, _geometry_to_columns(plain.assign(**_nested_to_json(plain))))
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
            _write_csv(target, table)
        else:
            table.to_parquet(target, index=False)


def _write_csv(target: Path, table: pd.DataFrame) -> None:
    """Write a table so that no spreadsheet takes a text in it for a formula."""
    text_types = (pd.CategoricalDtype, pd.StringDtype)
    guarded = {
        name: table[name].astype(object).map(guard_formula, na_action="ignore")
        for name in table.columns
        if table[name].dtype == object or isinstance(table[name].dtype, text_types)
    }
    header = [guard_formula(str(name)) for name in table.columns]
    table.assign(**guarded).to_csv(target, index=False, header=header)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text; incomplete characters from files become question marks."""
    with atomic_write(path) as target:
        target.write_text(text, encoding="utf-8", errors="replace")


def write_bytes(path: Path, content: bytes) -> None:
    """Write a finished document."""
    with atomic_write(path) as target:
        target.write_bytes(content)


def _to_plain_geometries(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Leave out geometries with coordinates that are not finite, which some format cannot hold."""
    geometries = frame.geometry.values
    placed = shapely.is_missing(geometries) | shapely.is_empty(geometries)
    placed |= np.isfinite(shapely.bounds(geometries)).all(axis=1)
    if placed.all():
        return frame
    finite = np.array(geometries, dtype=object)
    finite[~placed] = None
    return frame.set_geometry(gpd.GeoSeries(finite, index=frame.index, crs=frame.crs))


def _to_storable(frame: gpd.GeoDataFrame) -> dict[str, pd.Series]:
    """Return, as text, the columns of Python objects that Parquet would not give back as they are."""
    changed = {}
    for name in _object_columns(frame):
        values = frame[name].where(frame[name].notna(), None).tolist()
        try:
            array = pa.array(values)
            is_kept = not pa.types.is_nested(array.type) or array.to_pylist() == values
        except (pa.ArrowException, OverflowError):
            is_kept = False
        # It cannot store mappings in all of which there is nothing.
        if not is_kept or (pa.types.is_struct(array.type) and not array.type.num_fields):
            changed[name] = frame[name].map(to_json, na_action="ignore")
    return changed


def _further_geometries_to_text(
    frame: gpd.GeoDataFrame, file_format: Format
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Make WKT of geometries beside that of the record, for formats that hold one."""
    names = [name for name in frame.columns[frame.dtypes == "geometry"] if name != frame.geometry.name]
    texts = {
        name: pd.Series(
            shapely.to_wkt(frame[name].to_numpy(), rounding_precision=-1), index=frame.index, dtype=object
        )
        for name in names
    }
    notes = [f"{file_format.name} holds one geometry a record; '{name}' is written as text" for name in names]
    return frame.assign(**texts), notes


def _object_columns(frame: gpd.GeoDataFrame) -> list[str]:
    return [name for name in frame.columns if pd.api.types.is_object_dtype(frame[name].dtype)]


def _nested_to_json(frame: gpd.GeoDataFrame) -> dict[str, pd.Series]:
    return {
        name: frame[name].map(lambda value: to_json(value) if isinstance(value, _NESTED) else value)
        for name in _object_columns(frame)
    }


def _geometry_to_columns(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    """Put the geometry of a frame into columns: lon and lat for points, else WKT."""
    geometries = frame.geometry.values
    table = pd.DataFrame(frame.drop(columns=frame.geometry.name))
    types = shapely.get_type_id(geometries)
    if bool(((types == shapely.GeometryType.POINT) | (types == shapely.GeometryType.MISSING)).all()):
        prefix = "wgs84_" if {"lon", "lat"} & set(table.columns) else ""
        table[f"{prefix}lon"], table[f"{prefix}lat"] = point_coordinates(np.asarray(geometries, dtype=object))
    else:
        table["geometry_wkt" if "geometry" in table else "geometry"] = shapely.to_wkt(
            geometries, rounding_precision=-1
        )
    return table


def point_coordinates(points: ObjectArray) -> tuple[FloatArray, FloatArray]:
    """Return the coordinates of points, NaN where there is none or it is empty."""
    # Shapely refuses to tell the coordinates of an empty point.
    placed = points.copy()
    placed[shapely.is_empty(points)] = None
    return shapely.get_x(placed), shapely.get_y(placed)


def _write_vector(
    path: Path, target: Path, frame: gpd.GeoDataFrame, layer: str, file_format: Format
) -> list[str]:
    geometry = frame.geometry
    fields = pd.DataFrame(frame.drop(columns=geometry.name))
    renamed, notes = launder_names([str(name) for name in fields.columns], file_format)
    table = to_table(fields.rename(columns=renamed))
    if file_format.name == "Shapefile":
        table, more = _datetimes_to_text(table)
        notes += more
    geometries, geometry_type = _one_geometry_type(path, geometry.to_numpy(), file_format)
    options = {
        "layer": layer if file_format.name == "GeoPackage" else None,
        "driver": file_format.driver,
        "geometry_type": geometry_type,
        "append": file_format.name == "GeoPackage" and target.exists(),
        "layer_options": GDAL_OPTIONS.get(file_format.name, {}),
    }
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            if len({name.lower() for name in table.column_names}) < table.num_columns:
                # On its way from Arrow GDAL looks fields up by their names, whatever their case.
                plain = gpd.GeoDataFrame(to_frame(table), geometry=geometries, crs=geometry.crs)
                pyogrio.write_dataframe(plain, target, use_arrow=False, **options)
            else:
                name = free_name("geometry", table.column_names)
                wkb = pa.array(shapely.to_wkb(geometries), pa.binary())
                # A table that has no column yet has no rows either, and takes none.
                schema = table.schema.append(pa.field(name, pa.binary()))
                table = pa.Table.from_arrays([*table.columns, wkb], schema=schema)
                crs = _gdal_crs(geometry.crs)
                pyogrio.write_arrow(table, target, geometry_name=name, crs=crs, **options)
    except (RuntimeError, ValueError) as error:
        raise write_failure(path, target, file_format.name, error) from error
    require_all_records(path, target, file_format, len(frame))
    return notes + sorted({str(each.message) for each in caught})


def require_all_records(path: Path, target: Path, file_format: Format, count: int) -> None:
    """Refuse a FlatGeobuf that does not hold all records: GDAL may say nothing when the disk is full.

    Raises
    ------
    InputError
        If it cannot be read to its end, or ends early.
    """
    if file_format.name != "FlatGeobuf":
        return
    found = 0
    try:
        with pyogrio.open_arrow(target, columns=[], use_pyarrow=True) as (_, reader):
            for batch in reader:
                found += batch.num_rows
    except (RuntimeError, ValueError, OSError) as error:
        raise write_failure(path, target, file_format.name, error) from error
    if found != count:
        raise write_failure(path, target, file_format.name, ValueError(f"{found} of {count} records"))


def _gdal_crs(crs: CRS | None) -> str | None:
    if crs is None:
        return None
    epsg = crs.to_epsg()
    return f"EPSG:{epsg}" if epsg else str(crs.to_wkt("WKT1_GDAL"))


def _datetimes_to_text(table: pa.Table) -> tuple[pa.Table, list[str]]:
    notes = []
    for place, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type) or (field.metadata or {}).get(b"GDAL:OGR:type") == b"DateTime":
            texts = [
                value if value is None else str(value).replace(" ", "T")
                for value in table.column(place).to_pylist()
            ]
            table = table.set_column(place, pa.field(field.name, pa.string()), pa.array(texts, pa.string()))
            notes.append(f"Shapefile has no dates with times; '{field.name}' is written as text")
    return table, notes


def _one_geometry_type(path: Path, geometries: Geometries, file_format: Format) -> tuple[Geometries, str]:
    """Return geometries and the name of their type, made one where the format wants one."""
    types = {geometry.geom_type for geometry in geometries if geometry is not None}
    if not types:
        return geometries, "Polygon" if file_format.name == "Shapefile" else "Unknown"
    single = {name.removeprefix("Multi") for name in types}
    if len(single) > 1:
        if file_format.name == "Shapefile":
            raise InputError(
                f"{path}: a Shapefile holds one kind of geometry, not {', '.join(sorted(types))}."
            )
        return geometries, "Unknown"
    if len(types) == 1:
        return geometries, types.pop()
    if file_format.name not in _ONE_TYPE:
        return geometries, "Unknown"
    multi = [
        geometry if geometry is None or hasattr(geometry, "geoms") else _MULTI[geometry.geom_type]([geometry])
        for geometry in geometries
    ]
    return np.array([*multi, None], dtype=object)[:-1], f"Multi{single.pop()}"


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
