"""Division into blocks, against polygonizing everything at once: random streets on random ground."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.crs import working_crs_for_bounds
from gis.divide import divide_blocks
from tests.gis.divide.test_square import PLACES, assert_coverage, frame, in_metres, random_areas
from tests.gis.divide.towns import random_buildings, random_lines

QUIET = settings(deadline=None, max_examples=25)


@st.composite
def towns(draw):
    """Areas, the streets in them and a length that suits both."""
    size = draw(st.sampled_from([20, 100, 1000]))
    seed = draw(st.integers(0, 2**32))
    areas = random_areas(
        seed,
        draw(st.sampled_from(sorted(PLACES))),
        size,
        aligned=draw(st.booleans()),
        thin=draw(st.booleans()),
        dense=draw(st.booleans()),
        count=draw(st.integers(1, 5)),
    )
    return areas, random_lines(seed, areas, draw(st.integers(1, 12)), grid=draw(st.booleans())), size


def naive_faces(areas, lines):
    """Node everything in one union, and keep the faces inside each area."""
    crs = working_crs_for_bounds(areas.total_bounds)
    ground = np.asarray(areas.to_crs(crs).geometry.array)
    streets = np.asarray(lines.to_crs(crs).geometry.array)
    linework = shapely.union_all(np.concatenate([shapely.boundary(ground), streets]), grid_size=1e-6)
    faces = shapely.get_parts(shapely.polygonize([linework]))
    points = shapely.point_on_surface(faces)
    return [faces[shapely.intersects(points, area)] for area in ground]


@QUIET
@given(towns())
def test_blocks_of_random_streets_fill_their_areas(town):
    areas, lines, size = town
    cells, cut = divide_blocks(areas, lines, target_area_m2=size**2, min_width_m=size / 20)
    assert_coverage(areas, cells)
    assert (cells["kind"] == "block").all()
    assert not len(cut)


@QUIET
@given(towns())
def test_faces_equal_those_of_one_polygonize(town):
    areas, lines, _ = town
    cells, _ = divide_blocks(areas, lines, target_area_m2=None, min_width_m=0, snap_m=0)
    assert_coverage(areas, cells)
    for code, faces in zip(areas["code"], naive_faces(areas, lines), strict=True):
        mine = np.sort(cells["area_m2"][cells["area_code"] == code])
        naive = np.sort(shapely.area(faces))
        # Lines that coincide but for rounding leave hairlines here and not there.
        mine, naive = mine[mine > 0.05], naive[naive > 0.05]
        assert len(mine) == len(naive)
        np.testing.assert_allclose(mine, naive, atol=0.02)


@QUIET
@given(towns(), st.integers(0, 2**32))
def test_the_order_of_the_records_and_the_run_change_nothing(town, seed):
    areas, lines, size = town
    options = {"target_area_m2": size**2, "min_width_m": size / 20}
    keep = random_buildings(seed, areas, 15, size / 4)
    cells, cut = divide_blocks(areas, lines, keep=keep, **options)
    order = np.random.default_rng(seed).permutation(len(lines))
    turned, turned_cut = divide_blocks(areas, lines.iloc[order], keep=keep, **options)
    assert turned.to_wkb().equals(cells.to_wkb())
    assert turned_cut["reason"].equals(cut["reason"])


@QUIET
@given(towns(), st.integers(0, 2**32), st.integers(1, 40))
def test_no_building_is_cut_but_by_the_border_of_an_area(town, seed, count):
    areas, lines, size = town
    keep = random_buildings(seed, areas, count, size / 3)
    cells, cut = divide_blocks(areas, lines, keep=keep, target_area_m2=size**2, min_width_m=size / 20)
    assert_coverage(areas, cells)
    crs = working_crs_for_bounds(areas.total_bounds)
    footprints = np.asarray(keep.to_crs(crs).geometry.array)
    plan = np.asarray(cells.to_crs(crs).geometry.array)
    ground = np.asarray(areas.to_crs(crs).geometry.array)
    in_cells = shapely.area(shapely.intersection(footprints[:, None], plan[None, :]))
    in_areas = shapely.area(shapely.intersection(footprints[:, None], ground[None, :]))
    outside_main = shapely.area(footprints) - in_cells.max(axis=1)
    crossed = (outside_main > 0.01) & (in_cells.sum(axis=1) > 0.01)
    assert set(cut.index) == set(np.flatnonzero(crossed))
    border = shapely.area(footprints) - in_areas.max(axis=1) > 0.005
    assert border[crossed].all()
    assert set(cut["reason"]) <= {"the area's border runs through it"}


ORIGIN = np.array([500_000, 2_500_000])


def moved(shape):
    """Move a shape beside the boxes of `in_metres`."""
    return shapely.transform(shape, lambda c: c + ORIGIN)


def streets(*paths, **columns):
    """Lines in metres beside the boxes of `in_metres`, in EPSG:4547."""
    lines = [moved(shapely.LineString(path)) for path in paths]
    return gpd.GeoDataFrame(columns or {"name": range(len(lines))}, geometry=lines, crs=4547)


SQUARE = [shapely.box(0, 0, 400, 400)]
CROSS = ([(200, -50), (200, 450)], [(-50, 200), (450, 200)])


def sizes(cells):
    return sorted(cells["area_m2"].round().tolist())


def test_streets_that_cross_without_a_vertex_make_four_blocks():
    cells, _ = divide_blocks(in_metres(SQUARE), streets(*CROSS), target_area_m2=40_000)
    assert sizes(cells) == [40_000] * 4
    assert cells["code"].tolist() == ["A0-001", "A0-002", "A0-003", "A0-004"]


@pytest.mark.parametrize(("name", "called"), [("", "'A0'"), ("A0", "'A0'"), ("West", "'A0' (West)")])
def test_dead_ends_do_not_split(name, called):
    notes = []
    area = in_metres(SQUARE, name=name)
    dead_end = streets([(200, -50), (200, 300)])
    cells, _ = divide_blocks(area, dead_end, target_area_m2=None, note=notes.append)
    assert sizes(cells) == [160_000]
    assert notes == [f"no line closes a block in 1 of 1 areas ({called})"]


@pytest.mark.parametrize(("gap", "blocks"), [(0.4, 2), (0.6, 1), (1e-9, 2), (-1e-9, 2)])
def test_an_end_that_stops_just_short_meets_the_border(gap, blocks):
    cells, _ = divide_blocks(in_metres(SQUARE), streets([(200, gap), (201, 400 - gap)]), target_area_m2=None)
    assert len(cells) == blocks


def test_a_ring_that_is_nearly_closed_is():
    around = streets([(100, 100), (300, 100), (300, 300), (100, 300), (100, 100.4)])
    cells, _ = divide_blocks(in_metres(SQUARE), around, target_area_m2=None)
    assert sizes(cells) == [40_000, 120_000]


def test_a_dual_carriageway_is_one_border():
    both = streets([(195, -50), (195, 450)], [(203, -50), (203, 450)])
    cells, _ = divide_blocks(in_metres(SQUARE), both, target_area_m2=None)
    assert len(cells) == 2
    cells, _ = divide_blocks(in_metres(SQUARE), both, target_area_m2=None, min_width_m=5)
    assert len(cells) == 3


def test_a_roundabout_joins_a_block():
    ring = shapely.Point(500_200, 2_500_200).buffer(10).exterior
    lines = streets([(200, -50), (200, 190)], [(200, 210), (200, 450)])
    lines = gpd.GeoDataFrame(geometry=[*lines.geometry, ring], crs=4547)
    cells, _ = divide_blocks(in_metres(SQUARE), lines, target_area_m2=None)
    assert len(cells) == 2


def test_slivers_do_not_join_across_the_border_of_an_area():
    boxes = [shapely.box(0, 0, 200, 400), shapely.box(200, 0, 400, 400)]
    cells, _ = divide_blocks(in_metres(boxes), streets([(195, -50), (195, 450)]), target_area_m2=None)
    assert sizes(cells) == [80_000, 80_000]


def test_small_blocks_join_across_the_smaller_street():
    """Three strips of 60 m: the middle one joins across the lane and not across the main street."""
    lines = streets([(60, -9), (60, 109)], [(120, -9), (120, 109)], highway=["primary", "residential"])
    cells, _ = divide_blocks(in_metres([shapely.box(0, 0, 180, 100)]), lines, target_area_m2=10_000)
    assert sizes(cells) == [6_000, 12_000]
    east = cells.to_crs(4547).geometry.iloc[cells["area_m2"].to_numpy().argmax()]
    assert east.bounds[0] == pytest.approx(500_060, abs=1e-3)


def test_no_block_lies_across_a_barrier():
    lines = streets([(50, -9), (50, 109)])
    wall = streets([(50, -9), (50, 109)])
    box = in_metres([shapely.box(0, 0, 100, 100)])
    assert len(divide_blocks(box, lines, target_area_m2=10_000)[0]) == 1
    assert len(divide_blocks(box, lines, barriers=wall, target_area_m2=10_000)[0]) == 2


def test_a_barrier_cuts_a_building_that_streets_do_not():
    box = in_metres([shapely.box(0, 0, 100, 100)])
    house = frame([moved(shapely.box(40, 40, 70, 60))], 4547)
    line = streets([(50, -9), (50, 109)])
    cells, cut = divide_blocks(box, line, keep=house, target_area_m2=5_000)
    assert not len(cut)
    assert sizes(cells) == [4_800, 5_200]
    _, cut = divide_blocks(box, line, barriers=line, keep=house, target_area_m2=5_000)
    assert cut["reason"].tolist() == ["a barrier runs through it"]
    assert cut["code"].tolist() == ["A0"]


def test_a_large_block_is_cut_across_its_long_side_in_the_gaps_between_buildings():
    box = in_metres([shapely.box(0, 0, 300, 100)])
    far = streets([(0, 0), (300, 0)])
    plain = divide_blocks(box, far, target_area_m2=10_000)[0]
    assert sizes(plain) == [10_000] * 3
    rows = [shapely.box(x, 10, x + 38, 90) for x in (20, 84, 142, 214)]
    houses = frame([moved(b) for b in rows], 4547)
    cells, cut = divide_blocks(box, far, keep=houses, target_area_m2=10_000)
    assert not len(cut)
    # Every border is straight: gaps were found, and none is led round a footprint.
    assert (shapely.get_num_coordinates(cells.geometry.array) <= 7).all()
    assert len(cells) == 3


def test_the_outline_of_a_river_bounds_blocks_and_its_ground_is_one():
    river = moved(shapely.box(180, -50, 220, 450))
    lines = gpd.GeoDataFrame({"natural": ["water"]}, geometry=[river], crs=4547)
    outline = gpd.GeoDataFrame(geometry=[river], crs=4547)
    for options, sizes_inside in (
        ({"lines": lines}, [16_000]),
        ({"lines": outline, "barriers": outline}, [16_000]),
        ({"lines": outline, "water": outline}, [16_000]),
        ({"lines": streets([(0, 0), (400, 0)]), "water": outline}, [16_000]),
        ({"lines": outline}, [16_000 / 3] * 3),
    ):
        cells, _ = divide_blocks(in_metres(SQUARE), target_area_m2=5_000, **options)
        plan = cells.to_crs(4547)
        inside = plan[shapely.within(plan.representative_point(), river)]
        np.testing.assert_allclose(inside["area_m2"], sizes_inside, atol=1)


def test_a_pond_joins_the_land_around_it():
    pond = gpd.GeoDataFrame(geometry=[moved(shapely.Point(100, 100).buffer(8))], crs=4547)
    cells, _ = divide_blocks(in_metres(SQUARE), streets(*CROSS), water=pond, target_area_m2=40_000)
    assert sizes(cells) == [40_000] * 4


def test_load_decides_where_a_block_is_cut():
    box = in_metres([shapely.box(0, 0, 300, 100)])
    xy = [(10 * k, 50) for k in range(1, 10)] + [(250, 50)]
    homes = gpd.GeoDataFrame(
        {"households": [10] * 10},
        geometry=[moved(shapely.Point(each)) for each in xy],
        crs=4547,
    )
    notes = []
    options = {"target_area_m2": None, "points": homes, "note": notes.append}
    cells, _ = divide_blocks(box, streets([(0, 0), (300, 0)]), max_load=("households", 50), **options)
    held = [int(homes.to_crs(4326).within(cell).sum()) * 10 for cell in cells.geometry]
    assert sum(held) == 100
    assert max(held) <= 50
    assert len(cells) == 2
    assert len(notes) == 1
    cells, _ = divide_blocks(box, streets([(0, 0), (300, 0)]), max_load=(None, 0.5), **options)
    assert len(cells) == 10
    assert notes[-1].startswith("these blocks hold more than 0.5 in one place: A0-001 with 1, A0-002 with 1,")
