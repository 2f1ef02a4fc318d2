"""Lines and options that make no blocks: one sentence each."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gis.divide import divide_blocks
from gis.errors import CoverageError, InputError, LimitError
from tests.gis.divide.test_square import frame, in_metres

ORIGIN = np.array([500_000, 2_500_000])
AREA = in_metres([shapely.box(0, 0, 400, 400)])


def layer(*shapes, crs=4547, **columns):
    moved = [None if shape is None else shapely.transform(shape, lambda c: c + ORIGIN) for shape in shapes]
    return gpd.GeoDataFrame(columns or {"id": range(len(moved))}, geometry=moved, crs=crs)


STREET = shapely.LineString([(200, -50), (200, 450)])
LINES = layer(STREET)
POINT = shapely.Point(100, 100)
with np.errstate(invalid="ignore"):
    BROKEN = shapely.LineString([(1, np.nan), (3, 4)])


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (LINES.iloc[:0], "There is nothing to divide by: the layer of lines holds no record"),
        (layer(POINT, POINT), r"holds Points only; give streets, railways or rivers"),
        (layer(None, shapely.LineString()), "holds records without geometry only"),
        (layer(STREET, BROKEN), "Record 2 of the lines has coordinates that are no numbers"),
        (
            LINES.set_crs(32633, allow_override=True),
            r"the lines lie around 15.00° E, 22.61° N, the areas around 114.00° E, 22.60° N",
        ),
        (
            layer(shapely.LineString([(500, 0), (600, 0)])),
            r"No line lies within the areas: the lines lie around 114.01° E",
        ),
        (gpd.GeoDataFrame(geometry=LINES.geometry.to_numpy()), "names no coordinate reference system"),
    ],
)
def test_lines_that_divide_nothing(lines, text):
    with pytest.raises(InputError, match=text):
        divide_blocks(AREA, lines)


@pytest.mark.parametrize("value", [0, -1, np.nan, np.inf])
def test_sizes_that_are_none(value):
    with pytest.raises(InputError, match="target area must be more than 0"):
        divide_blocks(AREA, LINES, target_area_m2=value)
    with pytest.raises(InputError, match="largest load of a block must be more than 0"):
        divide_blocks(AREA, LINES, keep=AREA, max_load=(None, value))
    if value != 0:
        with pytest.raises(InputError, match=r"least width of a block must be 0 to 500 metres"):
            divide_blocks(AREA, LINES, min_width_m=value)
        with pytest.raises(InputError, match=r"reach of dead ends must be 0 to 50 metres"):
            divide_blocks(AREA, LINES, snap_m=value)


@pytest.mark.parametrize(
    ("homes", "column", "text"),
    [
        (layer(POINT, n=[-1]), "n", r"Record 1 has the value '-1' in 'n'; a load is a number from 0"),
        (layer(POINT, POINT, n=[1, None]), "n", r"Record 2 has no value in 'n'"),
        (layer(POINT, n=["many"]), "n", r"Record 1 has the value 'many' in 'n'"),
        (layer(POINT, n=[1]), "m", r"There is no field 'm' to take the load from; there are n"),
        (layer(shapely.Point(900, 900)), None, "None of the records that carry the load lies within"),
        (None, None, "needs the points or buildings that carry it"),
    ],
)
def test_loads_that_are_none(homes, column, text):
    with pytest.raises(InputError, match=text):
        divide_blocks(AREA, LINES, points=homes, max_load=(column, 5))


def test_buildings_that_are_none():
    with pytest.raises(InputError, match="No record of the buildings to keep is a polygon"):
        divide_blocks(AREA, LINES, keep=layer(POINT))


def test_areas_are_checked_as_for_squares():
    boxes = in_metres([shapely.box(0, 0, 9, 9), shapely.box(8, 0, 20, 9)])
    with pytest.raises(CoverageError, match="2 of 2 areas overlap"):
        divide_blocks(boxes, LINES)


def test_too_many_segments(monkeypatch):
    monkeypatch.setattr("gis.divide.block_lines.MAX_SEGMENTS", 1)
    with pytest.raises(LimitError, match="The lines have 2 segments within the areas, more than 1;"):
        divide_blocks(AREA, layer(shapely.LineString([(200, -50), (200, 200), (200, 450)])))


def test_too_many_blocks():
    with pytest.raises(InputError, match=r"Blocks of 0.1 m² would be about 1,600,000, more than 1,000,000;"):
        divide_blocks(AREA, LINES, target_area_m2=0.1)


def test_what_is_left_out_is_told():
    notes = []
    lines = layer(POINT, STREET, None, POINT, shapely.LineString())
    bow = shapely.Polygon([(20, 20), (60, 60), (60, 20), (20, 60)])
    keep = layer(POINT, shapely.box(300, 300, 320, 330), bow)
    cells, cut = divide_blocks(AREA, lines, keep=keep, target_area_m2=None, note=notes.append)
    assert len(cells) == 2
    assert not len(cut)
    assert notes == [
        "record 3 and 1 more of the lines has no geometry and bounds nothing",
        "record 1 and 1 more of the lines is a point and bounds nothing",
        "record 1 of the buildings is no polygon and is left out of account",
        "record 3 of the buildings is no valid polygon and is mended",
    ]


def test_lines_in_another_crs_and_collections_of_lines_and_heights():
    """Streets as files have them: MultiLineStrings, collections, with heights, in Web Mercator."""
    parts = shapely.MultiLineString([[(200, -50), (200, 100)], [(200, 100), (200, 450)]])
    mixed = shapely.GeometryCollection([shapely.Point(9, 9), shapely.LineString([(-50, 100), (450, 100)])])
    lines = layer(shapely.force_3d(parts, 8.0), mixed)
    one = divide_blocks(AREA, lines, target_area_m2=None).cells
    other = divide_blocks(AREA, lines.to_crs(3857), target_area_m2=None).cells
    assert sorted(one["area_m2"].round()) == [20_000, 20_000, 60_000, 60_000]
    np.testing.assert_allclose(one["area_m2"], other["area_m2"], atol=1e-2)
    assert not one.has_z.any()


def test_an_island_that_no_line_reaches_stays_whole():
    area = shapely.MultiPolygon([shapely.box(0, 0, 400, 400), shapely.box(500, 500, 520, 520)])
    cells, _ = divide_blocks(in_metres([area]), LINES, target_area_m2=80_000)
    assert sorted(cells["area_m2"].round()) == [400, 80_000, 80_000]


def test_only_the_lowest_areas_are_divided_and_ended_codes_are_not_given_again():
    boxes = [shapely.box(0, 0, 400, 400), shapely.box(0, 0, 400, 200), shapely.box(0, 200, 400, 400)]
    areas = in_metres(boxes, codes=["top", "south", "north"], parent=[None, "top", "top"])
    cells, _ = divide_blocks(areas, LINES, target_area_m2=40_000, used_codes={"south-001"})
    assert cells["code"].tolist() == ["south-002", "south-003", "north-001", "north-002"]


def test_progress_ends_at_the_total_and_the_input_is_left_alone():
    steps = []
    keep = frame([shapely.transform(shapely.box(190, 10, 230, 40), lambda c: c + ORIGIN)], 4547)
    before = [each.to_wkb() for each in (AREA, LINES, keep)]
    divide_blocks(AREA, LINES, keep=keep, progress=lambda *done: steps.append(done))
    assert steps == sorted(steps)
    assert steps[-1][0] == steps[-1][1]
    assert all(each.to_wkb().equals(was) for each, was in zip((AREA, LINES, keep), before, strict=True))
