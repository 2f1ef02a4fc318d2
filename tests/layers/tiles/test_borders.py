"""Borders as lines, against the set of all edges of the polygons that the same tile shows."""

from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.tiles import BUFFER, EXTENT, CoverageLayer, tiles_intersecting
from layers.tiles.coverage_layer import BORDER_TOLERANCE
from tests.gis.topology.coverages import lattice
from tests.layers.tiles.coverages import SHENZHEN, features, mosaic, placed

SIDES = (-BUFFER, EXTENT + BUFFER)


def edges_of(shapes):
    """Every edge of some polygons once, without those along a side of the buffer."""
    found = set()
    for part in shapely.get_parts(shapes):
        for ring in shapely.get_rings(part):
            corners = [tuple(map(int, corner)) for corner in ring.coords]
            found |= {frozenset(pair) for pair in pairwise(corners)}
    return {
        edge
        for edge in found
        if not any(all(corner[axis] == side for corner in edge) for axis in (0, 1) for side in SIDES)
    }


def drawn(coverage, address, allowed=None):
    """The edges of a tile's polygons, and its lines."""
    shapes = [shape for _, shape, _ in features(coverage.encode("c", address, {}, allowed), "c")]
    edges = [shapely.LineString(sorted(edge)) for edge in edges_of(shapes)]
    shapes = [shape for _, shape, _ in features(coverage.encode_borders("b", address, {}, allowed), "b")]
    return edges, shapely.get_parts(shapes).tolist()


def tiles_of(shapes, zoom, most):
    found = list(tiles_intersecting(tuple(shapely.total_bounds(shapes)), zoom))
    return found[:: max(1, len(found) // most)]


def farthest(lines, others):
    """How far from all others the lines' vertices, and places between these, lie."""
    xy, owners = shapely.get_coordinates(shapely.segmentize(lines, 8.0), return_index=True)
    places = shapely.points(np.concatenate((xy, (xy[1:] + xy[:-1])[np.diff(owners) == 0] / 2)))
    return shapely.STRtree(others).query_nearest(places, return_distance=True)[1].max(initial=0)


def assert_the_same(edges, lines, tolerance):
    assert bool(edges) == bool(lines)
    if edges:
        assert farthest(edges, lines) <= tolerance + 1e-6
        assert farthest(lines, edges) <= tolerance + 1e-6
    # As long as all edges once, and not longer: no border is drawn twice.
    length, expected = shapely.length(lines).sum(), shapely.length(edges).sum()
    assert length <= expected + 1e-6
    if tolerance == 0:
        assert length == pytest.approx(expected)


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(3, 120), st.integers(1, 60), st.integers(8, 18))
def test_lines_are_all_edges_once(seed, points, groups, zoom):
    # Holes, islands, parts that touch in one place, and cells left out.
    cells = placed(mosaic(seed, points, groups), 0.02)
    coverage = CoverageLayer(cells, np.arange(len(cells)))
    allowed = np.random.default_rng(seed).random(len(cells)) < 0.8
    for address in tiles_of(cells, zoom, 3):
        assert_the_same(*drawn(coverage, address, allowed), BORDER_TOLERANCE if zoom < 15 else 0)


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(3, 60), st.sampled_from([2e-5, 6e-5, 1e-4, 4e-4]))
def test_lines_of_cells_about_as_small_as_a_unit(seed, points, degrees):
    cells = placed(mosaic(seed, points, points), degrees)
    coverage = CoverageLayer(cells, np.arange(len(cells)))
    for zoom in (14, 15):
        for address in tiles_of(cells, zoom, 2):
            edges, lines = drawn(coverage, address)
            assert_the_same(edges, lines, BORDER_TOLERANCE if zoom < 15 else 0)
            assert all(line.length > 0 for line in lines)


@pytest.mark.parametrize(("turn", "zoom"), [(0, 14), (0.3, 13), (45, 14), (57.3, 13), (89.7, 13), (10, 15)])
def test_the_borders_of_a_lattice_are_as_many_lines_as_it_has(turn, zoom):
    x, y = (each.ravel() for each in np.meshgrid(np.arange(20), np.arange(30)))
    cells = shapely.box(x / 30, y / 30, (x + 1) / 30, (y + 1) / 30)
    middle = np.array((0.5, 0.5))
    angle = np.radians(turn)
    turned = np.array(((np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))))
    cells = placed(shapely.transform(cells, lambda xy: (xy - middle) @ turned), 0.008)
    coverage = CoverageLayer(cells, np.arange(len(cells)))
    # Two or four tiles hold it, so that each holds each line once at most.
    for address in tiles_intersecting(tuple(shapely.total_bounds(cells)), zoom):
        edges, lines = drawn(coverage, address)
        assert_the_same(edges, lines, BORDER_TOLERANCE if zoom < 15 else 0)
        assert len(lines) <= 21 + 31
        if zoom < 15:
            # Hardly anything but their ends.
            assert sum(len(line.coords) for line in lines) <= 2.2 * (21 + 31)


def test_a_cell_alone_is_one_closed_line_and_a_tile_within_has_none():
    disc = placed(np.array([shapely.Point(0.5, 0.5).buffer(0.4)]), 0.2)
    coverage = CoverageLayer(disc, np.array([7]))
    (address,) = tiles_intersecting((*SHENZHEN, *SHENZHEN), 6)
    _, (line,) = drawn(coverage, address)
    assert line.is_closed
    middle = tuple(disc[0].centroid.coords[0])
    for address in tiles_intersecting((*middle, *middle), 15):
        assert coverage.encode("c", address, {}) != b""
        assert coverage.encode_borders("b", address, {}) == b""


def test_all_lines_are_one_feature_that_tells_what_it_is_given():
    cells = placed(lattice(5, 5, size=0.2, wiggle=3), 0.01)
    coverage = CoverageLayer(cells, np.arange(len(cells)))
    address = next(tiles_intersecting(tuple(shapely.total_bounds(cells)), 14))
    ((number, shape, told),) = features(coverage.encode_borders("b", address, {"depth": np.array([2])}), "b")
    assert (number, shape.geom_type, told) == (0, "MultiLineString", {"depth": 2})
    assert coverage.encode_borders("b", address, {}, np.zeros(25, dtype=bool)) == b""
