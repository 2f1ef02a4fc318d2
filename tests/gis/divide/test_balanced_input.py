"""Input that cannot be balanced: one sentence with names and figures, and nothing relaxed."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gis.balance import LoadTarget
from gis.divide import divide_balanced
from gis.divide.unit_loads import OfficerHours, officer_hours
from gis.errors import CoverageError, InputError
from tests.gis.divide.random_units import grid, units_frame
from tests.gis.divide.test_balanced_bounds import lines_frame, points_frame

HOUSEHOLDS = LoadTarget("households")
AREAS = ["A", "A", "B"] * 3


def refusal(units, error=InputError, **options):
    """The one sentence that says why units cannot be balanced."""
    options = {"weights": [HOUSEHOLDS], "zones": 2} | options
    with pytest.raises(error) as raised:
        divide_balanced(units, **options)
    text = str(raised.value)
    assert text.endswith(".")
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (
            [5, -1, 5, -2],
            "The value of households in unit 'U001' is -1, which is negative; the same holds for 1 more",
        ),
        ([5, np.nan, 5, 5], "The value of households in unit 'U001' is missing"),
        ([5, np.inf, 5, 5], "The value of households in unit 'U001' is infinite"),
        (["5", "many", "5", ""], "The value of households in unit 'U003' is missing"),
        (["5", "many", "5", "5"], "The value of households in unit 'U001' is 'many', which is no number"),
        ([0, 0, 0, 0], "households is 0 in every unit"),
    ],
)
def test_weights_that_are_none(values, text):
    assert text in refusal(grid(2, 2, households=values))


def test_numbers_written_as_text_are_numbers():
    made = divide_balanced(grid(2, 1, households=["5", " 7 "]), weights=[HOUSEHOLDS], zones=1)
    assert made.cells["households"].tolist() == [12]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"zones": None}, "Say how many cells there should be"),
        ({"max_weight": 5}, "A largest load decides the number of cells"),
        ({"zones": None, "max_weight": -1}, "must be above 0, not -1"),
        ({"zones": 0}, "The number of cells must be 1 or more, not 0"),
        (
            {"zones": 10},
            "The number of cells asked for is 10, but there are only 9 units; ask for 9 at most.",
        ),
        (
            {"zones": {"A": 7, "B": 1}},
            "The number of cells asked for in 'A' is 7, but there are only 6 units",
        ),
        ({"zones": {"A": 1}}, "No number of cells is given for 'B'"),
        ({"zones": {"A": 1, "B": 1, "C": 1}}, "Cells are asked for 'C', but no unit"),
        (
            {"zones": 1},
            "asked for is 1, but the units lie in 2 areas that no cell may mix; ask for 2 at least.",
        ),
        ({"weights": []}, "Name at least one weight"),
        ({"weights": [HOUSEHOLDS, HOUSEHOLDS]}, "The weight households is named twice"),
        ({"weights": [LoadTarget("code")]}, "The field code means something else in cells"),
        (
            {"weights": [LoadTarget("people")]},
            "no field 'people' to balance; fields of numbers are households",
        ),
        ({"weights": [LoadTarget("officer_hours")]}, "no field 'visits_due', from which the hours"),
        ({"within": "street"}, "no field 'street', within which cells should stay"),
        ({"lock": "fixed"}, "no field 'fixed', which should name the cell"),
        ({"exclusive": "school"}, "no field 'school', which should mark exclusive units"),
        ({"exclusive": "area_code"}, "Every unit is exclusive by area_code"),
        (
            {"weights": [LoadTarget("households", cap=8)]},
            "Unit 'U008' alone holds 9 households, the cap is 8;",
        ),
        (
            {"zones": 4, "weights": [LoadTarget("households", cap=9)]},
            "is 4, but the units hold 45 households, and a cell holds 9 at most; ask for 5 at least.",
        ),
    ],
)
def test_options_that_cannot_be_met(options, text):
    units = grid(3, 3, households=range(1, 10), area_code=AREAS)
    assert text in refusal(units, **options)


@pytest.mark.parametrize(
    ("locks", "text"),
    [
        ({0: "x", 2: "x"}, "Units 'U000' and 'U002' are locked in one cell, 'x', but lie in different areas"),
        (
            {0: "x", 1: "y", 2: "z", 5: "w"},
            "asked for is 3, but units are locked in 4 cells; ask for 4 at least",
        ),
        ({0: "x", 4: "x", 1: "y", 3: "y", 6: "y"}, "Units 'U000' and 'U004' are fixed in one cell"),
    ],
)
def test_locks_that_cannot_be_kept(locks, text):
    names = [locks.get(k) for k in range(9)]
    units = grid(3, 3, households=1, area_code=AREAS, lock=names)
    assert text in refusal(units, zones=3, lock="lock")


def test_locked_units_above_the_cap():
    units = grid(3, 3, households=range(1, 10), lock=["x"] * 4 + [None] * 5)
    target = LoadTarget("households", cap=9)
    assert "are locked in one cell with unit 'U000' hold 10 households, the cap is 9" in refusal(
        units, lock="lock", zones=6, weights=[target]
    )


def test_a_locked_unit_that_is_exclusive():
    units = grid(3, 1, households=1, mark=[None, "x", None])
    assert "Unit 'U001' is exclusive and locked in 'x'" in refusal(units, lock="mark", exclusive="mark")


@pytest.mark.parametrize(
    ("places", "options", "text"),
    [
        ([], {}, "The layer of seeds is empty"),
        ([(50, 50), (999, 50)], {}, "Record 2 of the seeds lies in no unit"),
        ([(50, 50), (150, 50), (60, 60)], {}, "Records 1 and 3 of the seeds lie in one unit, 'U000'"),
        ([(50, 50), (150, 50)], {"zones": 3}, "A cell grows around each of the 2 seeds"),
        (
            [(50, 50), (250, 50)],
            {"exclusive": "mark"},
            "Record 2 of the seeds lies in unit 'U002', which is ex",
        ),
        ([(50, 50)], {}, "No seed lies in 'B', and no cell can grow into it from elsewhere"),
        ([(50, 50), (250, 50)], {"lock": "mark"}, "Unit 'U001' is locked in a cell in which no seed lies"),
    ],
)
def test_seeds_that_cannot_grow(places, options, text):
    units = grid(3, 3, households=1, area_code=AREAS, mark=[None, "x", "y"] + [None] * 6)
    assert text in refusal(units, **{"zones": None, "seeds": points_frame(*places)} | options)


def test_barriers_that_isolate_or_cut_units():
    units = grid(4, 4, households=5)
    around = lines_frame([(0, 100), (100, 100), (100, 0)])
    text = "A barrier isolates unit 'U000' with 5 households, and a cell should hold 40 households;"
    assert text in refusal(units, barriers=around)
    through = lines_frame([(-50, 150), (450, 150)])
    assert "A barrier runs through unit 'U004', so that" in refusal(units, barriers=through)
    points = points_frame((50, 50))
    assert "The barriers have no line" in refusal(units, barriers=points)


@pytest.mark.parametrize(
    ("boxes", "text"),
    [
        (
            [(0, 0, 100, 100), (90, 0, 200, 100)],
            "Units 'U000' and 'U001' overlap by 1,000.00 m² of ground; run",
        ),
        ([(0, 0, 100, 100), (100.4, 0, 200, 100)], "Between units 'U000' and 'U001' a gap of less than 1 m"),
        (
            [(0, 0, 100, 100), (0, 100, 100, 200), (100, 0, 200, 99.5), (100, 99.9, 200, 200)],
            "Between units 'U002' and 'U003' a gap",
        ),
    ],
)
def test_units_that_are_no_coverage(boxes, text):
    units = units_frame([shapely.box(*box) for box in boxes], households=1)
    assert text in refusal(units, CoverageError)


def test_holes_between_units_are_told():
    notes = []
    boxes = [shapely.box(0, 0, 300, 300) - shapely.box(100, 100, 200, 200), shapely.box(300, 0, 400, 300)]
    divide_balanced(units_frame(boxes, households=1), weights=[HOUSEHOLDS], zones=1, note=notes.append)
    assert notes == [
        "holes between the units are in no cell: 1, the largest of 10,000.00 m² beside unit 'U000'"
    ]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda units: units.iloc[:0], "There is no unit to group"),
        (lambda units: units.drop(columns="code"), "no field 'code'"),
        (lambda units: units.assign(code=["a", None, "b"]), "Record 2 of the units has no code"),
        (lambda units: units.assign(code=["a", "b", "a"]), "Unit 'a' occurs twice"),
        (lambda units: units.assign(area_code=["A", None, "A"]), "Unit 'U001' has no area_code"),
        (
            lambda units: units.set_geometry(units.geometry.where([True, False, True])),
            "Unit 'U001' has no geom",
        ),
        (lambda units: units.set_geometry(units.centroid.set_crs(4326, allow_override=True)), "is a Point"),
    ],
)
@pytest.mark.filterwarnings("ignore:Geometry is in a geographic CRS")
def test_units_that_are_none(change, text):
    assert text in refusal(change(grid(3, 1, households=1, area_code="A")))


def test_hours_of_officers():
    # 12 visits of 15 minutes, 6 minutes apart, and half an hour for events.
    assert officer_hours(12, 0.1, 0.25, 0.5) == pytest.approx(4.7)
    units = grid(2, 1, visits_due=[12, 4], walk_hours=0.1, stay_hours=0.25, event_hours=[0.5, 0.0])
    made = divide_balanced(units, weights=[LoadTarget("officer_hours")], zones=2)
    assert made.cells["officer_hours"].tolist() == pytest.approx([4.7, 1.4])
    hours = OfficerHours(walk=0.2, events=0)
    made = divide_balanced(units, weights=[LoadTarget("officer_hours")], zones=2, hours=hours)
    assert made.cells["officer_hours"].tolist() == pytest.approx([5.4, 1.8])
    with pytest.raises(InputError, match="must be 0 or more, not -1"):
        divide_balanced(units, weights=[LoadTarget("officer_hours")], zones=2, hours=OfficerHours(walk=-1))


def test_units_in_any_crs_with_heights_and_other_columns():
    units = grid(4, 2, households=1, remark="x")
    high = units.set_geometry(shapely.force_3d(units.geometry.array, 5.0)).to_crs(3857)
    before = high.to_wkb()
    made = divide_balanced(high, weights=[HOUSEHOLDS], zones=2)
    assert high.to_wkb().equals(before)
    assert not made.cells.has_z.any()
    assert made.cells["households"].tolist() == [4, 4]
    assert isinstance(made.cells, gpd.GeoDataFrame)
