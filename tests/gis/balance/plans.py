"""Random graphs of units with loads, and what is true of a plan, counted naively."""

import math
from dataclasses import dataclass

import networkx as nx
import numpy as np
from hypothesis import strategies as st

from gis.balance import InfeasibleError
from gis.graph import NeighbourGraph


@dataclass
class Case:
    graph: NeighbourGraph
    loads: np.ndarray
    area_m2: np.ndarray
    exterior_m: np.ndarray

    def __len__(self):
        return len(self.graph)

    def shape(self):
        return {"area_m2": self.area_m2, "exterior_m": self.exterior_m}


def make_case(count, edges, loads, rng, side=None):
    i, j = np.array(edges, dtype=np.int64).reshape(-1, 2).T
    length = np.full(len(i), side) if side else rng.uniform(1, 5, len(i))
    graph = NeighbourGraph.from_pairs(count, i, j, length)
    inner = np.bincount(graph.rows(), weights=graph.length, minlength=count)
    exterior = np.maximum(4 * side - inner, 0.0) if side else rng.uniform(0, 2, count)
    area = np.full(count, side**2) if side else rng.uniform(1, 20, count)
    return Case(graph, np.asarray(loads, dtype=float).reshape(count, -1), area, exterior)


def lattice(width, height, loads, *, without=()):
    """Squares of 100 m in rows, some of them left out."""
    number = np.full((height, width), -1)
    kept = [place for place in np.ndindex(height, width) if place not in set(without)]
    for unit, place in enumerate(kept):
        number[place] = unit
    edges = [
        (number[y, x], number[y + dy, x + dx])
        for y, x in kept
        for dy, dx in ((0, 1), (1, 0))
        if y + dy < height and x + dx < width and number[y + dy, x + dx] >= 0
    ]
    return make_case(len(kept), edges, loads, None, side=100.0)


@st.composite
def cases(draw, parts=2):
    """Up to two connected graphs: a random tree each, with chords; loads equal, zero or uneven."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    edges, count = [], 0
    for _ in range(draw(st.integers(1, parts))):
        size = draw(st.integers(1, 14))
        back = draw(st.integers(1, 14))
        edges += [(count + k, count + int(rng.integers(max(0, k - back), k))) for k in range(1, size)]
        chords = rng.integers(0, size, (draw(st.integers(0, 12)), 2))
        edges += [(count + a, count + b) for a, b in chords.tolist() if a != b]
        count += size
    kind = draw(st.sampled_from(["equal", "uneven", "sparse", "zero", "two"]))
    loads = {
        "equal": lambda: np.ones(count),
        "uneven": lambda: rng.lognormal(0, 1, count),
        "sparse": lambda: rng.lognormal(0, 1, count) * (rng.uniform(size=count) < 0.4),
        "zero": lambda: np.zeros(count),
        "two": lambda: rng.uniform(0, 3, (count, 2)),
    }[kind]()
    return make_case(count, edges, loads, rng)


def attempt(function, *arguments, **options):
    """What a function returns, and None, or None and why nothing can be returned."""
    try:
        return function(*arguments, **options), None
    except InfeasibleError as error:
        return None, error


def parts_of_zones(case, zones):
    """How many connected parts each zone has, by networkx."""
    graph = nx.Graph()
    graph.add_nodes_from(range(len(case)))
    graph.add_edges_from(zip(*(side.tolist() for side in case.graph.pairs()), strict=True))
    return [
        nx.number_connected_components(graph.subgraph(np.flatnonzero(zones == zone).tolist()))
        for zone in range(int(zones.max()) + 1)
    ]


def part_count(case):
    return sum(parts_of_zones(case, np.zeros(len(case), dtype=np.int64)))


def sums_of_zones(case, zones):
    """Loads, area and perimeter of each zone, unit by unit and border by border."""
    found = []
    for zone in range(int(zones.max()) + 1):
        load, area, perimeter = np.zeros(case.loads.shape[1]), 0.0, 0.0
        for unit in np.flatnonzero(zones == zone).tolist():
            load = load + case.loads[unit]
            area += case.area_m2[unit]
            perimeter += case.exterior_m[unit]
            beside = zip(case.graph.neighbours_of(unit), case.graph.lengths_of(unit), strict=True)
            perimeter += sum(length for neighbour, length in beside if zones[neighbour] != zone)
        found.append((load, area, perimeter))
    loads, areas, perimeters = zip(*found, strict=True)
    return np.array(loads), np.array(areas), np.array(perimeters)


def compactness(case, zones):
    _, area, perimeter = sums_of_zones(case, zones)
    return 4 * math.pi * area / perimeter**2


def deviation(case, zones):
    """The greatest deviation of each load."""
    loads, _, _ = sums_of_zones(case, zones)
    return np.abs(loads / loads.mean(axis=0) - 1).max(axis=0)
