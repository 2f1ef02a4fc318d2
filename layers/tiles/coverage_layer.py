"""A layer of polygons that share their borders, and share them in tiles at every zoom."""

from collections.abc import Mapping

import numpy as np
import shapely

from gis.arrays import BoolArray, ObjectArray
from layers.tiles.base_polygon_layer import FULL_ZOOM, BasePolygonLayer
from layers.tiles.borders import border_lines
from layers.tiles.encode import LINE, Column, Paths, encode_layer
from layers.tiles.make_valid import make_valid_clipped, make_valid_coverage
from layers.tiles.rings import FloatRings, Rings
from layers.tiles.tile import Tile

TOLERANCE = 4.0
"""Units of a zoom; triangles up to the square of it are removed from a border (half a pixel)."""

BORDER_TOLERANCE = 1.0
"""Units of a zoom by which simplification may move a border drawn as a line: an eighth of a pixel."""

MAX_UNSIMPLIFIED_VERTICES = 8
"""Average number of vertices up to which a coverage is drawn without simplification at every zoom."""


class CoverageLayer(BasePolygonLayer):
    """An immutable coverage; safe in many threads at once.

    Neighbours share their vertices, in every tile of every zoom too: borders are simplified together, rounded
    alike and clipped alike. What is smaller than a unit vanishes, and its neighbours meet.

    Parameters
    ----------
    geometries
        (Multi)Polygons in EPSG:4326, shape (n,), neighbours sharing their vertices. None and empty ones are
        drawn nowhere.
    ids
        Identifiers of the features, shape (n,), not negative.

    Raises
    ------
    InputError
        If a geometry is no polygon, or the number of ids differs.
    """

    def encode_borders(
        self,
        name: str,
        tile: Tile,
        properties: Mapping[str, Column],
        mask: BoolArray | None = None,
    ) -> bytes:
        """Encode the borders in a tile as one layer with one feature, each border once.

        Parameters
        ----------
        name
            The layer's name.
        tile
            The tile.
        properties
            A column of one value for each key.
        mask
            Which rows may be drawn, shape (n,); all if None. Borders of other rows alone are left out.

        Returns
        -------
        bytes
            Empty where no border lies in the tile.

        Raises
        ------
        InputError
            If a column cannot be encoded.
        """
        # Squares are not simplified, and their sides have many vertices on one line; other borders are
        # simplified already.
        simplifies = tile.z < FULL_ZOOM and not self._needs_simplification(self._rings)
        tolerance = BORDER_TOLERANCE if simplifies else 0.0
        xy, starts = border_lines(self._clipped_rings(tile, mask), tile.buffered_extent, tolerance)
        if not len(xy):
            return b""
        paths = Paths(xy - np.array(tile.origin), starts, np.zeros(len(starts) - 1, dtype=np.int64))
        nameless = np.zeros(1, dtype=bool)
        return encode_layer(name, LINE, paths, np.zeros(1, dtype=np.int64), properties, identified=nameless)

    def _needs_simplification(self, rings: FloatRings) -> bool:
        # Simplifying hundreds of thousands of squares would take the most time and save one vertex in fifty.
        return len(rings.xy) > MAX_UNSIMPLIFIED_VERTICES * len(self)

    def _simplify(self, geometries: ObjectArray, size: float) -> ObjectArray:
        return np.asarray(shapely.coverage_simplify(geometries, TOLERANCE * size), dtype=object)

    def _make_valid(self, rings: Rings, count: int) -> Rings:
        return make_valid_coverage(rings, count)

    def _make_valid_clipped(self, inside: Rings, cut: Rings, count: int) -> Rings:
        return make_valid_clipped(inside, cut, count)


def _coverage_union(geometries: ObjectArray) -> shapely.Geometry:
    """Unite cells of a coverage; cells that overlap after all are united the slow way."""
    try:
        united = shapely.coverage_union_all(geometries)
    except shapely.GEOSException:
        united = shapely.Polygon()
    # An invalid coverage is not always rejected: then the result is invalid, or has another area.
    area = shapely.area(geometries).sum()
    if not shapely.is_valid(united) or abs(united.area - area) > 1e-9 * area:
        united = shapely.union_all(geometries)
    return united
