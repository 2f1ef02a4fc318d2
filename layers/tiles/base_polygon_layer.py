"""The base of polygon layers, which are prepared once for each zoom and cut into tiles."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.arrays import BoolArray, FloatArray, IntArray, ObjectArray
from gis.errors import InputError
from layers.tiles.bbox_index import BBoxIndex
from layers.tiles.clip import clip_rings, compare_bboxes
from layers.tiles.encode import POLYGON, Column, Paths, encode_layer
from layers.tiles.rings import FloatRings, Rings, expand_runs, offsets_from_sizes
from layers.tiles.tile import BUFFER, HALF_WORLD_M, Tile, project, unit_size
from layers.tiles.zoom_cache import ZoomCache

FULL_ZOOM = 15
"""From this zoom on nothing is simplified."""

# Up to this zoom the units of the world, and some beyond its edge, fit into four bytes.
_NARROW_ZOOM = 17


class ZoomRings(NamedTuple):
    """The geometries from which the tiles of a zoom are cut, in units of the whole world.

    Rings as in `layers.tiles.rings.Rings`, the box of each row, and where its rings begin.
    """

    xy: NDArray[np.int32] | IntArray
    starts: IntArray
    parts: IntArray
    rows: IntArray
    bboxes: IntArray
    firsts: IntArray

    def rings_of(self, rows: IntArray) -> Rings:
        """Return the rings of ascending rows."""
        chosen = expand_runs(self.firsts[rows], self.firsts[rows + 1] - self.firsts[rows])
        sizes = self.starts[chosen + 1] - self.starts[chosen]
        xy = self.xy[expand_runs(self.starts[chosen], sizes)].astype(np.int64)
        return Rings(xy, offsets_from_sizes(sizes), self.parts[chosen], self.rows[chosen])


class BasePolygonLayer(ABC):
    """An immutable layer of polygons; safe in many threads at once.

    Parameters
    ----------
    geometries
        (Multi)Polygons in EPSG:4326, shape (n,). None and empty ones are drawn nowhere.
    ids
        Identifiers of the features, shape (n,), not negative.

    Raises
    ------
    InputError
        If a geometry is no polygon, or the number of ids differs.
    """

    def __init__(self, geometries: ObjectArray, ids: IntArray) -> None:
        kinds = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
        known = validate_geometries(geometries, kinds, "polygon")
        rings = FloatRings.from_geometries(known)
        # The vertices of hundreds of thousands of polygons take a fraction of the memory of the geometries.
        rings = rings._replace(xy=project(rings.xy))
        bboxes = project(shapely.bounds(known).reshape(-1, 2)).reshape(-1, 4)
        self._set_rings(rings, bboxes, validate_ids(ids, len(geometries)))

    def _set_rings(self, rings: FloatRings, bboxes: FloatArray, ids: IntArray) -> None:
        """Initialise from outlines and boxes in Web Mercator, and ids."""
        self.ids = ids
        self._index = BBoxIndex(bboxes)
        self._rings = rings
        self._zooms = ZoomCache[ZoomRings]()

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.ids)

    def query(self, tile: Tile) -> IntArray:
        """Return the rows, ascending, whose box touches the tile or its buffer."""
        # Rounding and simplification move nothing by more than a unit out of its box.
        return self._index.query(*tile.buffered_xy_bounds(BUFFER + 1))

    def encode(
        self,
        name: str,
        tile: Tile,
        properties: Mapping[str, Column],
        mask: BoolArray | None = None,
    ) -> bytes:
        """Encode what lies in a tile as one layer.

        Parameters
        ----------
        name
            The layer's name.
        tile
            The tile.
        properties
            A column of n values for each key, as `layers.tiles.encode.encode_layer` takes them.
        mask
            Which rows may be drawn, shape (n,); all if None.

        Returns
        -------
        bytes
            Empty where nothing lies in the tile.

        Raises
        ------
        InputError
            If a column cannot be encoded.
        """
        shown = self._clipped_rings(tile, mask)
        if not len(shown.rows):
            return b""
        first = np.diff(shown.rows, prepend=-1) > 0
        features = shown.rows[first]
        paths = Paths(shown.xy - np.array(tile.origin), shown.starts, np.cumsum(first) - 1)
        columns = {key: select_rows(column, features) for key, column in properties.items()}
        return encode_layer(name, POLYGON, paths, self.ids[features], columns)

    def prepare(self, zoom: int) -> None:
        """Prepare the geometries of a zoom, which its first tile would otherwise do."""
        self._zooms.get_or_build(zoom, self._build_zoom)

    def is_ready(self, zoom: int) -> bool:
        """Return whether the geometries of a zoom are prepared."""
        return self._zooms.is_ready(zoom)

    def _needs_simplification(self, rings: FloatRings) -> bool:
        """Return whether simplification is worth its time."""
        return len(rings.starts) > 1

    @abstractmethod
    def _simplify(self, geometries: ObjectArray, size: float) -> ObjectArray:
        """Return geometries in Web Mercator, simplified for a zoom whose units are `size` metres."""

    @abstractmethod
    def _make_valid(self, rings: Rings, count: int) -> Rings:
        """Return `count` rows made valid after rounding."""

    @abstractmethod
    def _make_valid_clipped(self, inside: Rings, cut: Rings, count: int) -> Rings:
        """Return `count` rows made valid after clipping; those wholly `inside` the tile are valid already."""

    def _clipped_rings(self, tile: Tile, mask: BoolArray | None) -> Rings:
        """Return the clipped rings of the rows that may be drawn."""
        chosen = self.query(tile)
        if mask is not None:
            chosen = chosen[mask[chosen]]
        zoom_rings = self._zooms.get_or_build(tile.z, self._build_zoom)
        bbox = tile.buffered_extent
        touch, whole = compare_bboxes(zoom_rings.bboxes[chosen], bbox)
        inside, across = (
            zoom_rings.rings_of(chosen[touch & whole]),
            zoom_rings.rings_of(chosen[touch & ~whole]),
        )
        cut = clip_rings(across, bbox)
        # Rows are renumbered within the tile: there may be very many outside.
        made = self._make_valid_clipped(
            inside._replace(rows=np.searchsorted(chosen, inside.rows)),
            cut._replace(rows=np.searchsorted(chosen, cut.rows)),
            len(chosen),
        )
        return made._replace(rows=chosen[made.rows])

    def _build_zoom(self, zoom: int) -> ZoomRings:
        size, corner, source = unit_size(zoom), np.array((-HALF_WORLD_M, HALF_WORLD_M)), self._rings
        if zoom < FULL_ZOOM and self._needs_simplification(source):
            source = FloatRings.from_geometries(self._simplify(source.to_geometries(len(self)), size))
        rings = self._make_valid(source.round_to_grid(lambda xy: (xy - corner) / (size, -size)), len(self))
        firsts = np.searchsorted(rings.rows, np.arange(len(self) + 1))
        xy = rings.xy.astype(np.int32) if zoom <= _NARROW_ZOOM else rings.xy
        return ZoomRings(xy, *rings[1:], rings.bboxes(len(self)), firsts)


def select_rows(column: Column, rows: IntArray) -> Column:
    """Return a column's values in some rows."""
    return column[rows] if isinstance(column, np.ndarray) else [column[row] for row in rows.tolist()]


def validate_ids(ids: IntArray, count: int) -> IntArray:
    """Return identifiers as integers.

    Raises
    ------
    InputError
        If there are not `count` of them.
    """
    numbers = np.array(ids, dtype=np.int64)
    if numbers.shape != (count,):
        raise InputError(f"A layer of tiles has {count} shapes and {numbers.size} ids.")
    return numbers


def validate_geometries(geometries: ObjectArray, geometry_types: tuple[int, ...], word: str) -> ObjectArray:
    """Return geometries with None replaced by empty ones.

    Raises
    ------
    InputError
        If one is not of these types, which `word` names.
    """
    known = np.array(geometries, dtype=object)
    missing = ~shapely.is_geometry(known)
    known[missing | shapely.is_empty(known)] = (
        shapely.Polygon() if word == "polygon" else shapely.LineString()
    )
    strange = np.flatnonzero(~np.isin(shapely.get_type_id(known), geometry_types))
    if len(strange):
        row = int(strange[0])
        raise InputError(f"Shape {row} of a layer of tiles is a {known[row].geom_type}, not a {word}.")
    return known
