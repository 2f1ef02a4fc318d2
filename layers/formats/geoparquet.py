"""GeoParquet as a stream of parts: its primary geometry, and its fields with the index of pandas."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyproj import CRS

from gis.crs import LONLAT
from gis.errors import InputError
from gis.progress import Note, no_note
from layers.formats.geometries import GeometryParser
from layers.formats.vector import LayerPart, VectorLayer

_UNNAMED_INDEX = "__index_level_"


class _Geometry(NamedTuple):
    name: str
    crs: CRS | None
    is_wkb: bool


@contextmanager
def open_geoparquet(path: Path, *, size: int, note: Note = no_note) -> Iterator[VectorLayer]:
    """Open a GeoParquet file.

    Parameters
    ----------
    path
        The file, in any of the encodings of its geometry.
    size
        The most records of a part.
    note
        Told which rings were closed.

    Raises
    ------
    OSError, ValueError
        As Arrow raises them, also on the way; a `pyproj.exceptions.CRSError` if its CRS is not known.
    InputError
        If it has no geometry, or on the way if one cannot be built.
    """
    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
        metadata = schema.metadata or {}
        primary, *others = _geometries(path, metadata)
        parser = GeometryParser(path)

        def parts() -> Iterator[LayerPart]:
            first = 0
            native = (
                None if primary.is_wkb else gpd.read_parquet(path, columns=[primary.name]).geometry.to_numpy()
            )
            for batch in file.iter_batches(batch_size=size):
                table = pa.Table.from_batches([batch])
                if native is None:
                    wkb = np.array(table.column(primary.name).to_pylist(), dtype=object)
                    geometries = parser.parse(wkb, first)
                else:
                    geometries = native[first : first + len(batch)]
                yield LayerPart(first, _index_first(table.drop_columns(primary.name), metadata), geometries)
                first += len(batch)

        yield VectorLayer(primary.crs, schema.names, (), {each.name: each.crs for each in others}, parts())
        parser.tell(note)


def _geometries(path: Path, metadata: Mapping[bytes, bytes]) -> list[_Geometry]:
    """Return the geometry columns, the primary one first; of the others those of WKB."""
    try:
        geo = json.loads(metadata[b"geo"])
        columns, primary = geo["columns"], geo["primary_column"]
        columns[primary]
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(
            f"{path} has no geometry; give a layer of features, or a CSV with coordinates."
        ) from error
    found = [
        _Geometry(name, _crs(column), column.get("encoding") == "WKB") for name, column in columns.items()
    ]
    return [each for each in found if each.name == primary] + [
        each for each in found if each.name != primary and each.is_wkb
    ]


def _crs(column: Mapping[str, Any]) -> CRS | None:
    if "crs" not in column:
        return LONLAT
    return CRS.from_user_input(column["crs"]) if column["crs"] is not None else None


def _index_first(table: pa.Table, metadata: Mapping[bytes, bytes]) -> pa.Table:
    """Put the index that pandas kept among the columns, and leave out one that only numbers the rows."""
    stored = json.loads(metadata.get(b"pandas", b"{}")).get("index_columns", [])
    index = [name for name in stored if isinstance(name, str) and name in table.column_names]
    named = {name: name for name in index if not name.startswith(_UNNAMED_INDEX)}
    for name in set(index) - set(named):
        if not pa.types.is_integer(table.schema.field(name).type):
            free = (candidate for candidate in ("index", name) if candidate not in table.column_names)
            named[name] = next(free, name)
    ordered = [name for name in index if name in named]
    ordered += [name for name in table.column_names if name not in index]
    return table.select(ordered).rename_columns([named.get(name, name) for name in ordered])
