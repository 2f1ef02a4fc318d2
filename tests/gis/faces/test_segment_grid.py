"""Points near segments, and the turn of vertices, against asking one by one."""

from fractions import Fraction

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.faces.orientation import turn
from gis.faces.segment_grid import points_beside

QUIET = settings(deadline=None, max_examples=50)


@QUIET
@given(st.integers(0, 2**32), st.integers(0, 60), st.integers(0, 60), st.booleans(), st.booleans())
def test_points_beside_segments_are_all_within_reach(seed, points, lines, rounded, with_ends):
    rng = np.random.default_rng(seed)
    xy, start, end = (rng.uniform(0, 100, (count, 2)) for count in (points, lines, lines))
    if rounded:
        xy, start, end = np.round(xy, -1), np.round(start, -1), np.round(end, -1)
    # One far longer than the others, and one without length.
    end[:1] *= 50
    end[1:2] = start[1:2]
    reach = rng.choice([0.0, 0.5, 20.0], lines) + 1e-9
    segment, point = points_beside(xy, start, end, reach, with_ends=with_ends)
    edges = shapely.linestrings(np.stack([start, end], axis=1))
    naive = [
        (i, k)
        for i in range(lines)
        for k in range(points)
        if shapely.distance(edges[i], shapely.Point(xy[k])) <= reach[i]
        and (with_ends or not ((xy[k] == start[i]).all() or (xy[k] == end[i]).all()))
    ]
    assert list(zip(segment.tolist(), point.tolist(), strict=True)) == naive


@QUIET
@given(
    st.lists(st.integers(-(2**50), 2**50), min_size=4, max_size=4), st.integers(0, 2**20), st.integers(-1, 1)
)
def test_turns_are_exact(ends, share, aside):
    # The third vertex lies on the line of the others, or one step of the grid beside it.
    ax, ay, bx, by = (each // 2**22 * 2**22 for each in ends)
    cx, cy = ax + (bx - ax) // 2**22 * share, ay + (by - ay) // 2**22 * share + aside
    exact = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    scaled = [float(Fraction(each, 2**23)) for each in (ax, ay, bx, by, cx, cy)]
    assert np.sign(turn(*scaled)) == np.sign(exact)


@pytest.mark.parametrize("shift", [0.0, 5e5, 4.9e6])
def test_a_vertex_one_step_off_a_long_line(shift):
    step = 2.0**-23
    for aside in (-step, 0.0, step):
        found = turn(shift, shift, shift + 1e5, shift + 3e4, shift + 5e4, shift + 15e3 + aside)
        assert np.sign(found) == np.sign(aside)
