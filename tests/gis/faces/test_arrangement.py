"""The faces of linework, noded and walked in compiled code, against GEOS: one union, one polygonize."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.faces.arrangement import PRECISION_M, build_faces

QUIET = settings(deadline=None, max_examples=60)


@st.composite
def linework(draw):
    """Lines that cross anywhere, lie on each other, end on another, lie twice or in rings."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    size, rounded = draw(st.sampled_from([1, 100, 1e5])), draw(st.booleans())
    origin = np.array(draw(st.sampled_from([(0, 0), (500_000, 4_900_000), (-3e5, 2.0**22 - 50)])))
    paths = [rng.uniform(0, size, (rng.integers(2, 6), 2)) for _ in range(draw(st.integers(1, 12)))]
    if rounded:
        paths += [np.round(path * 8 / size) * size / 8 for path in paths]
    lines = [shapely.LineString(path) for path in paths]
    lines += [line.reverse() for line in lines[:2]]
    lines += [shapely.LineString([lines[0].interpolate(0.3, normalized=True), paths[-1][0]])]
    lines += [
        shapely.Point(at).buffer(size * rng.uniform(0.01, 0.3)).exterior
        for at in rng.uniform(0, size, (draw(st.integers(0, 4)), 2))
    ]
    return shapely.transform(np.array(lines, dtype=object), lambda xy: xy + origin), size


def naive_faces(lines):
    noded = shapely.union_all(lines, grid_size=PRECISION_M)
    return shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))


@QUIET
@given(linework())
def test_faces_equal_those_of_one_polygonize(drawn):
    lines, size = drawn
    faces = build_faces(lines)
    assert shapely.is_valid(faces).all()
    assert shapely.coverage_is_valid(faces)
    xy = shapely.get_coordinates(faces)
    assert (xy == np.rint(xy / PRECISION_M) * PRECISION_M).all()
    # What is as narrow as the grid may be a hairline here and not there.
    mine, naive = (
        np.sort(area[area > size * 1e-5]) for area in map(shapely.area, (faces, naive_faces(lines)))
    )
    assert len(mine) == len(naive)
    np.testing.assert_allclose(mine, naive, atol=size * 1e-5)


@QUIET
@given(linework(), st.integers(0, 2**32))
def test_the_order_and_the_direction_of_lines_change_nothing(drawn, seed):
    lines, _ = drawn
    rng = np.random.default_rng(seed)
    turned = np.where(rng.random(len(lines)) < 0.5, shapely.reverse(lines), lines)[
        rng.permutation(len(lines))
    ]
    one, other = build_faces(lines), build_faces(turned)
    assert set(shapely.to_wkb(shapely.normalize(one))) == set(shapely.to_wkb(shapely.normalize(other)))


def outlines(*shapes):
    return shapely.boundary(np.array(shapes, dtype=object))


BOX = shapely.box(0, 0, 9, 9)


@pytest.mark.parametrize(
    ("lines", "areas"),
    [
        (outlines(BOX, shapely.box(2, 2, 3, 3)), [1, 80]),
        # An island on an island, and beside it one that meets the outer ring in a vertex.
        (outlines(BOX, shapely.box(2, 2, 6, 6), shapely.box(3, 3, 4, 4)), [1, 15, 65]),
        (outlines(BOX, shapely.Polygon([(0, 0), (3, 1), (1, 3)])), [4, 77]),
        # Two islands that meet in a vertex, and two that a line joins.
        (outlines(BOX, shapely.box(2, 2, 3, 3), shapely.box(3, 3, 4, 4)), [1, 1, 79]),
        (
            [
                *outlines(BOX, shapely.box(2, 2, 3, 3), shapely.box(5, 5, 6, 6)),
                shapely.LineString([(3, 3), (5, 5)]),
            ],
            [1, 1, 79],
        ),
        # A dead end that forks, and a line that stands alone.
        (
            [
                BOX.exterior,
                shapely.LineString([(0, 0), (4, 4), (4, 5)]),
                shapely.LineString([(4, 4), (5, 4)]),
            ],
            [81],
        ),
        ([shapely.LineString([(0, 0), (1, 1)])], []),
        ([shapely.LineString()], []),
    ],
)
def test_islands_and_dead_ends(lines, areas):
    faces = build_faces(np.array(lines, dtype=object))
    assert np.sort(shapely.area(faces)).tolist() == areas
    assert shapely.coverage_is_valid(faces)
