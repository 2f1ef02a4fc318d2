from itertools import pairwise

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st

from layers.tiles.clip import clip_lines, clip_rings, compare_bboxes, crossings
from layers.tiles.make_valid import make_valid_each
from layers.tiles.rings import rings_from_geometries
from tests.layers.tiles.coverages import mosaic

BOX = (300, 250, 700, 800)
coordinate = st.integers(-1000, 1000)
place = st.tuples(coordinate, coordinate)


@given(st.integers(0, 10_000), st.integers(3, 60), st.integers(1, 20))
def test_cut_polygons_are_what_lies_in_the_box(seed, points, groups):
    cells = np.asarray(shapely.transform(mosaic(seed, points, groups, side=1000), np.rint), dtype=object)
    cells = cells[shapely.is_valid(cells)]
    cut = make_valid_each(clip_rings(rings_from_geometries(cells), BOX), len(cells)).to_geometries(len(cells))
    assert shapely.is_valid(cut).all()
    assert (shapely.is_empty(cut) | shapely.covers(shapely.box(*BOX), cut)).all()
    naive = shapely.intersection(cells, shapely.box(*BOX))
    # Each of two sides may move an edge by half a unit; along a side that counts for more.
    assert shapely.area(shapely.difference(cut, shapely.buffer(cells, 1.0))).max() < 1e-9
    drawn = shapely.union(shapely.buffer(cut, 1.0), shapely.box(*BOX).exterior.buffer(1.0))
    # What is narrower than a unit may vanish, such as the tip of a wedge.
    wide = shapely.buffer(shapely.buffer(naive, -0.5), 0.5)
    assert shapely.area(shapely.difference(wide, drawn)).max() < 1e-9


def test_polygons_around_the_box_and_away_from_it():
    around, away = shapely.box(0, 0, 1000, 1000), shapely.box(0, 0, 200, 200)
    holed = shapely.Polygon(around.exterior, [shapely.box(290, 240, 710, 810).exterior])
    cut = clip_rings(rings_from_geometries(np.array([around, away, holed], dtype=object)), BOX)
    shapes = make_valid_each(cut, 3).to_geometries(3)
    assert shapes[0].equals(shapely.box(*BOX))
    assert shapely.is_empty(shapes[1:]).all()


def test_an_edge_is_cut_alike_from_both_ends_where_rounding_is_a_toss():
    # Half of a unit exactly, reached by two ways of arithmetic: among so many some differ in the last bit.
    random = np.random.default_rng(1)
    first, second = random.integers(-5_000, 0, (200_000, 2)), random.integers(1, 5_000, (200_000, 2))
    np.testing.assert_array_equal(crossings(first, second, 0, 0), crossings(second, first, 0, 0))


@given(st.lists(st.tuples(place, place), min_size=1), st.integers(-900, 900), st.integers(0, 1))
def test_an_edge_is_cut_alike_from_both_ends(edges, limit, axis):
    crossing = [(a, b) for a, b in edges if (a[axis] < limit) != (b[axis] < limit)]
    first = np.array([a for a, _ in crossing], dtype=np.int64).reshape(-1, 2)
    second = np.array([b for _, b in crossing], dtype=np.int64).reshape(-1, 2)
    found = crossings(first, second, axis, limit)
    np.testing.assert_array_equal(found, crossings(second, first, axis, limit))
    for (a, b), cut in zip(crossing, found, strict=True):
        assert cut[axis] == limit
        assert shapely.distance(shapely.LineString([a, b]), shapely.Point(cut)) <= 0.5 + 1e-9


@given(st.lists(st.lists(place, min_size=2, max_size=8), max_size=6))
def test_cut_lines_are_what_lies_in_the_box(listed):
    listed = [[p for n, p in enumerate(line) if n == 0 or p != line[n - 1]] for line in listed]
    listed = [line for line in listed if len(line) > 1]
    sizes = np.array([len(line) for line in listed], dtype=np.int64)
    xy = np.array([each for line in listed for each in line], dtype=np.int64).reshape(-1, 2)
    found, starts, sources = clip_lines(xy, sizes, BOX)
    assert np.array_equal(starts[[0, -1]], [0, len(found)])
    assert (np.diff(sources) >= 0).all()
    assert (np.diff(starts) > 1).all()
    for row, line in enumerate(listed):
        # Edges, not lines: a line that crosses itself is another set to GEOS.
        naive = shapely.unary_union(
            [
                shapely.LineString(line[n : n + 2]).intersection(shapely.box(*BOX))
                for n in range(len(line) - 1)
            ]
        )
        pieces = [found[starts[n] : starts[n + 1]] for n in np.flatnonzero(sources == row)]
        drawn = shapely.MultiLineString([piece.tolist() for piece in pieces])
        assert drawn.is_empty or shapely.box(*BOX).covers(drawn)
        # Pieces shorter than rounding are gone.
        assert naive.difference(drawn.buffer(0.8)).length <= 1.5 * len(line)
        assert drawn.difference(naive.buffer(0.8)).is_empty


def test_a_line_that_comes_back_is_cut_into_pieces():
    line = np.array([(0, 500), (500, 500), (500, 0), (600, 0), (600, 400), (650, 450)])
    found, starts, sources = clip_lines(line, np.array([6]), BOX)
    pieces = [found[a:b].tolist() for a, b in pairwise(starts)]
    assert pieces == [[[300, 500], [500, 500], [500, 250]], [[600, 250], [600, 400], [650, 450]]]
    assert sources.tolist() == [0, 0]


def test_a_line_that_only_touches_a_side_is_no_line():
    found, starts, sources = clip_lines(np.array([(200, 350), (400, 150)]), np.array([2]), BOX)
    assert (len(found), starts.tolist(), len(sources)) == (0, [0], 0)


def test_boxes_in_a_box():
    boxes = np.array([BOX, (300, 250, 301, 251), (0, 0, 300, 250), (0, 0, 299, 999), (0, 0, 999, 999)])
    touch, whole = compare_bboxes(boxes, BOX)
    assert touch.tolist() == [True, True, True, False, True]
    assert whole.tolist() == [True, True, False, False, False]
