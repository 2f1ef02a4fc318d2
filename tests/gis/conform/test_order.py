"""The order of codes, against every way to place cells in rows."""

import itertools

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.conform.order import _extents, _out_of_order, _Rows

ROWS = _Rows(10.0, 0.0)
QUIET = settings(deadline=None, max_examples=150)


def naive_is_ordered(bounds):
    """Try every choice of rows; within a row each cell stands at the westernmost place left."""
    choices = [
        range(int(np.floor(-(north - 0.05) / 10)), int(np.floor(-(south + 0.05) / 10)) + 1)
        for _, south, _, north in bounds
    ]
    for rows in itertools.product(*choices):
        if list(rows) != sorted(rows):
            continue
        reached, good = {}, True
        for row, (west, _, east, _) in zip(rows, bounds, strict=True):
            good &= east > reached.get(row, -np.inf)
            reached[row] = max(west, reached.get(row, -np.inf))
        if good:
            return True
    return False


boxes = st.builds(
    lambda x, y, w, h: (3.0 * x, 5.0 * y + 1, 3.0 * x + 3 * w - 1, 5.0 * y + 5 * h),
    st.integers(0, 3), st.integers(0, 5), st.integers(1, 3), st.integers(1, 4),
)  # fmt: skip


@QUIET
@given(st.lists(boxes, min_size=1, max_size=5))
def test_cells_are_in_order_if_rows_exist_in_which_they_are(bounds):
    found = _out_of_order(_extents(np.array(bounds), ROWS))
    assert (found == []) is naive_is_ordered(bounds)


@QUIET
@given(st.integers(2, 5), st.integers(2, 5), st.data())
def test_two_cells_of_a_grid_that_change_places_are_found(columns, rows, data):
    grid = [
        shapely.box(10 * c, -10 * (r + 1), 10 * (c + 1), -10 * r).bounds for r, c in np.ndindex(rows, columns)
    ]
    first = data.draw(st.integers(0, len(grid) - 2))
    second = data.draw(st.integers(first + 1, len(grid) - 1))
    swapped = grid.copy()
    swapped[first], swapped[second] = grid[second], grid[first]
    assert _out_of_order(_extents(np.array(grid), ROWS)) == []
    found = _out_of_order(_extents(np.array(swapped), ROWS))
    assert found
    assert len(found) <= 2
