"""The coarse outline of China, by known places and by what arrays may hold."""

import numpy as np
import pytest

from gis.china import in_china

INSIDE = {
    "Beijing": (116.4, 39.9),
    "Shenzhen": (114.06, 22.54),
    "Sanya": (109.5, 18.25),
    "Urumqi": (87.6, 43.8),
    "Kashgar": (75.99, 39.47),
    "Lhasa": (91.1, 29.65),
    "Mohe": (122.5, 52.97),
    "Fuyuan": (134.3, 48.36),
}
OUTSIDE = {
    "Taipei": (121.5, 25.03),
    "Ulaanbaatar": (106.9, 47.9),
    "Hanoi": (105.85, 21.03),
    "New Delhi": (77.2, 28.6),
    "Tokyo": (139.7, 35.7),
    "Monaco": (7.42, 43.74),
    "Vladivostok": (131.9, 43.1),
    "null island": (0, 0),
    "China mirrored to the south": (116.4, -39.9),
    "China with swapped axes": (39.9, 116.4),
}


@pytest.mark.parametrize("name", INSIDE)
def test_places_inside(name):
    assert bool(in_china(*INSIDE[name]))


@pytest.mark.parametrize("name", OUTSIDE)
def test_places_outside(name):
    assert not bool(in_china(*OUTSIDE[name]))


def test_arrays_nan_and_broadcasting():
    lon = np.array([116.4, np.nan, np.inf, 116.4])
    assert in_china(lon, [39.9, 39.9, 39.9, np.nan]).tolist() == [True, False, False, False]
    assert in_china([[116.4], [7.4]], [39.9, 25.0, -30]).tolist() == [[True, True, False], [False] * 3]
    assert in_china([], []).shape == (0,)


def test_no_seam_between_the_rectangles():
    lat = np.linspace(29.5296, 29.5298, 2001)
    assert in_china(np.full_like(lat, 90.0), lat).all()
    assert in_china(np.full_like(lat, 110.0), lat).all()
