"""Datum conversion against published pairs, a scalar restatement of the formulas, and round trips."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.china import in_gcj02_outline
from gis.datum import Datum, convert_coordinates, convert_geometries, parse_datum
from gis.errors import InputError

MILLIMETRE = 1e-3 / 111_320  # degrees of latitude
# Test values of the eviltransform project: WGS 84 and GCJ-02, longitude and latitude.
EVILTRANSFORM = [
    ((121.5272106, 31.1774276), (121.531541859215, 31.17530398364597)),  # Shanghai
    ((113.912316, 22.543847), (113.9171764808363, 22.540796131694766)),  # Shenzhen
    ((116.377817, 39.911954), (116.38404722455657, 39.91334545536069)),  # Beijing
]
# Test values of gcoord, made with the map makers' own services: WGS 84, GCJ-02, BD-09.
GCOORD = [
    ((114.0164322, 33.0133556), (114.022306, 33.0115324), (114.0287781, 33.0176697)),  # Zhumadian
    ((92.0499619, 31.4784436), (92.0512438, 31.4762063), (92.0576832, 31.4824421)),  # Nagqu
    ((123.4253306, 41.8032629), (123.4314787, 41.8057023), (123.438095, 41.8114013)),  # Shenyang
    ((102.2658401, 27.8850446), (102.2673386, 27.8816151), (102.2738428, 27.8876621)),  # Xichang
]
ELSEWHERE = [
    (-104.9903, 39.7392),
    (153.0251, -27.4698),
    (-43.1729, -22.9068),
    (7.4246, 43.7384),
    (121.5, 25.0),
]


def gcj_oracle(lon, lat):
    """GCJ-02 of one location, written from the published description, in the order it is usually given."""
    x, y, wave = lon - 105, lat - 35, lambda rate, u: math.sin(rate * math.pi * u)
    both = (20 * wave(6, x) + 20 * wave(2, x)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y**2 + 0.1 * x * y + 0.2 * math.sqrt(abs(x)) + both
    north += (20 * wave(1, y) + 40 * wave(1 / 3, y)) * 2 / 3
    north += (160 * wave(1 / 12, y) + 320 * wave(1 / 30, y)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x**2 + 0.1 * x * y + 0.1 * math.sqrt(abs(x)) + both
    east += (20 * wave(1, x) + 40 * wave(1 / 3, x)) * 2 / 3
    east += (150 * wave(1 / 12, x) + 300 * wave(1 / 30, x)) * 2 / 3
    a, e2, phi = 6378245.0, 0.00669342162296594323, math.radians(lat)
    w = math.sqrt(1 - e2 * math.sin(phi) ** 2)
    return lon + math.degrees(east * w / (a * math.cos(phi))), lat + math.degrees(
        north * w**3 / (a * (1 - e2))
    )


def bd_oracle(lon, lat):
    """BD-09 of one GCJ-02 location."""
    turn = math.pi * 3000 / 180
    z = math.sqrt(lon**2 + lat**2) + 0.00002 * math.sin(lat * turn)
    theta = math.atan2(lat, lon) + 0.000003 * math.cos(lon * turn)
    return z * math.cos(theta) + 0.0065, z * math.sin(theta) + 0.006


def newton(forward, image):
    """Invert a scalar map by Newton steps with a difference quotient: another method than the product's."""
    x, y = image
    h = 1e-6
    for _ in range(12):
        fx, fy = forward(x, y)
        ax, ay = (u - v for u, v in zip(forward(x + h, y), (fx, fy), strict=True))
        bx, by = (u - v for u, v in zip(forward(x, y + h), (fx, fy), strict=True))
        det = (ax * by - bx * ay) / h**2
        rx, ry = image[0] - fx, image[1] - fy
        x += (rx * by - ry * bx) / h / det
        y += (ry * ax - rx * ay) / h / det
    return x, y


def inside_china(count, seed=0):
    rng = np.random.default_rng(seed)
    lon, lat = rng.uniform(73, 136, count), rng.uniform(17, 55, count)
    keep = in_gcj02_outline(lon, lat)
    return lon[keep], lat[keep]


china = st.tuples(st.floats(73.2, 135), st.floats(17.9, 54.1)).filter(lambda p: bool(in_gcj02_outline(*p)))


@pytest.mark.parametrize(("wgs", "gcj"), EVILTRANSFORM)
def test_published_gcj02(wgs, gcj):
    assert convert_coordinates(*wgs, "wgs84", "gcj02") == pytest.approx(gcj, abs=1e-11)
    assert convert_coordinates(*gcj, "gcj02", "wgs84") == pytest.approx(wgs, abs=1e-11)


@pytest.mark.parametrize(("wgs", "gcj", "bd"), GCOORD)
def test_published_map_services(wgs, gcj, bd):
    assert convert_coordinates(*wgs, "wgs84", "gcj02") == pytest.approx(gcj, abs=2e-5)
    assert convert_coordinates(*wgs, "wgs84", "bd09") == pytest.approx(bd, abs=1e-4)
    assert convert_coordinates(*gcj, "gcj02", "bd09") == pytest.approx(bd, abs=1e-4)


def test_published_bd09():
    # coordtransform's README: GCJ-02 116.404, 39.915 in BD-09.
    assert convert_coordinates(116.404, 39.915, "gcj02", "bd09") == pytest.approx(
        (116.41036949371029, 39.92133699351021)
    )


@given(china)
@settings(deadline=None, max_examples=200)
def test_forward_and_inverse_agree_with_scalar_oracles(place):
    gcj = gcj_oracle(*place)
    bd = bd_oracle(*gcj)
    assert convert_coordinates(*place, "wgs84", "gcj02") == pytest.approx(gcj, abs=1e-12)
    assert convert_coordinates(*place, "wgs84", "bd09") == pytest.approx(bd, abs=1e-12)
    assert convert_coordinates(*bd, "bd09", "gcj02") == pytest.approx(newton(bd_oracle, bd), abs=1e-10)
    if abs(place[0] - 105) > 1e-3:  # Newton cannot cross the kink of the square root there
        assert convert_coordinates(*gcj, "gcj02", "wgs84") == pytest.approx(
            newton(gcj_oracle, gcj), abs=1e-10
        )


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
def test_round_trip_all_over_china(datum):
    lon, lat = inside_china(100_000)
    back = convert_coordinates(*convert_coordinates(lon, lat, "wgs84", datum), datum, "wgs84")
    assert np.abs(back[0] - lon).max() < MILLIMETRE / 1000
    assert np.abs(back[1] - lat).max() < MILLIMETRE / 1000


def test_round_trip_between_shifted_datums():
    gcj = convert_coordinates(*inside_china(20_000), "wgs84", "gcj02")
    back = convert_coordinates(*convert_coordinates(*gcj, "gcj02", "bd09"), "bd09", "gcj02")
    np.testing.assert_allclose(back, gcj, rtol=0, atol=MILLIMETRE / 1000)


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
def test_round_trip_on_and_just_inside_the_outline(datum):
    rng = np.random.default_rng(1)
    depth = np.concatenate([np.zeros(500), 10 ** rng.uniform(-9, -1.5, 2000)])
    along = rng.uniform(30, 42, depth.size)
    sides = [(73.1246 + depth, along), (96.33 - depth, rng.uniform(43, 49, depth.size))]
    sides += [
        (rng.uniform(85, 97, depth.size), 26.7186 + depth),
        (135.0002 - depth, 45 + 4 * (along - 30) / 12),
    ]
    for lon, lat in sides:
        assert in_gcj02_outline(lon, lat).all()
        back = convert_coordinates(*convert_coordinates(lon, lat, "wgs84", datum), datum, "wgs84")
        np.testing.assert_allclose(back, (lon, lat), rtol=0, atol=MILLIMETRE)


def test_outside_china_nothing_moves():
    rng = np.random.default_rng(2)
    lon, lat = rng.uniform(-180, 180, 50_000), rng.uniform(-90, 90, 50_000)
    away = ~in_gcj02_outline(lon, lat)
    # The strip that shifted positions reach across the outline is ambiguous by nature; stay clear of it.
    clear = away & ~((lon > 72.9) & (lon < 136) & (lat > 17.5) & (lat < 54.5))
    for source in Datum:
        for target in Datum:
            got = convert_coordinates(lon[clear], lat[clear], source, target)
            assert (got[0] == lon[clear]).all()
            assert (got[1] == lat[clear]).all()
    for target in Datum:
        got = convert_coordinates(lon[away], lat[away], "wgs84", target)
        assert (got[0] == lon[away]).all()
        assert (got[1] == lat[away]).all()


@pytest.mark.parametrize("place", ELSEWHERE)
@pytest.mark.parametrize("datum", list(Datum))
def test_known_places_elsewhere_stay(place, datum):
    assert convert_coordinates(*place, datum, "wgs84") == place
    assert convert_coordinates(*place, "wgs84", datum) == place


def test_one_location_has_one_answer_in_any_array():
    lon, lat = inside_china(140_000, seed=3)
    for datum in ("gcj02", "bd09"):
        whole = convert_coordinates(lon, lat, datum, "wgs84")
        for k in (0, 1, 65_535, 65_536, lon.size - 1):
            assert convert_coordinates(lon[k], lat[k], datum, "wgs84") == (whole[0][k], whole[1][k])
        flipped = convert_coordinates(lon[::-3], lat[::-3], datum, "wgs84")
        assert (flipped[0] == whole[0][::-3]).all()


def test_missing_and_impossible_coordinates_pass_through():
    lon = np.array([np.nan, 114.0, np.inf, 22.5, 114.0, 400.0])
    lat = np.array([22.5, np.nan, 22.5, 114.0, 22.5, 22.5])
    got = convert_coordinates(lon, lat, "gcj02", "wgs84")
    untouched = [0, 1, 2, 3, 5]
    np.testing.assert_array_equal(got[0][untouched], lon[untouched])
    np.testing.assert_array_equal(got[1][untouched], lat[untouched])
    assert 0.003 < lon[4] - got[0][4] < 0.007


def test_shapes_broadcast_and_inputs_are_kept():
    lon, lat = np.array([[113.0], [114.0]]), np.array([22.0, 23.0, 24.0])
    before = lon.copy(), lat.copy()
    x, y = convert_coordinates(lon, lat, "wgs84", "bd09")
    assert x.shape == y.shape == (2, 3)
    same = convert_coordinates(lon, lat, "wgs84", "wgs84")[1]
    same[:] = 0
    np.testing.assert_array_equal(lon, before[0])
    np.testing.assert_array_equal(lat, before[1])
    assert convert_coordinates([], [], "bd09", "gcj02")[0].shape == (0,)
    with pytest.raises(InputError, match="pair up"):
        convert_coordinates([1, 2, 3], [1, 2], "wgs84", "gcj02")


def test_unknown_datum_is_named():
    assert parse_datum(" GCJ02 ") is Datum.GCJ02
    with pytest.raises(InputError, match=r"'mars'.*wgs84, gcj02 or bd09"):
        convert_coordinates(1, 2, "mars", "wgs84")
    with pytest.raises(InputError, match="'moon'"):
        convert_geometries([None], "wgs84", "moon")


def test_geometry_vertex_by_vertex():
    square = shapely.Polygon([(114, 22, 5), (114.1, 22, 6), (114.1, 22.1, 7)], [])
    line = shapely.MultiLineString([[(114, 22), (114.1, 22)], [(114.1, 22), (2.35, 48.85)]])
    given = np.array([square, line, None, shapely.Point(), shapely.Point(114.1, 22)], dtype=object)
    got = convert_geometries(given, "wgs84", "gcj02")
    x, y = convert_coordinates(114.1, 22, "wgs84", "gcj02")
    assert got[4].coords[0] == (x, y)
    assert got[0].exterior.coords[1] == (x, y, 6)
    assert got[1].geoms[0].coords[1] == got[1].geoms[1].coords[0] == (x, y)
    assert got[1].geoms[1].coords[1] == (2.35, 48.85)
    assert got[2] is None
    assert got[3].is_empty
    assert given[4].coords[0] == (114.1, 22)
    back = convert_geometries(got, "gcj02", "wgs84")
    assert shapely.equals_exact(back[0], square, 1e-11)
    assert convert_geometries(shapely.Point(114.1, 22), "wgs84", "gcj02").item().coords[0] == (x, y)


def test_a_coverage_stays_a_coverage():
    step = np.arange(113.9, 114.3, 0.05)
    grid = [
        shapely.box(x, y, x + 0.05, y + 0.05) for x in np.round(step, 6) for y in np.round(step - 91.5, 6)
    ]
    moved = convert_geometries(shapely.set_precision(grid, 1e-6), "wgs84", "bd09")
    assert shapely.coverage_is_valid(moved)
