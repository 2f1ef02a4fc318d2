"""Polygons that share their borders, drawn so that they share them at every zoom."""

import itertools
from collections.abc import Mapping

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.errors import InputError
from layers.tiles.base_polygon_layer import FULL_ZOOM, Surfaces
from layers.tiles.borders import borders
from layers.tiles.encode import LINE, Column, Paths, layer
from layers.tiles.make_valid import mended_cut, mended_together
from layers.tiles.rings import Integers, Objects, Outlines, Rings
from layers.tiles.tile import Address

TOLERANCE = 4.0
"""Units of a zoom; a triangle on their square is taken away from a border (half a pixel)."""

BORDER_TOLERANCE = 1.0
"""Units of a zoom by which a border that is drawn as a line may pass its vertices: an eighth of a pixel."""

PLAIN = 8
"""Vertices of a polygon, on average, up to which a coverage is drawn as it is at every zoom."""


class Coverage(Surfaces):
    """An immutable coverage; safe in many threads at once.

    Neighbours share their vertices, and do so in every tile of every zoom: borders are simplified together,
    rounded alike and cut alike. What is smaller than a unit vanishes, and its neighbours meet.

    Parameters
    ----------
    shapes
        (Multi)Polygons in EPSG:4326, shape (n,), neighbours sharing their vertices. None and empty ones are
        drawn nowhere.
    ids
        Identifiers of the features, shape (n,), not negative.

    Raises
    ------
    InputError
        If a shape is no polygon or there are not as many ids.
    """

    def grouped(self, labels: NDArray[np.object_] | Integers) -> "Coverage":
        """Unite the rows of each label.

        Parameters
        ----------
        labels
            A label for each row, shape (n,), all text or all numbers.

        Returns
        -------
        Coverage
            A row for each distinct label in ascending order (of `numpy.unique`); its ids count from 1.

        Raises
        ------
        InputError
            If there are not as many labels as rows.
        """
        if len(labels) != len(self):
            raise InputError(f"A layer of tiles has {len(self)} shapes and {len(labels)} labels.")
        distinct, numbers = np.unique(labels, return_inverse=True)
        order = np.argsort(numbers, kind="stable")
        shapes = self._outlines.shapes(len(self))
        bounds = np.searchsorted(numbers[order], np.arange(len(distinct) + 1))
        united = np.array(
            [_union(shapes[order[begin:end]]) for begin, end in itertools.pairwise(bounds)],
            dtype=object,
        )
        grouped = Coverage.__new__(Coverage)
        grouped._hold(Outlines.of(united), shapely.bounds(united), np.arange(1, len(distinct) + 1))
        return grouped

    def borders(
        self,
        name: str,
        address: Address,
        properties: Mapping[str, Column],
        rows: NDArray[np.bool_] | None = None,
    ) -> bytes:
        """Encode the borders of what lies in a tile as one layer of one feature, each border once.

        Parameters
        ----------
        name
            The layer's name.
        address
            The tile.
        properties
            A column of one value for each key.
        rows
            Which rows may be drawn, shape (n,); all if None. The others have no borders of their own.

        Returns
        -------
        bytes
            Empty where no border lies in the tile.

        Raises
        ------
        InputError
            If a column cannot be told.
        """
        # Squares are drawn as they are, and their sides are many places on one line.
        plain = address.z < FULL_ZOOM and not self._simplifies(self._outlines)
        tolerance = BORDER_TOLERANCE if plain else 0.0
        xy, starts = borders(self._shown(address, rows), address.buffered, tolerance)
        if not len(xy):
            return b""
        paths = Paths(xy - np.array(address.origin), starts, np.zeros(len(starts) - 1, dtype=np.int64))
        nameless = np.zeros(1, dtype=bool)
        return layer(name, LINE, paths, np.zeros(1, dtype=np.int64), properties, identified=nameless)

    def _simplifies(self, outlines: Outlines) -> bool:
        # Hundreds of thousands of squares: it would take longest of all, and spare one vertex in fifty.
        return len(outlines.xy) > PLAIN * len(self)

    def _simplified(self, shapes: Objects, size: float) -> Objects:
        return np.asarray(shapely.coverage_simplify(shapes, TOLERANCE * size), dtype=object)

    def _valid(self, rings: Rings, count: int) -> Rings:
        return mended_together(rings, count)

    def _valid_cut(self, inside: Rings, cut: Rings, count: int) -> Rings:
        return mended_cut(inside, cut, count)


def _union(shapes: Objects) -> shapely.Geometry:
    """Unite cells of a coverage; those that overlap after all are united the slow way."""
    try:
        united = shapely.coverage_union_all(shapes)
    except shapely.GEOSException:
        united = shapely.Polygon()
    # What is no coverage is not always refused: then the result is invalid, or has another area.
    area = shapely.area(shapes).sum()
    if not shapely.is_valid(united) or abs(united.area - area) > 1e-9 * area:
        united = shapely.union_all(shapes)
    return united
