"""A first plan of zones of few units: the lightest groups of units are merged until there are few enough."""

import heapq

import numpy as np

from gis.arrays import FloatArray, IntArray
from gis.graph import NeighbourGraph


def merge_lightest(graph: NeighbourGraph, weight: FloatArray, count: int) -> IntArray:
    """Merge the lightest group with a neighbour that is light and shares much border, again and again.

    Parameters
    ----------
    graph
        A connected graph of n nodes.
    weight
        Shape (n,).
    count
        How many groups remain, from 1 to n.

    Returns
    -------
    ndarray of int64
        The number of each node's group, shape (n,).
    """
    borders = [
        dict(zip(graph.neighbours_of(node).tolist(), graph.lengths_of(node).tolist(), strict=True))
        for node in range(len(graph))
    ]
    mean = float(weight.mean()) or 1.0
    # Nodes without weight count a little, or they all end in one group.
    load = [0.01 + value / mean for value in weight.tolist()]
    group_of = list(range(len(graph)))
    heap = [(value, node) for node, value in enumerate(load)]
    heapq.heapify(heap)
    for _ in range(len(graph) - count):
        value, light = heapq.heappop(heap)
        while group_of[light] != light or load[light] != value:
            value, light = heapq.heappop(heap)
        perimeter = sum(borders[light].values()) or 1.0
        other = min(
            borders[light], key=lambda node: (load[node] * (1.5 - borders[light][node] / perimeter), node)
        )
        kept, gone = (light, other) if len(borders[light]) >= len(borders[other]) else (other, light)
        group_of[gone] = kept
        load[kept] += load[gone]
        for node, length in borders[gone].items():
            if node != kept:
                del borders[node][gone]
                borders[node][kept] = borders[kept][node] = borders[kept].get(node, 0.0) + length
        del borders[kept][gone]
        borders[gone] = {}
        heapq.heappush(heap, (load[kept], kept))
    root = np.array(group_of, dtype=np.int64)
    while not np.array_equal(root, root[root]):
        root = root[root]
    return np.unique(root, return_inverse=True)[1].astype(np.int64)
