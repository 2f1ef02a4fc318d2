"""The doctor on files shifted, swapped, dirtied and mixed on purpose, and on Shenzhen's stations."""

import json
import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.datum import Datum, convert_coordinates
from gis.doctor import SUSPECT_REASONS, inspect_points
from gis.doctor.verdict import sign_test_p_value
from gis.errors import InputError

WEST, SOUTH, SIDE = 114.0, 22.5, 0.06


def district(west=WEST, south=SOUTH, parts=3):
    step = SIDE / parts
    boxes = [
        shapely.box(west + i * step, south + j * step, west + (i + 1) * step, south + (j + 1) * step)
        for i in range(parts)
        for j in range(parts)
    ]
    return gpd.GeoDataFrame({"code": [str(k) for k in range(len(boxes))]}, geometry=boxes, crs=4326)


def layer(lon, lat, crs=4326, **fields):
    ids = fields.pop("id", [f"e{k}" for k in range(len(lon))])
    return gpd.GeoDataFrame({"id": ids, **fields}, geometry=gpd.points_from_xy(lon, lat), crs=crs)


def places(count=2000, west=WEST, south=SOUTH, seed=0, margin=0.0):
    rng = np.random.default_rng(seed)
    return (
        west + rng.uniform(margin, SIDE - margin, count),
        south + rng.uniform(margin, SIDE - margin, count),
    )


def reasons(diagnosis):
    return list(zip(diagnosis.findings["record"], diagnosis.findings["reason"], strict=True))


@pytest.mark.parametrize("datum", list(Datum))
@pytest.mark.parametrize("swapped", [False, True])
def test_each_reading_is_recognised(datum, swapped):
    lon, lat = convert_coordinates(*places(), "wgs84", datum)
    got = inspect_points(layer(lat, lon) if swapped else layer(lon, lat), district())
    assert (got.datum, got.swapped) == (datum, swapped)
    assert (got.datum_confidence, got.axes_confidence) == ("clear", "clear")
    assert got.chosen_hypothesis.inside == got.usable == got.records == 2000
    assert got.findings.empty
    assert got.chosen_hypothesis.p_value == 1
    assert all(h.p_value < 1e-6 for h in got.hypotheses if h is not got.chosen_hypothesis)


def test_counts_agree_with_a_naive_count():
    lon, lat = convert_coordinates(*places(300, seed=4), "wgs84", "bd09")
    areas = district()
    got = inspect_points(layer(lon, lat), areas)
    for h in got.hypotheses:
        inside = 0
        for x, y in zip(lon, lat, strict=True):
            spot = convert_coordinates(*((y, x) if h.swapped else (x, y)), h.datum, "wgs84")
            inside += any(area.covers(shapely.Point(*map(float, spot))) for area in areas.geometry)
        assert (h.inside, h.outside) == (inside, 300 - inside)


def test_deep_inside_is_undecided_and_stays_wgs84():
    got = inspect_points(layer(*convert_coordinates(*places(margin=0.02), "wgs84", "gcj02")), district())
    assert got.datum == "wgs84"
    assert (got.datum_confidence, got.axes_confidence) == ("undecided", "clear")
    assert "too small to tell" in got.reason


def test_outside_china_the_datums_coincide():
    lon, lat = places(200, west=7.4, south=43.7)
    for swapped in (False, True):
        got = inspect_points(layer(lat, lon) if swapped else layer(lon, lat), district(7.4, 43.7))
        assert (got.datum, got.swapped) == ("wgs84", swapped)
        assert (got.datum_confidence, got.axes_confidence) == ("clear", "clear")
        assert "coincide" in got.reason


def test_nothing_inside_is_said():
    got = inspect_points(layer(*places(50)), district(7.4, 43.7))
    assert (got.datum_confidence, got.axes_confidence) == ("undecided", "undecided")
    assert "are these the areas" in got.reason
    assert got.counts["outside"] == 50


def test_a_city_wide_file_against_one_district_is_not_clear():
    rng = np.random.default_rng(5)
    lon, lat = WEST + rng.uniform(-0.3, 0.36, 20_000), SOUTH + rng.uniform(-0.3, 0.36, 20_000)
    got = inspect_points(layer(lon, lat), district())
    assert got.datum == "wgs84"
    assert got.datum_confidence == "undecided"
    assert any("stay outside" in note for note in got.notes)


def test_mixed_file_is_noted():
    lon, lat = places(4000)
    lon[:1200], lat[:1200] = convert_coordinates(lon[:1200], lat[:1200], "wgs84", "gcj02")
    got = inspect_points(layer(lon, lat), district())
    assert got.datum == "wgs84"
    assert got.counts["wrong_datum"] > 50
    assert got.findings.loc[got.findings["reason"] == "wrong_datum", "record"].max() <= 1200
    assert got.findings["detail"].str.contains("outside as WGS 84, inside as .*GCJ-02").all()
    assert any("mixes datums" in note for note in got.notes)


def dirty():
    lon, lat = places(60, margin=0.02)
    frame = layer(lon, lat, name=["甲"] * 60)
    points = frame.geometry.to_numpy().copy()
    points[0] = None
    points[1] = shapely.Point()
    points[2] = shapely.Point(np.inf, 22.5)
    points[3] = shapely.Point(0, 0)
    points[4] = shapely.Point(lat[4], lon[4])
    points[5] = shapely.Point(999, 22.5)
    points[6] = shapely.Point(120, 30)
    points[8] = points[7]
    points[10] = points[9]
    frame["geometry"] = gpd.GeoSeries(points, crs=4326)
    frame.loc[10, "id"] = "e9"
    frame.loc[11, "id"] = "e12"
    frame.loc[[20, 21], "id"] = ["", None]
    frame.loc[[30, 31, 32], "name"] = [None, " \t", ""]
    return frame


def test_dirty_rows_each_get_their_reason():
    frame = dirty()
    before = frame.copy()
    got = inspect_points(frame, district())
    assert reasons(got) == [
        (1, "empty_geometry"),
        (2, "empty_geometry"),
        (3, "not_finite"),
        (4, "zero_coordinates"),
        (5, "swapped_axes"),
        (6, "out_of_range"),
        (7, "outside"),
        (11, "duplicate_id"),
        (13, "duplicate_id"),
    ]
    assert got.records == 60
    assert got.usable == 55
    assert got.chosen_hypothesis.outside == 2
    assert got.duplicate_locations == 4
    assert got.duplicate_records == 1
    assert got.completeness == {"id": 58 / 60, "name": 57 / 60}
    assert set(got.counts) == set(SUSPECT_REASONS)
    rows = got.findings.set_index("record")
    assert rows.loc[11, "detail"] == "repeats the id of record 10"
    assert rows.loc[13, "detail"] == "repeats the id of record 12"
    assert rows.loc[5, "geometry"].distance(district().union_all()) == 0
    assert rows.geometry.isna().tolist() == [True, True, True, False, False, True, False, False, False]
    assert rows.crs.to_epsg() == 4326
    assert json.loads(json.dumps(got.summary()))["counts"]["swapped_axes"] == 1
    pd.testing.assert_frame_equal(pd.DataFrame(frame), pd.DataFrame(before))


def test_every_record_outside_or_unusable_is_in_the_findings():
    rng = np.random.default_rng(9)
    lon, lat = WEST + rng.uniform(-0.02, 0.08, 500), SOUTH + rng.uniform(-0.02, 0.08, 500)
    got = inspect_points(layer(lon, lat), district())
    assert len(got.findings) == got.chosen_hypothesis.outside > 0


def test_other_geometries_are_judged_by_a_point_of_theirs():
    lon, lat = convert_coordinates(*places(1500, seed=2), "wgs84", "gcj02")
    shapes = shapely.points(lon, lat)
    shapes[:500] = shapely.buffer(shapes[:500], 1e-5)
    shapes[500:1000] = shapely.linestrings(
        np.stack([np.c_[lon, lat], np.c_[lon + 1e-5, lat]], axis=1)[500:1000]
    )
    bow = shapely.Polygon([(114.03, 22.53), (114.031, 22.531), (114.031, 22.53), (114.03, 22.531)])
    with np.errstate(invalid="ignore"):
        broken = shapely.LineString([(114.03, 22.53), (math.nan, 22.53)])
    frame = gpd.GeoDataFrame({"id": range(1502)}, geometry=[*shapes, bow, broken], crs=4326)
    got = inspect_points(frame, district())
    assert (got.datum, got.datum_confidence) == ("gcj02", "clear")
    assert reasons(got)[-1] == (1502, "not_finite")


def test_projected_records_and_areas_and_no_crs():
    frame = layer(*convert_coordinates(*places(), "wgs84", "gcj02"))
    plain = inspect_points(frame, district())
    assert (
        inspect_points(frame.to_crs(4547), district().to_crs(3857)).summary()["counts"]
        == plain.summary()["counts"]
    )
    assert inspect_points(frame.set_crs(None, allow_override=True), district()).summary() == plain.summary()
    swapped = layer(frame.geometry.y, frame.geometry.x, crs=4490)
    assert inspect_points(swapped, district()).swapped


def test_areas_may_overlap_and_have_holes():
    ring = shapely.box(114, 22.5, 114.06, 22.56).difference(shapely.box(114.02, 22.52, 114.03, 22.53))
    areas = gpd.GeoDataFrame(geometry=[ring, shapely.box(114, 22.5, 114.05, 22.51), None], crs=4326)
    got = inspect_points(layer([114.025, 114.01, 114.055], [22.525, 22.505, 22.555]), areas)
    assert got.hypotheses[0].inside == 2


def test_inputs_that_cannot_be_inspected():
    frame = layer([114.01], [22.51])
    with pytest.raises(InputError, match="no field 'code'"):
        inspect_points(frame, district(), id_field="code")
    with pytest.raises(InputError, match="no polygon"):
        inspect_points(frame, gpd.GeoDataFrame(geometry=[shapely.Point(1, 2), None], crs=4326))
    with pytest.raises(InputError, match="names no coordinate reference system"):
        inspect_points(frame, district().set_crs(None, allow_override=True))


def test_no_records_and_no_ids():
    empty = inspect_points(layer([], []), district())
    assert (empty.records, empty.usable) == (0, 0)
    assert "usable location" in empty.reason
    assert empty.findings.empty
    got = inspect_points(layer([114.01, 7.0], [22.51, 43.0])[["geometry"]], district(), id_field=None)
    assert got.findings["id"].tolist() == ["2"]


def test_progress_counts_the_readings():
    calls = []
    inspect_points(layer(*places(20)), district(), progress=lambda done, total: calls.append((done, total)))
    assert calls == [(k, 6) for k in range(1, 7)]


@given(st.integers(0, 60), st.integers(0, 60))
@settings(deadline=None, max_examples=100)
def test_chance_is_the_binomial_tail(leader, rival):
    first = np.array([True] * leader + [False] * rival + [True, False])
    second = np.array([False] * leader + [True] * rival + [True, False])
    total = leader + rival
    exact = sum(math.comb(total, k) for k in range(rival + 1)) / 2**total
    assert sign_test_p_value(first, second) == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize("swapped", [False, True])
def test_shenzhen_stations_are_gcj02(shared_data, swapped):
    stations = pd.read_csv(shared_data / "shenzhen" / "stations.csv")
    zones = gpd.read_file(shared_data / "shenzhen" / "traffic_zones.shp")
    lon, lat = stations["longitude"], stations["latitude"]
    frame = (
        layer(lat, lon, id=stations["station_id"]) if swapped else layer(lon, lat, id=stations["station_id"])
    )
    got = inspect_points(frame, zones)
    outside = {h.datum.value: h.outside for h in got.hypotheses if h.swapped == swapped}
    assert outside == {"wgs84": 57, "gcj02": 2, "bd09": 51}
    assert (got.datum, got.swapped) == ("gcj02", swapped)
    assert (got.datum_confidence, got.axes_confidence) == ("clear", "clear")
    assert got.findings["id"].tolist() == ["2528", "2675"]


@pytest.mark.parametrize(("inside", "noted"), [(19, False), (18, True)])
def test_a_note_says_when_less_than_nineteen_of_twenty_lie_inside(inside, noted):
    lon = np.r_[np.linspace(7.01, 7.05, inside), np.linspace(8, 9, 20 - inside)]
    got = inspect_points(layer(lon, np.full(20, 43.01)), district(7.0, 43.0))
    assert got.chosen_hypothesis.inside == inside
    assert got.notes == (("10.0% of the usable records stay outside under the best reading.",) * noted)


def test_records_at_the_ends_of_the_world_are_outside_and_beyond_them_out_of_range():
    lon, lat = [7.01, 180, -180, 0, 0, 180.001, 0, -180.001], [43.01, 0, 0, 90, -90, 0, 90.001, 0]
    got = inspect_points(layer(lon, lat), district(7.0, 43.0))
    # A latitude of 90.001 is one no longer, but may be a longitude.
    assert got.usable == 6
    assert reasons(got) == [
        *[(record, "outside") for record in (2, 3, 4, 5)],
        *[(record, "out_of_range") for record in (6, 7, 8)],
    ]
    assert got.findings.geometry.notna().tolist() == [True] * 4 + [False] * 3


def test_records_on_the_border_of_the_areas_are_inside():
    west, south, east, north = district(7.0, 43.0).total_bounds
    lon, lat = [west, east, west, east, (west + east) / 2], [south, south, north, north, south]
    assert inspect_points(layer(lon, lat), district(7.0, 43.0)).chosen_hypothesis.inside == 5


def test_locations_that_two_records_share_are_counted():
    got = inspect_points(layer([7.01, 7.01, 7.02], [43.01, 43.01, 43.01]), district(7.0, 43.0))
    assert (got.duplicate_locations, got.usable, got.chosen_hypothesis.inside) == (2, 3, 3)
