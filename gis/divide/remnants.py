"""Remnants: pieces too small to be a cell of their own, and the neighbours they join.

It groups pieces by their areas and common borders.
"""

import heapq

import numpy as np
from numpy.typing import NDArray

Borders = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]
"""Pairs of pieces with a common border and its metres, as `gis.graph.adjacency` returns them."""

_DIGITS = 3


def join_remnants(
    area_m2: NDArray[np.float64], borders: Borders, least_m2: float | NDArray[np.float64]
) -> NDArray[np.intp]:
    """Group pieces so that none smaller than the least area stays alone while it has a neighbour.

    Smallest first: the smallest group below its least area joins the neighbouring group with which it
    shares the longest border (areas and borders compared to three decimals; on a tie the
    neighbour that comes first), and counts from then on as part of it. A group that has reached the least
    area stays. A group without neighbours stays whatever its size, so that no ground is lost.

    Parameters
    ----------
    area_m2
        Shape (n,), areas of the pieces.
    borders
        The borders across which pieces may join; leave out those between different areas.
    least_m2
        The least area of a group in square metres; one number, or one per piece.

    Returns
    -------
    ndarray of int
        Shape (n,): the position of the largest piece of each piece's group (the first of equals).
    """
    # Equal areas differ by the rounding of their coordinates: the comparison must not depend on it.
    least = np.round(np.broadcast_to(np.asarray(least_m2, dtype=float), area_m2.shape), _DIGITS)
    rounded = np.round(area_m2, _DIGITS)
    size = dict(enumerate(rounded.tolist()))
    small = rounded < least
    around = _neighbours(borders, small)
    joined: dict[int, int] = {}
    heap = [(size[k], k) for k in around]
    heapq.heapify(heap)
    while heap:
        area, k = heapq.heappop(heap)
        if k in joined or area != size[k] or area >= least[k] or not around[k]:
            continue
        target = min(around[k], key=lambda n: (-round(around[k][n], _DIGITS), n))
        _merge(around, k, target)
        joined[k] = target
        size[target] = round(size[target] + area, _DIGITS)
        if target in around:
            heapq.heappush(heap, (size[target], target))
    return _seeds(rounded, _roots(len(area_m2), joined))


def _neighbours(borders: Borders, small: NDArray[np.bool_]) -> dict[int, dict[int, float]]:
    """List the neighbours of each small piece with the lengths of their borders."""
    around: dict[int, dict[int, float]] = {int(k): {} for k in np.flatnonzero(small)}
    needed = small[borders[0]] | small[borders[1]]
    for i, j, length in zip(*(column[needed].tolist() for column in borders), strict=True):
        if i in around:
            around[i][j] = length
        if j in around:
            around[j][i] = length
    return around


def _merge(around: dict[int, dict[int, float]], k: int, target: int) -> None:
    """Hand the borders of k over to target."""
    for n, length in around.pop(k).items():
        if n in around:
            del around[n][k]
        if n == target:
            continue
        for one, other in ((n, target), (target, n)):
            if one in around:
                around[one][other] = around[one].get(other, 0.0) + length


def _roots(count: int, joined: dict[int, int]) -> NDArray[np.intp]:
    root = np.arange(count)
    if joined:
        root[list(joined)] = list(joined.values())
    while True:
        further = root[root]
        if np.array_equal(further, root):
            return root
        root = further


def _seeds(area_m2: NDArray[np.float64], root: NDArray[np.intp]) -> NDArray[np.intp]:
    order = np.lexsort((np.arange(len(root)), -area_m2, root))
    groups, first = np.unique(root[order], return_index=True)
    return np.asarray(order[first][np.searchsorted(groups, root)], dtype=np.intp)
