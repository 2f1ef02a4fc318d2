"""Colour numbers for cells: neighbours differ, at most six colours, every colour about equally often.

Which styles a map gives the numbers is up to the map, except Tol's palette, which stands here because the
limit of six colours is chosen for it.
"""

import heapq
from collections.abc import Sequence
from zlib import crc32

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS

from gis.arrays import IntArray, ObjectArray
from gis.crs import to_lonlat, to_working_crs
from gis.graph import (
    NeighbourGraph,
    Pairs,
    find_neighbours,
    find_overlapping,
    find_shared_borders,
    find_shared_vertices,
)

COLOUR_COUNT = 6

TOL_BRIGHT = ("#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377")
"""Bright qualitative scheme, safe for the colour-blind.

Source: Paul Tol, Colour Schemes, SRON technical note SRON/EPS/TN/09-002.
"""

TOL_GREY = "#BBBBBB"
"""The scheme's colour for "no data"."""

AdjacencyLists = list[list[int]]


def colour_cells(cells: gpd.GeoDataFrame, *, crs: CRS | None = None) -> IntArray:
    """Give each cell a colour number so that neighbours differ.

    Neighbours share a border of positive length, or overlap. Cells that only meet at a corner differ where a
    colour for that is free. Deterministic: the same cells in the same order give the same numbers.

    Parameters
    ----------
    cells
        Polygons in EPSG:4326.
    crs
        Working CRS in which borders are compared; chosen from the extent when not given.

    Returns
    -------
    ndarray of int64
        Shape (n,), values 0 to 5, class sizes about equal.

    Notes
    -----
    Smallest-last order (Matula and Beck 1983) and the least used of the free colours: the neighbour graph of
    cells in one piece is planar, so every cell finds at most five coloured neighbours. Cells in several
    pieces can break planarity; then Kempe chains and a saturation order (DSATUR, Brélaz 1979) are tried.
    Where seven or more cells are all neighbours of each other no colouring exists: the one with the fewest
    equal neighbours found is returned.
    """
    polygons = np.array(cells.geometry, dtype=object)
    if not len(polygons) or shapely.is_empty(polygons[~shapely.is_missing(polygons)]).all():
        return np.arange(len(polygons), dtype=np.int64) % COLOUR_COUNT
    if cells.crs is not None:
        polygons = np.array(to_working_crs(to_lonlat(cells), crs).geometry, dtype=object)
    i, j, _ = find_shared_borders(polygons)
    crossing_i, crossing_j = find_overlapping(polygons)
    i, j = np.r_[i, crossing_i], np.r_[j, crossing_j]
    corner_i, corner_j = find_shared_vertices(polygons)
    return colour_graph(len(polygons), i, j, corner_i, corner_j)


def colour_graph(
    count: int, i: IntArray, j: IntArray, soft_i: IntArray | None = None, soft_j: IntArray | None = None
) -> IntArray:
    """Colour the nodes of a graph as `colour_cells` does the cells.

    Parameters
    ----------
    count
        Number of nodes.
    i, j
        Edges whose ends must differ; repeated ones do no harm.
    soft_i, soft_j
        Edges whose ends should differ where it costs nothing.

    Returns
    -------
    ndarray of int64
        Shape (count,), values 0 to 5.
    """
    hard = NeighbourGraph.from_pairs(count, i, j).adjacency_lists()
    if soft_i is None or soft_j is None:
        soft: AdjacencyLists = [[]] * count
    else:
        soft = NeighbourGraph.from_pairs(count, soft_i, soft_j).adjacency_lists()
    best = _colour_greedily(_smallest_last_order(hard), hard, soft, balance=True)
    if _count_conflicts(best, i, j):
        others = [
            _colour_greedily(order(hard), hard, soft, balance=False)
            for order in (_smallest_last_order, _saturation_order)
        ]
        best = min([best, *others], key=lambda colours: _count_conflicts(colours, i, j))
    return np.array(_balance_classes(best, hard, soft), dtype=np.int64)


def _count_conflicts(colours: list[int], i: IntArray, j: IntArray) -> int:
    numbers = np.array(colours, dtype=np.int64)
    return int(np.count_nonzero(numbers[i] == numbers[j]))


def stable_colours(polygons: ObjectArray, codes: Sequence[str]) -> IntArray:
    """Colour the cells of a coverage so that neighbours differ and a change recolours only near cells.

    Parameters
    ----------
    polygons
        Polygons of one coverage in any CRS, shape (n,); None and empty ones have no neighbours.
    codes
        The distinct codes of the cells: they decide each cell's turn and preferred colour.

    Returns
    -------
    ndarray of int64
        Shape (n,), values 0 to 5; class sizes are even only on average. The order of rows does not matter.

    Notes
    -----
    Greedy colouring in a fixed pseudo-random order: a cell's colour depends on chains of neighbours with
    earlier turns, which are short, so that all cells whose earlier neighbours are done are coloured at once
    (Jones and Plassmann 1993). Kempe chains help where all six are taken.
    """
    turns = np.array([crc32(code.encode()) for code in codes], dtype=np.int64)
    order = np.lexsort((np.asarray(codes, dtype=str), turns))
    turn = np.empty(len(order), dtype=np.int64)
    turn[order] = np.arange(len(order))
    hard, corners = find_neighbours(polygons)
    return _colour_by_priority(turn, turns // COLOUR_COUNT % COLOUR_COUNT, hard, corners)


def _colour_by_priority(priority: IntArray, preferred: IntArray, hard: Pairs, soft: Pairs) -> IntArray:
    """Colour nodes by priority: no colour of a hard neighbour, the fewest of soft ones, then the preferred.

    All nodes whose neighbours of higher priority have been coloured are coloured at once.
    """
    count = len(priority)
    colours: IntArray = np.full(count, -1, dtype=np.int64)
    barred, near = (
        np.zeros((count, COLOUR_COUNT), dtype=bool),
        np.zeros((count, COLOUR_COUNT), dtype=np.int64),
    )
    followers = [_later_neighbours(priority, pairs) for pairs in (hard, soft)]
    waits = sum((np.bincount(ends, minlength=count) for _, ends in followers), np.zeros(count, np.int64))
    ready = np.flatnonzero(waits == 0)
    while len(ready):
        wishes = (
            near[ready] * COLOUR_COUNT
            + (np.arange(COLOUR_COUNT) - preferred[ready, np.newaxis]) % COLOUR_COUNT
        )
        is_forbidden = barred[ready]
        wishes[is_forbidden] = np.iinfo(np.int64).max
        colours[ready] = np.where(is_forbidden.all(axis=1), -1, wishes.argmin(axis=1))
        updated = []
        for table, (starts, ends) in zip((barred, near), followers, strict=True):
            sizes = starts[ready + 1] - starts[ready]
            last = np.cumsum(sizes)
            later = ends[np.arange(sizes.sum()) + np.repeat(starts[ready] - (last - sizes), sizes)]
            shades = np.repeat(colours[ready], sizes)
            known = shades >= 0
            np.add.at(table.reshape(-1), later[known] * COLOUR_COUNT + shades[known], 1)
            np.subtract.at(waits, later, 1)
            updated.append(later)
        reached = np.concatenate(updated)
        ready = np.unique(reached[waits[reached] == 0])
    uncoloured = np.flatnonzero(colours < 0)
    return (
        colours
        if not len(uncoloured)
        else _colour_by_kempe_chains(colours, uncoloured[np.argsort(priority[uncoloured])], hard)
    )


def _later_neighbours(priority: IntArray, pairs: Pairs) -> tuple[IntArray, IntArray]:
    """Return the neighbours of lower priority of all nodes, after the offset of each node, shape (n + 1,)."""
    i, j = pairs
    first, second = np.where(priority[i] < priority[j], (i, j), (j, i))
    order = np.argsort(first, kind="stable")
    return np.searchsorted(first[order], np.arange(len(priority) + 1)), second[order]


def _colour_by_kempe_chains(colours: IntArray, nodes: IntArray, hard: Pairs) -> IntArray:
    """Colour the rest by swapping along chains; where none helps, with the fewest equal neighbours."""
    lists = NeighbourGraph.from_pairs(len(colours), *hard).adjacency_lists()
    result, used = colours.tolist(), [0] * COLOUR_COUNT
    for node in nodes.tolist():
        chosen = _swap_kempe_chain(node, lists, result, used)
        shown = [result[end] for end in lists[node]]
        result[node] = chosen if chosen >= 0 else min(range(COLOUR_COUNT), key=shown.count)
    return np.array(result, dtype=np.int64)


def _smallest_last_order(hard: AdjacencyLists) -> list[int]:
    """Return nodes in smallest-last order: the reverse of removing nodes of smallest remaining degree."""
    degree = [len(ends) for ends in hard]
    buckets: AdjacencyLists = [[] for _ in range(max(degree, default=0) + 1)]
    for node in range(len(hard) - 1, -1, -1):
        buckets[degree[node]].append(node)
    removed = [False] * len(hard)
    order: list[int] = []
    lowest = 0
    while len(order) < len(hard):
        while not buckets[lowest]:
            lowest += 1
        node = buckets[lowest].pop()
        if removed[node] or degree[node] != lowest:
            continue
        removed[node] = True
        order.append(node)
        for end in hard[node]:
            if not removed[end]:
                degree[end] -= 1
                buckets[degree[end]].append(end)
        lowest = max(lowest - 1, 0)
    return order[::-1]


def _saturation_order(hard: AdjacencyLists) -> list[int]:
    """Return nodes in DSATUR order: next is the one whose neighbours show the most colours."""
    seen: list[set[int]] = [set() for _ in hard]
    done = [False] * len(hard)
    heap = [(0, -len(ends), node) for node, ends in enumerate(hard)]
    heapq.heapify(heap)
    order: list[int] = []
    while heap:
        saturation, _, node = heapq.heappop(heap)
        if done[node] or -saturation != len(seen[node]):
            continue
        done[node] = True
        order.append(node)
        free = next(number for number in range(len(hard)) if number not in seen[node])
        for end in hard[node]:
            if not done[end] and free not in seen[end]:
                seen[end].add(free)
                heapq.heappush(heap, (-len(seen[end]), -len(hard[end]), end))
    return order


def _colour_greedily(
    order: list[int], hard: AdjacencyLists, soft: AdjacencyLists, *, balance: bool
) -> list[int]:
    """Colour greedily in the order: no hard neighbour's colour, fewest soft ones, then least used."""
    colours = [-1] * len(hard)
    used = [0] * COLOUR_COUNT
    for node in order:
        hard_counts = [0] * (COLOUR_COUNT + 1)  # the last place collects the uncoloured, -1
        for end in hard[node]:
            hard_counts[colours[end]] += 1
        free = [number for number in range(COLOUR_COUNT) if not hard_counts[number]]
        if not free:
            chosen = _swap_kempe_chain(node, hard, colours, used)
            if chosen < 0:
                chosen = min(range(COLOUR_COUNT), key=lambda number: (hard_counts[number], used[number]))
        elif not balance:
            chosen = free[0]  # keeps the other colours free for later
        else:
            near = [0] * (COLOUR_COUNT + 1)
            for end in soft[node]:
                near[colours[end]] += 1
            chosen = min(free, key=lambda number: (near[number], used[number]))
        colours[node] = chosen
        used[chosen] += 1
    return colours


def _swap_kempe_chain(node: int, hard: AdjacencyLists, colours: list[int], used: list[int]) -> int:
    """Free a colour at the node by swapping two colours along the chains that meet it there; else -1."""
    for first in range(COLOUR_COUNT):
        for second in range(COLOUR_COUNT):
            if first == second:
                continue
            chain = {end for end in hard[node] if colours[end] == first}
            stack = list(chain)
            while stack:
                for end in hard[stack.pop()]:
                    if end not in chain and colours[end] in (first, second):
                        chain.add(end)
                        stack.append(end)
            if any(colours[end] == second and end in chain for end in hard[node]):
                continue
            for member in chain:
                used[colours[member]] -= 1
                colours[member] = second if colours[member] == first else first
                used[colours[member]] += 1
            return first
    return -1


def _balance_classes(colours: list[int], hard: AdjacencyLists, soft: AdjacencyLists) -> list[int]:
    """Move cells from classes above the mean to free colours below it until all are about equal."""
    result = list(colours)
    used = [result.count(number) for number in range(COLOUR_COUNT)]
    slack = max(1, len(result) // 200)
    for strict in (True, False):
        for node, own in enumerate(result):
            if used[own] - min(used) <= slack:
                continue
            hard_colours = {result[end] for end in hard[node]}
            if own in hard_colours:
                continue
            corners = [result[end] for end in soft[node]]
            limit = corners.count(own)
            for number in sorted(range(COLOUR_COUNT), key=lambda number: used[number]):
                if used[own] - used[number] <= 1:
                    break
                if number not in hard_colours and not (strict and corners.count(number) > limit):
                    used[own] -= 1
                    used[number] += 1
                    result[node] = number
                    break
    return result
