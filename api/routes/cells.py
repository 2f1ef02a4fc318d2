"""Cells: of a plan as it was drawn, and of a scheme as they are in force on a day.

They are read only; a published cell changes by publishing another plan.
"""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from sqlalchemy import Select, select
from sqlalchemy.orm import Session, defer
from starlette.responses import Response

from api import schemas
from api.http.conditional import IfNoneMatch
from api.http.dependencies import Store
from api.http.pagination import AskedFeatures, Page, PagedFeatures, mentions
from api.http.responses import listing, reply, shape
from api.problems import answers
from api.routes.areas import revision_in
from api.routes.plans import Number, permitted_plan
from api.security.area_scope import within
from api.security.caller import Caller
from api.security.principal import Right
from api.security.requirements import Ground, access
from gis.errors import InputError, NotFoundError
from layers.db.bulk import in_force
from layers.models import Cell, Plan, PlanCell
from layers.plans.schemes import find_scheme

router = APIRouter(prefix="/v1", tags=["cells"])

_PLAIN = ("id", "code", "name", "kind", "parent", "area_code", "area_m2", "perimeter_m", "attributes")

Code = Annotated[str, Path(max_length=100, examples=["440305001001001"])]
SchemeCode = Annotated[str, Path(max_length=60, examples=["community"])]


def _record(cell: Cell, *, geometry: bool = True) -> dict[str, Any]:
    record = {name: getattr(cell, name) for name in _PLAIN}
    record |= {"valid_from": cell.valid_from, "valid_to": cell.valid_to}
    return {**record, "geometry": shape(cell.geometry)} if geometry else record


def _page(
    session: Session,
    asked: AskedFeatures,
    chosen: Select[Cell],
    *state: object,
    unless: str | None,
    geometry: bool = True,
) -> Response:
    """Return a page of cells; `state` is all that the list depends on beside the query."""
    geometry = geometry or asked.geojson
    if not geometry:
        chosen = chosen.options(defer(Cell.geometry))
    rows, follows = asked.rows(session, asked.within(session, chosen, Cell), Cell.code, Cell.id)
    listed = [_record(cell, geometry=geometry) for (cell,) in rows]
    return asked.answer(listed, follows, state=(*state, revision_in(session)), unless=unless)


@router.get(
    "/plans/{plan_id}/cells",
    summary="List the cells of a plan",
    response_model=Page[schemas.Cell],
    responses=answers(404, 422),
)
@access(Right.read, Ground.checked)
def of_plan(
    plan_id: Number,
    caller: Caller,
    store: Store,
    asked: PagedFeatures,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """List the cells of a plan as it was drawn or published, by code."""
    with store.read() as session:
        plan, _ = permitted_plan(session, caller, plan_id)
        chosen = select(Cell)
        if plan.valid_from is None:
            chosen = chosen.where(Cell.plan_id == plan_id)
        else:
            chosen = chosen.join(PlanCell, PlanCell.cell_id == Cell.id).where(PlanCell.plan_id == plan_id)
        return _page(session, asked, chosen, plan_id, plan.version, unless=if_none_match)


@router.get(
    "/schemes/{scheme}/cells",
    summary="List the cells in force",
    response_model=Page[schemas.Cell],
    responses=answers(404, 422),
)
@access(Right.read, Ground.filtered)
def of_scheme(
    scheme: SchemeCode,
    caller: Caller,
    store: Store,
    asked: PagedFeatures,
    at: Annotated[date | None, Query(description="The day; today when not given.")] = None,
    text: Annotated[str | None, Query(max_length=100, description="Part of name or code.")] = None,
    geometry: Annotated[bool, Query(description="With geometry; a list needs none.", examples=[True])] = True,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """List the cells of the caller's area that are in force on a day, by code."""
    day = at or date.today()
    with store.read() as session:
        found = find_scheme(session, scheme)
        chosen = select(Cell).where(
            Cell.scheme_id == found.id,
            in_force(Cell.valid_from, Cell.valid_to, day),
            within(Cell.area_code, caller),
        )
        if text:
            chosen = chosen.where(mentions(text, Cell.name, Cell.code))
        state = (scheme, day, caller.area_code)
        return _page(session, asked, chosen, *state, unless=if_none_match, geometry=geometry)


@router.get(
    "/schemes/{scheme}/days",
    summary="List the days on which plans came into force",
    response_model=schemas.Days,
    responses=answers(404, 422),
)
@access(Right.read, Ground.filtered)
def days(scheme: SchemeCode, caller: Caller, store: Store) -> Response:
    """List the days that brought cells of the caller's area: also those of plans of a larger one."""
    with store.read() as session:
        found = find_scheme(session, scheme)
        own = select(Cell.id).where(Cell.plan_id == Plan.id, within(Cell.area_code, caller))
        chosen = select(Plan.valid_from).where(
            Plan.scheme_id == found.id, Plan.valid_from.is_not(None), own.exists()
        )
        listed = session.scalars(chosen.distinct().order_by(Plan.valid_from.desc())).all()
    return reply({"scheme": scheme, "days": listed})


@router.get(
    "/schemes/{scheme}/changes",
    summary="Count what changed between two days",
    response_model=schemas.Changes,
    responses=answers(404, 422),
)
@access(Right.read, Ground.filtered)
def changes(
    scheme: SchemeCode,
    caller: Caller,
    store: Store,
    since: Annotated[date, Query(description="The former day.", examples=["2026-01-01"])],
    at: Annotated[date | None, Query(description="The later day; today when not given.")] = None,
) -> Response:
    """Count the cells of the caller's area that began, ended or changed from one day to another."""
    day = at or date.today()
    if day < since:
        raise InputError(f"since={since} is later than {day}; give the former day as since.")
    with store.read() as session:
        found = find_scheme(session, scheme)
        then, now = (in_force(Cell.valid_from, Cell.valid_to, each) for each in (since, day))
        own = select(Cell.code).where(Cell.scheme_id == found.id, within(Cell.area_code, caller))
        gone = set(session.scalars(own.where(then, ~now)))
        come = set(session.scalars(own.where(now, ~then)))
    counts = {"begun": len(come - gone), "ended": len(gone - come), "changed": len(gone & come)}
    return reply({"scheme": scheme, "since": since, "at": day, **counts})


@router.get(
    "/schemes/{scheme}/cells/{code}/history",
    summary="Read the versions of a cell",
    response_model=Page[schemas.Cell],
    responses=answers(404, 422),
)
@access(Right.read, Ground.checked)
def history(scheme: SchemeCode, code: Code, caller: Caller, store: Store) -> Response:
    """Read every version that was ever in force, the oldest first."""
    with store.read() as session:
        found = find_scheme(session, scheme)
        chosen = select(Cell).where(
            Cell.scheme_id == found.id,
            Cell.code == code,
            Cell.valid_from.is_not(None),
            within(Cell.area_code, caller),
        )
        listed = [
            _record(cell) for cell in session.scalars(chosen.order_by(Cell.valid_from, Cell.id).limit(1000))
        ]
    if not listed:
        raise NotFoundError(f"There is no cell '{code}' in scheme '{scheme}'.")
    return listing(listed)
