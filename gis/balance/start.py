"""A first plan: zones spread over the unconnected parts of the graph, each part cut or merged into them."""

import math

import numpy as np
import pymetis

from gis.arrays import FloatArray, IntArray
from gis.balance.loads import InfeasibleError
from gis.balance.merging import merge_lightest
from gis.graph import NeighbourGraph

_METIS_TOTAL = 50_000_000
"""METIS computes with 32-bit integers: weights are scaled to this sum, lengths to a share of it."""

_METIS_SIZE = 8
"""Zones of fewer units METIS leaves empty, and says so on the standard output."""


def count_zones_of_parts(
    graph: NeighbourGraph, loads: FloatArray, count: int, cap: FloatArray
) -> tuple[IntArray, IntArray]:
    """Spread zones over the unconnected parts of a graph so that their loads differ least.

    Parameters
    ----------
    loads
        Shape (n, k).
    cap
        Shape (k,), infinite where there is none.

    Returns
    -------
    part : ndarray of int64
        The number of each unit's part, shape (n,).
    zone_counts : ndarray of int64
        How many zones each part gets, by the method of equal proportions (Huntington and Hill), no fewer than
        its caps need and no more than it has units.

    Raises
    ------
    InfeasibleError
        If there are more parts than zones, more zones than units, or if caps need more zones.
    """
    if count > len(graph):
        raise InfeasibleError(
            f"{count} zones cannot be made of {len(graph)} units: each needs at least one", reason="count"
        )
    _, part = np.unique(graph.components(), return_inverse=True)
    sizes = np.bincount(part)
    if len(sizes) > count:
        raise InfeasibleError(
            f"the units lie in {len(sizes)} unconnected parts, which {count} connected zones cannot cover; "
            f"at least {len(sizes)} zones are needed",
            reason="parts",
            needed=len(sizes),
        )
    sums = np.stack([np.bincount(part, weights=column, minlength=len(sizes)) for column in loads.T], axis=1)
    needed = np.maximum(np.ceil(sums / cap - 1e-9).max(axis=1), 1).astype(np.int64)
    if needed.sum() > count:
        raise InfeasibleError(
            f"the units lie in {len(sizes)} unconnected parts, which need {needed.sum()} zones to keep "
            f"the caps; there are to be {count}",
            reason="parts",
            needed=int(needed.sum()),
        )
    total = loads.sum(axis=0)
    shares = np.divide(sums, total, out=np.zeros_like(sums), where=total > 0).sum(axis=1)
    # Among parts without any load the larger one is divided first.
    shares += 1e-9 * sizes / sizes.sum()
    counts = needed.copy()
    for _ in range(count - int(counts.sum())):
        urgency = np.where(counts < sizes, shares / np.sqrt(counts * (counts + 1.0)), -1.0)
        counts[np.argmax(urgency)] += 1
    return part.astype(np.int64), counts


def make_first_plan(
    graph: NeighbourGraph, loads: FloatArray, count: int, cap: FloatArray, seed: int
) -> IntArray:
    """Make zones that are nearly balanced and nearly compact.

    In odd cases METIS leaves a zone empty or in several parts; see `mend_zones`.
    """
    part, counts = count_zones_of_parts(graph, loads, count, cap)
    total = loads.sum(axis=0)
    weight = np.divide(loads, total, out=np.zeros_like(loads), where=total > 0).sum(axis=1)
    if len(counts) == 1:
        return _cut_connected(graph, weight, count, seed)
    zones = np.empty(len(graph), dtype=np.int64)
    firsts = np.cumsum(counts) - counts
    order = np.argsort(part, kind="stable")
    for first, zone_count, nodes in zip(
        firsts, counts, np.split(order, np.cumsum(np.bincount(part))[:-1]), strict=True
    ):
        cut = (
            _cut_connected(graph.subgraph(nodes), weight[nodes], int(zone_count), seed)
            if zone_count > 1
            else 0
        )
        zones[nodes] = first + cut
    return zones


def _cut_connected(graph: NeighbourGraph, weight: FloatArray, count: int, seed: int) -> IntArray:
    if count == len(graph):
        return np.arange(count, dtype=np.int64)
    if count == 1:
        return np.zeros(len(graph), dtype=np.int64)
    if len(graph) < _METIS_SIZE * count:
        return merge_lightest(graph, weight, count)
    total = weight.sum() or 1.0
    vertex_weights = np.maximum(np.rint(weight * (_METIS_TOTAL / total)), 1)
    longest = graph.length.max(initial=0.0)
    # A cut of all edges must stay below 2³¹.
    scale = min(1000.0, math.ldexp(1.0, 29) / len(graph.neighbours)) / (longest or 1.0)
    edge_weights = np.maximum(np.rint(graph.length * scale), 1)
    _, zones = pymetis.part_graph(
        count,
        adjacency=pymetis.CSRAdjacency(graph.offsets.astype(np.int32), graph.neighbours.astype(np.int32)),
        vweights=vertex_weights.astype(np.int32),
        eweights=edge_weights.astype(np.int32),
        # By itself METIS would bisect for up to 8 zones, which does not keep them in one part.
        recursive=False,
        options=pymetis.Options(contig=1, seed=seed),
    )
    return np.asarray(zones, dtype=np.int64)
