"""Divisions of the ground of a database: units of another scheme, loads counted anew, blocks of streets."""

import inspect
from collections import Counter
from datetime import date
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gis.crs import LONLAT
from gis.errors import InputError
from layers.basemap import replace_basemap
from layers.db.database import Database
from layers.divisions import METHODS, Division, divide_areas
from layers.models import Scheme
from layers.plans.check import check_plan
from layers.plans.drafts import create_draft
from layers.plans.publish import publish
from layers.plans.schemes import create_scheme, find_scheme
from tests.layers.squares import (
    COUNTY,
    EAST_TOWN,
    SIZE,
    SOUTH,
    SQUARES,
    WEST,
    WEST_TOWN,
    add_areas,
    add_entity,
    by_square,
    draft,
    spot,
)

DAY = date(2026, 3, 1)
UNITS = {
    square: f"{WEST_TOWN if square[0] < 2 else EAST_TOWN}00000{k}" for k, square in enumerate(SQUARES, 1)
}
SENSORS = {square: 1 + 2 * square[0] + square[1] for square in SQUARES}
"""How many sensors there are in each square."""


@pytest.fixture
def ground(database: Database) -> Database:
    """Units in force, with sensors in them that have a range in metres, and a scheme to be divided."""
    with database.write() as session:
        add_areas(session)
        units = create_scheme(session, "units", "单元网格").id
        create_scheme(session, "patrol", "巡查网格")
        for square, count in SENSORS.items():
            for number in range(count):
                entity = add_entity(session, f"{square}{number}", spot(square), DAY)
                entity.attributes = {"range_m": 10 * number, "note": "x"}
        plan = draft(session, units, UNITS, note="west")
        publish(session, plan.id, DAY)
    return database


def divided(database: Database, method: str, area_code: str | None = None, **options: Any) -> Division:
    with database.read() as session:
        return divide_areas(session, find_scheme(session, "patrol"), area_code, method=method, **options)


def balanced(database: Database, *columns: str, **options: Any) -> Division:
    given = {"units_scheme": "units", "weights": [{"column": column} for column in columns], "on": DAY}
    return divided(database, "balanced", **{**given, **options})


def test_units_are_grouped_by_what_is_counted_in_them(ground: Database) -> None:
    made = balanced(ground, "sensors", zones=4)
    owner = by_square(made.cells)
    assert owner.keys() == SQUARES.keys()
    loads = {
        code: sum(SENSORS[each] for each in SQUARES if owner[each] == code) for code in set(owner.values())
    }
    assert len(loads) == 4
    (told,) = made.figures["loads"]
    assert (told["load"], told["total"]) == ("sensors", sum(SENSORS.values()))
    assert (told["min"], told["max"]) == (min(loads.values()), max(loads.values()))
    # Neither cell mixes the towns, which need not be named.
    assert {code: owner[square][:9] for square, code in UNITS.items()} == {
        code: code[:9] for code in UNITS.values()
    }
    assert "sensors" not in made.cells.columns


def test_cells_may_keep_to_a_higher_level_and_to_one_area(ground: Database) -> None:
    assert balanced(ground, "sensors", zones=1, level="county").cells["area_code"].tolist() == [COUNTY]
    west = balanced(ground, "area", zones=2, area_code=WEST_TOWN)
    assert set(by_square(west.cells)) == {square for square in SQUARES if square[0] < 2}
    assert west.cells["area_m2"].max() / west.cells["area_m2"].min() == pytest.approx(1, rel=1e-3)


def test_an_attribute_of_entities_adds_up_to_a_load(ground: Database) -> None:
    made = balanced(ground, "sensor.range_m", zones=2)
    ranges = {square: sum(10 * number for number in range(count)) for square, count in SENSORS.items()}
    (told,) = made.figures["loads"]
    assert told["total"] == sum(ranges.values())
    assert told["max"] == sum(value for square, value in ranges.items() if square[0] >= 2)


def test_a_draft_of_balanced_cells_is_valid(ground: Database) -> None:
    made = balanced(ground, "sensors", max_weight=20)
    with ground.write() as session:
        scheme = find_scheme(session, "patrol")
        plan = create_draft(session, scheme.id, made.cells, name="p", created_by="test")
        assert check_plan(session, plan.id).is_valid
    told = made.figures["loads"][0]
    assert told["max"] <= 20


def test_a_scheme_over_another_takes_its_units(ground: Database) -> None:
    with ground.write() as session:
        patrol = find_scheme(session, "patrol")
        patrol.unit_scheme_id = find_scheme(session, "units").id
    made = balanced(ground, "sensors", zones=3, units_scheme=None)
    assert (sorted(made.units or {}), made.units_on) == (sorted(UNITS.values()), DAY)
    with ground.write() as session:
        plan = create_draft(
            session, find_scheme(session, "patrol").id, made.cells, name="p", created_by="test",
            units=made.units, units_on=made.units_on,
        )  # fmt: skip
        assert plan.units_on == DAY
    with pytest.raises(InputError, match="are made of those of 'units', not 'patrol'"):
        balanced(ground, "sensors", zones=3, units_scheme="patrol")


def test_cells_in_force_are_evened_out(ground: Database) -> None:
    with pytest.raises(InputError, match="No cells of scheme 'patrol' are in force"):
        rebalanced(ground)
    # In each town one cell of three squares and one of a single one.
    with ground.write() as session:
        owners = {
            square: f"{UNITS[square][:9]}{'a' if square != (0, 0) and square != (3, 1) else 'b'}"
            for square in SQUARES
        }
        plan = draft(session, find_scheme(session, "patrol").id, owners)
        publish(session, plan.id, DAY)
    made = rebalanced(ground, budget=1)
    owner = by_square(made.cells)
    assert set(owner.values()) == set(owners.values())
    assert {code: owner[square][:9] for square, code in UNITS.items()} == {
        code: code[:9] for code in UNITS.values()
    }
    moved = {UNITS[square]: owner[square] for square in SQUARES if owner[square] != owners[square]}
    assert {each["unit_code"]: each["to_code"] for each in made.figures["moves"]} == moved
    assert made.figures["moved_units"] == len(moved) > 0
    before, after = (made.figures[when]["loads"][0]["greatest_deviation"] for when in ("before", "after"))
    assert after < before
    kept = rebalanced(ground, budget=0)
    assert by_square(kept.cells) == owners


def rebalanced(database: Database, **options: Any) -> Division:
    weights = [{"column": "sensors", "tolerance": 0.1}]
    return divided(database, "rebalance", units_scheme="units", weights=weights, on=DAY, **options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"columns": ["people"], "zones": 2}, "have no field 'people'"),
        ({"columns": ["note"], "zones": 2}, "is 'west', which is no number"),
        ({"columns": ["sensor.note"], "zones": 2}, "is no number of 0 or more"),
        ({"columns": ["sensor.height"], "zones": 2}, "No entity of the kind 'sensor' there has an attribute"),
        ({"columns": ["sensors"], "zones": 1}, "2 areas"),
        ({"columns": ["sensors"], "zones": 9}, "9"),
        ({"columns": ["sensors"], "zones": 2, "level": "village"}, "No area has the level 'village'"),
        ({"columns": ["sensors"], "zones": 2, "units_scheme": None}, "is not made of another's cells"),
        ({"columns": ["sensors"], "zones": 2, "on": date(2025, 1, 1)}, "No cells of scheme 'units' are"),
        ({"columns": ["sensors"], "seeds": "shop"}, "no entity of the kind 'shop'"),
        ({"columns": ["sensors"], "zones": 2, "barriers": ["railway"]}, "base map has no railway"),
    ],
)  # fmt: skip
def test_what_cannot_be_balanced_says_why(ground: Database, options: dict[str, Any], said: str) -> None:
    further = {name: value for name, value in options.items() if name != "columns"}
    with pytest.raises(InputError, match=said):
        balanced(ground, *options["columns"], **further)


def load_streets(database: Database) -> None:
    """A street through the middle from west to east, a lane across, and a building on the lane."""
    middle, lane = SOUTH + SIZE, WEST + 1.5 * SIZE
    streets = [
        shapely.LineString([(WEST - SIZE, middle), (WEST + 5 * SIZE, middle)]),
        shapely.LineString([(lane, SOUTH - SIZE), (lane, SOUTH + 3 * SIZE)]),
    ]
    roads = gpd.GeoDataFrame({"class_name": ["main", "lane"], "name": None}, geometry=streets, crs=LONLAT)
    house = shapely.box(lane - SIZE / 10, SOUTH + SIZE / 4, lane + SIZE / 10, SOUTH + SIZE / 2)
    buildings = gpd.GeoDataFrame({"class_name": None, "name": ["House"]}, geometry=[house], crs=LONLAT)
    replace_basemap(database, {"roads": roads, "buildings": buildings})


def test_blocks_follow_the_streets_of_the_base_map(ground: Database) -> None:
    with pytest.raises(InputError, match="The base map has no roads, railway, water there"):
        divided(ground, "blocks")
    load_streets(ground)
    whole = divided(ground, "blocks", target_area_m2=1e6, street_classes=["main"], lines=["roads"])
    assert len(whole.cells) == 2
    made = divided(ground, "blocks", target_area_m2=1e4, keep_buildings=False)
    assert set(made.cells["area_code"]) == {WEST_TOWN, EAST_TOWN}
    assert made.figures == {}
    kept = divided(ground, "blocks", target_area_m2=1e4)
    assert kept.figures["cut"] == 0
    house = shapely.box(WEST + 1.4 * SIZE, SOUTH + SIZE / 4, WEST + 1.6 * SIZE, SOUTH + SIZE / 2)
    # A hair smaller: borders may run along its walls.
    inner = house.buffer(-SIZE / 1000)
    crossing = np.asarray([shape.boundary.intersects(inner) for shape in kept.cells.geometry])
    assert not crossing.any()
    with pytest.raises(InputError, match=r"of the classes path \(classes: lane, main\)"):
        divided(ground, "blocks", street_classes=["path"])


def test_every_method_takes_ground_and_progress() -> None:
    for name, method in METHODS.items():
        parameters = inspect.signature(method).parameters
        assert list(parameters)[:3] == ["session", "scheme", "area_code"], name
        assert {"note", "progress", "crs"} <= parameters.keys(), name


def test_an_unknown_method_is_refused(ground: Database) -> None:
    with (
        ground.read() as session,
        pytest.raises(InputError, match="one of square, blocks, balanced, rebalance"),
    ):
        divide_areas(session, Scheme(code="x"), method="hexagons")


def test_a_division_follows_the_profile_of_its_scheme(ground: Database) -> None:
    def first_code(**options: Any) -> str:
        return str(divided(ground, "square", WEST_TOWN, size_m=500, **options).cells["code"].min())

    with ground.write() as session:
        find_scheme(session, "patrol").rules = {"profile": "plain"}
    assert first_code() == f"{WEST_TOWN}-001"
    assert first_code(code_layout="cn") == f"{WEST_TOWN}000001"
    with ground.write() as session:
        find_scheme(session, "patrol").rules = {"profile": "gbt47678"}
    with pytest.raises(
        InputError, match=rf"needs areas with 12 digits .* area {WEST_TOWN} has 9; divide areas"
    ):
        first_code()


@pytest.mark.parametrize("method", ["balanced", "rebalance"])
def test_cells_hold_no_more_units_than_the_rule_allows(ground: Database, method: str) -> None:
    weights = [{"column": "sensors", "tolerance": 1.0}]
    with ground.write() as session:
        scheme = create_scheme(session, "beat", "x", unit_scheme="units", rules={"units": {"max": 3}})
        made = divide_areas(session, scheme, method="balanced", zones=4, weights=weights, on=DAY)
        assert set(made.cells["name"].str.split().str[0]) == {WEST_TOWN, EAST_TOWN}
        if method == "rebalance":
            plan = create_draft(
                session, scheme.id, made.cells, name="p", created_by="x", units=made.units, units_on=DAY
            )
            assert check_plan(session, plan.id).is_valid
            publish(session, plan.id, DAY)
            made = divide_areas(session, scheme, method=method, weights=weights, budget=1.0, on=DAY)
        assert made.units is not None
        assert made.units.keys() == set(UNITS.values())
        assert max(Counter(made.units.values()).values()) <= 3
        assert "units" not in made.cells
        with pytest.raises(InputError, match="units"):
            divide_areas(session, scheme, method="balanced", zones=2, weights=weights, on=DAY)
