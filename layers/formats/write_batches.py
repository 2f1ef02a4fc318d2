"""Writing a layer batch by batch, completely or not at all."""

import csv
import json
import warnings
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import shapely

from gis.crs import LONLAT
from layers.formats.formulas import guard_formula
from layers.formats.registry import Format, output_format
from layers.formats.write import (
    GDAL_OPTIONS,
    atomic_write,
    launder_names,
    point_coordinates,
    require_all_records,
)
from layers.formats.write_failures import write_failure

GEOMETRY_COLUMN = "geometry"
"""The last column of a stream: WKB in EPSG:4326."""


def write_batches(
    path: Path,
    schema: pa.Schema,
    batches: Iterable[pa.RecordBatch],
    layer: str,
    *,
    points: bool,
    tables: Mapping[str, pa.Table] | None = None,
) -> list[str]:
    """Write a layer that comes in batches, in the format of the extension.

    Parameters
    ----------
    path
        A file in one of the writable formats; an existing file is replaced.
    schema
        The schema of the batches: fields, then `GEOMETRY_COLUMN` as binary.
    batches
        Iterated once.
    layer
        The layer's name in a GeoPackage.
    points
        All geometries are points; a CSV then has lon and lat, else WKT.
    tables
        Tables without geometry by their names, which a GeoPackage has beside the layer.

    Returns
    -------
    list of str
        What the format could not keep.

    Raises
    ------
    InputError
        If the format cannot hold the layer or the file cannot be written.
    """
    file_format = output_format(path)
    absent = [
        f"The table of {name} is left out; a GeoPackage has it."
        for name in tables or {}
        if file_format.name != "GeoPackage"
    ]
    with atomic_write(path) as target:
        if file_format.name == "CSV":
            _write_csv(target, schema, batches, points)
            return absent
        if file_format.name == "GeoParquet":
            _write_parquet(target, schema, batches)
            return absent
        notes = _write_vector(path, target, schema, iter(batches), layer, file_format)
        if file_format.name == "GeoPackage":
            for name, table in (tables or {}).items():
                pyogrio.write_arrow(table, target, layer=name, driver=file_format.driver, geometry_type=None)
        return notes + absent


def _write_parquet(target: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    geo = {
        "version": "1.0.0",
        "primary_column": GEOMETRY_COLUMN,
        "columns": {GEOMETRY_COLUMN: {"encoding": "WKB", "geometry_types": [], "crs": LONLAT.to_json_dict()}},
    }
    described = schema.with_metadata({"geo": json.dumps(geo)})
    with pq.ParquetWriter(target, described) as writer:
        for batch in batches:
            writer.write_batch(batch.replace_schema_metadata(described.metadata))


def _write_csv(target: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch], points: bool) -> None:
    names = [name for name in schema.names if name != GEOMETRY_COLUMN]
    prefix = "wgs84_" if {"lon", "lat"} & set(names) else ""
    coordinate_columns = [f"{prefix}lon", f"{prefix}lat"] if points else [GEOMETRY_COLUMN]
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(map(guard_formula, [*names, *coordinate_columns]))
        for batch in batches:
            geometries = shapely.from_wkb(np.array(batch.column(GEOMETRY_COLUMN).to_pylist(), dtype=object))
            columns = [[guard_formula(value) for value in batch.column(name).to_pylist()] for name in names]
            if points:
                columns += [
                    [None if value != value else value for value in axis.tolist()]
                    for axis in point_coordinates(geometries)
                ]
            else:
                columns.append(shapely.to_wkt(geometries, rounding_precision=-1).tolist())
            writer.writerows(zip(*columns, strict=True))


def _write_vector(
    path: Path,
    target: Path,
    schema: pa.Schema,
    batches: Iterator[pa.RecordBatch],
    layer: str,
    file_format: Format,
) -> list[str]:
    renamed, notes = launder_names([name for name in schema.names if name != GEOMETRY_COLUMN], file_format)
    named = pa.schema([field.with_name(renamed.get(field.name, field.name)) for field in schema])
    first = next(batches, None)
    geometry_type = "Unknown"
    if file_format.name == "Shapefile":
        geometry_type = _first_geometry_type(first)

    count = 0

    def stream() -> Iterator[pa.RecordBatch]:
        nonlocal count
        for batch in batches if first is None else chain([first], batches):
            count += batch.num_rows
            yield batch.rename_columns(named.names)

    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            pyogrio.write_arrow(
                pa.RecordBatchReader.from_batches(named, stream()),
                target,
                layer=layer if file_format.name == "GeoPackage" else None,
                driver=file_format.driver,
                geometry_name=GEOMETRY_COLUMN,
                geometry_type=geometry_type,
                crs="EPSG:4326",
                layer_options=GDAL_OPTIONS.get(file_format.name, {}),
            )
    except (RuntimeError, ValueError) as error:
        raise write_failure(path, target, file_format.name, error) from error
    require_all_records(path, target, file_format, count)
    return notes + sorted({str(each.message) for each in caught})


def _first_geometry_type(batch: pa.RecordBatch | None) -> str:
    """Return the geometry type of a Shapefile: that of the first record that has a geometry."""
    if batch is not None:
        for wkb in batch.column(GEOMETRY_COLUMN).to_pylist():
            if wkb is not None:
                return str(shapely.from_wkb(wkb).geom_type)
    return "Polygon"
