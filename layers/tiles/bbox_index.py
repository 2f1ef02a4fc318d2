"""An index of boxes, in blocks of near ones, that finds those that touch a tile."""

import numpy as np

from gis.arrays import BoolArray, FloatArray, IntArray
from gis.morton import BITS, morton_codes

_BLOCK_SIZE = 128


class BBoxIndex:
    """An immutable index of n boxes, shape (n, 4): min x, min y, max x, max y.

    A box with a NaN touches nothing.
    """

    def __init__(self, bboxes: FloatArray) -> None:
        there = np.flatnonzero(np.isfinite(bboxes).all(axis=1))
        known = bboxes[there]
        order = _z_order(known[:, :2] / 2 + known[:, 2:] / 2)
        self._rows = there[order]
        self._bboxes = known[order]
        self._starts = np.arange(0, len(order), _BLOCK_SIZE)
        self._blocks = np.empty((0, 4))
        if len(order):
            self._blocks = np.column_stack(
                (
                    np.minimum.reduceat(self._bboxes[:, :2], self._starts),
                    np.maximum.reduceat(self._bboxes[:, 2:], self._starts),
                )
            )

    def query(self, west: float, south: float, east: float, north: float) -> IntArray:
        """Return the rows, ascending, of the boxes that touch a closed box."""
        bbox = (west, south, east, north)
        blocks = self._starts[_intersects(self._blocks, bbox)]
        places = (blocks[:, np.newaxis] + np.arange(_BLOCK_SIZE)).ravel()
        # Only the last block is shorter.
        places = places[places < len(self._rows)]
        return np.sort(self._rows[places[_intersects(self._bboxes[places], bbox)]])


def _intersects(bboxes: FloatArray, bbox: tuple[float, float, float, float]) -> BoolArray:
    west, south, east, north = bbox
    found: BoolArray = (
        (bboxes[:, 0] <= east) & (bboxes[:, 2] >= west) & (bboxes[:, 1] <= north) & (bboxes[:, 3] >= south)
    )
    return found


def _z_order(points: FloatArray) -> IntArray:
    """Return an order of points, shape (n, 2), in which near ones are close together."""
    if not len(points):
        return np.empty(0, dtype=np.int64)
    low = points.min(axis=0)
    size = max(float((points.max(axis=0) - low).max()), 1e-300)
    whole = ((points - low) / size * ((1 << BITS) - 1)).astype(np.int64)
    return np.argsort(morton_codes(whole[:, 0], whole[:, 1]), kind="stable")
