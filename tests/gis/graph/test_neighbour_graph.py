"""The graph in compressed rows, against networkx."""

import networkx as nx
import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis.graph import NeighbourGraph


@st.composite
def edges_of(draw):
    count = draw(st.integers(0, 12))
    node = st.integers(0, max(count - 1, 0))
    edges = draw(st.lists(st.tuples(node, node, st.integers(0, 9)), max_size=25 if count else 0))
    i, j, length = np.array(edges, dtype=np.int64).reshape(-1, 3).T
    return count, i, j, length.astype(float)


def as_networkx(count, i, j, length):
    graph = nx.Graph()
    graph.add_nodes_from(range(count))
    for a, b, metres in zip(i.tolist(), j.tolist(), length.tolist(), strict=True):
        if a != b:
            before = graph.edges[a, b]["length"] if graph.has_edge(a, b) else 0.0
            graph.add_edge(a, b, length=before + metres)
    return graph


def assert_equal(found, expected):
    assert len(found) == len(expected)
    for node in range(len(found)):
        assert found.neighbours_of(node).tolist() == sorted(expected[node])
        assert found.lengths_of(node).tolist() == [
            expected[node][n]["length"] for n in sorted(expected[node])
        ]
    assert found.adjacency_lists() == [sorted(expected[node]) for node in range(len(expected))]
    pairs = sorted(tuple(sorted(edge)) for edge in expected.edges)
    assert list(zip(*(part.tolist() for part in found.pairs()), strict=True)) == pairs


@given(edges_of())
def test_edges_components_and_rows(case):
    found, expected = NeighbourGraph.from_pairs(*case), as_networkx(*case)
    assert_equal(found, expected)
    lowest = {node: min(component) for component in nx.connected_components(expected) for node in component}
    assert found.components().tolist() == [lowest[node] for node in range(case[0])]
    assert found.rows().tolist() == [node for node in range(case[0]) for _ in expected[node]]
    assert found.degrees().tolist() == [len(expected[node]) for node in range(case[0])]


@given(edges_of(), st.data())
def test_parts_and_groups(case, data):
    count, i, j, length = case
    graph, expected = NeighbourGraph.from_pairs(*case), as_networkx(*case)
    groups = np.array(data.draw(st.lists(st.integers(0, 3), min_size=count, max_size=count)), dtype=np.int64)
    assert_equal(graph.contract(groups, 4), as_networkx(4, groups[i], groups[j], length))
    nodes = np.flatnonzero(groups == 0)
    renamed = nx.relabel_nodes(
        expected.subgraph(nodes.tolist()), {node: k for k, node in enumerate(nodes.tolist())}
    )
    assert_equal(graph.subgraph(nodes), renamed)
    inner = groups[graph.rows()] == groups[graph.neighbours]
    kept = nx.Graph(expected)
    kept.remove_edges_from([(a, b) for a, b in expected.edges if groups[a] != groups[b]])
    assert_equal(graph.select(inner), kept)


def test_polygons_share_borders():
    boxes = [shapely.box(0, 0, 2, 1), shapely.box(0, 1, 1, 2), shapely.box(1, 1, 2, 2), None]
    graph = NeighbourGraph.from_polygons(boxes)
    assert graph.adjacency_lists() == [[1, 2], [0, 2], [0, 1], []]
    assert graph.length.tolist() == [1.0] * 6
