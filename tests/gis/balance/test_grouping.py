"""Groups of units are connected, of up to four units, and no larger than zones can take."""

import networkx as nx
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.balance.grouping import group_units
from tests.gis.balance.plans import cases, lattice, parts_of_zones


@given(cases(), st.floats(0.1, 20))
@settings(max_examples=60)
def test_groups_of_any_graph(case, largest):
    limit = np.full(case.loads.shape[1], largest)
    group = group_units(case.graph, case.loads, limit)
    sizes = np.bincount(group)
    assert sizes.min() >= 1
    assert sizes.max() <= 4
    assert parts_of_zones(case, group) == [1] * len(sizes)
    for load in case.loads.T:
        sums = np.bincount(group, weights=load)
        assert (sums[sizes > 1] <= largest / 2 + 1e-9).all()


def test_pairs_join_along_their_longest_borders():
    case = lattice(6, 4, np.ones(24))
    group = group_units(case.graph, case.loads, np.array([100.0]))
    y, x = np.divmod(np.arange(24), 6)
    assert group.tolist() == (y // 2 * 3 + x // 2).tolist()


def test_no_two_groups_of_one_unit_are_left_beside_each_other():
    case = lattice(9, 7, np.ones(62), without=[(3, 4)])
    group = group_units(case.graph, case.loads, np.array([100.0]))
    alone = np.flatnonzero(np.bincount(group)[group] == 1)
    graph = nx.Graph(list(zip(*(side.tolist() for side in case.graph.pairs()), strict=True)))
    assert graph.subgraph(alone.tolist()).number_of_edges() == 0
