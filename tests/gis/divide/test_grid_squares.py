"""Squares at a border and squares inside, against testing every box."""

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.divide.grid_squares import classify_squares, polygon_edges

TOLERANCE = 1e-6


@st.composite
def polygons(draw):
    """Two polygons with holes and corners on or off the grid lines, some of several parts."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    found = []
    for origin in (0, 10):
        steps = rng.integers(0, 17, (draw(st.integers(1, 4)), 2)) / 2 + rng.choice([0, 0.1, 1e-9])
        blobs = [
            shapely.box(x, y, x + w, y + h) for (x, y), (w, h) in zip(steps, 1 + steps[::-1] / 3, strict=True)
        ]
        round_one = shapely.Point(*steps[0]).buffer(rng.uniform(0.2, 3), quad_segs=3)
        blob = shapely.symmetric_difference(shapely.union_all(blobs), round_one)
        found.append(shapely.transform(blob, lambda c, origin=origin: c + np.array([origin * 2 - 7, -3])))
    return np.array(found, dtype=object)


@settings(deadline=None, max_examples=80)
@given(polygons(), st.sampled_from([0.5, 1.0, 2.7]))
def test_squares_equal_those_of_the_loop(areas, size):
    squares = classify_squares(polygon_edges(areas), size, TOLERANCE)
    border = set(map(tuple, squares.border.tolist()))
    inner = {
        tuple(square): owner
        for square, owner in zip(squares.inner.tolist(), squares.polygon_index, strict=True)
    }
    assert len(border) == len(squares.border)
    assert len(inner) == len(squares.inner)
    lines = shapely.union_all(shapely.boundary(areas))
    west, south, east, north = np.floor(shapely.total_bounds(areas) / size).astype(int)
    for column in range(west - 1, east + 2):
        for row in range(south - 1, north + 2):
            box = shapely.box(column * size, row * size, (column + 1) * size, (row + 1) * size)
            distance = shapely.distance(box, lines)
            if distance == 0:
                assert (column, row) in border
            elif distance > 2 * TOLERANCE:
                assert (column, row) not in border
                around = np.flatnonzero(shapely.contains(areas, box)).tolist()
                assert around == ([inner[column, row]] if (column, row) in inner else [])
    assert not border & set(inner)
