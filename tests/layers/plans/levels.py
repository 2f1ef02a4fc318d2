"""Schemes on levels for tests: units that are squares, cells over them, and a level above these."""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

import pandas as pd
from sqlalchemy.orm import Session

from layers.models import CoverageMode, Plan, Scheme
from layers.plans.check import check_plan
from layers.plans.drafts import create_draft
from layers.plans.publish import publish
from layers.plans.schemes import create_scheme
from layers.plans.units import read_plan_units
from tests.layers.squares import COUNTY, SQUARES_OF, Owners, add_areas, draft

MARCH, APRIL, MAY = date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)


class Levels(NamedTuple):
    """The numbers of three schemes, each of the cells of the one before."""

    unit: int
    management: int
    evaluation: int


def unit(square: tuple[int, int]) -> str:
    """Return the code of the unit that is a square."""
    return f"u{square[0]}{square[1]}"


UNITS: Owners = {square: unit(square) for square in SQUARES_OF[COUNTY]}
COLUMNS = {unit(square): f"m{square[0]}" for square in SQUARES_OF[COUNTY]}
"""The cell of each unit where each column of squares is a cell."""
HALVES = {f"m{column}": "east" if column >= 2 else "west" for column in range(4)}
"""The evaluation cell of each column."""


def add_levels(
    session: Session,
    *,
    rules: Mapping[str, object] | None = None,
    coverage: CoverageMode = CoverageMode.whole,
) -> Levels:
    """Add areas and three schemes; units are in force from March on."""
    add_areas(session)
    unit_id = create_scheme(session, "unit", "单元网格").id
    publish(session, draft(session, unit_id, UNITS).id, MARCH)
    management = create_scheme(
        session,
        "management",
        "管理网格",
        unit_scheme="unit",
        coverage=coverage,
        rules={"units": rules} if rules else None,
    )
    evaluation = create_scheme(session, "evaluation", "评价网格", unit_scheme="management")
    return Levels(unit_id, management.id, evaluation.id)


def draft_over(
    session: Session,
    scheme_id: int,
    cell_of_unit: Mapping[str, str],
    *,
    on: date = MARCH,
    area_code: str | None = None,
    cells: pd.DataFrame | None = None,
) -> Plan:
    """Draw a plan over units and check it for a day."""
    plan = create_draft(
        session,
        scheme_id,
        cells,
        name="over units",
        created_by="test",
        area_code=area_code,
        units=cell_of_unit,
        units_on=on,
    )
    check_plan(session, plan.id, on=on)
    return plan


def publish_over(session: Session, scheme_id: int, cell_of_unit: Mapping[str, str], on: date = MARCH) -> int:
    """Draw, check and publish a plan over units."""
    plan = draft_over(session, scheme_id, cell_of_unit, on=on)
    publish(session, plan.id, on)
    return plan.id


def cell_of_unit(session: Session, plan_id: int) -> dict[str, str]:
    """Return the cell of each unit of a plan."""
    return {each.unit: each.cell for each in read_plan_units(session, session.get_one(Plan, plan_id))}


def scheme_of(session: Session, scheme_id: int) -> Scheme:
    return session.get_one(Scheme, scheme_id)
