"""Morton's curve against a loop over the bits."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis.morton import BITS, SHORT_BITS, morton_codes


@pytest.mark.parametrize(("number_type", "bits"), [(np.int64, BITS), (np.uint32, SHORT_BITS)])
@given(data=st.data())
def test_the_curve_takes_a_bit_of_each_in_turn(number_type: Any, bits: int, data: st.DataObject) -> None:
    coordinate = st.integers(0, (1 << bits) - 1)
    places = data.draw(st.lists(st.tuples(coordinate, coordinate), min_size=1))
    xy = np.array(places, dtype=number_type)

    def naive(x: int, y: int) -> int:
        return sum(((x >> bit & 1) << 2 * bit) | ((y >> bit & 1) << 2 * bit + 1) for bit in range(bits))

    codes = morton_codes(xy[:, 0], xy[:, 1])
    assert codes.dtype == number_type
    assert codes.tolist() == [naive(x, y) for x, y in places]
    assert xy.tolist() == [list(place) for place in places]


@pytest.mark.parametrize(("number_type", "bits"), [(np.int64, BITS), (np.uint32, SHORT_BITS)])
def test_the_last_place_of_the_square_is_the_last_of_the_curve(number_type: Any, bits: int) -> None:
    last = np.array([(1 << bits) - 1], dtype=number_type)
    assert int(morton_codes(last, last)[0]) == (1 << 2 * bits) - 1
