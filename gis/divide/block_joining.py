"""Joining of pieces into blocks one by one, the smallest first."""

import heapq
import math
from collections.abc import Callable

import numpy as np

from gis.arrays import BoolArray, FloatArray, IntArray
from gis.divide.block_borders import Borders

_DECIMALS = 3


class Joining:
    """Pieces that join into groups; each group is called by the position of one of its pieces.

    Attributes
    ----------
    area_m2, perimeter_m, load
        Of each group, by its position.
    """

    def __init__(
        self, area_m2: FloatArray, perimeter_m: FloatArray, load: FloatArray, borders: Borders
    ) -> None:
        """Begin with each piece alone."""
        # Equal sizes differ by the rounding of coordinates: comparisons must not depend on it.
        self.area_m2: list[float] = np.round(area_m2, _DECIMALS).tolist()
        self.perimeter_m: list[float] = perimeter_m.tolist()
        self.load: list[float] = load.tolist()
        self._borders = borders
        self._root = np.arange(len(area_m2))
        self._neighbours: dict[int, dict[int, tuple[float, float]]] = {}

    def run(
        self,
        eager: BoolArray,
        size: Callable[[int], float | None],
        worth: Callable[[int, int, float, float], float | None],
    ) -> IntArray:
        """Join groups, the smallest first, until none that wants to can.

        Parameters
        ----------
        eager
            Which pieces may want to join at first.
        size
            The size of a group, None where it does not want to join.
        worth
            How much a group would like to join another, from the length of their border and its open length;
            None where it must not.

        Returns
        -------
        ndarray of int
            The group of each piece, the position of one of its pieces.
        """
        self._neighbours = self._neighbours_of(eager)
        heap = [(found, k) for k in self._neighbours if (found := size(k)) is not None]
        heapq.heapify(heap)
        joined: dict[int, int] = {}
        while heap:
            at, k = heapq.heappop(heap)
            if k in joined or at != size(k):
                continue
            best = self._best(k, worth)
            if best is None:
                continue
            self._join(k, best)
            joined[k] = best
            further = size(best)
            if further is not None and best in self._neighbours:
                heapq.heappush(heap, (further, best))
        return self._roots(joined)

    def _best(self, k: int, worth: Callable[[int, int, float, float], float | None]) -> int | None:
        best, most = None, -math.inf
        for n, (length, open_m) in sorted(self._neighbours[k].items()):
            # A barrier on any part of the border, also of a piece that has joined meanwhile.
            found = worth(k, n, length, open_m) if open_m > -math.inf else None
            if found is not None and round(found, 9) > most:
                best, most = n, round(found, 9)
        return best

    def _neighbours_of(self, eager: BoolArray) -> dict[int, dict[int, tuple[float, float]]]:
        found: dict[int, dict[int, tuple[float, float]]] = {k: {} for k in np.flatnonzero(eager).tolist()}
        columns = zip(*(column.tolist() for column in self._borders), strict=True)
        for i, j, length, open_m in columns:
            if i in found:
                found[i][j] = (length, open_m)
            if j in found:
                found[j][i] = (length, open_m)
        return found

    def _join(self, k: int, target: int) -> None:
        length, _ = self._neighbours[k][target]
        self.area_m2[target] = round(self.area_m2[target] + self.area_m2[k], _DECIMALS)
        self.perimeter_m[target] += self.perimeter_m[k] - 2 * length
        self.load[target] += self.load[k]
        for n, border in self._neighbours.pop(k).items():
            if n in self._neighbours:
                del self._neighbours[n][k]
            if n == target:
                continue
            for one, other in ((n, target), (target, n)):
                if one in self._neighbours:
                    before = self._neighbours[one].get(other, (0.0, 0.0))
                    self._neighbours[one][other] = (before[0] + border[0], before[1] + border[1])

    def _roots(self, joined: dict[int, int]) -> IntArray:
        root = self._root.copy()
        if joined:
            root[list(joined)] = list(joined.values())
        while True:
            further = root[root]
            if np.array_equal(further, root):
                return root
            root = further
