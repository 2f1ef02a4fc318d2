"""Joining of remnants on random graphs, against recomputing every border at every step."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.divide.remnants import merge_remnants
from gis.graph import NeighbourGraph


@st.composite
def pieces(draw):
    n = draw(st.integers(1, 12))
    area = draw(st.lists(st.integers(1, 12), min_size=n, max_size=n))
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=20)) if pairs else []
    length = draw(st.lists(st.integers(1, 5), min_size=len(chosen), max_size=len(chosen)))
    return area, sorted(chosen), length, draw(st.integers(0, 20))


def naive(area, pairs, length, least):
    """Groups are sets of pieces, named by the one that others joined; borders are summed anew each time."""
    groups = {k: {k} for k in range(len(area))}
    while True:
        waiting = []
        for name, members in groups.items():
            borders = {
                other: sum(
                    metres
                    for (i, j), metres in zip(pairs, length, strict=True)
                    if (i in members and j in theirs) or (j in members and i in theirs)
                )
                for other, theirs in groups.items()
                if other != name
            }
            borders = {other: metres for other, metres in borders.items() if metres}
            total = sum(area[k] for k in members)
            if total < least and borders:
                waiting.append((total, name, min(borders, key=lambda o: (-borders[o], o))))
        if not waiting:
            return [
                max(m, key=lambda k: (area[k], -k))
                for k in range(len(area))
                for m in groups.values()
                if k in m
            ]
        _, name, target = min(waiting)
        groups[target] |= groups.pop(name)


def as_borders(count, pairs, length):
    ends = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return NeighbourGraph.from_pairs(count, ends[:, 0], ends[:, 1], np.array(length, dtype=float))


@settings(deadline=None, max_examples=300)
@given(pieces())
def test_groups_equal_those_of_the_loop(case):
    area, pairs, length, least = case
    seeds = merge_remnants(np.array(area, dtype=float), as_borders(len(area), pairs, length), least)
    assert seeds.tolist() == naive(area, pairs, length, least)


def test_a_chain_of_remnants_becomes_cells():
    # Ten pieces of 2 in a row, least 5: no group stays below it.
    area, pairs = np.full(10, 2.0), [(k, k + 1) for k in range(9)]
    seeds = merge_remnants(area, as_borders(len(area), pairs, [1.0] * 9), 5)
    assert np.bincount(seeds, weights=area)[np.unique(seeds)].min() >= 5


def test_rounding_of_coordinates_decides_nothing():
    area = np.array([2500 - 1e-9, 10_000, 10_000])
    assert merge_remnants(area, as_borders(3, [(0, 1)], [50.0]), 2500).tolist() == [0, 1, 2]
    for noise in (-1e-9, 1e-9):
        borders = as_borders(3, [(0, 1), (0, 2)], [10.0, 10.0 + noise])
        assert merge_remnants(np.array([100.0, 1e4, 1e4]), borders, 2500).tolist() == [1, 1, 2]


def test_a_least_area_of_its_own_for_each_piece():
    area, borders = np.array([3.0, 3.0, 9.0]), as_borders(3, [(0, 2), (1, 2)], [1.0, 1.0])
    assert merge_remnants(area, borders, np.array([2.0, 4.0, 4.0])).tolist() == [0, 2, 2]
