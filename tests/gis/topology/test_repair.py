"""What `repair` makes: a coverage of the same cells, or a refusal."""

import json

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box
from shapely.affinity import scale, translate

from gis.crs import to_lonlat
from gis.errors import InputError, RefusedError
from gis.topology import RepairResult, check_topology, repair_topology
from tests.gis.topology.coverages import (
    DAMAGES,
    PLACES,
    blanks_slowly,
    crossing,
    damage,
    frame,
    lattice,
    notched,
    projected,
)

EAST, NORTH = 500_000.0, 2_500_000.0


def drawn(*shapes: shapely.Geometry | None, **columns: object) -> gpd.GeoDataFrame:
    """Cells c000, c001, ... drawn near the origin, in metres."""
    moved = [None if shape is None else translate(shape, EAST, NORTH) for shape in shapes]
    return frame(np.array(moved, dtype=object), **columns)


def assert_result(
    cells: gpd.GeoDataFrame, result: RepairResult, areas: gpd.GeoDataFrame | None = None
) -> None:
    """What holds for every repair."""
    fixed = result.cells
    assert fixed["code"].tolist() == cells["code"].tolist()
    assert fixed.index.equals(cells.index)
    assert list(fixed.columns) == list(cells.columns)
    assert fixed.crs.to_epsg() == 4326
    assert shapely.is_valid(np.asarray(fixed.geometry)).all()
    assert shapely.coverage_is_valid(np.asarray(fixed.geometry))
    assert shapely.coverage_is_valid(np.asarray(fixed.geometry.to_crs(result.crs)))
    assert (result.changes["area_after_m2"] > 0).all()
    assert (result.changes["parts_after"] <= result.changes["parts_before"]).all()
    report = check_topology(fixed, areas, crs=result.crs)
    errors = report.findings[report.findings["severity"] == "error"]
    assert set(errors["kind"]) <= ({"blank"} if len(result.remaining_blanks) else set())
    assert errors["area_m2"].sum() == pytest.approx(
        result.remaining_blanks["area_m2"].sum(), abs=1e-3, rel=1e-8
    )
    # Nothing is made of nothing: the ground of the cells is the ground they covered and the blanks filled.
    if areas is None:
        before = shapely.make_valid(
            np.asarray(cells.geometry.to_crs(result.crs)), method="structure", keep_collapsed=False
        )
        ground = shapely.union_all(before).area + result.filled_blanks["area_m2"].sum()
        assert result.changes["area_after_m2"].sum() == pytest.approx(ground, abs=1e-3, rel=1e-10)
        assert len(result.filled_blanks) + len(result.remaining_blanks) or blanks_slowly(
            before
        ) == pytest.approx(0, abs=1e-3)


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 999),
    hurts=st.lists(st.tuples(st.sampled_from(DAMAGES), st.integers(0, 15)), min_size=1, max_size=5),
)
def test_damaged_coverages_are_mended(seed: int, hurts: list[tuple[str, int]]) -> None:
    random = np.random.default_rng(seed)
    whole = polygons = lattice(4, 4, seed=seed, origin=(EAST, NORTH))
    for how, row in hurts:
        if polygons[row].is_valid:
            polygons = damage(polygons, how, row, random)
    cells = frame(polygons, people=np.arange(16))
    before = cells.copy(deep=True)
    result = repair_topology(cells)
    assert cells.equals(before)
    assert_result(cells, result)
    assert result.remaining_blanks.empty
    # What touches no damaged cell stays as it came, to the last byte.
    touched = shapely.distance(whole, shapely.union_all(whole[[row for _, row in hurts]])) == 0
    same = shapely.equals_identical(np.asarray(result.cells.geometry), np.asarray(cells.geometry))
    assert same[~touched].all()
    # A second repair finds nothing to do.
    again = repair_topology(result.cells)
    assert again.cells.geometry.equals(result.cells.geometry)
    assert again.summary()["changed_cells"] == 0


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 999),
    hurts=st.lists(st.tuples(st.sampled_from(DAMAGES), st.integers(0, 35)), min_size=1, max_size=6),
    named=st.booleans(),
)
def test_damaged_cells_fill_their_areas(seed: int, hurts: list[tuple[str, int]], named: bool) -> None:
    random = np.random.default_rng(seed)
    polygons = lattice(6, 6, seed=seed, origin=(EAST, NORTH))
    group = [f"{row // 18}{row % 6 // 3}" for row in range(36)]
    areas = frame(polygons, area=group).dissolve("area", method="coverage").reset_index()
    areas = areas.assign(code=areas["area"])[["code", "geometry"]]
    for how, row in hurts:
        if polygons[row].is_valid:
            polygons = damage(polygons, how, row, random)
    cells = frame(polygons, area_code=group) if named else frame(polygons)
    result = repair_topology(cells, areas)
    assert_result(cells, result, areas)
    for code, area in zip(areas["code"], projected(areas), strict=True):
        mine = projected(result.cells)[np.array(group) == code]
        assert shapely.union_all(mine).symmetric_difference(area).area < 0.01


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("size", [1.0, 100.0, 20_000.0])
def test_repair_works_wherever_the_cells_lie(place: str, size: float) -> None:
    epsg, east, north = PLACES[place]
    random = np.random.default_rng(1)
    polygons = lattice(5, 5, size=size, origin=(east, north))
    valid = frame(polygons, epsg)
    assert repair_topology(valid).cells.geometry.equals(valid.geometry)
    for row, how in ((6, "grow"), (12, "shrink"), (18, "shift"), (4, "delete vertex")):
        polygons = damage(polygons, how, row, random)
    cells = frame(polygons, epsg)
    assert_result(cells, repair_topology(cells, max_width_m=size))


def test_shenzhen(shared_data: object) -> None:
    zones = gpd.read_file(f"{shared_data}/shenzhen/traffic_zones.shp")
    zones["code"] = zones["TAZID"].astype(int).astype(str)
    zones = to_lonlat(zones)
    result = repair_topology(zones)
    assert_result(zones, result)
    assert len(result.cells) == 491
    assert result.remaining_blanks.empty
    summary = json.loads(json.dumps(result.summary()))
    # 656 that borders enclose and narrow ones that are open at an end.
    assert summary["blanks_filled"] == {"count": 675, "area_m2": pytest.approx(436_392, abs=1)}
    assert summary["overlaps_resolved"]["area_m2"] == pytest.approx(530_630, abs=1)
    assert summary["largest_change"]["code"] == "223"
    assert summary["largest_change"]["change_m2"] == pytest.approx(-62_753, abs=1)
    assert any("largest change of area: cell 223 -62,75" in line for line in result.summary_lines())
    assert result.changes["change_share"].abs().max() < 0.03
    named = {code for codes in check_topology(zones).findings["codes"] for code in codes.split(",")}
    sound = ~zones["code"].isin(named).to_numpy()
    # One of the 14 beside no enclosed blank and no overlap lies beside an open one.
    assert sound.sum() == 13
    same = shapely.equals_identical(np.asarray(result.cells.geometry), np.asarray(zones.geometry))
    assert same[sound].all()


def test_a_contained_cell_keeps_its_ground() -> None:
    cells = drawn(box(0, 0, 100, 100), box(40, 40, 60, 60), box(45, 45, 50, 50))
    result = repair_topology(cells)
    assert_result(cells, result)
    assert result.changes["area_after_m2"].tolist() == pytest.approx([9600, 375, 25], abs=1)


def test_a_contained_cell_across_its_host_does_not_split_it() -> None:
    cells = drawn(box(0, 0, 100, 100), box(60, 0, 70, 100), box(100, 0, 200, 100))
    result = repair_topology(cells)
    assert_result(cells, result)
    assert result.summary()["fragments_moved"]["count"] == 1
    assert result.changes["parts_after"].tolist() == [1, 1, 1]


def test_a_cross_of_two_bars_keeps_both_whole() -> None:
    cells = drawn(box(0, 40, 100, 60), box(40, 0, 60, 100))
    with pytest.raises(RefusedError, match=r"Cell c00\d would"):
        repair_topology(cells, max_area_change=0.1)
    result = repair_topology(cells, max_area_change=0.7)
    assert_result(cells, result)
    assert result.summary()["fragments_moved"] == {"count": 1, "area_m2": pytest.approx(800, abs=1)}


def test_a_dumbbell_is_not_cut_through() -> None:
    bell = box(0, 0, 100, 100) | box(100, 45, 200, 55) | box(200, 0, 300, 100)
    over = box(120, 10, 180, 90)
    cells = drawn(bell, over)
    result = repair_topology(cells, max_area_change=0.9)
    assert_result(cells, result)


def test_cells_in_pieces_stay_in_as_few() -> None:
    cells = drawn(box(0, 0, 100, 100) | box(300, 0, 400, 100), box(95, 0, 305, 100))
    result = repair_topology(cells)
    assert_result(cells, result)
    assert result.changes["parts_after"].tolist() == [2, 1]


def test_equal_cells_are_refused() -> None:
    with pytest.raises(RefusedError, match="Cell c001 would vanish: the ground of cell c000 covers it"):
        repair_topology(drawn(box(0, 0, 100, 100), box(0, 0, 100, 100), box(100, 0, 200, 100)))


def test_a_lake_is_left_and_told_unless_it_is_narrow() -> None:
    ring = box(0, 0, 1000, 1000).difference(box(400, 400, 600, 600))
    cells = drawn(ring.intersection(box(0, 0, 505, 1000)), ring.intersection(box(495, 0, 1000, 1000)))
    result = repair_topology(cells)
    assert_result(cells, result)
    assert result.remaining_blanks["area_m2"].tolist() == [pytest.approx(40_000, abs=10)]
    assert "wider than 100 m" in result.remaining_blanks["detail"].iloc[0]
    assert any(line.strip().startswith("1 blank left, ") for line in result.summary_lines())
    filled = repair_topology(cells, max_width_m=250)
    assert filled.remaining_blanks.empty
    assert filled.filled_blanks["to_code"].isin(["c000", "c001"]).all()
    areas = drawn(ring)
    assert repair_topology(cells, areas).remaining_blanks.empty
    assert repair_topology(cells, areas).filled_blanks.empty


def test_streets_between_blocks_are_shared_by_the_blocks() -> None:
    blocks = [box(x, y, x + 80, y + 80) for x in range(0, 500, 100) for y in range(0, 500, 100)]
    cells = drawn(*blocks)
    # Streets open at the rim are not enclosed; with the area they are.
    assert check_topology(cells).is_valid
    area = drawn(box(0, 0, 480, 480))
    assert (
        "would grow by more than 50%"
        in repair_topology(cells, area, max_width_m=30).remaining_blanks["detail"].iloc[0]
    )
    result = repair_topology(cells, area, max_width_m=30, max_area_change=0.6)
    assert_result(cells, result, area)
    assert result.remaining_blanks.empty
    assert result.changes["area_after_m2"].to_numpy().reshape(5, 5)[1:4, 1:4] == pytest.approx(
        10_000, rel=0.05
    )


def test_a_cell_that_turns_over_in_degrees_is_steadied() -> None:
    east, north = 600_000.0, 2_500_000.0
    cell = notched((east, north))
    cells = frame(np.array([cell, box(east, north, east + 5000, north + 1000)], dtype=object))
    assert not cells.geometry.is_valid.all()
    result = repair_topology(cells)
    assert_result(cells, result)
    assert result.changes["change_m2"].abs().max() < 0.01
    # A file in metres is valid as it is; what is written of it is steadied all the same.
    assert_result(cells, repair_topology(cells.to_crs(4547)))


def test_cells_that_overlap_in_degrees_only_are_steadied() -> None:
    cells = frame(crossing((600_000.0, 2_500_000.0)))
    assert not shapely.coverage_is_valid(np.asarray(cells.geometry))
    assert_result(cells, repair_topology(cells))
    assert_result(cells, repair_topology(cells.to_crs(4547)))


@pytest.mark.parametrize("place", PLACES)
def test_wiggly_streets_are_shared_and_stay_shared_in_degrees(place: str) -> None:
    epsg, east, north = PLACES[place]
    blocks = lattice(8, 8, origin=(east, north))
    area = gpd.GeoDataFrame({"code": ["a"]}, geometry=[shapely.coverage_union_all(blocks)], crs=epsg).to_crs(
        4326
    )
    cells = frame(shapely.buffer(blocks, -5, join_style="mitre"), epsg)
    result = repair_topology(cells, area, max_width_m=50)
    assert_result(cells, result, area)
    assert result.remaining_blanks.empty
    assert result.changes["change_share"].max() < 0.4


def test_cells_are_cut_at_their_areas_and_fill_them() -> None:
    areas = drawn(box(0, 0, 100, 100), box(100, 0, 200, 100))
    cells = drawn(box(3, 3, 104, 97), box(104, 0, 207, 100), area_code=["c000", "c001"])
    result = repair_topology(cells, areas)
    assert_result(cells, result, areas)
    assert result.changes["area_after_m2"].tolist() == pytest.approx([10_000, 10_000], abs=1)


def test_ground_far_beyond_the_width_is_not_given_away() -> None:
    areas = drawn(box(0, 0, 1000, 1000))
    cells = drawn(box(0, 0, 500, 1000))
    result = repair_topology(cells, areas)
    assert len(result.remaining_blanks) == 1
    assert_result(cells, result, areas)


def test_measures_are_made_fresh_and_other_columns_stay() -> None:
    cells = drawn(
        box(0, 0, 100, 100),
        box(90, 0, 200, 100),
        area_m2=[1.0, 1.0],
        perimeter_m=[1.0, 1.0],
        名称=["甲", "乙"],
    )
    cells.index = [7, 3]
    result = repair_topology(cells)
    assert_result(cells, result)
    assert result.cells["area_m2"].sum() == pytest.approx(20_000, abs=1)
    assert result.cells["perimeter_m"].min() > 300
    assert result.cells["名称"].tolist() == ["甲", "乙"]


def test_a_change_too_large_is_refused() -> None:
    cells = drawn(box(0, 0, 100, 100), scale(box(0, 0, 100, 100), 0.9, 0.9))
    with pytest.raises(RefusedError, match=r"Cell c000 would shrink by 81%"):
        repair_topology(cells)
    assert_result(cells, repair_topology(cells, max_area_change=0.9))


def test_records_that_cannot_be_repaired_are_named() -> None:
    square = box(0, 0, 100, 100)
    with pytest.raises(InputError, match=r"Record 2 \(code 'c001'\) cannot be repaired: it has no geometry"):
        repair_topology(drawn(square, None))
    with pytest.raises(InputError, match="it is a Point, not a polygon"):
        repair_topology(drawn(square, shapely.Point(0, 0)))
    twice = drawn(square, box(90, 0, 200, 100))
    with pytest.raises(InputError, match="Records 1, 2 have the same code '5'"):
        repair_topology(twice.assign(code=5))
    many = drawn(*(box(x, 0, x + 10, 10) for x in range(0, 100, 10)))
    with pytest.raises(InputError, match="Records 1, 2, 3, 4, 5 and 5 more have the same code '5'"):
        repair_topology(many.assign(code=5))
    broken = drawn(square, square)
    ring = shapely.get_coordinates(broken.geometry.iloc[1])
    ring[1, 0] = np.nan
    broken.geometry = [broken.geometry.iloc[0], shapely.set_coordinates(broken.geometry.iloc[1], ring)]
    with pytest.raises(InputError, match=r"Record 2 .* coordinates that are not finite"):
        repair_topology(broken.set_crs(4326, allow_override=True))
    with pytest.raises(InputError, match="Record 2 has no code"):
        repair_topology(twice.assign(code=["a", None]))
    with pytest.raises(InputError, match="names the area 'x'"):
        repair_topology(twice.assign(area_code=["c000", "x"]), drawn(square))
    with pytest.raises(RefusedError, match="c001 lies wholly outside the areas"):
        repair_topology(drawn(square, box(500, 0, 600, 100)), drawn(square))
