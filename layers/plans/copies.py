"""Copies: a draft from the cells of another plan, or of those in force, row by row within the database."""

from collections.abc import Collection
from contextlib import nullcontext
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from sqlalchemy import insert, literal, null, select, update
from sqlalchemy.orm import Session

from gis.errors import ConflictError, InputError
from layers.areas.hierarchy import read_hierarchy
from layers.areas.locator import AreaLocator
from layers.db import geopackage
from layers.db.bulk import id_in, is_postgresql, text_in
from layers.models import Cell, Plan, PlanState
from layers.plans.cells import cells_in_force, read_cells, select_plan_cells
from layers.plans.history import COPIED, UNNAMED, record_step
from layers.plans.queries import find_plan
from layers.plans.schemes import find_scheme
from layers.plans.states import is_in_force, is_to_come
from layers.plans.takeover import within_area
from layers.plans.units import copy_members

_COPIED_COLUMNS = (
    *("scheme_id", "code", "name", "kind", "parent", "area_code", "area_m2", "perimeter_m"),
    *("attributes", "personal", "geometry"),
)


def copy_plan(
    session: Session,
    plan_id: int,
    *,
    name: str,
    area_code: str | None = None,
    scope: str | None = None,
    author: str = UNNAMED,
) -> Plan:
    """Make a draft with the cells of a plan, in whatever state, as it was drawn or published.

    The cells keep code, name, kind, attributes, personal values and units.

    Parameters
    ----------
    session
        Of `Database.write`.
    name
        Of the draft.
    area_code
        Only the cells of this area, which the draft divides; that of the plan when not given.
    scope
        The area that the plan must divide or lie in; None for any.
    author
        The label of who makes it.

    Raises
    ------
    NotFoundError
        If there is no such plan or area.
    InputError
        If the plan has no cells in the area, one that reaches beyond it, or the area is not one of its own.
    """
    source = find_plan(session, plan_id, scope)
    area = area_code or source.area_code
    hierarchy = read_hierarchy(session)
    if area is not None and area not in hierarchy.subtree(source.area_code):
        hierarchy.subtree(area)
        raise InputError(f"Area {area} is not in area {source.area_code}, which plan {source.id} divides.")
    chosen = select_plan_cells(source)
    ids = list(session.scalars(chosen.with_only_columns(Cell.id)))
    if area != source.area_code:
        ids = _ids_within(session, source.scheme_id, area, ids, date.today())
    return _draft(
        session,
        source.scheme_id,
        name,
        area,
        ids,
        source.units_on,
        author,
        areas_on=date.today(),
        plan=source.id,
    )


def copy_in_force(
    session: Session,
    scheme: str,
    *,
    name: str,
    area_code: str | None = None,
    on: date | None = None,
    author: str = UNNAMED,
) -> Plan:
    """Make a draft with the cells of a scheme in force, of whichever plans they are.

    Parameters are those of `copy_plan`; `on` is the day, today when not given.

    Raises
    ------
    NotFoundError
        If there is no such scheme or area.
    InputError
        If no cells are in force in the area on that day, or one reaches beyond it.
    """
    found, day = find_scheme(session, scheme), on or date.today()
    ids = list(session.scalars(select(Cell.id).where(cells_in_force(found.id, day))))
    if area_code is not None:
        read_hierarchy(session, day).subtree(area_code)
        ids = _ids_within(session, found.id, area_code, ids, day)
    if not ids:
        where = "" if area_code is None else f" in area {area_code}"
        raise InputError(f"Scheme '{scheme}' has no cells in force{where} on {day}; name a plan to copy.")
    units_on = None if found.unit_scheme_id is None else day
    return _draft(session, found.id, name, area_code, ids, units_on, author, areas_on=day, on=day.isoformat())


def revert_to_plan(
    session: Session,
    plan_id: int,
    *,
    name: str | None = None,
    scope: str | None = None,
    author: str = UNNAMED,
) -> Plan:
    """Make a draft to go back to a plan that was in force, with the cells that it had.

    Codes that have ended since return with it, for each names the ground that it named before. Parameters and
    errors are those of `copy_plan`; the name is that of the plan when not given.

    Raises
    ------
    ConflictError
        If the plan was never in force, or still is on all its ground.
    """
    source = find_plan(session, plan_id, scope)
    if source.valid_from is None or is_to_come(source, date.today()):
        raise ConflictError(f"Plan {source.id} was never in force; copy it instead.")
    if (
        source.valid_to is None
        and is_in_force(source, date.today())
        and not _has_ended_cells(session, source)
    ):
        raise ConflictError(f"Plan {source.id} is in force; there is nothing to go back to.")
    return copy_plan(session, plan_id, name=name or source.name, scope=scope, author=author)


def copy_cells(session: Session, plan: Plan, ids: Collection[int]) -> None:
    """Give a draft the cells of other versions, with their units, as cells of its own."""
    connection, table = session.connection(), Cell.metadata.tables["cells"]
    copied = select(*(table.c[column] for column in _COPIED_COLUMNS), literal(plan.id), null(), null()).where(
        id_in(session, table.c.id, ids)
    )
    columns = [*_COPIED_COLUMNS, "plan_id", "valid_from", "valid_to"]
    embedded = not is_postgresql(session)
    with geopackage.extending_rtree(connection, table.name) if embedded else nullcontext():
        connection.execute(insert(table).from_select(columns, copied))
    if plan.units_on is not None:
        numbers = dict(iter(session.execute(select(Cell.code, Cell.id).where(Cell.plan_id == plan.id))))
        originals = session.execute(select(Cell.id, Cell.code).where(id_in(session, Cell.id, ids)))
        copy_members(session, {number: numbers[code] for number, code in originals})


def _draft(
    session: Session,
    scheme_id: int,
    name: str,
    area_code: str | None,
    ids: Collection[int],
    units_on: date | None,
    author: str,
    *,
    areas_on: date,
    **origin: Any,
) -> Plan:
    draft = Plan(
        scheme_id=scheme_id,
        name=name,
        state=PlanState.draft,
        area_code=area_code,
        created_by=author,
        created_at=datetime.now(UTC),
        units_on=units_on,
        version=1,
    )
    session.add(draft)
    session.flush()
    copy_cells(session, draft, ids)
    _adopt_areas(session, draft, areas_on)
    record_step(session, draft, COPIED, author, **origin)
    session.flush()
    return draft


def _adopt_areas(session: Session, draft: Plan, on: date) -> None:
    """Give the cells that name areas of other days the areas in which they lie on a day."""
    hierarchy = read_hierarchy(session, on)
    named = session.scalars(select(Cell.area_code).where(Cell.plan_id == draft.id).distinct())
    absent = [code for code in named if code is not None and hierarchy.is_absent(code)]
    if not absent:
        return
    cells = read_cells(
        session,
        select(Cell).where(Cell.plan_id == draft.id, text_in(session, Cell.area_code, absent)),
        ("id", "code"),
    )
    codes = AreaLocator(session, on=on).locate(cells.geometry.to_numpy())
    for code in sorted({code for code in codes if code is not None}):
        moved = update(Cell).where(id_in(session, Cell.id, cells["id"][codes == code].tolist()))
        session.execute(moved.values(area_code=code), execution_options={"synchronize_session": False})


def _has_ended_cells(session: Session, plan: Plan) -> bool:
    ended = select_plan_cells(plan).where(Cell.valid_to <= date.today())
    return session.scalar(ended.with_only_columns(Cell.id).limit(1)) is not None


def _ids_within(
    session: Session, scheme_id: int, area_code: str | None, ids: Collection[int], on: date
) -> list[int]:
    """Return those of some cells that lie in an area; one that lies across its border is refused."""
    cells = read_cells(session, select(Cell).where(id_in(session, Cell.id, ids)), ("id", "code", "area_code"))
    inside, across = within_area(session, scheme_id, area_code, cells, read_hierarchy(session, on))
    if across.any():
        reaching = cells["code"].iloc[int(np.flatnonzero(across)[0])]
        raise InputError(f"Cell {reaching} reaches beyond area {area_code}; copy the plan of a wider area.")
    if not inside.any():
        raise InputError(f"There are no cells in area {area_code} to copy.")
    found: list[int] = cells["id"][inside].tolist()
    return found
