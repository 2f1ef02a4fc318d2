"""The working CRS of known places, what is refused, and that reprojection keeps shared vertices shared."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS, Geod

from gis.crs import (
    extent,
    geometries_to_lonlat,
    parse_working_crs,
    to_lonlat,
    to_working_crs,
    working_crs_for_bounds,
)
from gis.errors import InputError

PLACES = [
    ("Shenzhen", 114.06, 22.54, 4547),
    ("Beijing", 116.40, 39.90, 4548),
    ("Urumqi", 87.60, 43.80, 4538),
    ("Kashgar", 75.99, 39.47, 4534),
    ("Shanghai", 121.47, 31.23, 4549),
    ("Fuyuan", 134.30, 48.36, 4554),
    ("Monaco", 7.42, 43.74, 32632),
    ("Sydney", 151.21, -33.87, 32756),
    ("Suva", 178.44, -18.14, 32760),
    ("Taveuni east", -179.9, -16.8, 32701),
    ("Quito", -78.5, 0.0, 32617),
    ("Taipei", 121.56, 25.04, 32651),
]


def around(lon, lat, half=0.05):
    return lon - half, lat - half, lon + half, lat + half


@pytest.mark.parametrize(("name", "lon", "lat", "code"), PLACES)
def test_known_places(name, lon, lat, code):
    crs = working_crs_for_bounds(around(lon, lat))
    assert crs.to_epsg() == code, name
    meridian = next(p.value for p in crs.coordinate_operation.params if "longitude" in p.name.lower())
    assert abs(meridian - lon) <= (1.5 if code < 5000 else 3)
    square = gpd.GeoDataFrame(geometry=[shapely.box(*around(lon, lat))], crs=4326).segmentize(0.001)
    planar = square.to_crs(crs).area.item()
    geodesic = abs(Geod(ellps="WGS84").geometry_area_perimeter(square.geometry.item())[0])
    assert planar == pytest.approx(geodesic, rel=2e-3)


def test_zone_changes_half_way_between_meridians():
    assert working_crs_for_bounds((115.4, 30, 115.5, 30)).to_epsg() == 4547
    assert working_crs_for_bounds((115.5, 30, 115.51, 30)).to_epsg() == 4548


def test_both_sides_of_the_180th_meridian():
    fiji = gpd.GeoDataFrame(
        geometry=[shapely.box(177, -19, 180, -16), None, shapely.box(-180, -19, -179, -16)], crs=4326
    )
    assert extent(fiji).tolist() == [177, -19, -179, -16]
    metric = to_working_crs(fiji)
    assert metric.crs.to_epsg() == 32760
    assert metric.total_bounds[2] - metric.total_bounds[0] < 5e5
    assert working_crs_for_bounds((179, -19, -175, -16)).to_epsg() == 32701


def test_vertices_on_the_180th_meridian_stay_with_their_polygon():
    west, east = shapely.box(179, -17, 180, -16), shapely.box(-180, -17, -179, -16)
    for epsg in (32760, 32701):
        metric = gpd.GeoSeries([west, east], crs=4326).to_crs(epsg)
        back = geometries_to_lonlat(np.array(metric, dtype=object), metric.crs)
        assert shapely.equals_exact(back, [west, east], tolerance=1e-9).all()


def test_metres_are_told_as_they_are():
    metres = gpd.GeoDataFrame(geometry=[shapely.box(500_000, 2_500_000, 501_000, 2_501_000)], crs=4326)
    assert extent(metres).tolist() == [500_000, 2_500_000, 501_000, 2_501_000]
    assert extent(metres.translate(-500_500).to_frame("geometry")).tolist()[::2] == [-500, 500]


def test_a_layer_round_the_earth_keeps_its_extent():
    ring = gpd.GeoDataFrame(geometry=gpd.points_from_xy([-170, -60, 10, 90, 170], [0] * 5), crs=4326)
    west, _, east, _ = extent(ring)
    assert (west, east) in {(-170, 170), (10, -60), (90, 10), (-60, -170), (170, 90)}
    assert np.isnan(extent(gpd.GeoDataFrame(geometry=[None], crs=4326))).all()


@pytest.mark.parametrize("bounds", [(500000, 2490000, 510000, 2500000), (22, 113, 23, 114), (0, 85, 1, 89)])
def test_extent_that_is_not_lonlat(bounds):
    with pytest.raises(InputError, match="axis order"):
        working_crs_for_bounds(bounds)


def test_no_extent():
    with pytest.raises(InputError, match="every geometry is empty"):
        to_working_crs(gpd.GeoDataFrame(geometry=[None, shapely.Polygon()], crs=4326))


@pytest.mark.parametrize("text", ["EPSG:4547", "EPSG:32632", "EPSG:2154", "EPSG:2056", "EPSG:3035"])
def test_metric_crs_is_read(text):
    assert parse_working_crs(text) == CRS(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("EPSG:4326", "projected in metres"),
        ("EPSG:2263", "projected in metres"),  # feet
        ("EPSG:4978", "projected in metres"),
        ("EPSG:3857", "keep lengths"),
        ("EPSG:3395", "keep lengths"),
        ("EPSG:4087", "keep lengths"),
        ("EPSG:999999", "names no coordinate reference system"),
        ("shenzhen", "names no coordinate reference system"),
        ("", "names no coordinate reference system"),
    ],
)
def test_unfit_crs_is_refused(text, says):
    with pytest.raises(InputError, match=says):
        parse_working_crs(text)


def test_to_lonlat():
    with pytest.raises(InputError, match="names no coordinate reference system"):
        to_lonlat(gpd.GeoDataFrame(geometry=[shapely.Point(1, 2)]))
    metric = gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(500000, 2500000, 8)], crs=4547)
    got = to_lonlat(metric).geometry.item()
    assert got.x == pytest.approx(114, abs=1e-9)
    assert got.y == pytest.approx(22.6, abs=0.05)
    assert got.z == 8


@given(st.floats(-179, 178.9), st.floats(-79, 83), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=60)
def test_round_trip_keeps_vertices_and_sharing(west, south, seed):
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(np.arange(4.0), np.arange(4.0), indexing="ij"), axis=-1)
    grid = (grid + rng.uniform(-0.3, 0.3, grid.shape)) * 0.02 + (west, south)
    cells = [
        shapely.Polygon(grid[[i, i + 1, i + 1, i], [j, j, j + 1, j + 1]]) for i in range(3) for j in range(3)
    ]
    frame = gpd.GeoDataFrame(geometry=cells, crs=4326)
    metric = to_working_crs(frame)
    again = to_working_crs(to_lonlat(metric), metric.crs)
    first, second = (shapely.get_coordinates(f.geometry.to_numpy()) for f in (metric, again))
    assert np.abs(first - second).max() < 1e-6
    for moved in (metric, to_lonlat(metric), again):
        assert len(np.unique(shapely.get_coordinates(moved.geometry.to_numpy()), axis=0)) == 16
        assert shapely.coverage_is_valid(moved.geometry.to_numpy())


def test_bounds_reach_to_the_ends_of_what_is_projected():
    assert working_crs_for_bounds((-180, -80, 180, 84)).to_epsg() == 32631
    for bounds in ((-180.001, 0, 0, 1), (0, 0, 180.001, 1), (0, -80.001, 1, 0), (0, 0, 1, 84.001)):
        with pytest.raises(InputError, match="not longitude and latitude"):
            working_crs_for_bounds(bounds)


def test_a_point_has_the_zone_it_lies_in_and_the_equator_is_of_the_north():
    assert working_crs_for_bounds((114.06, 22.54, 114.06, 22.54)).to_epsg() == 4547
    assert working_crs_for_bounds((7.42, -1, 7.42, 1)).to_epsg() == 32632
    assert working_crs_for_bounds((7.42, -1.001, 7.42, 1)).to_epsg() == 32732


def test_the_first_zone_begins_on_the_180th_meridian_and_the_last_ends_there():
    assert working_crs_for_bounds((179, 1, -179, 2)).to_epsg() == 32601
    assert working_crs_for_bounds((180, 1, 180, 2)).to_epsg() == 32660
    assert working_crs_for_bounds((-180, 1, -180, 2)).to_epsg() == 32601


def test_a_layer_around_the_earth_is_taken_as_it_is_where_no_way_is_shorter():
    around_the_earth = gpd.GeoDataFrame(
        geometry=[shapely.MultiPoint([(-120, 0), (0, 0), (120, 0)])], crs=4326
    )
    assert extent(around_the_earth).tolist() == [-120, 0, 120, 0]
    half = gpd.GeoDataFrame(geometry=[shapely.MultiPoint([(-90, 0), (90, 0)])], crs=4326)
    assert extent(half).tolist() == [-90, 0, 90, 0]
