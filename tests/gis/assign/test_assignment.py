import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Geod

from gis.assign import UNASSIGNED_REASONS, assign_to_cells
from gis.datum import convert_coordinates
from gis.errors import InputError
from gis.locate import PointLocator
from tests.gis.assign.squares import (
    ADDED,
    METRIC,
    frame,
    naive_shares,
    on_ground,
    squares,
)


def test_the_nearest_cell_within_the_distance():
    away = [
        shapely.Point(-30, 50),
        shapely.Point(-51, 50),
        shapely.Point(100, 130),
        shapely.box(210, 0, 220, 9),
    ]
    found, report = assign_to_cells(frame(on_ground(away)), squares("ba"), max_distance_m=50, crs=METRIC)
    assert found["cell_code"].tolist() == ["b", None, "a", "a"]
    assert found["assign_method"].tolist() == ["nearest", "none", "nearest", "nearest"]
    assert found["distance_m"].tolist() == pytest.approx([30, 51, 30, 10], abs=1e-3)
    assert found["cell_share"].tolist() == [0, 0, 0, 0]
    assert report.reason_counts == {"outside": 1}


def test_distances_to_long_borders_are_those_to_the_whole_polygons():
    random = np.random.default_rng(5)
    turn = np.linspace(0, 2 * np.pi, 901)[:-1]
    reach = 800 + 60 * np.sin(7 * turn) + random.uniform(-3, 3, len(turn))
    rim = np.column_stack([reach * np.cos(turn), reach * np.sin(turn)])
    island = shapely.Polygon(rim, [rim[::-1] / 2]) | shapely.box(1100, 1100, 1300, 1300)
    cells = [island, shapely.transform(island, lambda xy: xy + np.array([2600, 40]))]
    x, y = random.uniform(-1500, 4500, (2, 300))
    things = [
        *shapely.points(x, y),
        *shapely.box(x, y, x + 30, y + 20),
        shapely.box(-2000, -2000, 9000, 9000),
    ]
    found, _ = assign_to_cells(
        frame(on_ground(things)), frame(on_ground(cells), code=["a", "b"]), max_distance_m=700, crs=METRIC
    )
    away = np.array([[shapely.distance(thing, cell) for cell in cells] for thing in things])
    nearest = found["assign_method"] == "nearest"
    assert nearest.sum() > 100
    assert found["distance_m"].to_numpy() == pytest.approx(away.min(axis=1), abs=1e-3)
    assert (nearest == ((away.min(axis=1) > 0) & (away.min(axis=1) <= 700))).all()
    assert (found["cell_code"][nearest] == np.array(["a", "b"])[away.argmin(axis=1)][nearest]).all()


def test_distances_beyond_reason_are_not_told():
    cells = frame([shapely.box(104, 30, 104.1, 30.1)], code=["a"])
    places = {"near": (105, 30), "Beijing": (116.4, 39.9), "London": (0, 51.5), "behind": (-76, -30)}
    found, report = assign_to_cells(frame(shapely.points(list(places.values()))), cells)
    near, *far = found["distance_m"]
    assert near == pytest.approx(Geod(ellps="WGS84").inv(104.1, 30, 105, 30)[2], rel=1e-3)
    assert np.isnan(far).all()
    assert report.reason_counts == {"outside": 4}
    reached, _ = assign_to_cells(frame(shapely.points(list(places.values()))), cells, max_distance_m=1e7)
    assert reached["cell_code"].tolist() == ["a", None, None, None]
    # Across the 180th meridian the way is short.
    cells = frame([shapely.box(179.9, -17, 179.95, -16.9)], code=["a"])
    beside, _ = assign_to_cells(frame(shapely.points([(-179.95, -17.0)])), cells)
    assert beside["distance_m"].iat[0] == pytest.approx(10_650, rel=0.01)


def test_geometries_that_are_odd_are_still_assigned():
    bow_tie = shapely.Polygon([(10, 10), (90, 10), (10, 90), (90, 90)])
    shapes = [
        bow_tie,
        shapely.LineString([(20, 20), (20, 20)]),
        shapely.Polygon([(10, 10), (30, 10), (20, 10)]),
        shapely.GeometryCollection([shapely.Point(150, 50), shapely.box(10, 10, 20, 20)]),
        shapely.GeometryCollection([shapely.MultiLineString([[(10, 10), (20, 20)]]), shapely.Point(150, 50)]),
        shapely.LinearRing([(110, 10), (120, 10), (120, 20)]),
        shapely.force_3d(shapely.box(110, 10, 120, 20), 30),
        shapely.MultiPolygon([shapely.box(10, 10, 20, 20), shapely.box(110, 10, 130, 20)]),
    ]
    found, report = assign_to_cells(frame(on_ground(shapes)), squares("ab"), crs=METRIC)
    assert found["cell_code"].tolist() == ["a", "a", "a", "a", "a", "b", "b", "b"]
    assert found["cell_share"].tolist() == pytest.approx([1, 1, 1, 1, 1, 1, 1, 2 / 3])
    assert any("mended" in hint for hint in report.hints)


def test_invalid_cells_still_divide():
    bow_tie = shapely.Polygon([(0, 0), (100, 0), (0, 100), (100, 100)])
    cells = frame(on_ground([bow_tie]), code=["a"])
    found, _ = assign_to_cells(frame(on_ground([shapely.box(0, 0, 100, 100)])), cells, crs=METRIC)
    assert found["cell_share"].tolist() == pytest.approx([0.5])


def test_every_record_ends_in_a_cell_or_with_a_reason():
    inside, outside = on_ground([shapely.Point(50, 50), shapely.Point(50, 5000)])
    swapped = shapely.Point(inside.y, inside.x)
    records = [
        (inside, "1"),
        (inside, "1"),
        (inside, None),
        (inside, None),
        (inside, ""),
        (outside, "2"),
        (None, "3"),
        (shapely.Point(), "4"),
        (shapely.Polygon(), "5"),
        (swapped, "6"),
        (shapely.LineString([swapped.coords[0], (swapped.x + 1e-4, swapped.y)]), "7"),
        (shapely.Point(np.inf, 22), "8"),
        (shapely.LineString([(114, 22), (181, 22)]), "9"),
        (shapely.Point(-179, -89), "10"),
    ]
    entities = frame([shape for shape, _ in records], id=[number for _, number in records])
    entities["kind"] = ["sensor"] * 10 + ["component"] * 4
    found, report = assign_to_cells(entities, squares("a"))
    assert found["reason"].tolist() == [
        None,
        "duplicate_id",
        None,
        None,
        None,
        "outside",
        "empty_geometry",
        "empty_geometry",
        "empty_geometry",
        "swapped_axes",
        "swapped_axes",
        "invalid_coordinates",
        "invalid_coordinates",
        "outside",
    ]
    assert (found["cell_code"].isna() == found["reason"].notna()).all()
    assert (found["assign_method"] == "none").equals(found["cell_code"].isna())
    assert report.unassigned["row"].tolist() == [1, *range(5, 14)]
    assert report.unassigned["id"].tolist()[:2] == ["1", "2"]
    assert report.reason_counts.keys() <= UNASSIGNED_REASONS.keys()
    assert report.method_counts_by_kind["sensor"]["inside"] == 4
    assert report.method_counts_by_kind["component"]["none"] == 4
    summary = json.loads(json.dumps(report.summary()))
    assert summary["assigned"] + summary["unassigned"] == len(entities)
    assert sum(reason["count"] for reason in summary["reasons"].values()) == summary["unassigned"]
    assert len(report.summary_lines()) == 1 + len(report.reason_counts)


def test_rows_columns_and_index_are_kept_and_inputs_left_alone():
    entities = frame(
        on_ground([shapely.Point(150, 50), shapely.box(10, 10, 20, 20)]), id=[5, 6], 备注=["甲", "乙"]
    ).set_index(pd.Index(["y", "x"]))
    entities["reason"] = "old"
    cells = squares("ab")
    before, cells_before = entities.copy(deep=True), cells.copy(deep=True)
    found, _ = assign_to_cells(entities, cells)
    pd.testing.assert_frame_equal(entities, before)
    pd.testing.assert_frame_equal(cells, cells_before)
    assert not shapely.is_prepared(np.r_[entities.geometry.to_numpy(), cells.geometry.to_numpy()]).any()
    assert list(found.columns) == ["id", "备注", "geometry", *ADDED]
    assert found.index.tolist() == ["y", "x"]
    pd.testing.assert_frame_equal(found[["id", "备注", "geometry"]], before[["id", "备注", "geometry"]])
    again, _ = assign_to_cells(found, PointLocator(cells))
    pd.testing.assert_frame_equal(again, found)


def test_other_reference_systems_come_out_as_they_went_in():
    entities = frame(on_ground([shapely.Point(150, 50)])).to_crs(METRIC)
    found, _ = assign_to_cells(entities, squares("ab").to_crs(3857))
    assert found.crs == METRIC
    assert found["cell_code"].tolist() == ["b"]


def test_no_entities_and_no_cells():
    found, report = assign_to_cells(frame([]), squares("a"), max_distance_m=10)
    assert len(found) == 0
    assert report.total == 0
    shapes = on_ground([shapely.Point(0, 0), shapely.box(0, 0, 1, 1), shapely.MultiPoint([(0, 0), (1, 1)])])
    found, report = assign_to_cells(frame(shapes), frame([], code=[]), max_distance_m=10)
    assert report.reason_counts == {"outside": 3}
    assert found["distance_m"].isna().all()


def test_southern_hemisphere_and_a_negative_distance():
    cells = frame([shapely.box(151.2, -33.9, 151.21, -33.89)], code=["a"])
    line = shapely.LineString([(151.205, -33.895), (151.215, -33.895)])
    found, _ = assign_to_cells(frame([line]), cells)
    assert found["cell_share"].tolist() == pytest.approx([0.5], abs=1e-3)
    with pytest.raises(InputError, match="negative"):
        assign_to_cells(frame([line]), cells, max_distance_m=-1)


def test_progress_ends_with_all_entities():
    seen = []
    shapes = on_ground([shapely.Point(50, 50), shapely.box(10, 10, 20, 20), None])
    assign_to_cells(frame(shapes), squares("a"), progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (3, 3)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


@pytest.fixture(scope="module")
def shenzhen(shared_data):
    zones = gpd.read_file(shared_data / "shenzhen" / "traffic_zones.shp").rename(columns={"TAZID": "code"})
    stations = pd.read_csv(shared_data / "shenzhen" / "stations.csv").rename(columns={"station_id": "id"})

    def read_as(datum):
        lon, lat = convert_coordinates(stations["longitude"], stations["latitude"], datum, "wgs84")
        return gpd.GeoDataFrame(stations, geometry=gpd.points_from_xy(lon, lat), crs=4326)

    return zones.to_crs(4326), read_as


@pytest.mark.parametrize(("datum", "outside"), [("wgs84", 57), ("gcj02", 2), ("bd09", 51)])
def test_stations_outside_under_each_datum(shenzhen, datum, outside):
    zones, read_as = shenzhen
    found, report = assign_to_cells(read_as(datum), zones)
    assert len(found) == 1362
    assert report.method_counts["none"] == outside
    assert found["reason"].notna().sum() == outside
    locator = PointLocator(zones)
    owners = locator.find_owners(found.geometry.x, found.geometry.y)
    assert found["cell_code"].tolist() == [locator.codes[owner] if owner >= 0 else None for owner in owners]


def test_wrong_datum_is_told_by_the_whole_file(shenzhen):
    zones, read_as = shenzhen
    _, report = assign_to_cells(read_as("wgs84"), zones)
    assert report.reason_counts == {"outside": 2, "wrong_datum": 55}
    assert "GCJ-02" in report.hints[0]
    assert assign_to_cells(read_as("gcj02"), zones)[1].hints == ()


def test_the_published_zones_were_joined_without_converting(shenzhen):
    """The file's TAZID agrees with the raw coordinates, not with the converted ones, some 600 m away."""
    zones, read_as = shenzhen
    agreement = {}
    for datum in ("wgs84", "gcj02"):
        found, _ = assign_to_cells(read_as(datum), zones)
        agreement[datum] = (found["cell_code"] == found["TAZID"].astype(str)).mean()
    assert agreement["wgs84"] > 0.95
    assert agreement["gcj02"] < 0.5


def test_overlapping_real_zones_share_no_ground_twice(shenzhen):
    zones, read_as = shenzhen
    around = read_as("gcj02").iloc[::10].to_crs(METRIC)
    around = around.set_geometry(around.buffer(900)).to_crs(4326)
    found, report = assign_to_cells(around, zones, crs=METRIC)
    total = report.shares.groupby("row")["share"].sum()
    assert (total <= 1 + 1e-9).all()
    best = report.shares.groupby("row")["share"].max()
    assert np.allclose(found["cell_share"].to_numpy()[best.index], best)
    flat = zones.to_crs(METRIC).sort_values("code", key=lambda codes: codes.astype(str))
    metres = around.to_crs(METRIC).geometry.to_numpy()
    cells, codes = (
        shapely.make_valid(flat.geometry.to_numpy()),
        flat["code"].astype(int).astype(str).to_list(),
    )
    for row in total.index[::20]:
        near = np.flatnonzero(shapely.intersects(cells, metres[row]))
        expected = naive_shares(metres[row], cells[near], [codes[k] for k in near])
        listed = report.shares[report.shares["row"] == row].set_index("cell_code")["share"]
        assert dict(listed[listed > 1e-7]) == pytest.approx(
            {code: share for code, share in expected.items() if share > 1e-7}, abs=1e-6
        )


def test_a_distance_of_nothing_reaches_nothing_beside_a_cell():
    beside, inside = on_ground([shapely.Point(-1, 50), shapely.Point(1, 50)])
    found, _ = assign_to_cells(frame([beside, inside]), squares("a"), max_distance_m=0, crs=METRIC)
    assert found["cell_code"].tolist() == [None, "a"]


def test_distances_are_measured_of_as_many_as_are_allowed():
    away = frame(on_ground([shapely.Point(-30, 50), shapely.Point(-40, 50), shapely.Point(50, 50)]))
    found, _ = assign_to_cells(away, squares("a"), crs=METRIC, max_measured_outside=2)
    assert found["distance_m"].tolist()[:2] == pytest.approx([30, 40], abs=1e-3)
    found, _ = assign_to_cells(away, squares("a"), crs=METRIC, max_measured_outside=1)
    assert np.isnan(found["distance_m"].tolist()[:2]).all()


@pytest.mark.parametrize(("far", "hinted"), [(0, True), (1, True), (2, False)])
def test_a_datum_is_named_when_it_leaves_at_most_half_as_many_outside(far, hinted):
    centre = shapely.get_coordinates(on_ground([shapely.Point(50, 50)]))[0]
    lon, lat = convert_coordinates(centre[:1], centre[1:], "wgs84", "gcj02")
    records = [shapely.Point(lon[0], lat[0]), *(shapely.Point(115 + k, 23) for k in range(far))]
    found, report = assign_to_cells(frame(records), squares("a"))
    assert found["reason"].tolist() == ["wrong_datum" if hinted else "outside", *["outside"] * far]
    assert bool(report.hints) == hinted
