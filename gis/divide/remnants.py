"""Remnants: pieces too small to be a cell of their own, and the neighbours that they join."""

import heapq

import numpy as np
from numpy.typing import NDArray

from gis.arrays import BoolArray, FloatArray
from gis.graph import NeighbourGraph

_DECIMALS = 3


def merge_remnants(
    area_m2: FloatArray, borders: NeighbourGraph, min_area_m2: float | FloatArray
) -> NDArray[np.intp]:
    """Group pieces so that none below the minimum area stays alone while it has a neighbour.

    Smallest first: the smallest group below its minimum area joins the neighbouring group with which it
    shares the longest border (areas and borders compared to three decimals; on a tie the
    neighbour that comes first), and counts from then on as part of it. A group that has reached the minimum
    area stays. A group without neighbours stays whatever its size, so that no ground is lost.

    Parameters
    ----------
    area_m2
        Shape (n,), areas of the pieces.
    borders
        The borders across which pieces may join; leave out those between different areas.
    min_area_m2
        The minimum area of a group in square metres; one number, or one per piece.

    Returns
    -------
    ndarray of int
        Shape (n,): the position of the largest piece of each piece's group (the first of equals).
    """
    # Equal areas differ by the rounding of their coordinates: comparisons must not depend on it.
    min_area = np.round(np.broadcast_to(np.asarray(min_area_m2, dtype=float), area_m2.shape), _DECIMALS)
    rounded = np.round(area_m2, _DECIMALS)
    size = dict(enumerate(rounded.tolist()))
    small = rounded < min_area
    neighbours = _neighbours(borders, small)
    merged_into: dict[int, int] = {}
    heap = [(size[k], k) for k in neighbours]
    heapq.heapify(heap)
    while heap:
        area, k = heapq.heappop(heap)
        if k in merged_into or area != size[k] or area >= min_area[k] or not neighbours[k]:
            continue
        target = min(neighbours[k], key=lambda n: (-round(neighbours[k][n], _DECIMALS), n))
        _merge_borders(neighbours, k, target)
        merged_into[k] = target
        size[target] = round(size[target] + area, _DECIMALS)
        if target in neighbours:
            heapq.heappush(heap, (size[target], target))
    return _largest_members(rounded, _roots(len(area_m2), merged_into))


def _neighbours(borders: NeighbourGraph, small: BoolArray) -> dict[int, dict[int, float]]:
    """List the neighbours of each small piece with the lengths of their borders."""
    return {
        k: dict(zip(borders.neighbours_of(k).tolist(), borders.lengths_of(k).tolist(), strict=True))
        for k in np.flatnonzero(small).tolist()
    }


def _merge_borders(neighbours: dict[int, dict[int, float]], k: int, target: int) -> None:
    """Give the borders of k to target."""
    for n, length in neighbours.pop(k).items():
        if n in neighbours:
            del neighbours[n][k]
        if n == target:
            continue
        for one, other in ((n, target), (target, n)):
            if one in neighbours:
                neighbours[one][other] = neighbours[one].get(other, 0.0) + length


def _roots(count: int, merged_into: dict[int, int]) -> NDArray[np.intp]:
    root = np.arange(count)
    if merged_into:
        root[list(merged_into)] = list(merged_into.values())
    while True:
        further = root[root]
        if np.array_equal(further, root):
            return root
        root = further


def _largest_members(area_m2: FloatArray, root: NDArray[np.intp]) -> NDArray[np.intp]:
    order = np.lexsort((np.arange(len(root)), -area_m2, root))
    groups, first = np.unique(root[order], return_index=True)
    return np.asarray(order[first][np.searchsorted(groups, root)], dtype=np.intp)
