"""Reading a layer batch by batch, so that memory does not grow with the file."""

from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import shapely
from pyproj import CRS

from gis.arrays import ObjectArray
from gis.errors import InputError
from gis.progress import Note, no_note
from layers.formats.arrow_columns import to_values
from layers.formats.crs_of_files import find_crs_override, to_lonlat_2d
from layers.formats.delimited_frames import DelimitedOptions, read_delimited_chunks
from layers.formats.gdal import without_warnings
from layers.formats.geojson import estimate_features
from layers.formats.geoparquet import open_geoparquet
from layers.formats.read import (
    choose_layer,
    count_vertices,
    read_error,
    read_layer,
    require_vertex_limit,
)
from layers.formats.registry import Format, input_format
from layers.formats.vector import PART_SIZE, VectorLayer, open_layer


@dataclass(frozen=True)
class Batch:
    """Some records of a layer.

    Attributes
    ----------
    first
        Number of the first record in the file, from 0.
    columns
        Field → values as Python objects, None where missing; all of one length.
    geometries
        ndarray of geometries in EPSG:4326, two-dimensional, None where missing.
    """

    first: int
    columns: Mapping[str, Sequence[Any]]
    geometries: ObjectArray

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.geometries)


@dataclass(frozen=True)
class Batches:
    """A layer as a stream of batches, which can be walked once.

    Attributes
    ----------
    total
        Records of the layer, for telling progress; None where the format does not tell.
    stream
        The batches.
    """

    total: int | None
    stream: Iterator[Batch]


@contextmanager
def read_batches(
    path: Path,
    *,
    role: str,
    layer: str | None = None,
    where: str | None = None,
    source_crs: str | None = None,
    lon_field: str | None = None,
    lat_field: str | None = None,
    encoding: str | None = None,
    keys: Collection[str | None] = (),
    max_vertices: int | None = None,
    size: int = PART_SIZE,
    note: Note = no_note,
) -> Iterator[Batches]:
    """Open a layer for reading in batches.

    Parameters
    ----------
    path, role, layer, where, source_crs, lon_field, lat_field, encoding, max_vertices, note
        As for `layers.formats.read_layer`.
    keys
        Fields the caller will ask for, as for `layers.formats.vector.open_layer`.
    size
        The most records of a batch.

    Raises
    ------
    InputError
        With one sentence that names the file and what is wrong with it, when opened or on the way.
    LimitError
        On the way, at the batch with which there are more vertices.
    """
    with _open_batches(
        path, role, layer, where, source_crs, lon_field, lat_field, encoding, keys, size, note
    ) as batches:
        yield Batches(batches.total, _limit_vertices(batches.stream, path, max_vertices))


def _limit_vertices(batches: Iterable[Batch], path: Path, max_vertices: int | None) -> Iterator[Batch]:
    vertices = 0
    for batch in batches:
        vertices += count_vertices(batch.geometries)
        require_vertex_limit(path, vertices, max_vertices)
        yield batch


@contextmanager
def _open_batches(
    path: Path,
    role: str,
    layer: str | None,
    where: str | None,
    source_crs: str | None,
    lon_field: str | None,
    lat_field: str | None,
    encoding: str | None,
    keys: Collection[str | None],
    size: int,
    note: Note,
) -> Iterator[Batches]:
    file_format = input_format(path)
    if file_format.name in {"CSV", "GeoParquet"} and where:
        raise InputError(
            f"{path}: a condition (--where) is for layers that GDAL reads, not for {file_format.name}."
        )
    crs_override = find_crs_override(path, file_format, source_crs)
    if file_format.name == "CSV":
        options = DelimitedOptions(lon_field, lat_field, encoding, note)
        chunks = read_delimited_chunks(path, options, size)
        with closing(chunks.stream), closing(_frame_batches(chunks.stream, path, crs_override)) as stream:
            yield Batches(chunks.total, stream)
    elif file_format.name == "OSM PBF" or file_format.driver == "ESRI Shapefile":
        frame = read_layer(
            path, role=role, layer=layer, where=where, source_crs=source_crs, encoding=encoding, note=note
        )
        parts = (frame.iloc[start : start + size] for start in range(0, len(frame), size))
        yield Batches(len(frame), _frame_batches(parts, path, None))
    else:
        with ExitStack() as stack:
            try:
                if file_format.name == "GeoParquet":
                    total = pq.read_metadata(path).num_rows
                    opened = stack.enter_context(open_geoparquet(path, size=size, note=note))
                else:
                    chosen = choose_layer(path, layer, role)
                    total = None if where else _count_features(path, chosen, file_format)
                    opened = stack.enter_context(
                        open_layer(
                            path, file_format, layer=chosen, where=where, size=size, keys=keys, note=note
                        )
                    )
            except (RuntimeError, ValueError, OSError) as error:
                raise read_error(path, file_format, error) from error
            yield Batches(total, _vector_batches(opened, path, file_format, crs_override))


def _count_features(path: Path, layer: str | None, file_format: Format) -> int | None:
    if file_format.name == "GeoJSON":
        return estimate_features(path)
    with without_warnings():
        found = int(pyogrio.read_info(path, layer=layer)["features"])
    return None if found < 0 else found


def _vector_batches(
    layer: VectorLayer, path: Path, file_format: Format, crs_override: CRS | None
) -> Iterator[Batch]:
    parts = iter(layer.parts)
    records = 0
    while True:
        try:
            part = next(parts, None)
        except (pa.ArrowException, shapely.errors.GEOSException, RuntimeError, OSError) as error:
            raise read_error(path, file_format, error) from error
        if part is None:
            break
        frame = gpd.GeoDataFrame(geometry=part.geometries, crs=layer.crs)
        geometries = to_lonlat_2d(
            frame, path, crs_override=crs_override, first=part.first
        ).geometry.to_numpy()
        columns = {name: to_values(part.fields.column(name)) for name in part.fields.column_names}
        for name in layer.other_geometries:
            columns[name] = shapely.to_wkt(shapely.from_wkb(columns[name]), rounding_precision=-1).tolist()
        yield Batch(part.first, columns, geometries)
        records += len(geometries)
    if records == 0:
        raise InputError(f"{path} holds no records.")


def _frame_batches(
    frames: Iterable[gpd.GeoDataFrame], path: Path, crs_override: CRS | None
) -> Generator[Batch, None, None]:
    first = 0
    for frame in frames:
        geometries = to_lonlat_2d(frame, path, crs_override=crs_override, first=first).geometry.to_numpy()
        table = frame.drop(columns=frame.geometry.name)
        columns = {
            str(name): table[name].astype(object).where(table[name].notna(), None).tolist()
            for name in table.columns
        }
        yield Batch(first, columns, geometries)
        first += len(frame)
