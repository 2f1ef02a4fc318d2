import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from layers.tiles.make_valid import make_valid_coverage, make_valid_each
from layers.tiles.rings import (
    Rings,
    clean_rings,
    doubled_areas,
    is_convex,
    merge_rings,
    offsets_from_sizes,
    rings_from_geometries,
)
from tests.layers.tiles.coverages import blank, mosaic

coordinate = st.integers(-6, 6)
ring = st.lists(st.tuples(coordinate, coordinate), max_size=9)


def rings_of(*listed):
    """One row for each ring."""
    sizes = np.array([len(each) for each in listed], dtype=np.int64)
    xy = np.array([place for each in listed for place in each], dtype=np.int64).reshape(-1, 2)
    rows = np.arange(len(listed))
    return Rings(xy, offsets_from_sizes(sizes), rows, rows)


def winding(places, at):
    """How often a ring runs around a place that is on none of its edges, by the angles it turns."""
    if len(places) < 3:
        return 0
    off = np.array(places, dtype=float) - at
    angles = np.arctan2(off[:, 1], off[:, 0])
    turns = np.diff(np.append(angles, angles[0]))
    return round(float(((turns + np.pi) % (2 * np.pi) - np.pi).sum() / (2 * np.pi)))


def spots():
    """Places on no edge between whole coordinates this small: their slopes are irrational."""
    grid = np.arange(-6, 6) + 0.5
    return [(x + 0.001 * np.sqrt(2), y + 0.001 * np.sqrt(3)) for x in grid for y in grid]


@given(st.lists(ring, max_size=5))
def test_cleaning_leaves_what_a_ring_encloses(listed):
    made = clean_rings(rings_of(*listed))
    for row, places in enumerate(listed):
        kept = made.subset(np.flatnonzero(made.rows == row)).xy.tolist()
        assert all(kept[number] != kept[number - 1] for number in range(len(kept)))
        assert all(kept[number] != kept[number - 2] for number in range(len(kept)))
        for spot in spots()[::7]:
            assert abs(winding(kept, spot)) == abs(winding(places, spot))


def test_outer_rings_are_clockwise_as_seen_and_holes_are_not():
    square = [(0, 0), (9, 0), (9, 9), (0, 9)]
    hole = [(2, 2), (4, 2), (4, 4), (2, 4)]
    for outer in (square, square[::-1]):
        for inner in (hole, hole[::-1]):
            made = clean_rings(rings_of(outer, inner)._replace(parts=np.zeros(2, int), rows=np.zeros(2, int)))
            assert doubled_areas(made.xy, made.starts).tolist() == [162, -8]


def test_a_flat_outer_ring_takes_its_holes_along():
    flat, hole, other = [(0, 0), (9, 0), (4, 0)], [(2, 2), (4, 2), (4, 4)], [(0, 0), (1, 0), (1, 1)]
    rings = rings_of(flat, hole, other)._replace(parts=np.array([0, 0, 1]), rows=np.array([0, 0, 3]))
    assert clean_rings(rings).rows.tolist() == [3]


@given(st.integers(0, 10_000), st.integers(3, 40), st.integers(1, 8))
def test_shapes_survive_the_way_there_and_back(seed, points, groups):
    cells = mosaic(seed, points, groups, side=1 << 20)
    whole = np.asarray(shapely.transform(cells, np.rint), dtype=object)
    whole[0] = shapely.MultiPolygon()
    rings = rings_from_geometries(whole)
    back = rings.to_geometries(len(whole))
    assert shapely.equals(shapely.normalize(back), shapely.normalize(whole)).all()
    boxes = rings.bboxes(len(whole))
    np.testing.assert_array_equal(boxes[1:], shapely.bounds(whole[1:]))
    assert boxes[0, 0] > boxes[0, 2]
    even, odd = (rings.subset(np.flatnonzero(rings.rows % 2 == side)) for side in (0, 1))
    assert all(np.array_equal(*both) for both in zip(merge_rings(odd, even), rings, strict=True))


@pytest.mark.parametrize("mend", [make_valid_each, make_valid_coverage])
@given(st.integers(0, 10_000), st.integers(3, 60), st.integers(1, 30), st.sampled_from([12, 25, 60, 200]))
def test_mended_polygons_are_valid_and_on_whole_units(mend, seed, points, groups, side):
    cells = mosaic(seed, points, groups, side=side)
    made = mend(rings_from_geometries(shapely.transform(cells, np.rint)), len(cells))
    shapes = made.to_geometries(len(cells))
    assert shapely.is_valid(shapes).all()
    outer = made.outer
    assert ((doubled_areas(made.xy, made.starts) > 0) == outer).all()
    # Nothing moves farther than rounding and one bend may move it.
    assert shapely.is_empty(shapely.difference(shapes, shapely.buffer(cells, 1.5))).all()


@given(st.integers(0, 10_000), st.integers(3, 60), st.integers(1, 30), st.sampled_from([12, 25, 60, 200]))
def test_mending_together_leaves_no_blank(seed, points, groups, side):
    cells = mosaic(seed, points, groups, side=side)
    made = make_valid_coverage(rings_from_geometries(shapely.transform(cells, np.rint)), len(cells))
    assert blank(made.to_geometries(len(cells)), shapely.box(1.5, 1.5, side - 1.5, side - 1.5)) == 0


def test_there_is_something_to_mend():
    broken = 0
    for seed in range(60):
        cells = np.asarray(shapely.transform(mosaic(seed, 60, 10, side=25), np.rint), dtype=object)
        broken += int((~shapely.is_valid(rings_from_geometries(cells).to_geometries(len(cells)))).sum())
    assert broken > 20


@given(listed=st.lists(ring, min_size=1, max_size=20))
def test_a_ring_that_turns_one_way_and_once_around_is_a_valid_polygon(listed):
    rings = clean_rings(rings_of(*listed))
    found = is_convex(rings)
    for number, (begin, end) in enumerate(zip(rings.starts[:-1], rings.starts[1:], strict=True)):
        shape = shapely.Polygon(rings.xy[begin:end])
        bulges = shape.is_valid and shape.convex_hull.area == shape.area
        assert found[number] == bulges
