"""Neighbours: the sorting of edges and vertices against all pairs of geometries."""

from itertools import combinations, pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.graph import (
    find_neighbours,
    find_overlapping,
    find_shared_borders,
    find_shared_vertices,
)
from gis.graph.shared_edges import find_shared_edges


def voronoi(seed, count):
    points = np.random.default_rng(seed).uniform(0, 1000, (count, 2))
    parts = shapely.get_parts(
        shapely.voronoi_polygons(shapely.MultiPoint(points), extend_to=shapely.box(0, 0, 1000, 1000))
    )
    return np.array(parts, dtype=object)


def grouped(seed, count, groups):
    """A coverage of multipart polygons: Voronoi cells dissolved at random into groups."""
    parts = voronoi(seed, count)
    label = np.random.default_rng(seed).integers(0, groups, len(parts))
    return np.array([shapely.coverage_union_all(parts[label == g]) for g in np.unique(label)], dtype=object)


def naive_borders(polygons):
    lengths = {}
    for i, j in combinations(range(len(polygons)), 2):
        length = polygons[i].boundary.intersection(polygons[j].boundary).length
        if length > 1e-6:
            lengths[i, j] = length
    return lengths


def as_dict(i, j, length):
    return dict(zip(zip(i.tolist(), j.tolist(), strict=True), length.tolist(), strict=True))


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6), count=st.integers(2, 60), groups=st.integers(1, 12))
def test_borders_equal_the_pairwise_intersections(seed, count, groups):
    for polygons in (voronoi(seed, count), grouped(seed, count, groups)):
        found = as_dict(*find_shared_borders(polygons))
        assert found == pytest.approx(naive_borders(polygons))


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6), count=st.integers(2, 60), groups=st.integers(1, 12))
def test_the_edges_of_a_border_make_its_length(seed, count, groups):
    polygons = grouped(seed, count, groups)
    i, j, edges = find_shared_edges(polygons)
    assert (i < j).all()
    total = {}
    for a, b, (x0, y0, x1, y1) in zip(i.tolist(), j.tolist(), edges.tolist(), strict=True):
        edge = shapely.LineString([(x0, y0), (x1, y1)])
        assert polygons[a].boundary.distance(edge.centroid) < 1e-9
        total[a, b] = total.get((a, b), 0) + edge.length
    assert total == pytest.approx(naive_borders(polygons), abs=1e-5)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 60), groups=st.integers(1, 12))
def test_one_walk_finds_borders_and_corners(seed, count, groups):
    # Two that share no vertices meet along an edge, one lies nowhere.
    beside = [shapely.box(1000, 0, 2000, 300), shapely.box(1000, 300, 2000, 1000), shapely.Polygon()]
    for coverage in (voronoi(seed, count), grouped(seed, count, groups)):
        polygons = np.array([*coverage, *beside], dtype=object)
        borders, corners = find_neighbours(polygons)
        for found, expected in (
            (borders, find_shared_borders(polygons)[:2]),
            (corners, find_shared_vertices(polygons)),
        ):
            assert [part.tolist() for part in found] == [part.tolist() for part in expected]


@settings(deadline=None, max_examples=40)
@given(
    rows=st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=5), min_size=1, max_size=4),
    turn=st.floats(0, 6.28),
    scale=st.sampled_from([1e-3, 1.0, 1e5]),
)
def test_unmatched_vertices_are_found_along_the_border(rows, turn, scale):
    # Rows of boxes of unequal widths, rotated off the axes: borders between rows consist of T-junctions.
    boxes, spans = [], []
    for y, widths in enumerate(rows):
        ends = np.r_[0, np.cumsum(widths)]
        for west, east in pairwise(ends):
            boxes.append(shapely.box(west, y, east, y + 1))
            spans.append((y, west, east))
    cos, sin = np.cos(turn) * scale, np.sin(turn) * scale
    polygons = shapely.transform(
        np.array(boxes, dtype=object), lambda xy: xy @ np.array([[cos, sin], [-sin, cos]]) + 3.0
    )
    expected = {}
    for i, j in combinations(range(len(spans)), 2):
        (y, west, east), (row, left, right) = spans[i], spans[j]
        if y == row and (east == left or west == right):
            expected[i, j] = scale
        elif abs(y - row) == 1 and min(east, right) > max(west, left):
            expected[i, j] = (min(east, right) - max(west, left)) * scale
    tolerance = 1e-9 * (scale + 3)
    assert as_dict(*find_shared_borders(polygons, tolerance=tolerance)) == pytest.approx(expected, rel=1e-4)


def test_zero_tolerance_matches_identical_edges_only():
    polygons = [shapely.box(0, 0, 2, 1), shapely.box(0, 1, 1, 2), shapely.box(1, 1, 2, 2)]
    assert as_dict(*find_shared_borders(polygons, tolerance=0)) == {(1, 2): 1.0}
    assert as_dict(*find_shared_borders(polygons)) == {(0, 1): 1.0, (0, 2): 1.0, (1, 2): 1.0}


def test_crossing_borders_are_not_shared():
    polygons = [shapely.box(0, 0, 2, 2), shapely.box(1, 1, 3, 3), shapely.box(5, 5, 6, 6)]
    assert as_dict(*find_shared_borders(polygons)) == {}
    i, j = find_overlapping(polygons)
    assert (i.tolist(), j.tolist()) == ([0], [1])


def test_missing_empty_and_hole_filling_polygons():
    ring = shapely.box(0, 0, 3, 3).difference(shapely.box(1, 1, 2, 2))
    polygons = [None, ring, shapely.Polygon(), shapely.box(1, 1, 2, 2), shapely.box(-1.0, -0.0, 0, 3)]
    assert as_dict(*find_shared_borders(polygons)) == {(1, 3): 4.0, (1, 4): 3.0}
    for none in ([], [None], [shapely.Polygon()]):
        assert all(len(part) == 0 for part in find_shared_borders(none))
        assert all(len(part) == 0 for part in find_shared_vertices(none))
        assert all(len(part) == 0 for part in find_overlapping(none))


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6), count=st.integers(2, 40))
def test_touching_and_overlapping_equal_all_pairs(seed, count):
    cells = voronoi(seed, count)
    corners = [set(map(tuple, shapely.get_coordinates(cell).tolist())) for cell in cells]
    expected = [(i, j) for i, j in combinations(range(len(cells)), 2) if corners[i] & corners[j]]
    assert list(zip(*(part.tolist() for part in find_shared_vertices(cells)), strict=True)) == expected
    assert len(find_overlapping(cells)[0]) == 0

    rng = np.random.default_rng(seed)
    west, south = rng.integers(0, 30, (2, count))
    boxes = shapely.box(west, south, west + rng.integers(1, 8, count), south + rng.integers(1, 8, count))
    expected = [(i, j) for i, j in combinations(range(count), 2) if boxes[i].intersection(boxes[j]).area > 0]
    identical = {(i, j) for i, j in expected if boxes[i].equals(boxes[j])}
    found = set(zip(*(part.tolist() for part in find_overlapping(boxes)), strict=True))
    # Identical boxes have no edge of their own; `find_shared_borders` has them.
    assert found | identical >= set(expected)
    assert found <= set(expected)
    assert identical <= set(as_dict(*find_shared_borders(boxes)))
