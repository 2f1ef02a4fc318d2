"""A layer of polygons that share no borders, such as water and buildings, and may overlap."""

import numpy as np
import shapely

from gis.arrays import ObjectArray
from layers.tiles.base_polygon_layer import BasePolygonLayer
from layers.tiles.make_valid import make_valid_each
from layers.tiles.rings import Rings, merge_rings

TOLERANCE = 2.0
"""Units of a zoom by which simplification may move an outline: a quarter of a pixel."""

MIN_AREA = 16.0
"""Square units of a zoom below which a polygon is not drawn: a quarter of a pixel."""


class PolygonLayer(BasePolygonLayer):
    """An immutable layer of polygons that need not be a coverage; safe in many threads at once.

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

    def _simplify(self, geometries: ObjectArray, size: float) -> ObjectArray:
        shown = geometries.copy()
        shown[shapely.area(geometries) < MIN_AREA * size * size] = shapely.Polygon()
        return np.asarray(shapely.simplify(shown, TOLERANCE * size), dtype=object)

    def _make_valid(self, rings: Rings, count: int) -> Rings:
        return make_valid_each(rings, count)

    def _make_valid_clipped(self, inside: Rings, cut: Rings, count: int) -> Rings:
        return merge_rings(inside, make_valid_each(cut, count))
