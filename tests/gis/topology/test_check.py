"""What `check` finds, against loops over all pairs and by hand-drawn cases."""

import json

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box
from shapely.affinity import translate

from gis.crs import to_lonlat
from gis.errors import InputError
from gis.topology import TopologyReport, check_topology
from gis.topology.findings import FINDING_COLUMNS, FINDING_KINDS
from tests.gis.topology.coverages import (
    DAMAGES,
    PLACES,
    blanks_slowly,
    crossing,
    damage,
    frame,
    lattice,
    notched,
    overlaps_slowly,
    projected,
)

EAST, NORTH = 500_000.0, 2_500_000.0


def drawn(*shapes: shapely.Geometry | None, **columns: object) -> gpd.GeoDataFrame:
    """Cells c000, c001, ... drawn near the origin, in metres."""
    moved = [None if shape is None else translate(shape, EAST, NORTH) for shape in shapes]
    return frame(np.array(moved, dtype=object), **columns)


def counts(report: TopologyReport) -> dict[str, int]:
    return {kind: int(figures["count"]) for kind, figures in report.summary().items() if figures["count"]}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("size", [1.0, 100.0, 20_000.0])
def test_a_coverage_is_valid_wherever_it_lies(place: str, size: float) -> None:
    epsg, east, north = PLACES[place]
    report = check_topology(frame(lattice(5, 5, size=size, origin=(east, north)), epsg))
    assert report.is_valid
    assert counts(report) == ({"sliver": 25} if size == 1.0 else {})


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 999),
    hurts=st.lists(st.tuples(st.sampled_from(DAMAGES), st.integers(0, 15)), min_size=1, max_size=4),
)
def test_overlaps_and_blanks_are_those_of_a_loop(seed: int, hurts: list[tuple[str, int]]) -> None:
    random = np.random.default_rng(seed)
    polygons = lattice(4, 4, seed=seed, origin=(EAST, NORTH))
    for how, row in hurts:
        if polygons[row].is_valid:
            polygons = damage(polygons, how, row, random)
    cells = frame(polygons)
    report = check_topology(cells)

    straight = shapely.make_valid(projected(cells), method="structure", keep_collapsed=False)
    expected = overlaps_slowly(straight)
    found = {
        tuple(int(code[1:]) for code in codes.split(",")) for codes in report.of_kind("overlap")["codes"]
    }
    assert found == set(expected)
    assert report.of_kind("overlap")["area_m2"].sum() == pytest.approx(sum(expected.values()), abs=1e-6)
    blanks = report.of_kind("blank")
    # What borders enclose; what is open at an end is tested by itself.
    enclosed = blanks[~blanks["detail"].str.contains("open at its end")]
    assert enclosed["area_m2"].sum() == pytest.approx(blanks_slowly(straight), abs=1e-5)
    whole = all(shape.is_valid for shape in polygons)
    assert len(report.of_kind("invalid")) == sum(not shape.is_valid for shape in polygons)
    if whole and not expected and report.of_kind("blank").empty:
        assert report.is_valid == shapely.coverage_is_valid(projected(cells))
    if not shapely.coverage_is_valid(straight):
        assert not report.is_valid


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 999),
    hurts=st.lists(st.tuples(st.sampled_from(DAMAGES), st.integers(0, 35)), max_size=3),
)
def test_ground_adds_up_in_every_area(seed: int, hurts: list[tuple[str, int]]) -> None:
    """Blank, outside and crossing ground are those of plain set differences."""
    random = np.random.default_rng(seed)
    polygons = lattice(6, 6, seed=seed, origin=(EAST, NORTH))
    group = [f"{row // 18}{row % 6 // 3}" for row in range(36)]
    areas = frame(polygons, area=group).dissolve("area", method="coverage").reset_index()
    areas = areas.assign(code=areas["area"])[["code", "geometry"]]
    for how, row in hurts:
        if polygons[row].is_valid:
            polygons = damage(polygons, how, row, random)
    cells = frame(polygons, area_code=group)
    report = check_topology(cells, areas)
    if not hurts:
        assert report.is_valid
    straight = shapely.make_valid(projected(cells), method="structure", keep_collapsed=False)
    ground = shapely.union_all(projected(areas))
    assert report.of_kind("blank")["area_m2"].sum() == pytest.approx(
        ground.difference(shapely.union_all(straight)).area, abs=1e-3
    )
    outside = sum(cell.difference(ground).area for cell in straight)
    assert report.of_kind("outside")["area_m2"].sum() == pytest.approx(outside, abs=1e-3)
    own = dict(zip(areas["code"], projected(areas), strict=True))
    crossing = sum(
        cell.intersection(other).area
        for cell, code in zip(straight, group, strict=True)
        for name, other in own.items()
        if name != code
    )
    assert report.of_kind("crossed_parent")["area_m2"].sum() == pytest.approx(crossing, abs=1e-3)


def test_shenzhen_has_its_known_overlaps_and_blanks(shared_data: object) -> None:
    zones = gpd.read_file(f"{shared_data}/shenzhen/traffic_zones.shp")
    zones["code"] = zones["TAZID"]
    report = check_topology(zones)
    summary = report.summary()
    assert report.crs.to_epsg() == 4547
    assert not report.is_valid
    assert summary["overlap"]["count"] == 518
    assert summary["overlap"]["area_m2"] == pytest.approx(530_669, abs=1)
    blanks = report.of_kind("blank")
    is_open = blanks["detail"].str.contains("open at its end")
    assert (~is_open).sum() == 671
    assert blanks["area_m2"][~is_open].sum() == pytest.approx(433_567, abs=1)
    assert is_open.sum() == 20
    json.dumps(summary)

    # By way of longitude and latitude other vertices land beside their neighbour's edge: hairlines differ.
    again = check_topology(to_lonlat(zones))
    for one in (report, again):
        blanks = one.of_kind("blank")
        assert (blanks["area_m2"] > 1e-6).sum() == pytest.approx(676, abs=1)
    assert again.summary()["overlap"] == pytest.approx(summary["overlap"], rel=1e-6)


def test_findings_have_their_columns_and_the_report_every_kind() -> None:
    report = check_topology(drawn(box(0, 0, 10, 10), box(5, 0, 15, 10)))
    assert tuple(report.findings.columns) == FINDING_COLUMNS
    assert tuple(report.summary()) == FINDING_KINDS
    assert report.findings.crs.to_epsg() == 4326
    assert report.findings.iloc[0][["kind", "severity", "codes"]].tolist() == [
        "overlap",
        "error",
        "c000,c001",
    ]
    assert report.findings["area_m2"].iloc[0] == pytest.approx(50, abs=1e-3)
    empty = check_topology(drawn(box(0, 0, 10, 10), box(10, 0, 20, 10)))
    assert tuple(empty.findings.columns) == FINDING_COLUMNS
    assert empty.is_valid
    assert empty.findings.empty


def test_records_by_themselves() -> None:
    bowtie = shapely.Polygon([(20, 0), (30, 10), (30, 0), (20, 10)])
    cells = drawn(box(0, 0, 10, 10), None, shapely.Polygon(), shapely.Point(1, 1), bowtie, box(40, 0, 50, 10))
    cells["code"] = ["a", "b", "c", "d", "e", None]
    report = check_topology(cells)
    assert counts(report) == {"invalid": 4, "missing_code": 1, "parts": 1}
    assert report.of_kind("invalid")["codes"].tolist() == ["b", "c", "d", "e"]
    assert "self-intersection" in report.of_kind("invalid")["detail"].iloc[3]
    spot = report.of_kind("invalid").geometry.to_crs(4547).iloc[3]
    assert spot.distance(shapely.Point(EAST + 25, NORTH + 5)) < 1e-3
    assert report.of_kind("missing_code")["codes"].tolist() == ["record 6"]


def test_codes_that_are_numbers() -> None:
    cells = drawn(box(0, 0, 10, 10), box(10, 0, 20, 10), box(20, 0, 30, 10))
    cells["code"] = [559.0, 559.0, np.nan]
    report = check_topology(cells)
    assert counts(report) == {"missing_code": 1, "duplicate_code": 2}
    assert set(report.of_kind("duplicate_code")["codes"]) == {"559"}


def test_contained_and_equal_cells_overlap() -> None:
    report = check_topology(
        drawn(box(0, 0, 30, 30), box(10, 10, 20, 20), box(100, 0, 130, 30), box(100, 0, 130, 30))
    )
    assert report.of_kind("overlap")["codes"].tolist() == ["c002,c003", "c000,c001"]


def test_an_island_in_a_hole_is_cut_out_of_the_blank() -> None:
    ring = box(0, 0, 100, 100).difference(box(10, 10, 90, 90))
    report = check_topology(drawn(ring, box(40, 40, 60, 60)))
    assert counts(report) == {"blank": 1}
    assert report.of_kind("blank")["area_m2"].iloc[0] == pytest.approx(6400 - 400, abs=1e-2)
    assert report.of_kind("blank")["codes"].iloc[0] == "c000,c001"


def test_cells_that_touch_at_corners_enclose_a_blank() -> None:
    plus = drawn(box(10, 0, 20, 10), box(0, 10, 10, 20), box(20, 10, 30, 20), box(10, 20, 20, 30))
    report = check_topology(plus)
    assert counts(report) == {"blank": 1}
    assert report.of_kind("blank")["area_m2"].iloc[0] == pytest.approx(100, abs=1e-2)


def test_an_unmatched_vertex() -> None:
    cells = drawn(box(-100, 0, 0, 100), box(0, 0, 100, 100), box(100, 0, 200, 50), box(100, 50, 200, 100))
    report = check_topology(cells)
    assert not report.is_valid
    assert set(counts(report)) == {"unmatched"}
    found = report.of_kind("unmatched")
    assert sorted(found["codes"]) == ["c001,c002", "c001,c003"]
    assert set(found.geom_type) <= {"LineString", "MultiLineString"}
    borders = dict(zip(cells["code"], shapely.boundary(cells.geometry.to_numpy()), strict=True))
    for codes, sentence, edges in found[["codes", "detail", "geometry"]].itertuples(index=False):
        first, second = codes.split(",")
        assert sentence == f"Cells {first} and {second} run along each other without sharing their vertices."
        assert (borders[first] | borders[second]).buffer(1e-8).covers(edges)
        assert borders[first].distance(edges) < 1e-8
        assert borders[second].distance(edges) < 1e-8


def test_a_hairline_is_an_error_too() -> None:
    left = shapely.Polygon([(0, 0), (100, 0), (100, 100), (0, 100)])
    right = shapely.Polygon([(100, 0), (200, 0), (200, 100), (100, 100), (100 + 3e-8, 50)])
    report = check_topology(drawn(left, right))
    assert not report.is_valid


def test_a_hairline_between_areas_is_no_fault_of_the_cells() -> None:
    right = shapely.Polygon([(100, 0), (200, 0), (200, 100), (100, 100), (100 + 1e-6, 50)])
    cells = drawn(box(0, 0, 100, 100), right)
    assert counts(check_topology(cells)) == {"blank": 1}
    assert check_topology(cells, cells).is_valid
    assert counts(check_topology(cells, drawn(box(0, 0, 200, 100)))) == {"blank": 1}


def test_a_cell_that_turns_over_in_degrees_is_invalid() -> None:
    cells = frame(np.array([notched((600_000.0, 2_500_000.0))], dtype=object))
    found = check_topology(cells).of_kind("invalid")
    assert found["detail"].str.contains(
        "is invalid in longitude and latitude: self-intersection"
    ).tolist() == [True]
    assert shapely.distance(found.geometry.iloc[0], cells.geometry.iloc[0]) < 1e-6
    # In a file in metres it is what it is there.
    assert check_topology(cells.to_crs(4547)).is_valid


def test_cells_that_overlap_in_degrees_only_are_unmatched() -> None:
    cells = frame(crossing((600_000.0, 2_500_000.0)))
    report = check_topology(cells)
    assert set(counts(report)) == {"unmatched"}
    assert report.findings["detail"].str.contains("In longitude and latitude").all()
    assert report.findings["codes"].tolist() == ["c000,c001"]
    assert check_topology(cells.to_crs(4547)).is_valid


def test_a_lake_left_out_by_the_areas_is_no_gap() -> None:
    cells = drawn(
        box(0, 0, 100, 100).difference(box(40, 40, 60, 60)).intersection(box(0, 0, 50, 100)),
        box(0, 0, 100, 100).difference(box(40, 40, 60, 60)).intersection(box(50, 0, 100, 100)),
    )
    area = drawn(box(0, 0, 100, 100).difference(box(40, 40, 60, 60)))
    assert counts(check_topology(cells)) == {"blank": 1}
    assert check_topology(cells, area).is_valid
    assert counts(check_topology(cells, drawn(box(0, 0, 100, 100)))) == {"blank": 1}


def test_ground_beyond_the_areas_and_across_the_parent() -> None:
    areas = drawn(box(0, 0, 100, 100), box(100, 0, 200, 100))
    cells = drawn(box(0, 0, 110, 100), box(110, 0, 220, 100), area_code=["c000", "c001"])
    report = check_topology(cells, areas)
    assert counts(report) == {"outside": 1, "crossed_parent": 1}
    assert report.of_kind("outside").iloc[0][["codes"]].tolist() == ["c001"]
    assert report.of_kind("outside")["area_m2"].iloc[0] == pytest.approx(2000, abs=1)
    assert report.of_kind("crossed_parent")["area_m2"].iloc[0] == pytest.approx(1000, abs=1)
    # Without area_code the area with the largest share is the parent.
    assert counts(check_topology(cells.drop(columns="area_code"), areas)) == {
        "outside": 1,
        "crossed_parent": 1,
    }
    # Named to the wrong area a cell crosses with nearly all of its ground.
    swapped = check_topology(cells.assign(area_code=["c001", "c000"]), areas)
    assert swapped.of_kind("crossed_parent")["area_m2"].sum() == pytest.approx(10_000 + 9_000, abs=1)
    assert counts(check_topology(cells.assign(area_code=["c000", "x"]), areas))["crossed_parent"] == 2


def test_an_area_without_cells_is_blank_and_a_cell_far_away_is_outside() -> None:
    areas = drawn(box(0, 0, 100, 100), box(100, 0, 200, 100))
    report = check_topology(drawn(box(0, 0, 100, 100), box(900, 0, 1000, 100)), areas)
    assert counts(report) == {"blank": 1, "outside": 1}


def test_areas_of_several_levels() -> None:
    areas = drawn(box(0, 0, 200, 100), box(0, 0, 100, 100), box(100, 0, 200, 100))
    assert check_topology(drawn(box(0, 0, 100, 100), box(100, 0, 200, 100)), areas).is_valid


def test_slivers_and_pieces_are_warnings() -> None:
    report = check_topology(
        drawn(box(0, 0, 100, 100), box(100, 0, 100.5, 100), box(200, 0, 300, 100) | box(400, 0, 500, 100))
    )
    assert counts(report) == {"sliver": 1, "parts": 1}
    assert report.is_valid
    assert counts(check_topology(drawn(box(0, 0, 100, 100)), sliver_width_m=60)) == {"sliver": 1}


def test_three_dimensions_and_one_cell() -> None:
    high = shapely.force_3d(box(0, 0, 100, 100), 7.0)
    assert check_topology(drawn(high)).is_valid


def test_what_cannot_be_checked() -> None:
    cells = drawn(box(0, 0, 100, 100))
    with pytest.raises(InputError, match="no field 'code'"):
        check_topology(cells.drop(columns="code"))
    with pytest.raises(InputError, match="no coordinate reference system"):
        check_topology(cells.set_crs(None, allow_override=True))
    with pytest.raises(InputError, match="no extent"):
        check_topology(drawn(None, shapely.Polygon()))


def test_progress_reaches_its_end_and_inputs_stay() -> None:
    cells = drawn(box(0, 0, 10, 10), box(5, 0, 15, 10))
    before = cells.copy(deep=True)
    steps: list[tuple[int, int]] = []
    check_topology(cells, progress=lambda done, total: steps.append((done, total)))
    assert steps == sorted(steps)
    assert steps[-1][0] == steps[-1][1]
    assert cells.equals(before)
