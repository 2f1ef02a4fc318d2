"""Changes of units carried through to the levels above, with what cannot be."""

from datetime import date
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.errors import ConflictError
from gis.faces.noding import insert_touching_vertices
from layers.db.database import Database
from layers.models import CoverageMode, Plan, PlanState
from layers.plans.cells import cells_as_of, plan_cells
from layers.plans.check import check_plan, stored_check
from layers.plans.drafts import create_draft
from layers.plans.publish import Publication, publish
from tests.layers.plans.levels import (
    APRIL,
    COLUMNS,
    HALVES,
    MARCH,
    MAY,
    UNITS,
    Levels,
    add_levels,
    cell_of_unit,
    draft_over,
    publish_over,
    unit,
)
from tests.layers.squares import (
    COUNTY,
    SIZE,
    SQUARES,
    SQUARES_OF,
    WEST_TOWN,
    Owners,
    by_square,
    draft,
)


@pytest.fixture
def levels(database: Database) -> Levels:
    """Three levels, all in force from March on: squares, columns of them, halves of these."""
    with database.write() as session:
        levels = add_levels(session)
        publish_over(session, levels.management, COLUMNS)
        publish_over(session, levels.evaluation, HALVES)
        return levels


def publish_units(
    session: Session, levels: Levels, owners: Owners, on: date = APRIL, area_code: str | None = None
) -> Publication:
    return publish(session, draft(session, levels.unit, owners, area_code=area_code).id, on)


def merged(code: str, *squares: tuple[int, int]) -> dict[tuple[int, int], str]:
    """Return the units with some of them merged into one."""
    return {**UNITS, **dict.fromkeys(squares, code)}


def split(square: tuple[int, int]) -> gpd.GeoDataFrame:
    """Return units of which one is split into a southern and a northern part; neighbours get the vertices."""
    west, south, east, north = SQUARES[square].bounds
    middle = (south + north) / 2
    shapes = {unit(other): shape for other, shape in SQUARES.items() if other != square}
    shapes["part-s"] = shapely.box(west, south, east, middle)
    shapes["part-n"] = shapely.box(west, middle, east, north)
    noded = insert_touching_vertices(np.array(list(shapes.values()), dtype=object), 1e-9)
    return gpd.GeoDataFrame({"code": list(shapes)}, geometry=noded, crs="EPSG:4326")


def report(session: Session, plan_id: int) -> dict[str, Any]:
    found = session.get_one(Plan, plan_id).carry_report
    assert found is not None
    return found


def test_merged_units_of_one_cell_keep_it_on_all_levels(database: Database, levels: Levels) -> None:
    with database.write() as session:
        done = publish_units(session, levels, merged("m", (0, 0), (0, 1)))
        (first,) = [each for each in done.carried if each.scheme == "management"]
        # For the level above nothing has changed: the cells beneath it have the same codes and borders.
        assert [each.scheme for each in done.carried] == ["management"]
        plan = session.get_one(Plan, first.plan_id)
        assert (plan.state, plan.units_on, plan.area_code) == (PlanState.draft, APRIL, None)
        assert plan.name == "plan · 管理网格"
        assert (first.decisions, first.problems) == (0, 0)
        assert report(session, plan.id)["units"] == {
            "kept": 6, "moved": 0, "begun": 1, "ended": 2, "in_no_cell": 0,
        }  # fmt: skip
        expected = {code: cell for code, cell in COLUMNS.items() if cell != "m0"} | {"m": "m0"}
        assert cell_of_unit(session, plan.id) == expected
        check_plan(session, plan.id)
        assert stored_check(plan).publishable
        assert stored_check(plan).on == str(date.today())
        publish(session, plan.id, APRIL)
        assert cell_of_unit(session, plan.id) == expected


def test_parts_of_a_unit_keep_its_cell_and_give_their_vertices(database: Database, levels: Levels) -> None:
    with database.write() as session:
        units = create_draft(session, levels.unit, split((1, 0)), name="split", created_by="planner")
        check_plan(session, units.id)
        done = publish(session, units.id, APRIL)
        assert [each.scheme for each in done.carried] == ["management", "evaluation"]
        management, evaluation = (session.get_one(Plan, each.plan_id) for each in done.carried)
        expected = {code: cell for code, cell in COLUMNS.items() if code != "u10"}
        assert cell_of_unit(session, management.id) == expected | {"part-s": "m1", "part-n": "m1"}
        # The border of the cell has the vertices of its units' new borders, and so has the level above.
        corner = shapely.Point(114.05 + 2 * SIZE, 22.54 + SIZE / 2)
        for plan, code in ((management, "m1"), (evaluation, "west")):
            found = plan_cells(session, plan.id).set_index("code").geometry[code]
            assert any(
                shapely.Point(each).distance(corner) < 1e-12 for each in shapely.get_coordinates(found)
            )
        assert (management.created_by, management.carried_from_id) == ("planner", units.id)
        # The upper draft waits for the lower one.
        check_plan(session, evaluation.id)
        assert "is not in force" in stored_check(evaluation).hindrances[0]
        check_plan(session, management.id)
        again = publish(session, management.id, APRIL)
        # There is a draft that says the same.
        assert again.carried == ()
        check_plan(session, evaluation.id)
        publish(session, evaluation.id, APRIL)
        open_drafts = select(Plan.id).where(Plan.state == PlanState.draft)
        assert session.scalars(open_drafts).all() == []


def test_merged_units_of_two_cells_go_to_the_larger_share_and_this_is_told(
    database: Database, levels: Levels
) -> None:
    with database.write() as session:
        done = publish_units(session, levels, merged("m", (0, 0), (1, 0), (1, 1)))
        first = done.carried[0]
        assert (first.decisions, first.problems) == (1, 0)
        assert cell_of_unit(session, first.plan_id)["m"] == "m1"
        (sentence,) = report(session, first.plan_id)["decisions"]["sentences"]
        assert sentence.startswith("Of the ground of unit m ")
        assert "lie in cell m0 and" in sentence
        assert sentence.endswith("; it goes to m1.")
        # Until the draft is published what is in force answers.
        assert by_square(cells_as_of(session, levels.management, MAY))[0, 0] == "m0"
        plan = session.get_one(Plan, first.plan_id)
        check_plan(session, plan.id)
        publish(session, plan.id, APRIL)
        assert by_square(cells_as_of(session, levels.management, MAY))[0, 0] == "m1"
        assert by_square(cells_as_of(session, levels.management, MARCH))[0, 0] == "m0"


def test_what_cannot_be_carried_through_is_told(database: Database) -> None:
    with database.write() as session:
        levels = add_levels(session, rules={"min": 2})
        publish_over(session, levels.management, COLUMNS)
        # A column loses all its units, another one of its two.
        taken = merged("m", (0, 0), (0, 1), (1, 0), (1, 1), (0, 0))
        taken[1, 1] = "u11"
        done = publish_units(session, levels, {**taken, (2, 0): "n", (2, 1): "n", (3, 0): "n"})
        (carried,) = done.carried
        problems = report(session, carried.plan_id)["problems"]["sentences"]
        assert carried.problems == len(problems)
        assert any(each.startswith("Cell m3 has 1 unit; at least 2 must be.") for each in problems)
        assert any(each.startswith("Cell m0 has 1 unit") for each in problems)
        plan = session.get_one(Plan, carried.plan_id)
        check_plan(session, plan.id)
        assert not stored_check(plan).valid
        with pytest.raises(ConflictError, match="not valid"):
            publish(session, plan.id, APRIL)
        everything = publish_units(session, levels, dict.fromkeys(SQUARES_OF[COUNTY], "one"), MAY)
        (last,) = everything.carried
        lost = report(session, last.plan_id)["problems"]["sentences"]
        assert sum("loses all its units; it is not in the draft." in each for each in lost) == 3


def test_a_part_of_the_ground_is_carried_through_alone(database: Database, levels: Levels) -> None:
    west = {square: "w" if square[0] == 0 else unit(square) for square in SQUARES_OF[WEST_TOWN]}
    with database.write() as session:
        done = publish_units(session, levels, west, area_code=WEST_TOWN)
        (carried,) = done.carried
        assert carried.area_code == WEST_TOWN
        assert cell_of_unit(session, carried.plan_id) == {"w": "m0", "u10": "m1", "u11": "m1"}
        plan = session.get_one(Plan, carried.plan_id)
        check_plan(session, plan.id)
        publish(session, plan.id, APRIL)
        assert by_square(cells_as_of(session, levels.management, MAY)) == {
            square: f"m{square[0]}" for square in SQUARES
        }


def test_cells_that_reach_further_are_carried_through_whole(database: Database) -> None:
    with database.write() as session:
        levels = add_levels(session, rules={"one_area": False})
        rows = {unit(square): f"row{square[1]}" for square in SQUARES_OF[COUNTY]}
        publish_over(session, levels.management, rows)
        west = {square: "w" if square[0] == 0 else unit(square) for square in SQUARES_OF[WEST_TOWN]}
        done = publish_units(session, levels, west, area_code=WEST_TOWN)
        (carried,) = done.carried
        assert carried.area_code == COUNTY
        # Both rows have the same share; the first in the order of codes gets it.
        assert cell_of_unit(session, carried.plan_id)["w"] == "row0"
        assert carried.decisions == 1


def test_part_schemes_leave_new_units_out(database: Database) -> None:
    with database.write() as session:
        levels = add_levels(session, coverage=CoverageMode.part)
        publish_over(session, levels.management, {"u00": "school"})
        done = publish_units(session, levels, merged("m", (0, 0), (1, 0), (1, 1)))
        # All of the zone is lost: a plan of no cells cannot be drawn, and this is told.
        assert [(each.plan_id, each.scheme, each.problems) for each in done.carried] == [
            (None, "management", 1)
        ]
        assert session.scalar(select(Plan.id).where(Plan.state == PlanState.draft)) is None
        publish_over(session, levels.management, {"u20": "school"}, on=MAY)


def test_a_change_that_touches_no_cell_makes_no_draft(database: Database, levels: Levels) -> None:
    with database.write() as session:
        before = session.query(Plan).count()
        units = draft(session, levels.unit, UNITS, note=["new"] * len(UNITS))
        assert publish(session, units.id, APRIL).carried == ()
        assert session.query(Plan).count() == before + 1


def test_later_plans_above_and_later_units_are_carried_through_too(database: Database) -> None:
    with database.write() as session:
        levels = add_levels(session)
        publish_over(session, levels.management, COLUMNS)
        publish_over(session, levels.management, {**COLUMNS, "u10": "m0"}, on=MAY)
        done = publish_units(session, levels, merged("m", (2, 0), (2, 1)))
        days = {session.get_one(Plan, each.plan_id).units_on: each.plan_id for each in done.carried}
        assert days.keys() == {APRIL, MAY}
        assert cell_of_unit(session, days[APRIL])["u10"] == "m1"
        assert cell_of_unit(session, days[MAY])["u10"] == "m0"
        # A plan of the units of March, published now, has to follow them in April.
        new = draft_over(session, levels.management, {**COLUMNS, "u11": "m0"}, on=date(2026, 3, 20))
        followed = publish(session, new.id, date(2026, 3, 20)).carried
        assert [session.get_one(Plan, each.plan_id).units_on for each in followed] == [APRIL]
        table = cell_of_unit(session, followed[0].plan_id)
        assert (table["u11"], table["m"]) == ("m0", "m2")
