"""Blocks of whole towns, real and made up: what a planner would expect of them."""

import geopandas as gpd
import numpy as np
import shapely

from gis.divide import divide_blocks
from gis.topology import check_topology
from layers.formats import read_layer
from tests.gis.divide.test_square import frame

ORIGIN = np.array([300_000, 5_000_000])
METRES = 32633


def in_town(shapes, **columns):
    moved = [shapely.transform(shape, lambda c: c + ORIGIN) for shape in shapes]
    return gpd.GeoDataFrame(columns, geometry=moved, crs=METRES)


def areas_of(shapes):
    return frame([shapely.transform(shape, lambda c: c + ORIGIN) for shape in shapes], METRES)


def cut_naively(cells, keep, crs):
    """The records with more than 0.01 m² outside their main cell, one after the other."""
    plan = np.asarray(cells.to_crs(crs).geometry.array)
    found = []
    for number, footprint in enumerate(keep.to_crs(crs).geometry):
        valid = footprint if footprint.is_valid else shapely.make_valid(footprint)
        shares = shapely.area(shapely.intersection(plan, valid))
        if shares.sum() > 0.01 and valid.area - shares.max() > 0.01:
            found.append(number)
    return found


def test_monaco_keeps_its_buildings(shared_data):
    path = shared_data / "monaco" / "monaco.osm.pbf"
    quarters = read_layer(path, role="areas", where="admin_level = '10'")
    areas = frame(quarters.geometry, 4326, codes=quarters["osm_id"].tolist(), name=quarters["name"].tolist())
    lines, keep = read_layer(path, role="lines"), read_layer(path, role="buildings")
    notes = []
    cells, cut = divide_blocks(areas, lines, keep=keep, note=notes.append)
    assert check_topology(cells, areas).findings.empty
    assert notes == ["record 17 of the buildings is no valid polygon and is mended"]
    assert cut.index.tolist() == cut_naively(cells, keep, 32632)
    assert set(cut["reason"]) == {"the area's border runs through it"}
    assert len(cut) < 30
    # Most blocks are near the target, and none is a sliver.
    assert cells["area_m2"].between(5_000, 20_000).mean() > 0.9
    assert (2 * cells["area_m2"] / cells["perimeter_m"]).min() > 7


def test_a_grid_city_with_dual_carriageways_and_roundabouts():
    """Squares of 100 m; each fifth street has two carriageways 18 m apart, with a roundabout."""
    lines, classes = [], []
    for k in range(0, 1001, 100):
        main = k % 500 == 0
        for shift in (-9, 9) if main else (0,):
            lines += [[(k + shift, -50), (k + shift, 1050)], [(-50, k + shift), (1050, k + shift)]]
            classes += ["primary" if main else "residential"] * 2
    shapes = [shapely.LineString(path) for path in lines]
    shapes.append(shapely.Point(500, 500).buffer(20).exterior)
    roads = in_town(shapes, highway=[*classes, "primary"])
    areas = areas_of([shapely.box(0, 0, 1000, 1000)])
    cells, _ = divide_blocks(areas, roads, min_width_m=20)
    assert len(cells) == 100
    assert cells["area_m2"].between(8_000, 13_000).all()
    cells, _ = divide_blocks(areas, roads, min_width_m=20, target_area_m2=40_000)
    assert check_topology(cells, areas).findings.empty
    assert 20 <= len(cells) <= 34
    # Grouping stays on one side of the main streets.
    plan = cells.to_crs(METRES)
    for line in roads.geometry[roads["highway"] == "primary"].iloc[:4]:
        assert not plan.buffer(-25).crosses(line).any()


def test_a_motorway_is_one_border():
    paths = [[(-50, 300), (950, 300)], [(-50, 326), (950, 326)], [(450, -50), (450, 650)]]
    roads = in_town(map(shapely.LineString, paths), highway=["motorway", "motorway", "residential"])
    cells, _ = divide_blocks(areas_of([shapely.box(0, 0, 900, 600)]), roads, target_area_m2=None)
    assert len(cells) == 4


def test_mountains_with_one_road_are_cut_into_parts_of_the_target():
    bends = np.column_stack([np.linspace(-100, 2100, 60), 1000 + 300 * np.sin(np.linspace(0, 9, 60))])
    road = in_town([shapely.LineString(bends)], highway=["tertiary"])
    areas = areas_of([shapely.Point(1000, 1000).buffer(950)])
    cells, _ = divide_blocks(areas, road, target_area_m2=20_000)
    assert check_topology(cells, areas).findings.empty
    assert cells["area_m2"].between(10_000, 40_000).all()
    assert 0.9 < cells["area_m2"].mean() / 20_000 < 1.1
    # Compact: a square has 0.785, a rectangle of one to four 0.5.
    assert (4 * np.pi * cells["area_m2"] / cells["perimeter_m"] ** 2).median() > 0.6


def test_a_row_of_houses_under_which_a_street_runs_goes_to_one_side():
    """Houses that overlap stay together; a house over the street takes its ground with it."""
    street = in_town([shapely.LineString([(100, -50), (100, 250)])], highway=["residential"])
    houses = [
        shapely.box(80, 40, 105, 60),
        shapely.box(90, 150, 130, 170),
        # Overlaps the first one, on the far side of the street.
        shapely.box(104, 40, 108, 60),
        shapely.box(120, 60, 140, 80),
    ]
    keep = in_town(houses)
    areas = areas_of([shapely.box(0, 0, 200, 200)])
    cells, cut = divide_blocks(areas, street, keep=keep, target_area_m2=20_000)
    assert not len(cut)
    assert cut_naively(cells, keep, METRES) == []
    west, east = sorted(cells.to_crs(METRES).geometry, key=lambda cell: cell.centroid.x)
    assert abs(west.area - (20_000 + 8 * 20 - 10 * 20)) < 0.01
    assert abs(west.area + east.area - 40_000) < 0.01


def test_parts_of_one_record_that_stand_apart_are_named():
    street = in_town([shapely.LineString([(100, -50), (100, 250)])])
    keep = in_town([shapely.MultiPolygon([shapely.box(20, 20, 40, 40), shapely.box(150, 20, 170, 40)])])
    _, cut = divide_blocks(areas_of([shapely.box(0, 0, 200, 200)]), street, keep=keep, target_area_m2=20_000)
    assert cut["reason"].tolist() == ["its parts stand apart in several blocks"]
