"""Finding gaps of every kind: against loops over all pairs, on lattices with known holes, on real zones."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS

from gis.errors import InputError
from gis.gaps import GAP_COLUMNS, GAP_KINDS, GapInput, GapRules, find_gaps

METRES = CRS.from_epsg(32733)
ORIGIN = np.array([500_000.0, 7_500_000.0])
WIDTH = 200


def lonlat(geometries, **columns):
    shapes = np.empty(len(geometries), dtype=object)
    shapes[:] = geometries
    moved = shapely.transform(shapes, lambda xy: xy + ORIGIN)
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries(moved, crs=METRES)).to_crs(4326)


def lattice(columns=6, rows=5):
    squares = [
        shapely.box(x, y, x + WIDTH, y + WIDTH)
        for y in range(0, rows * WIDTH, WIDTH)
        for x in range(0, columns * WIDTH, WIDTH)
    ]
    return squares, [f"c{number:02}" for number in range(len(squares))]


def reach_oracle(squares, codes, people, services, radius, classes=None):
    """Households and enterprises beyond reach per cell, by loops in the plane."""
    beyond = {}
    for place, kind, weight in people:
        owner = next(
            (code for square, code in zip(squares, codes, strict=True) if square.intersects(place)), None
        )
        if owner is None or kind not in ("household", "enterprise"):
            continue
        if all(place.distance(service) > radius for service in services):
            counts = beyond.setdefault(owner, {"household": 0, "enterprise": 0})
            counts[kind] += weight if kind == "household" else 1
    return beyond


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10**6),
    number=st.integers(0, 60),
    services=st.integers(1, 12),
    radius=st.integers(50, 900),
)
def test_out_of_reach_equals_a_loop_over_all_pairs(seed, number, services, radius):
    rng = np.random.default_rng(seed)
    squares, codes = lattice()
    places = [shapely.Point(xy) for xy in rng.uniform(-100, 1300, (number, 2))]
    kinds = rng.choice(["household", "enterprise", "sensor"], number)
    weights = rng.integers(1, 9, number)
    points = [shapely.Point(xy) for xy in rng.uniform(0, 1200, (services, 2))]
    given_input = GapInput(
        lonlat(squares, code=codes, area_code=["a"] * len(codes)),
        entities=lonlat(places, id=[str(k) for k in range(number)], kind=kinds, households=weights),
        service_points=lonlat(points),
        crs=METRES,
    )
    rules = GapRules.from_mapping({"out_of_reach": {"distance_m": radius, "min_ground_m2": 1}})
    found = find_gaps(given_input, rules, kinds=["out_of_reach"]).frame
    people = list(zip(places, kinds, weights.tolist(), strict=True))
    expected = reach_oracle(squares, codes, people, points, radius)
    circles = shapely.union_all([point.buffer(radius, quad_segs=512) for point in points])
    assert found["cell_code"].is_unique
    by_cell = found.set_index("cell_code")
    chords = 4 * WIDTH * radius * 8e-5 + 0.5
    for square, code in zip(squares, codes, strict=True):
        area = square.difference(circles).area
        people_there = expected.get(code, {"household": 0, "enterprise": 0})
        if code in by_cell.index:
            gap = by_cell.loc[code]
            assert (gap["households"], gap["enterprises"]) == (
                people_there["household"],
                people_there["enterprise"],
            )
            assert gap["area_m2"] == pytest.approx(area, abs=chords)
            assert gap["area_code"] == "a"
        else:
            assert not any(people_there.values())
            assert area <= 1 + chords


def test_each_class_is_a_service_of_its_own():
    squares, codes = lattice(5, 1)
    cells = lonlat(squares, code=codes)
    points = lonlat(
        [shapely.Point(100, 100), shapely.Point(900, 100), shapely.Point(500, 100), None],
        **{"class": ["fire", "clinic", "shop", "fire"]},
    )
    rules = GapRules.from_mapping(
        {"out_of_reach": {"distance_m": 1500, "by_class": {"fire": 350, "police": 5000}, "min_ground_m2": 1}}
    )
    found = find_gaps(GapInput(cells, service_points=points, crs=METRES), rules, kinds=["out_of_reach"]).frame
    assert set(found.loc[found["rule"].str.contains("fire$"), "cell_code"]) == {"c02", "c03", "c04"}
    assert set(found.loc[found["cell_code"] == "c04", "detail"]) == {"Beyond: 100% of the ground."}
    police = found[found["rule"].str.contains("police$")]
    assert sorted(police["cell_code"]) == codes
    assert police["area_m2"].to_numpy() == pytest.approx(WIDTH**2)
    assert not found["rule"].str.contains("other than").any()
    with pytest.raises(InputError, match="'class'"):
        find_gaps(GapInput(cells, service_points=points.drop(columns="class")), rules, kinds=["out_of_reach"])


def test_small_ground_counts_only_with_somebody_on_it():
    cells = lonlat([shapely.box(0, 0, 200, 200), shapely.box(200, 0, 400, 200)], code=[1, 2.0])
    service = lonlat([shapely.Point(200, 100)])
    homes = lonlat([shapely.Point(0.1, 0.1)], id=["h"], kind=["household"])
    radius = float(np.hypot(200, 100)) - 1
    table = {"distance_m": radius, "min_ground_m2": 100}
    rules = GapRules.from_mapping({"out_of_reach": table})
    found = find_gaps(
        GapInput(cells, entities=homes, service_points=service, crs=METRES), rules, kinds=["out_of_reach"]
    )
    assert found.frame["cell_code"].tolist() == ["1"]
    assert 0 < found.frame["area_m2"][0] < 100
    assert found.frame["detail"][0] == "Beyond: 0% of the ground, its only household."
    nobody = find_gaps(GapInput(cells, service_points=service, crs=METRES), rules, kinds=["out_of_reach"])
    assert nobody.frame.empty
    rules = GapRules.from_mapping({"out_of_reach": {"distance_m": 20, "ground": False}})
    found = find_gaps(
        GapInput(cells, entities=homes, service_points=service, crs=METRES), rules, kinds=["out_of_reach"]
    )
    assert found.frame["cell_code"].tolist() == ["1"]


def test_blanks_and_overlaps_tell_who_lives_there():
    squares, codes = lattice(4, 3)
    hole = squares.pop(5)
    codes.pop(5)
    squares[0] = shapely.box(0, 0, 300, 200)  # 100 m into c01
    area = shapely.box(0, 0, 4 * WIDTH, 3 * WIDTH)
    halves = [area, shapely.box(0, 0, 400, 600), shapely.box(400, 0, 800, 600)]
    areas = lonlat(halves, code=["a", "a1", "a2"], parent=[None, "a", "a"])
    people = lonlat(
        [hole.centroid, hole.centroid, shapely.Point(250, 100), shapely.Point(700, 500), None],
        id=list("pqrst"),
        kind=["household", "enterprise", "enterprise", "household", "household"],
        households=[120, None, None, 5, 2],
    )
    found = find_gaps(
        GapInput(lonlat(squares, code=codes, area_code="x"), areas=areas, entities=people, crs=METRES)
    )
    assert found.searched_kinds == ("blank", "overlap", "unassigned")
    assert list(found.skipped_kinds) == ["out_of_reach"]
    frame = found.frame
    assert list(frame.columns) == list(GAP_COLUMNS)
    assert frame.crs == "EPSG:4326"
    blank = frame[frame["kind"] == "blank"]
    assert blank["area_m2"].tolist() == pytest.approx([WIDTH**2])
    assert blank[["households", "enterprises"]].to_numpy().tolist() == [[120, 1]]
    assert blank[["severity", "area_code"]].to_numpy().tolist() == [["high", "a1"]]
    overlap = frame[frame["kind"] == "overlap"]
    assert overlap["area_m2"].tolist() == pytest.approx([100 * WIDTH])
    assert overlap[["cell_code", "area_code", "households", "enterprises"]].to_numpy().tolist() == [
        ["c00", "x", 0, 1]
    ]
    lost = frame[frame["kind"] == "unassigned"]
    assert sorted(lost["detail"]) == [
        "enterprise q: The location lies in no cell.",
        "household p: The location lies in no cell.",
        "household t: The record has no geometry, or an empty one.",
    ]
    assert lost["households"].sum() == 122
    told = [
        figures for figures, kind in zip(found.figures, frame["kind"], strict=True) if kind == "unassigned"
    ]
    assert {(each["entity_kind"], each["entity_id"], each["reason"]) for each in told} == {
        ("enterprise", "q", "outside"), ("household", "p", "outside"), ("household", "t", "empty_geometry"),
    }  # fmt: skip
    assert found.figures[overlap.index[0]]["cells"] == ["c00", "c01"]
    assert frame["severity"].tolist() == sorted(frame["severity"], key=["high", "medium", "low"].index)
    summary = found.summary()
    assert summary["gaps"] == len(frame) == 5
    assert summary["kinds"]["blank"]["households"] == 120
    assert summary["skipped"] == {"out_of_reach": "no service points were given"}


def test_entities_that_come_assigned_keep_their_cells_and_reasons():
    cells = lonlat([shapely.box(0, 0, 200, 200)], code=[7])
    places = [shapely.Point(900, 900), shapely.Point(10, 10), shapely.Point(20, 20), shapely.Point(30, 30)]
    entities = lonlat(
        places,
        id=[1, 2, 3, 4],
        kind="household",
        cell_code=[7, None, "99", ""],
        reason=[None, "beside the road", None, None],
        name=["王", "李", "赵", "孙"],
        area_code=["x", "y", None, ""],
    )
    gaps = find_gaps(GapInput(cells, entities=entities), kinds=["unassigned"])
    found = gaps.frame
    assert [each["reason"] for each in gaps.figures] == ["beside the road", "other_plan", "outside"]
    assert found["area_code"].tolist() == ["y", None, None]
    assert found["detail"].tolist() == [
        "household 2: beside the road",
        "household 3: Its cell '99' is not in the plan.",
        "household 4: The location lies in no cell.",
    ]
    assert (
        not found.drop(columns="geometry")
        .astype(str)
        .apply(lambda column: column.str.contains("[王李赵孙]"))
        .any(axis=None)
    )
    only = GapRules.from_mapping({"unassigned": {"kinds": ["sensor"]}})
    assert find_gaps(GapInput(cells, entities=entities), only, kinds=["unassigned"]).frame.empty


def test_lines_and_polygons_count_once_where_most_of_them_lies():
    cells = lonlat([shapely.box(0, 0, 200, 200), shapely.box(200, 0, 400, 200)], code=["a", "b"])
    entities = lonlat(
        [
            shapely.box(190, 10, 220, 20),
            shapely.LineString([(10, 10), (210, 10)]),
            shapely.box(900, 900, 910, 910),
        ],
        id=["1", "2", "3"],
        kind=["enterprise", "household", "enterprise"],
    )
    assert GapInput(cells, entities=entities).cell_rows.tolist() == [1, 0, -1]


def test_a_record_that_repeats_an_id_is_listed_but_stands_for_nobody():
    cells = lonlat([shapely.box(0, 0, 200, 200)], code=["a"])
    homes = [shapely.Point(10, 10), shapely.Point(10, 10), shapely.Point(900, 900)]
    entities = lonlat(homes, id=["1", "1", "2"], kind="household")
    found = find_gaps(GapInput(cells, entities=entities), kinds=["unassigned"]).frame
    assert found[["households", "severity"]].to_numpy().tolist() == [[1, "medium"], [0, "low"]]
    assert "same id" in found["detail"][1]


def test_a_record_stands_for_one_where_its_number_is_none():
    cells = lonlat([shapely.box(0, 0, 200, 200)], code=["a"])
    told = [0, 7, 2.4, None, -3, float("inf"), 1e30, "x", "12", 1_000_000]
    entities = lonlat(
        [shapely.Point(10, 10)] * len(told), id=[str(row) for row in range(len(told))], kind="household",
        households=pd.Series(told, dtype=object),
    )  # fmt: skip
    given_input = GapInput(cells, entities=entities)
    assert given_input.households.tolist() == [0, 7, 2, 1, 1, 1, 1, 1, 12, 1_000_000]
    assert given_input.enterprises.tolist() == [0] * len(told)


def test_service_points_may_be_among_the_entities():
    cells = lonlat([shapely.box(0, 0, 200, 200)], code=["a"])
    entities = lonlat([shapely.Point(100, 100)], id=["s"], kind=["service_point"])
    assert find_gaps(GapInput(cells, entities=entities), kinds=["out_of_reach"]).searched_kinds == (
        "out_of_reach",
    )
    entities["kind"] = "sensor"
    assert find_gaps(GapInput(cells, entities=entities), kinds=["out_of_reach"]).searched_kinds == ()


def test_a_sound_plan_has_no_gaps_and_progress_ends_complete():
    squares, codes = lattice()
    cells = lonlat(squares, code=codes)
    area = shapely.union_all(squares)
    steps = []
    found = find_gaps(
        GapInput(cells, areas=lonlat([area], code=["a"]), service_points=lonlat([area.centroid])),
        progress=lambda *step: steps.append(step),
    )
    assert found.frame.empty
    assert list(found.frame.columns) == list(GAP_COLUMNS)
    assert found.skipped_kinds == {"unassigned": ("没有对象数据", "no entities were given")}
    assert steps[-1][0] == steps[-1][1]
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)


def test_what_is_missing_is_named():
    cells = lonlat([shapely.box(0, 0, 200, 200)], code=["a"])
    with pytest.raises(InputError, match="'blanc'"):
        find_gaps(GapInput(cells), kinds=["blanc"])
    with pytest.raises(InputError, match="'kind'"):
        find_gaps(GapInput(cells, entities=lonlat([None], id=["1"])), kinds=["unassigned"])
    assert set(find_gaps(GapInput(cells)).skipped_kinds) == set(GAP_KINDS) - {"overlap"}


@pytest.fixture(scope="module")
def zones(shared_data):
    frame = gpd.read_file(shared_data / "shenzhen" / "traffic_zones.shp").to_crs(4326)
    return frame.assign(code=frame["TAZID"].astype(int).astype(str))[["code", "geometry"]]


def test_shenzhen_zones_out_of_reach_of_charging_stations(zones, shared_data):
    table = pd.read_csv(shared_data / "shenzhen" / "stations.csv")
    places = gpd.GeoSeries.from_xy(table["longitude"], table["latitude"], crs=4326)
    served, homes = places.iloc[::2].reset_index(drop=True), places.iloc[1::2].reset_index(drop=True)
    entities = gpd.GeoDataFrame({"id": homes.index.astype(str), "kind": "enterprise"}, geometry=homes)
    crs = CRS.from_epsg(4547)
    given_input = GapInput(
        zones, entities=entities, service_points=gpd.GeoDataFrame(geometry=served), crs=crs
    )
    found = find_gaps(given_input, kinds=["out_of_reach"]).frame

    flat, stations, firms = zones.to_crs(crs), served.to_crs(crs), homes.to_crs(crs)
    circles = shapely.union_all(stations.buffer(1000, quad_segs=64).to_numpy())
    left = flat.geometry.difference(circles).area
    large = left >= 100
    by_cell = found.set_index("cell_code")
    assert set(by_cell.index) >= set(flat.loc[large, "code"].astype(str))
    assert by_cell.loc[flat.loc[large, "code"].astype(str), "area_m2"].to_numpy() == pytest.approx(
        left[large].to_numpy(), rel=1e-6, abs=1
    )
    far = (
        np.hypot(
            firms.x.to_numpy()[:, None] - stations.x.to_numpy(),
            firms.y.to_numpy()[:, None] - stations.y.to_numpy(),
        ).min(axis=1)
        > 1000
    )
    owned = gpd.sjoin(gpd.GeoDataFrame(geometry=homes[far]), zones, predicate="intersects").index.nunique()
    assert found["enterprises"].sum() == owned > 0


def test_shenzhen_overlaps_are_those_of_the_check(zones):
    rules = GapRules.from_mapping({"overlap": {"min_area_m2": 0}})
    found = find_gaps(GapInput(zones), rules, kinds=["overlap"]).frame
    assert len(found) == 518
    assert found["area_m2"].sum() / 1e6 == pytest.approx(0.53, abs=0.005)


def test_a_hairline_is_no_gap_unless_it_is_asked_for():
    whole = shapely.box(500_000, 0, 500_100, 100)
    left = shapely.box(500_000, 0, 500_049.999_99, 100)
    right = shapely.box(500_050, 0, 500_100, 100)
    cells = gpd.GeoDataFrame({"code": ["1", "2"]}, geometry=[left, right], crs=METRES).to_crs(4326)
    areas = gpd.GeoDataFrame({"code": ["A"]}, geometry=[whole], crs=METRES).to_crs(4326)
    given_input = GapInput(cells, areas=areas, crs=METRES)
    assert find_gaps(given_input, kinds=["blank"]).frame.empty
    every = GapRules.from_mapping({"blank": {"min_area_m2": 0}})
    found = find_gaps(given_input, every, kinds=["blank"]).frame
    assert found["area_m2"].sum() == pytest.approx(0.001, rel=0.01)
