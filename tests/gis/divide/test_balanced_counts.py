"""Cells shared among parts by largest remainder, against counting seat by seat."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis.divide.balanced_counts import apportion


@given(st.lists(st.integers(1, 40), min_size=1, max_size=8), st.integers(8, 60))
def test_without_bounds_it_is_the_largest_remainder(load, total):
    load = np.array(load, dtype=float)
    count = apportion(total, load, np.zeros(len(load), dtype=int), np.full(len(load), total))
    quota = total * load / load.sum()
    expected = np.floor(quota + 1e-9)
    for _ in range(total - int(expected.sum())):
        expected[np.argmax(np.round(quota - expected, 9))] += 1
    assert count.tolist() == expected.tolist()


@given(st.data())
def test_bounds_hold(data):
    size = data.draw(st.integers(1, 8))

    def numbers(low, high):
        return np.array(data.draw(st.lists(st.integers(low, high), min_size=size, max_size=size)))

    load, lowest = numbers(0, 30).astype(float), numbers(1, 4)
    highest = lowest + numbers(0, 6)
    total = data.draw(st.integers(int(lowest.sum()), int(highest.sum())))
    count = apportion(total, load, lowest, highest)
    assert count.sum() == total
    assert np.all((count >= lowest) & (count <= highest))


@pytest.mark.parametrize(
    ("total", "load", "expected"),
    [
        # Islands without load take one each, and the others share what is left.
        (24, [0] * 10 + [12, 6, 6], [1] * 10 + [7, 4, 3]),
        (3, [0, 0], [2, 1]),
        (4, [1, 1, 1], [2, 1, 1]),
    ],
)
def test_examples(total, load, expected):
    size = len(load)
    count = apportion(total, np.array(load, dtype=float), np.ones(size, dtype=int), np.full(size, 99))
    assert count.tolist() == expected
