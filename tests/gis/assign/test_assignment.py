import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS, Geod

from gis.assign import UNASSIGNED_REASONS, assign_to_cells
from gis.assign.projected_cells import ProjectedCells
from gis.assign.shares import measure_shares
from gis.datum import convert_coordinates
from gis.errors import InputError
from gis.locate import PointLocator

ADDED = ["cell_code", "cell_share", "assign_method", "distance_m", "reason"]
METRIC = CRS.from_epsg(4547)
WEST, SOUTH = 114.0, 22.5


def frame(geometries, crs=4326, **columns):
    return gpd.GeoDataFrame(columns, geometry=list(geometries), crs=crs)


def on_ground(geometries):
    """Metres east and north of 114° E, 22.5° N, as longitude and latitude."""
    corner = gpd.GeoSeries([shapely.Point(WEST, SOUTH)], crs=4326).to_crs(METRIC).iloc[0]
    moved = shapely.transform(
        np.array(geometries, dtype=object), lambda xy: xy + shapely.get_coordinates(corner)
    )
    return gpd.GeoSeries(moved, crs=METRIC).to_crs(4326).to_numpy()


def squares(codes, size=100.0):
    """A row of squares eastward, in metres from 114° E, 22.5° N."""
    shapes = [shapely.box(size * k, 0, size * (k + 1), size) for k in range(len(codes))]
    return frame(on_ground(shapes), code=list(codes))


@st.composite
def plans(draw, overlaps=True):
    """Cells between wiggly shared borders, in metres; sometimes one missing, one twice."""
    count = draw(st.integers(1, 4))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x, y = np.meshgrid(np.arange(count + 1.0), np.arange(count + 1.0))
    corner = 100 * np.stack([x, y], axis=-1) + random.integers(-20, 21, (count + 1, count + 1, 2))
    cells = [
        shapely.Polygon([corner[j, i], corner[j, i + 1], corner[j + 1, i + 1], corner[j + 1, i]])
        for j in range(count)
        for i in range(count)
    ]
    if draw(st.booleans()) and len(cells) > 1:
        cells.pop()
    if overlaps and draw(st.booleans()):
        cells.append(shapely.box(50, 50, 180, 130))
    return cells, [str(code) for code in random.permutation(50)[: len(cells)]], random


def naive_shares(shape, cells, codes):
    """Give each cell, lowest code first, what it holds of what is left.

    The grid is coarser than the rounding at a northing of millions of metres, which would move a line off
    the border it follows.
    """
    measure = shapely.area if shape.area else shapely.length
    shares, left = {}, shape
    for row in np.argsort(codes):
        held = measure(left.intersection(cells[row], grid_size=1e-5)) / measure(shape)
        if held > 0:
            shares[codes[row]] = held
        left = left.difference(cells[row], grid_size=1e-5)
    return shares


@st.composite
def entities_on_plans(draw):
    """Lines and polygons anywhere, and lines along the borders of a plan without overlaps."""
    kind = draw(st.sampled_from(["line", "polygon", "border"]))
    cells, codes, random = draw(plans(overlaps=False) if kind == "border" else plans())
    if kind == "border":
        return cells, codes, [shapely.LineString(cell.exterior.coords[:3]) for cell in cells]
    points = random.uniform(-50, 450, (30, 4, 2))
    shape = shapely.LineString if kind == "line" else lambda four: shapely.MultiPoint(four).convex_hull
    return cells, codes, [shape(four) for four in points]


@settings(deadline=None, max_examples=50)
@given(entities_on_plans())
def test_shares_are_those_of_a_loop_over_all_cells(given_case):
    cells, codes, shapes = given_case
    lonlat = on_ground(shapes)
    found, report = assign_to_cells(frame(lonlat), frame(on_ground(cells), code=codes), crs=METRIC)

    metres = gpd.GeoSeries(lonlat, crs=4326).to_crs(METRIC)
    flat = gpd.GeoSeries(on_ground(cells), crs=4326).to_crs(METRIC).to_numpy()
    for row, shape in enumerate(metres):
        expected = {code: share for code, share in naive_shares(shape, flat, codes).items() if share > 1e-7}
        best = max(expected.values(), default=0.0)
        assert found["cell_share"].iloc[row] == pytest.approx(best, abs=1e-6)
        if not expected:
            assert found["assign_method"].iloc[row] == "none"
            continue
        assert expected[found["cell_code"].iloc[row]] == pytest.approx(best, abs=1e-6)
        listed = report.shares[report.shares["row"] == row].set_index("cell_code")["share"]
        assert listed.sum() <= 1 + 1e-7
        listed = listed[listed > 1e-7]
        if len(expected) > 1:
            assert dict(listed) == pytest.approx(expected, abs=1e-6)


@settings(deadline=None, max_examples=25)
@given(plans())
def test_points_are_assigned_where_the_locator_puts_them(plan):
    cells, codes, random = plan
    plan_frame = frame(on_ground(cells), code=codes)
    vertices = shapely.get_coordinates(plan_frame.geometry)
    points = np.concatenate(
        [vertices, shapely.get_coordinates(on_ground(shapely.points(random.uniform(-50, 450, (50, 2)))))]
    )
    locator = PointLocator(plan_frame)
    found, _ = assign_to_cells(frame(shapely.points(points)), plan_frame)
    assert found["cell_code"].tolist() == [locator.locate(*point) for point in points]
    _, borders = locator.find_owners_and_borders(points[:, 0], points[:, 1])
    assert np.array_equal(found["assign_method"] == "border", borders)
    assert (found["assign_method"] == "border")[: len(vertices)].any()


@settings(deadline=None, max_examples=15)
@given(plans(), st.sampled_from([1, 3]))
def test_shares_do_not_depend_on_batches(plan, batch):
    cells, codes, random = plan
    points = random.uniform(-50, 450, (20, 4, 2))
    shapes = gpd.GeoSeries(on_ground([shapely.LineString(four) for four in points]), crs=4326).to_crs(METRIC)
    ground = ProjectedCells(PointLocator(frame(on_ground(cells), code=codes)), METRIC)
    steps = []
    whole = measure_shares(shapes.to_numpy(), ground, lambda _: None)
    cut = measure_shares(shapes.to_numpy(), ground, steps.append, batch=batch)
    assert sum(steps) == len(shapes)
    assert np.array_equal(whole.along_border, cut.along_border)
    for one, other in zip(whole.shares, cut.shares, strict=True):
        assert np.array_equal(one, other)


def test_a_line_along_a_border_belongs_to_the_lowest_code_once():
    cells = squares("ba")
    along = shapely.LineString([(100, 0), (100, 100)])
    into = shapely.LineString([(100, 0), (100, 100), (40, 100)])
    found, report = assign_to_cells(frame(on_ground([along, into])), cells, crs=METRIC)
    assert found["cell_code"].tolist() == ["a", "a"]
    assert found["assign_method"].tolist() == ["border", "share"]
    assert found["cell_share"].tolist() == pytest.approx([1.0, 100 / 160])
    assert report.shares["measure"].tolist() == pytest.approx([100, 60], abs=1e-3)


def test_a_line_that_crosses_a_cell_and_touches_it_elsewhere():
    corner = [(150, 50), (150, 150), (50, 150), (100, 100), (50, 120), (50, 50)]
    along = [(150, 50), (100, 50), (100, 60), (60, 60), (100, 90), (60, 90)]
    found, report = assign_to_cells(
        frame(on_ground([shapely.LineString(corner), shapely.LineString(along)])), squares("ab"), crs=METRIC
    )
    assert found["cell_code"].tolist() == ["a", "a"]
    assert report.shares["measure"].tolist() == pytest.approx([50, 50, 40 + 50 + 40 + 10, 50], abs=1e-3)


def test_equal_shares_go_to_the_lowest_code():
    halves = shapely.box(50, 20, 150, 80)
    found, report = assign_to_cells(frame(on_ground([halves])), squares("ba"), crs=METRIC)
    assert found["cell_code"].tolist() == ["a"]
    assert found["cell_share"].tolist() == pytest.approx([0.5])
    assert report.shares["cell_code"].tolist() == ["a", "b"]


def test_ground_in_two_cells_counts_for_the_lowest_code():
    cells = frame(on_ground([shapely.box(0, 0, 100, 100), shapely.box(40, 0, 140, 100)]), code=["b", "a"])
    found, report = assign_to_cells(frame(on_ground([shapely.box(0, 10, 100, 20)])), cells, crs=METRIC)
    assert found["cell_code"].tolist() == ["a"]
    assert report.shares["share"].tolist() == pytest.approx([0.6, 0.4])


def test_parts_of_one_code_add_up():
    found, _ = assign_to_cells(frame(on_ground([shapely.box(50, 20, 250, 80)])), squares("aba"), crs=METRIC)
    assert found["cell_share"].tolist() == pytest.approx([0.5])
    assert found["cell_code"].tolist() == ["a"]


def test_a_river_through_many_cells_has_all_its_length():
    cells = squares([f"{n:04d}" for n in range(500)])
    river = shapely.LineString([(x, 50 + 40 * np.sin(x / 70)) for x in range(0, 50_001, 10)])
    found, report = assign_to_cells(frame(on_ground([river])), cells, crs=METRIC)
    assert report.shares["share"].sum() == pytest.approx(1)
    assert len(report.shares) == 500
    assert found["assign_method"].tolist() == ["share"]


def test_a_polygon_larger_than_the_cells_holds_them_whole():
    cells = squares("abc")
    _, report = assign_to_cells(frame(on_ground([shapely.box(-100, -100, 400, 200)])), cells, crs=METRIC)
    assert report.shares["measure"].tolist() == pytest.approx([10_000] * 3)
    assert report.shares["share"].tolist() == pytest.approx([10_000 / 150_000] * 3)


def test_multipoints_count_their_points():
    shapes = [
        shapely.MultiPoint([(10, 10), (110, 10), (120, 10), (900, 0)]),
        shapely.MultiPoint([(10, 10), (20, 20)]),
    ]
    found, report = assign_to_cells(frame(on_ground(shapes)), squares("ab"), crs=METRIC)
    assert found["cell_code"].tolist() == ["b", "a"]
    assert found["cell_share"].tolist() == [0.5, 1.0]
    assert found["assign_method"].tolist() == ["share", "inside"]
    assert report.shares["measure"].tolist() == [1, 2]


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


@pytest.mark.parametrize(("far", "hinted"), [(1, True), (2, False)])
def test_a_datum_is_named_when_it_leaves_at_most_half_as_many_outside(far, hinted):
    centre = shapely.get_coordinates(on_ground([shapely.Point(50, 50)]))[0]
    lon, lat = convert_coordinates(centre[:1], centre[1:], "wgs84", "gcj02")
    records = [shapely.Point(lon[0], lat[0]), *(shapely.Point(115 + k, 23) for k in range(far))]
    found, report = assign_to_cells(frame(records), squares("a"))
    assert found["reason"].tolist() == ["wrong_datum" if hinted else "outside", *["outside"] * far]
    assert bool(report.hints) == hinted
