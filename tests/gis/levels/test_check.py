"""The check of cells over units at the bounds of each rule: a row of squares, grouped into cells."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import CRS

from gis.crs import LONLAT
from gis.levels import UnitRule
from gis.levels.check import check_units
from gis.levels.unions import unite_units

METRES = CRS.from_epsg(4547)
LOOSE = UnitRule(adjacent=False, one_area=False)


def found(
    groups: list[list[int]], rule: UnitRule = LOOSE, *, areas: str = "aaaaaaaa", whole: bool = True
) -> list[str]:
    """What is found, with its sentence, of cells that are the unions of units of a row, by their numbers."""
    count = len(areas)
    edges = 113.9 + np.arange(count + 1) / 100
    squares = shapely.box(edges[:-1], 22.5, edges[1:], 22.51)
    area_codes = [None if area == "-" else area for area in areas]
    codes = [f"u{number}" for number in range(count)]
    units = gpd.GeoDataFrame({"code": codes, "area_code": area_codes}, geometry=squares, crs=LONLAT)
    numbers = np.array([number for group in groups for number in group])
    cell = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    held = numbers < count
    unions = unite_units(squares[numbers[held]], cell[held], len(groups))
    cells = gpd.GeoDataFrame({"code": [f"c{k}" for k in range(len(groups))]}, geometry=unions, crs=LONLAT)
    members = pd.DataFrame(
        {"cell": cells["code"].to_numpy()[cell], "unit": [f"u{number}" for number in numbers]}
    )
    findings = check_units(cells, units, members, rule, crs=METRES, whole=whole)
    return [f"{kind}: {text}" for kind, text in zip(findings["kind"], findings["detail"], strict=True)]


def test_each_unit_is_in_one_cell() -> None:
    assert found([[0, 1], [2, 3]], areas="aaaa") == []
    assert found([[0, 1], [2]], areas="aaaa", whole=False) == []
    told = found([[0, 1], [1, 2]], areas="aaaa")
    assert [each.partition(" (")[0] for each in told] == [
        "unit_repeated: Unit u1 is in several cells: c0, c1.",
        "unit_missing: Unit u3",
    ]


@pytest.mark.parametrize(
    ("unknown", "text"),
    [
        ([8], "Cell c0 has a unit that is not in force: 'u8'."),
        ([8, 9], "Cell c0 has 2 units that are not in force: the first 'u8'."),
    ],
)
def test_units_that_are_not_in_force_are_told(unknown: list[int], text: str) -> None:
    assert found([[0, 1, 2, 3, *unknown]], areas="aaaa") == [f"unit_unknown: {text}"]


@pytest.mark.parametrize(
    ("least", "most", "told"),
    [
        (2, 2, []),
        (1, None, []),
        (3, None, ["unit_count: Cell c0 has 2 units; at least 3 must be."]),
        (1, 1, ["unit_count: Cell c0 has 2 units; at most 1 must be."]),
    ],
)
def test_a_cell_has_as_many_units_as_the_rule_says(least: int, most: int | None, told: list[str]) -> None:
    rule = UnitRule(min=least, max=most, adjacent=False, one_area=False)
    assert found([[0, 1]], rule, areas="aa") == told


def test_units_of_a_cell_are_beside_one_another() -> None:
    rule = UnitRule(one_area=False)
    assert found([[0, 1, 2], [3]], rule, areas="aaaa") == []
    assert found([[0, 1, 3], [2]], rule, areas="aaaa") == [
        "unit_apart: The units of cell c0 lie in 2 groups without a common border."
    ]


@pytest.mark.parametrize(
    ("areas", "listed"),
    [
        ("aab", "2 areas (a, b)"),
        ("-ab", "3 areas (none, a, b)"),
        ("abcd", "4 areas (a, b, c and 1 more)"),
        ("aaa", None),
    ],
)
def test_units_of_a_cell_are_of_one_area(areas: str, listed: str | None) -> None:
    told = found([list(range(len(areas)))], UnitRule(), areas=areas)
    assert told == ([] if listed is None else [f"unit_area: Cell c0 has units of {listed}; one must be."])
