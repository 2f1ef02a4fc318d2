"""The borders of cells in short straight pieces, each with the direction to which it looks."""

from typing import NamedTuple

import numpy as np
import shapely

from gis.arrays import FloatArray, IntArray, ObjectArray

_MIN_PIECE_M = 5.0
_PIECES = 80
# So many pieces tell of a side what more than a hundredth of the perimeter runs along.


class BorderPieces(NamedTuple):
    """Pieces of outer borders.

    Attributes
    ----------
    cell
        The position of the cell of each, shape (n,).
    middle
        Shape (n, 2).
    outward
        The unit vector that leads out of the cell at a right angle, shape (n, 2).
    length
        Shape (n,).
    """

    cell: IntArray
    middle: FloatArray
    outward: FloatArray
    length: FloatArray

    def outside(self, distance: float) -> ObjectArray:
        """Return the points at a distance out of the cell from each middle, shape (n,)."""
        return np.asarray(shapely.points(self.middle + distance * self.outward), dtype=object)


def cut_borders(polygons: ObjectArray) -> BorderPieces:
    """Cut the outer borders of polygons into pieces; holes are no part of them.

    Parameters
    ----------
    polygons
        Valid, in metres, shape (n,).
    """
    parts, owner = shapely.get_parts(polygons, return_index=True)
    rings = shapely.get_exterior_ring(shapely.orient_polygons(parts))
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    step = (xy[1:] - xy[:-1])[same]
    start, cell = xy[:-1][same], owner[ring[:-1][same]]
    length = np.hypot(step[:, 0], step[:, 1])
    real = length > 0
    start, step, cell, length = start[real], step[real], cell[real], length[real]
    perimeter = np.bincount(cell, weights=length, minlength=len(polygons))
    longest = np.maximum(perimeter / _PIECES, _MIN_PIECE_M)[cell]
    count = np.maximum(np.ceil(length / longest).astype(np.int64), 1)
    edge = np.repeat(np.arange(len(count)), count)
    within = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    share = (within + 0.5) / count[edge]
    middle = start[edge] + share[:, None] * step[edge]
    # Rings run counter-clockwise, so that the outside is on the right.
    outward = np.column_stack([step[:, 1], -step[:, 0]]) / length[:, None]
    return BorderPieces(cell[edge].astype(np.int64), middle, outward[edge], (length / count)[edge])


def sides_of(outward: FloatArray) -> IntArray:
    """Return to which side pieces look, in the order of `phrases.SIDES`, shape (n,).

    A piece that looks exactly between two sides belongs to the one that comes first when going from north to
    west, south, east, so that a layer that is turned by a right angle has its sides turned with it.
    """
    x, y = outward.T
    north = (y > 0) & (-y < x) & (x <= y)
    east = (x > 0) & (-x <= y) & (y < x)
    south = (y < 0) & (y <= x) & (x < -y)
    return np.select([north, east, south], [0, 1, 2], 3).astype(np.int64)
