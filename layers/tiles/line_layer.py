"""A layer of lines, such as roads, prepared once for each zoom and cut into tiles."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import shapely

from gis.arrays import BoolArray, IntArray, ObjectArray
from layers.tiles.base_polygon_layer import FULL_ZOOM, select_rows, validate_geometries, validate_ids
from layers.tiles.bbox_index import BBoxIndex
from layers.tiles.clip import clip_lines
from layers.tiles.encode import LINE, Column, Paths, encode_layer
from layers.tiles.rings import expand_runs, offsets_from_sizes
from layers.tiles.tile import BUFFER, HALF_WORLD_M, Tile, project, unit_size
from layers.tiles.zoom_cache import ZoomCache

TOLERANCE = 2.0
"""Units of a zoom by which simplification may move a line: a quarter of a pixel."""


class _ZoomLines(NamedTuple):
    """The lines of a zoom: vertices, the start of each line, and the first line of each row."""

    xy: IntArray
    starts: IntArray
    firsts: IntArray


class LineLayer:
    """An immutable layer of lines; safe in many threads at once.

    Parameters
    ----------
    geometries
        (Multi)LineStrings in EPSG:4326, shape (n,). None and empty ones are drawn nowhere.
    ids
        Identifiers of the features, shape (n,), not negative.

    Raises
    ------
    InputError
        If a geometry is no line, or the number of ids differs.
    """

    def __init__(self, geometries: ObjectArray, ids: IntArray) -> None:
        self.ids = validate_ids(ids, len(geometries))
        kinds = (shapely.GeometryType.LINESTRING, shapely.GeometryType.MULTILINESTRING)
        self._geometries = np.asarray(
            shapely.transform(validate_geometries(geometries, kinds, "line"), project), dtype=object
        )
        self._index = BBoxIndex(shapely.bounds(self._geometries))
        self._zooms = ZoomCache[_ZoomLines]()

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.ids)

    def query(self, tile: Tile) -> IntArray:
        """Return the rows, ascending, whose box touches the tile or its buffer."""
        return self._index.query(*tile.buffered_xy_bounds(BUFFER + 1))

    def encode(
        self,
        name: str,
        tile: Tile,
        properties: Mapping[str, Column],
        mask: BoolArray | None = None,
    ) -> bytes:
        """Encode what lies in a tile as one layer; see `BasePolygonLayer.encode`."""
        chosen = self.query(tile)
        if mask is not None:
            chosen = chosen[mask[chosen]]
        zoom_lines = self._zooms.get_or_build(tile.z, self._build_zoom)
        counts = zoom_lines.firsts[chosen + 1] - zoom_lines.firsts[chosen]
        lines = expand_runs(zoom_lines.firsts[chosen], counts)
        sizes = np.diff(zoom_lines.starts)[lines]
        xy = zoom_lines.xy[expand_runs(zoom_lines.starts[lines], sizes)]
        xy, starts, sources = clip_lines(xy, sizes, tile.buffered_extent)
        if not len(sources):
            return b""
        owners = np.repeat(chosen, counts)[sources]
        first = np.diff(owners, prepend=-1) > 0
        features = owners[first]
        paths = Paths(xy - np.array(tile.origin), starts, np.cumsum(first) - 1)
        columns = {key: select_rows(values, features) for key, values in properties.items()}
        return encode_layer(name, LINE, paths, self.ids[features], columns)

    def prepare(self, zoom: int) -> None:
        """Prepare the geometries of a zoom, which its first tile would otherwise do."""
        self._zooms.get_or_build(zoom, self._build_zoom)

    def _build_zoom(self, zoom: int) -> _ZoomLines:
        size = unit_size(zoom)
        geometries = self._geometries
        if zoom < FULL_ZOOM:
            geometries = np.asarray(shapely.simplify(geometries, TOLERANCE * size), dtype=object)
        lines, rows = shapely.get_parts(geometries, return_index=True)
        metres, owners = shapely.get_coordinates(lines, return_index=True)
        xy = np.rint((metres - (-HALF_WORLD_M, HALF_WORLD_M)) / (size, -size)).astype(np.int64)
        # Repeated vertices are removed, and with them lines of one vertex.
        keep = np.ones(len(xy), dtype=bool)
        keep[1:] = (xy[1:] != xy[:-1]).any(axis=1) | (owners[1:] != owners[:-1])
        sizes = np.bincount(owners[keep], minlength=len(lines))
        keep &= sizes[owners] > 1
        there = sizes > 1
        firsts = np.searchsorted(rows[there], np.arange(len(self) + 1))
        return _ZoomLines(xy[keep], offsets_from_sizes(sizes[there]), firsts)
