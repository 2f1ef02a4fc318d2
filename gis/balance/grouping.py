"""Groups of a few neighbouring units, which are moved together before single units are."""

import numpy as np

from gis.arrays import FloatArray, IntArray
from gis.compiled import compiled
from gis.graph import NeighbourGraph

_LARGEST = 0.5
"""Share of a zone that a group holds at most: larger ones could only be put where they fit by chance."""


def group_units(graph: NeighbourGraph, loads: FloatArray, largest: FloatArray) -> IntArray:
    """Join units to pairs, and pairs to groups of up to four, along their longest borders.

    Parameters
    ----------
    loads
        Shape (n, k).
    largest
        Shape (k,), the largest loads of a zone; a group holds at most half of them.

    Returns
    -------
    ndarray of int64
        The number of each unit's group, shape (n,). Groups are connected.
    """
    group = np.arange(len(graph), dtype=np.int64)
    for _ in range(2):
        partner = _pair(graph.offsets, graph.neighbours, graph.length, loads, _LARGEST * largest)
        first = np.minimum(partner, np.arange(len(graph)))
        kept, number = np.unique(first, return_inverse=True)
        number = number.astype(np.int64)
        group = number[group]
        graph = graph.contract(number, len(kept))
        loads = np.stack([np.bincount(number, weights=load) for load in loads.T], axis=1)
    return group


@compiled
def _pair(
    offsets: IntArray, neighbours: IntArray, length: FloatArray, loads: FloatArray, largest: FloatArray
) -> IntArray:
    """Return the partner of each node: that with the longest border of those left, else itself."""
    count = len(offsets) - 1
    partner = np.full(count, -1, dtype=np.int64)
    for node in range(count):
        if partner[node] >= 0:
            continue
        best, longest = node, -1.0
        for entry in range(offsets[node], offsets[node + 1]):
            other = neighbours[entry]
            if partner[other] < 0 and length[entry] > longest:
                fits = True
                for k in range(loads.shape[1]):
                    fits = fits and loads[node, k] + loads[other, k] <= largest[k]
                if fits:
                    best, longest = other, length[entry]
        partner[node] = best
        partner[best] = node
    return partner
