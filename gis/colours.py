"""Colour numbers for cells: neighbours differ, at most six colours, every colour about equally often.

It numbers; which styles a map gives the numbers is the map's, except Tol's palette, which stands here because
the limit of six colours is chosen for it.
"""

import heapq
from collections.abc import Sequence
from zlib import crc32

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from gis.crs import to_lonlat, to_working
from gis.graph import Pairs, adjacency, neighbours, overlapping, touching

COLOURS = 6

TOL_BRIGHT = ("#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377")
"""Bright qualitative scheme, safe for the colour-blind.

Source: Paul Tol, Colour Schemes, SRON technical note SRON/EPS/TN/09-002.
"""

TOL_GREY = "#BBBBBB"
"""The scheme's colour for "no data"."""

Ints = NDArray[np.int64]
Lists = list[list[int]]


def colour(cells: gpd.GeoDataFrame, *, crs: CRS | None = None) -> Ints:
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
    shapes = np.array(cells.geometry, dtype=object)
    if not len(shapes) or shapely.is_empty(shapes[~shapely.is_missing(shapes)]).all():
        return np.arange(len(shapes), dtype=np.int64) % COLOURS
    if cells.crs is not None:
        shapes = np.array(to_working(to_lonlat(cells), crs).geometry, dtype=object)
    i, j, _ = adjacency(shapes)
    crossing_i, crossing_j = overlapping(shapes)
    i, j = np.r_[i, crossing_i], np.r_[j, crossing_j]
    corner_i, corner_j = touching(shapes)
    return colour_graph(len(shapes), i, j, corner_i, corner_j)


def colour_graph(
    count: int, i: Ints, j: Ints, soft_i: Ints | None = None, soft_j: Ints | None = None
) -> Ints:
    """Colour the nodes of a graph as `colour` does the cells.

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
    hard = _neighbours(count, i, j)
    soft = _neighbours(count, soft_i, soft_j) if soft_i is not None and soft_j is not None else [[]] * count
    best = _paint(_smallest_last(hard), hard, soft, spread=True)
    if _equal(best, i, j):
        others = [_paint(order(hard), hard, soft, spread=False) for order in (_smallest_last, _saturation)]
        best = min([best, *others], key=lambda colours: _equal(colours, i, j))
    return np.array(_balance(best, hard, soft), dtype=np.int64)


def _equal(colours: list[int], i: Ints, j: Ints) -> int:
    numbers = np.array(colours, dtype=np.int64)
    return int(np.count_nonzero(numbers[i] == numbers[j]))


def steady_colours(shapes: NDArray[np.object_], codes: Sequence[str]) -> Ints:
    """Colour the cells of a coverage so that neighbours differ and a change recolours only near cells.

    Parameters
    ----------
    shapes
        Polygons of one coverage in any CRS, shape (n,); None and empty ones have no neighbours.
    codes
        The distinct codes of the cells: a cell's turn, and the colour it likes best, follow from its code.

    Returns
    -------
    ndarray of int64
        Shape (n,), values 0 to 5; class sizes are even only on average. The order of rows does not matter.

    Notes
    -----
    Greedy colouring in an order that is random but fixed: what a cell gets depends on chains of neighbours
    whose turn was earlier, and such chains are short, so that all cells whose earlier neighbours are done
    are coloured at once (Jones and Plassmann 1993). Kempe chains help where all six are taken.
    """
    turns = np.array([crc32(code.encode()) for code in codes], dtype=np.int64)
    order = np.lexsort((np.asarray(codes, dtype=str), turns))
    turn = np.empty(len(order), dtype=np.int64)
    turn[order] = np.arange(len(order))
    hard, corners = neighbours(shapes)
    return _in_turn(turn, turns // COLOURS % COLOURS, hard, corners)


def _in_turn(turn: Ints, liked: Ints, hard: Pairs, soft: Pairs) -> Ints:
    """Colour each node when its turn comes: no hard neighbour's colour, fewest soft ones, then as it likes.

    What a node gets depends on the neighbours before it, so that those none of whose neighbours is still to
    come before them go together.
    """
    count = len(turn)
    colours: Ints = np.full(count, -1, dtype=np.int64)
    barred, near = np.zeros((count, COLOURS), dtype=bool), np.zeros((count, COLOURS), dtype=np.int64)
    followers = [_followers(turn, pairs) for pairs in (hard, soft)]
    waits = sum((np.bincount(ends, minlength=count) for _, ends in followers), np.zeros(count, np.int64))
    ready = np.flatnonzero(waits == 0)
    while len(ready):
        wishes = near[ready] * COLOURS + (np.arange(COLOURS) - liked[ready, np.newaxis]) % COLOURS
        taken = barred[ready]
        wishes[taken] = np.iinfo(np.int64).max
        colours[ready] = np.where(taken.all(axis=1), -1, wishes.argmin(axis=1))
        told = []
        for table, (starts, ends) in zip((barred, near), followers, strict=True):
            sizes = starts[ready + 1] - starts[ready]
            last = np.cumsum(sizes)
            later = ends[np.arange(sizes.sum()) + np.repeat(starts[ready] - (last - sizes), sizes)]
            shades = np.repeat(colours[ready], sizes)
            known = shades >= 0
            np.add.at(table.reshape(-1), later[known] * COLOURS + shades[known], 1)
            np.subtract.at(waits, later, 1)
            told.append(later)
        reached = np.concatenate(told)
        ready = np.unique(reached[waits[reached] == 0])
    left = np.flatnonzero(colours < 0)
    return colours if not len(left) else _with_chains(colours, left[np.argsort(turn[left])], hard)


def _followers(turn: Ints, pairs: Pairs) -> tuple[Ints, Ints]:
    """Return where the neighbours of each node whose turn is later begin, shape (n + 1,), and all of them."""
    i, j = pairs
    first, second = np.where(turn[i] < turn[j], (i, j), (j, i))
    order = np.argsort(first, kind="stable")
    return np.searchsorted(first[order], np.arange(len(turn) + 1)), second[order]


def _with_chains(colours: Ints, nodes: Ints, hard: Pairs) -> Ints:
    """Colour what is left by swapping along chains; where none helps, with fewest equal neighbours."""
    lists, result, used = _Neighbours(len(colours), *hard), colours.tolist(), [0] * COLOURS
    for node in nodes.tolist():
        chosen = _kempe(node, lists, result, used)
        shown = [result[end] for end in lists[node]]
        result[node] = chosen if chosen >= 0 else min(range(COLOURS), key=shown.count)
    return np.array(result, dtype=np.int64)


class _Neighbours:
    """The sorted neighbours of each node, as a list of whole numbers when it is asked for."""

    def __init__(self, count: int, i: Ints, j: Ints) -> None:
        pairs = np.sort(np.r_[i * count + j, j * count + i]) if len(i) else np.empty(0, dtype=np.int64)
        pairs = pairs[np.diff(pairs, prepend=-1) > 0]
        self.bounds = np.searchsorted(pairs, np.arange(count + 1, dtype=np.int64) * count)
        self.ends = pairs % max(count, 1)

    def __getitem__(self, node: int) -> list[int]:
        """Return the neighbours of a node."""
        ends: list[int] = self.ends[self.bounds[node] : self.bounds[node + 1]].tolist()
        return ends


def _neighbours(count: int, i: Ints, j: Ints) -> Lists:
    """Return the neighbours of all nodes: loops over every node are faster over these than over arrays."""
    found = _Neighbours(count, i, j)
    bounds, ends = found.bounds.tolist(), found.ends.tolist()
    return [ends[bounds[node] : bounds[node + 1]] for node in range(count)]


def _smallest_last(hard: Lists) -> list[int]:
    """Nodes in the order in which to paint: reversed removal of a node of smallest remaining degree."""
    degree = [len(ends) for ends in hard]
    buckets: Lists = [[] for _ in range(max(degree, default=0) + 1)]
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


def _saturation(hard: Lists) -> list[int]:
    """Nodes by DSATUR: next is the node whose neighbours show the most colours (of an unbounded palette)."""
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


def _paint(order: list[int], hard: Lists, soft: Lists, *, spread: bool) -> list[int]:
    """Colour greedily in the order: no hard neighbour's colour, fewest soft ones, then least used."""
    colours = [-1] * len(hard)
    used = [0] * COLOURS
    for node in order:
        taken = [0] * (COLOURS + 1)  # the last place collects the uncoloured, -1
        for end in hard[node]:
            taken[colours[end]] += 1
        free = [number for number in range(COLOURS) if not taken[number]]
        if not free:
            chosen = _kempe(node, hard, colours, used)
            if chosen < 0:
                chosen = min(range(COLOURS), key=lambda number: (taken[number], used[number]))
        elif not spread:
            chosen = free[0]  # keeps the other colours free for later
        else:
            near = [0] * (COLOURS + 1)
            for end in soft[node]:
                near[colours[end]] += 1
            chosen = min(free, key=lambda number: (near[number], used[number]))
        colours[node] = chosen
        used[chosen] += 1
    return colours


def _kempe(node: int, hard: Lists | _Neighbours, colours: list[int], used: list[int]) -> int:
    """Free a colour at the node by swapping two colours along the chains that meet it there; else -1."""
    for first in range(COLOURS):
        for second in range(COLOURS):
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


def _balance(colours: list[int], hard: Lists, soft: Lists) -> list[int]:
    """Move cells from classes above the mean to free colours below it until all are about equal."""
    result = list(colours)
    used = [result.count(number) for number in range(COLOURS)]
    slack = max(1, len(result) // 200)
    for strict in (True, False):
        for node, own in enumerate(result):
            if used[own] - min(used) <= slack:
                continue
            taken = {result[end] for end in hard[node]}
            if own in taken:
                continue
            corners = [result[end] for end in soft[node]]
            limit = corners.count(own)
            for number in sorted(range(COLOURS), key=lambda number: used[number]):
                if used[own] - used[number] <= 1:
                    break
                if number not in taken and not (strict and corners.count(number) > limit):
                    used[own] -= 1
                    used[number] += 1
                    result[node] = number
                    break
    return result
