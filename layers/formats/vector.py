"""Layers as GDAL gives them: fields as they are stored, geometries with straight edges and closed rings."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyogrio
import shapely
from pyproj import CRS

from gis.arrays import Geometries
from gis.errors import InputError
from gis.progress import Note, no_note
from layers.fields.columns import free_name
from layers.formats.arrow_columns import to_datetimes, to_frame
from layers.formats.gdal import without_warnings
from layers.formats.geojson import has_numbered_features, long_numbers
from layers.formats.geometries import GeometryParser, drop_empty_holes, has_arcs
from layers.formats.registry import Format

PART_SIZE = 20_000
"""Records that are read at a time."""

_PLAIN_KEYS = {"", "fid", "ogc_fid"}
"""Names that GDAL gives the key of a table by itself; another is a field of whoever made the table."""


class LayerPart(NamedTuple):
    """Some records of a layer: the number of the first from 0, their fields, their geometries."""

    first: int
    fields: pa.Table
    geometries: Geometries


class VectorLayer(NamedTuple):
    """A layer as a stream.

    Attributes
    ----------
    crs
        Of its geometries; None where the file names none.
    fields
        The names of the fields.
    datetimes
        Fields of dates with times, which come as text in ISO 8601.
    other_geometries
        Fields of further geometries, which come as WKB, each with its CRS.
    parts
        Can be walked once.
    """

    crs: CRS | None
    fields: Sequence[str]
    datetimes: Collection[str]
    other_geometries: Mapping[str, CRS | None]
    parts: Iterator[LayerPart]


@contextmanager
def open_layer(
    path: Path,
    file_format: Format,
    *,
    source: str | None = None,
    layer: str | None,
    where: str | None,
    size: int,
    keys: Collection[str | None] = (),
    note: Note = no_note,
    **options: Any,
) -> Iterator[VectorLayer]:
    """Open a layer that GDAL reads.

    Parameters
    ----------
    path, file_format
        The file, as messages name it.
    source
        What GDAL opens, where that is not the path.
    layer, where
        Its name (the first when not given), and a condition in SQL.
    size
        The most records of a part.
    keys
        Fields that the caller asks for: the key of a table is among its fields if it is one of them.
    note
        Told which rings were closed.
    options
        For GDAL's driver.

    Raises
    ------
    RuntimeError, ValueError, OSError
        As GDAL and Arrow raise them, also on the way.
    InputError
        If it has no geometry, or on the way if one cannot be built.
    """
    source = source or str(path)
    if file_format.name == "GeoJSON":
        # It has no dates: what looks like one is text.
        options["DATE_AS_STRING"] = "YES"
    opened = pyogrio.open_arrow(
        source,
        layer=layer,
        where=where,
        batch_size=size,
        use_pyarrow=True,
        return_fids=True,
        datetime_as_string=True,
        **options,
    )
    with ExitStack() as stack:
        with without_warnings():
            meta, reader = stack.enter_context(opened)
        if meta["geometry_type"] is None:
            raise InputError(f"{path} has no geometry; give a layer of features, or a CSV with coordinates.")
        parser = GeometryParser(path)
        context = _Reading(path, file_format, source, layer, where, keys, meta, options)
        datetimes = tuple(
            str(name)
            for name, dtype in zip(meta["fields"], meta["dtypes"], strict=True)
            if str(dtype).startswith("datetime") and dtype != "datetime64[D]"
        )
        crs = CRS.from_user_input(meta["crs"]) if meta["crs"] else None
        yield VectorLayer(crs, list(map(str, meta["fields"])), datetimes, {}, context.parts(reader, parser))
        parser.tell(note)


def collect(layer: VectorLayer) -> gpd.GeoDataFrame:
    """Read all parts of a layer into one frame, in the CRS of the file."""
    parts = list(layer.parts)
    if not parts:
        return gpd.GeoDataFrame(geometry=[], crs=layer.crs)
    frame = to_frame(pa.concat_tables([part.fields for part in parts], promote_options="permissive"))
    for name in layer.datetimes:
        frame[name] = to_datetimes(frame[name])
    for name, crs in layer.other_geometries.items():
        frame[name] = gpd.GeoSeries(shapely.from_wkb(frame[name].to_numpy()), crs=crs)
    if "geometry" in frame.columns:
        frame = frame.rename(columns={"geometry": free_name("geometry_text", frame.columns)})
    geometries = np.concatenate([part.geometries for part in parts])
    return gpd.GeoDataFrame(frame, geometry=geometries, crs=layer.crs)


class _Reading:
    """How a layer is being read: what decides on its fields, and how its arcs are read."""

    def __init__(
        self,
        path: Path,
        file_format: Format,
        source: str,
        layer: str | None,
        where: str | None,
        keys: Collection[str | None],
        meta: dict[str, Any],
        options: dict[str, Any],
    ) -> None:
        self._path, self._source, self._layer, self._where = path, source, layer, where
        self._options = options
        self._is_geojson = file_format.name == "GeoJSON"
        self._has_arcs = False
        floats = [
            str(name)
            for name, kind in zip(meta["fields"], meta["ogr_types"], strict=True)
            if kind == "OFTReal"
        ]
        self._long_numbers = long_numbers(path, floats) if self._is_geojson else {}
        self._key = self._key_field(file_format, meta, keys)

    def _key_field(
        self, file_format: Format, meta: dict[str, Any], keys: Collection[str | None]
    ) -> str | None:
        """Return the field that GDAL gives as the number of a feature, if it is one of the file's own."""
        fields = {str(name).lower() for name in meta["fields"]}
        if file_format.name == "GeoPackage":
            name = str(meta["fid_column"])
            asked = name in keys or name.lower() not in _PLAIN_KEYS
            return name if name and asked and name.lower() not in fields else None
        if self._is_geojson and "id" not in fields and has_numbered_features(self._path):
            numbers = pyogrio.raw.read(
                self._source, layer=self._layer, columns=[], read_geometry=False, return_fids=True
            )[1]
            return "id" if not np.array_equal(numbers, np.arange(len(numbers))) else None
        return None

    def parts(self, reader: Iterator[pa.RecordBatch], parser: GeometryParser) -> Iterator[LayerPart]:
        first = 0
        while True:
            with without_warnings():
                batch = next(reader, None)
            if batch is None:
                return
            shape = _geometry_place(batch.schema)
            numbers = batch.column(0)
            wkb = np.array(batch.column(shape).to_pylist(), dtype=object)
            names = [name for place, name in enumerate(batch.schema.names) if place not in (0, shape)]
            columns = [batch.column(place) for place in range(batch.num_columns) if place not in (0, shape)]
            columns = [
                self._exact_column(name, column, numbers) for name, column in zip(names, columns, strict=True)
            ]
            if self._key is not None:
                names, columns = [self._key, *names], [numbers, *columns]
            fields = pa.Table.from_arrays(columns, names=names)
            yield LayerPart(first, fields, self._geometries(wkb, parser, first))
            first += batch.num_rows

    def _geometries(self, wkb: Any, parser: GeometryParser, first: int) -> Geometries:
        if not self._has_arcs:
            try:
                return parser.parse(wkb, first)
            except NotImplementedError:
                self._has_arcs = True
        # GDAL draws arcs as chains of chords of 4°, but not on its way to Arrow.
        with without_warnings():
            frame = pyogrio.read_dataframe(
                self._source,
                layer=self._layer,
                where=self._where,
                columns=[],
                skip_features=first,
                max_features=len(wkb),
                use_arrow=False,
                on_invalid="fix",
                **self._options,
            )
        geometries = np.asarray(frame.geometry.to_numpy(), dtype=object)
        for row, geometry in enumerate(geometries):
            if has_arcs(np.array([geometry], dtype=object)):
                raise InputError(
                    f"{self._path}: record {first + row + 1} is a collection with arcs among its parts; "
                    "split it into its parts."
                )
        return drop_empty_holes(geometries)

    def _exact_column(self, name: str, column: pa.Array, numbers: pa.Array) -> pa.Array:
        """Return a column, as text if GDAL made floats of integers with more digits than these keep."""
        if name not in self._long_numbers:
            return column
        found = self._long_numbers[name]
        return pa.array([found.get(number) for number in numbers.to_pylist()], pa.string())


def _geometry_place(schema: pa.Schema) -> int:
    """Return the place of the geometry, which is marked as such."""
    marked = [
        place
        for place, field in enumerate(schema)
        if (field.metadata or {}).get(b"ARROW:extension:name") in {b"geoarrow.wkb", b"ogc.wkb"}
    ]
    return marked[-1]
