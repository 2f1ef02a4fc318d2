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
from api.http.dependencies import DatabaseDep
from api.http.pagination import FeaturePageDep, FeaturePageParams, Page, contains_text
from api.http.responses import geojson_fragment, json_response, list_response
from api.http.scheme_parameters import SchemeCode
from api.problems import problem_responses
from api.routes.areas import current_revision
from api.routes.plans import PlanId, find_permitted_plan
from api.security.area_scope import in_area_scope
from api.security.caller import Caller
from api.security.principal import Right
from api.security.requirements import AreaPolicy, requires
from gis.errors import InputError, NotFoundError
from layers.db.bulk import in_force
from layers.models import Cell, Plan, PlanCell
from layers.plans.schemes import find_scheme

router = APIRouter(prefix="/v1", tags=["cells"])

_CELL_FIELDS = ("id", "code", "name", "kind", "parent", "area_code", "area_m2", "perimeter_m", "attributes")

CellCode = Annotated[str, Path(max_length=100, examples=["440305001001001"])]


def _serialize_cell(cell: Cell, *, geometry: bool = True) -> dict[str, Any]:
    record = {name: getattr(cell, name) for name in _CELL_FIELDS}
    record |= {"valid_from": cell.valid_from, "valid_to": cell.valid_to}
    return {**record, "geometry": geojson_fragment(cell.geometry)} if geometry else record


def _cell_page(
    session: Session,
    page: FeaturePageParams,
    statement: Select[Cell],
    *etag_parts: object,
    if_none_match: str | None,
    geometry: bool = True,
) -> Response:
    """Return a page of cells; `etag_parts` is all that the list depends on beside the query."""
    geometry = geometry or page.geojson
    if not geometry:
        statement = statement.options(defer(Cell.geometry))
    rows, next_cursor = page.fetch(session, page.filter_by_bbox(session, statement, Cell), Cell.code, Cell.id)
    items = [_serialize_cell(cell, geometry=geometry) for (cell,) in rows]
    return page.to_response(
        items, next_cursor, etag_parts=(*etag_parts, current_revision(session)), if_none_match=if_none_match
    )


@router.get(
    "/plans/{plan_id}/cells",
    summary="List the cells of a plan",
    response_model=Page[schemas.Cell],
    responses=problem_responses(404, 422),
)
@requires(Right.read, AreaPolicy.checked)
def list_plan_cells(
    plan_id: PlanId,
    caller: Caller,
    database: DatabaseDep,
    page: FeaturePageDep,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """List the cells of a plan as it was drawn or published, by code."""
    with database.read() as session:
        plan, _ = find_permitted_plan(session, caller, plan_id)
        statement = select(Cell)
        if plan.valid_from is None:
            statement = statement.where(Cell.plan_id == plan_id)
        else:
            statement = statement.join(PlanCell, PlanCell.cell_id == Cell.id).where(
                PlanCell.plan_id == plan_id
            )
        return _cell_page(session, page, statement, plan_id, plan.version, if_none_match=if_none_match)


@router.get(
    "/schemes/{scheme}/cells",
    summary="List the cells in force",
    response_model=Page[schemas.Cell],
    responses=problem_responses(404, 422),
)
@requires(Right.read, AreaPolicy.filtered)
def list_cells_in_force(
    scheme: SchemeCode,
    caller: Caller,
    database: DatabaseDep,
    page: FeaturePageDep,
    at: Annotated[date | None, Query(description="The day; today when not given.")] = None,
    text: Annotated[str | None, Query(max_length=100, description="Part of name or code.")] = None,
    geometry: Annotated[bool, Query(description="With geometry; a list needs none.", examples=[True])] = True,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """List the cells of the caller's area that are in force on a day, by code."""
    day = at or date.today()
    with database.read() as session:
        found = find_scheme(session, scheme)
        statement = select(Cell).where(
            Cell.scheme_id == found.id,
            in_force(Cell.valid_from, Cell.valid_to, day),
            in_area_scope(Cell.area_code, caller),
        )
        if text:
            statement = statement.where(contains_text(text, Cell.name, Cell.code))
        etag_parts = (scheme, day, caller.area_code)
        return _cell_page(
            session, page, statement, *etag_parts, if_none_match=if_none_match, geometry=geometry
        )


@router.get(
    "/schemes/{scheme}/days",
    summary="List the days on which plans came into force",
    response_model=schemas.EffectiveDates,
    responses=problem_responses(404, 422),
)
@requires(Right.read, AreaPolicy.filtered)
def list_effective_dates(scheme: SchemeCode, caller: Caller, database: DatabaseDep) -> Response:
    """List the days that brought cells of the caller's area: also those of plans of a larger one."""
    with database.read() as session:
        found = find_scheme(session, scheme)
        own = select(Cell.id).where(Cell.plan_id == Plan.id, in_area_scope(Cell.area_code, caller))
        statement = select(Plan.valid_from).where(
            Plan.scheme_id == found.id, Plan.valid_from.is_not(None), own.exists()
        )
        items = session.scalars(statement.distinct().order_by(Plan.valid_from.desc())).all()
    return json_response({"scheme": scheme, "days": items})


@router.get(
    "/schemes/{scheme}/changes",
    summary="Count what changed between two days",
    response_model=schemas.CellChanges,
    responses=problem_responses(404, 422),
)
@requires(Right.read, AreaPolicy.filtered)
def count_changes(
    scheme: SchemeCode,
    caller: Caller,
    database: DatabaseDep,
    since: Annotated[date, Query(description="The former day.", examples=["2026-01-01"])],
    at: Annotated[date | None, Query(description="The later day; today when not given.")] = None,
) -> Response:
    """Count the cells of the caller's area that began, ended or changed from one day to another."""
    day = at or date.today()
    if day < since:
        raise InputError(f"since={since} is later than {day}; give the former day as since.")
    with database.read() as session:
        found = find_scheme(session, scheme)
        then, now = (in_force(Cell.valid_from, Cell.valid_to, each) for each in (since, day))
        own = select(Cell.code).where(Cell.scheme_id == found.id, in_area_scope(Cell.area_code, caller))
        codes_before = set(session.scalars(own.where(then, ~now)))
        codes_after = set(session.scalars(own.where(now, ~then)))
    counts = {
        "begun": len(codes_after - codes_before),
        "ended": len(codes_before - codes_after),
        "changed": len(codes_before & codes_after),
    }
    return json_response({"scheme": scheme, "since": since, "at": day, **counts})


@router.get(
    "/schemes/{scheme}/cells/{code}/history",
    summary="Read the versions of a cell",
    response_model=Page[schemas.Cell],
    responses=problem_responses(404, 422),
)
@requires(Right.read, AreaPolicy.checked)
def list_versions(scheme: SchemeCode, code: CellCode, caller: Caller, database: DatabaseDep) -> Response:
    """Read every version that was ever in force, the oldest first."""
    with database.read() as session:
        found = find_scheme(session, scheme)
        statement = select(Cell).where(
            Cell.scheme_id == found.id,
            Cell.code == code,
            Cell.valid_from.is_not(None),
            in_area_scope(Cell.area_code, caller),
        )
        items = [
            _serialize_cell(cell)
            for cell in session.scalars(statement.order_by(Cell.valid_from, Cell.id).limit(1000))
        ]
    if not items:
        raise NotFoundError(f"There is no cell '{code}' in scheme '{scheme}'.")
    return list_response(items)
