"""Which of many boxes touch a tile: an index of blocks of near ones."""

import numpy as np
from numpy.typing import NDArray

from layers.tiles.morton import BITS, morton

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

_BLOCK = 128


class Boxes:
    """An immutable index of n boxes, shape (n, 4): least x, least y, greatest x, greatest y.

    A box with a NaN touches nothing.
    """

    def __init__(self, boxes: Floats) -> None:
        there = np.flatnonzero(np.isfinite(boxes).all(axis=1))
        known = boxes[there]
        order = _near(known[:, :2] / 2 + known[:, 2:] / 2)
        self._rows = there[order]
        self._boxes = known[order]
        self._starts = np.arange(0, len(order), _BLOCK)
        self._blocks = np.empty((0, 4))
        if len(order):
            self._blocks = np.column_stack(
                (
                    np.minimum.reduceat(self._boxes[:, :2], self._starts),
                    np.maximum.reduceat(self._boxes[:, 2:], self._starts),
                )
            )

    def touching(self, west: float, south: float, east: float, north: float) -> Integers:
        """Return the rows, ascending, of the boxes that touch a closed box."""
        reach = (west, south, east, north)
        blocks = self._starts[_touches(self._blocks, reach)]
        places = (blocks[:, np.newaxis] + np.arange(_BLOCK)).ravel()
        # Only the last block is shorter.
        places = places[places < len(self._rows)]
        return np.sort(self._rows[places[_touches(self._boxes[places], reach)]])


def _touches(boxes: Floats, reach: tuple[float, float, float, float]) -> NDArray[np.bool_]:
    west, south, east, north = reach
    found: NDArray[np.bool_] = (
        (boxes[:, 0] <= east) & (boxes[:, 2] >= west) & (boxes[:, 1] <= north) & (boxes[:, 3] >= south)
    )
    return found


def _near(places: Floats) -> Integers:
    """Return an order of places, shape (n, 2), in which near ones come near."""
    if not len(places):
        return np.empty(0, dtype=np.int64)
    low = places.min(axis=0)
    size = max(float((places.max(axis=0) - low).max()), 1e-300)
    whole = ((places - low) / size * ((1 << BITS) - 1)).astype(np.int64)
    return np.argsort(morton(whole[:, 0], whole[:, 1]), kind="stable")
