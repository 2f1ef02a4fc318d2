"""The coarse outline of China, by known places and by what arrays may hold."""

import numpy as np
import pytest
import shapely

from gis.china import _BORDER, _SHIFTED_RECTANGLES, _UNSHIFTED_RECTANGLES, in_china_border, in_gcj02_outline
from gis.crs import working_crs_for_bounds

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
    assert bool(in_gcj02_outline(*INSIDE[name]))


@pytest.mark.parametrize("name", OUTSIDE)
def test_places_outside(name):
    assert not bool(in_gcj02_outline(*OUTSIDE[name]))


def test_arrays_nan_and_broadcasting():
    lon = np.array([116.4, np.nan, np.inf, 116.4])
    assert in_gcj02_outline(lon, [39.9, 39.9, 39.9, np.nan]).tolist() == [True, False, False, False]
    assert in_gcj02_outline([[116.4], [7.4]], [39.9, 25.0, -30]).tolist() == [
        [True, True, False],
        [False] * 3,
    ]
    assert in_gcj02_outline([], []).shape == (0,)


def test_no_seam_between_the_rectangles():
    lat = np.linspace(29.5296, 29.5298, 2001)
    assert in_gcj02_outline(np.full_like(lat, 90.0), lat).all()
    assert in_gcj02_outline(np.full_like(lat, 110.0), lat).all()


WITHIN_BORDER = INSIDE | {
    "Yining": (81.32, 43.92),
    "Shigatse": (88.88, 29.27),
    "Yadong": (88.91, 27.49),
    "Burang": (81.18, 30.29),
    "Ruili": (97.85, 24.02),
    "Jinghong": (100.8, 22.0),
    "Dandong": (124.37, 40.13),
    "Hunchun": (130.36, 42.86),
    "Manzhouli": (117.43, 49.59),
    "Erenhot": (111.98, 43.65),
    "Heihe": (127.5, 50.24),
    "Altay": (88.14, 47.84),
    "Tacheng": (82.98, 46.75),
    "Taxkorgan": (75.23, 37.77),
    "Pingxiang": (106.76, 22.1),
    "Shanghai": (121.47, 31.23),
    "Xiamen": (118.09, 24.48),
    "Dalian": (121.6, 38.9),
    "Hong Kong": (114.17, 22.3),
    "Macau": (113.55, 22.2),
}
BEYOND_BORDER = OUTSIDE | {
    "Lahore": (74.35, 31.55),
    "Islamabad": (73.05, 33.7),
    "Bishkek": (74.6, 42.87),
    "Almaty": (76.95, 43.25),
    "Kathmandu": (85.32, 27.7),
    "Thimphu": (89.64, 27.47),
    "Gangtok": (88.61, 27.33),
    "Mandalay": (96.08, 21.97),
    "Lang Son": (106.76, 21.85),
    "Pyongyang": (125.75, 39.03),
    "Seoul": (127.0, 37.55),
    "Choibalsan": (114.5, 48.07),
    "Chita": (113.5, 52.03),
    "Khabarovsk": (135.07, 48.48),
}


def test_the_border_is_one_sound_ring():
    assert shapely.is_valid(_BORDER)


@pytest.mark.parametrize("name", WITHIN_BORDER)
def test_places_within_the_border(name):
    assert bool(in_china_border(*WITHIN_BORDER[name]))
    assert str(working_crs_for_bounds(np.tile(WITHIN_BORDER[name], 2)).name).startswith("CGCS2000")


@pytest.mark.parametrize("name", BEYOND_BORDER)
def test_places_beyond_the_border(name):
    assert not bool(in_china_border(*BEYOND_BORDER[name]))


def test_the_border_takes_arrays_with_nan():
    assert in_china_border([116.4, np.nan, np.inf], [[39.9], [np.nan]]).tolist() == [
        [True, False, False],
        [False] * 3,
    ]


def test_the_edges_of_the_rectangles_belong_to_them():
    shifted, unshifted = _SHIFTED_RECTANGLES.tolist(), _UNSHIFTED_RECTANGLES.tolist()

    def within(rectangles, lon, lat):
        return any(west <= lon <= east and south <= lat <= north for west, south, east, north in rectangles)

    answers = set()
    for west, south, east, north in shifted + unshifted:
        middle = (west + east) / 2, (south + north) / 2
        for lon, lat in [(west, middle[1]), (east, middle[1]), (middle[0], south), (middle[0], north)]:
            expected = within(shifted, lon, lat) and not within(unshifted, lon, lat)
            assert bool(in_gcj02_outline(lon, lat)) == expected
            answers.add(expected)
    assert answers == {True, False}
