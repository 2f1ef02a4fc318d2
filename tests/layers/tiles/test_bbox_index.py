import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from layers.tiles.bbox_index import BBoxIndex
from layers.tiles.morton import BITS, morton_codes

whole = st.integers(-50, 50)
boxes = st.lists(st.tuples(whole, whole, st.integers(0, 30), st.integers(0, 30)), max_size=400)
coordinate = st.integers(0, (1 << BITS) - 1)


@given(boxes, st.tuples(whole, whole, st.integers(0, 60), st.integers(0, 60)), st.integers(0, 3))
def test_the_boxes_that_touch_another(drawn, reach, blanks):
    array = np.array([(x, y, x + w, y + h) for x, y, w, h in drawn], dtype=float).reshape(-1, 4)
    array[:blanks] = np.nan
    west, south, east, north = reach[0], reach[1], reach[0] + reach[2], reach[1] + reach[3]
    naive = [
        row for row, (a, b, c, d) in enumerate(array) if a <= east and c >= west and b <= north and d >= south
    ]
    assert BBoxIndex(array).query(west, south, east, north).tolist() == naive


def test_many_boxes_at_one_place():
    assert len(BBoxIndex(np.tile([1.0, 2.0, 1.0, 2.0], (1000, 1))).query(1, 2, 1, 2)) == 1000


@given(st.lists(st.tuples(coordinate, coordinate), min_size=1))
def test_the_curve_takes_a_bit_of_each_in_turn(places):
    xy = np.array(places)

    def naive(x, y):
        return sum(((x >> bit & 1) << 2 * bit) | ((y >> bit & 1) << 2 * bit + 1) for bit in range(BITS))

    assert morton_codes(xy[:, 0], xy[:, 1]).tolist() == [naive(x, y) for x, y in places]
