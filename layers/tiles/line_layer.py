"""Lines of one layer, such as roads, made ready once for each zoom and cut into tiles."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from layers.tiles.base_polygon_layer import FULL_ZOOM, checked, checked_ids, taken
from layers.tiles.bbox_index import Boxes
from layers.tiles.clip import clip_lines
from layers.tiles.encode import LINE, Column, Paths, layer
from layers.tiles.rings import Integers, Objects, ends, runs
from layers.tiles.tile import BUFFER, HALF, Address, project, unit
from layers.tiles.zoom_cache import Zooms

TOLERANCE = 2.0
"""Units of a zoom by which simplification may move a line: a quarter of a pixel."""


class _Drawn(NamedTuple):
    """Lines of a zoom: vertices, where each line's begin, and where each row's lines begin."""

    xy: Integers
    starts: Integers
    firsts: Integers


class Lines:
    """An immutable layer of lines; safe in many threads at once.

    Parameters
    ----------
    shapes
        (Multi)LineStrings in EPSG:4326, shape (n,). None and empty ones are drawn nowhere.
    ids
        Identifiers of the features, shape (n,), not negative.

    Raises
    ------
    InputError
        If a shape is no line or there are not as many ids.
    """

    def __init__(self, shapes: Objects, ids: Integers) -> None:
        self.ids = checked_ids(ids, len(shapes))
        kinds = (shapely.GeometryType.LINESTRING, shapely.GeometryType.MULTILINESTRING)
        self._shapes = np.asarray(shapely.transform(checked(shapes, kinds, "line"), project), dtype=object)
        self._boxes = Boxes(shapely.bounds(self._shapes))
        self._zooms = Zooms[_Drawn]()

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.ids)

    def rows(self, address: Address) -> Integers:
        """Return the rows, ascending, whose box touches the tile or its buffer."""
        return self._boxes.touching(*address.reach(BUFFER + 1))

    def encode(
        self,
        name: str,
        address: Address,
        properties: Mapping[str, Column],
        rows: NDArray[np.bool_] | None = None,
    ) -> bytes:
        """Encode what lies in a tile as one layer; see `layers.tiles.base_polygon_layer.Surfaces.encode`."""
        chosen = self.rows(address)
        if rows is not None:
            chosen = chosen[rows[chosen]]
        drawn = self._zooms.at(address.z, self._made)
        counts = drawn.firsts[chosen + 1] - drawn.firsts[chosen]
        lines = runs(drawn.firsts[chosen], counts)
        sizes = np.diff(drawn.starts)[lines]
        xy = drawn.xy[runs(drawn.starts[lines], sizes)]
        xy, starts, sources = clip_lines(xy, sizes, address.buffered)
        if not len(sources):
            return b""
        owners = np.repeat(chosen, counts)[sources]
        first = np.diff(owners, prepend=-1) > 0
        features = owners[first]
        paths = Paths(xy - np.array(address.origin), starts, np.cumsum(first) - 1)
        columns = {key: taken(values, features) for key, values in properties.items()}
        return layer(name, LINE, paths, self.ids[features], columns)

    def prepare(self, zoom: int) -> None:
        """Make what the tiles of a zoom are cut from, which otherwise the first of them does."""
        self._zooms.at(zoom, self._made)

    def _made(self, zoom: int) -> _Drawn:
        size = unit(zoom)
        shapes = self._shapes
        if zoom < FULL_ZOOM:
            shapes = np.asarray(shapely.simplify(shapes, TOLERANCE * size), dtype=object)
        lines, rows = shapely.get_parts(shapes, return_index=True)
        metres, owners = shapely.get_coordinates(lines, return_index=True)
        xy = np.rint((metres - (-HALF, HALF)) / (size, -size)).astype(np.int64)
        # A vertex like the one before it goes, and a line of one vertex with it.
        keep = np.ones(len(xy), dtype=bool)
        keep[1:] = (xy[1:] != xy[:-1]).any(axis=1) | (owners[1:] != owners[:-1])
        sizes = np.bincount(owners[keep], minlength=len(lines))
        keep &= sizes[owners] > 1
        there = sizes > 1
        firsts = np.searchsorted(rows[there], np.arange(len(self) + 1))
        return _Drawn(xy[keep], ends(sizes[there]), firsts)
