"""Severity follows from size: at, just below and just above each figure of the rule."""

import dataclasses
import math

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gis.gaps import GapInput, GapRules, find_gaps
from gis.gaps.frame import build_gap_frame
from tests.invented_gap import TOO_DARK, registered

CELLS = gpd.GeoDataFrame({"code": ["a"]}, geometry=[shapely.box(114, 22, 114.01, 22.01)], crs=4326)
TABLE = {"high_households": 5, "high_enterprises": 3, "high_m2": 1000.0, "medium_m2": 10.0}


def severities(sizes: list[dict[str, float]], table: dict[str, float] = TABLE) -> list[str]:
    """Return the severities of gaps of some sizes, found by a kind that finds just these."""
    figures = [{"lamp_m": 1.0, "away_m": float(row), "place": str(row)} for row in range(len(sizes))]

    def find(*_: object) -> gpd.GeoDataFrame:
        columns = {
            name: [each.get(name, 0) for each in sizes] for name in ("area_m2", "households", "enterprises")
        }
        return build_gap_frame(np.array([shapely.Point()] * len(sizes), dtype=object), figures, **columns)

    kind = dataclasses.replace(TOO_DARK, find=find, missing_input=lambda _: None)
    with registered(kind):
        found = find_gaps(GapInput(CELLS), GapRules.from_mapping({"severity": table}), kinds=[kind.name])
    by_place = dict(zip((each["place"] for each in found.figures), found.frame["severity"], strict=True))
    return [by_place[each["place"]] for each in figures]


@pytest.mark.parametrize(
    ("size", "below", "limit"),
    [("households", "medium", 5), ("enterprises", "medium", 3), ("area_m2", "medium", 1000.0)],
)
def test_a_size_that_reaches_its_figure_is_high(size: str, below: str, limit: float) -> None:
    step = 1 if isinstance(limit, int) else limit * 1e-9
    found = severities([{size: limit - step}, {size: limit}, {size: limit + step}])
    assert found == [below, "high", "high"]


def test_ground_that_reaches_its_figure_is_medium() -> None:
    sizes = [{"area_m2": value} for value in (math.nextafter(10.0, 0), 10.0, math.nextafter(10.0, 11))]
    assert severities(sizes) == ["low", "medium", "medium"]


@pytest.mark.parametrize("size", ["households", "enterprises"])
def test_a_single_home_or_enterprise_makes_a_gap_medium(size: str) -> None:
    assert severities([{size: 0}, {size: 1}]) == ["low", "medium"]


def test_a_figure_of_zero_is_reached_by_every_gap() -> None:
    assert severities([{}], {**TABLE, "high_households": 0}) == ["high"]
    assert severities([{}], {**TABLE, "medium_m2": 0.0}) == ["medium"]


def test_each_size_counts_for_itself() -> None:
    sizes = [
        {"households": 4, "enterprises": 2, "area_m2": 999.0},
        {"households": 4, "enterprises": 3, "area_m2": 0.0},
        {"households": 5, "enterprises": 0, "area_m2": 0.0},
        {"households": 0, "enterprises": 0, "area_m2": 1000.0},
        {"households": 0, "enterprises": 0, "area_m2": 9.0},
    ]
    assert severities(sizes) == ["medium", "high", "high", "high", "low"]
