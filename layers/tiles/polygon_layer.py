"""Polygons that share nothing, such as water and buildings, and may overlap."""

import numpy as np
import shapely

from layers.tiles.base_polygon_layer import Surfaces
from layers.tiles.make_valid import mended
from layers.tiles.rings import Objects, Rings, joined

TOLERANCE = 2.0
"""Units of a zoom by which simplification may move an outline: a quarter of a pixel."""

SMALLEST = 16.0
"""Square units of a zoom below which a polygon is not drawn: a quarter of a pixel."""


class Polygons(Surfaces):
    """An immutable layer of polygons that need not fit together; safe in many threads at once.

    Parameters
    ----------
    shapes
        (Multi)Polygons in EPSG:4326, shape (n,). None and empty ones are drawn nowhere.
    ids
        Identifiers of the features, shape (n,), not negative.

    Raises
    ------
    InputError
        If a shape is no polygon or there are not as many ids.
    """

    def _simplified(self, shapes: Objects, size: float) -> Objects:
        shown = shapes.copy()
        shown[shapely.area(shapes) < SMALLEST * size * size] = shapely.Polygon()
        return np.asarray(shapely.simplify(shown, TOLERANCE * size), dtype=object)

    def _valid(self, rings: Rings, count: int) -> Rings:
        return mended(rings, count)

    def _valid_cut(self, inside: Rings, cut: Rings, count: int) -> Rings:
        return joined(inside, mended(cut, count))
