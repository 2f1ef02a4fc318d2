import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from layers.tiles.bbox_index import BBoxIndex

whole = st.integers(-50, 50)
boxes = st.lists(st.tuples(whole, whole, st.integers(0, 30), st.integers(0, 30)), max_size=400)


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
