"""Cells: of a plan as it was drawn, and of a scheme as they are in force on a day.

They are read only; a published cell changes by publishing another plan.
"""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from api import schemas
from api.http.conditional import IfNoneMatch
from api.http.dependencies import DatabaseDep
from api.http.pagination import FeaturePageDep, Page
from api.http.parameters import PlanId, WholeNumber
from api.http.responses import json_response, list_response
from api.http.scheme_parameters import CellCode, DayParam, SchemeCode
from api.problems import problem_responses
from api.schemas.plans import cell_changes_record, effective_dates_record
from api.security.caller import Caller
from api.security.personal import Reveal, cell_records, open_read_session
from api.security.principal import Right
from api.security.requirements import AreaPolicy, requires
from layers.db.database import current_state
from layers.plans import cell_queries
from layers.plans.queries import find_plan
from layers.plans.schemes import find_scheme
from layers.staff.vacancies import count_unstaffed_on, is_staffed

router = APIRouter(prefix="/v1", tags=["cells"])


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
    reveal: Reveal = False,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """List the cells of a plan as it was drawn or published, by code."""
    with open_read_session(database, caller, reveal=reveal) as session:
        plan = find_plan(session, plan_id, caller.area_code)
        cells, next_cursor = cell_queries.list_plan_cells(session, page, plan)
        records = cell_records(session, caller, cells, reveal=reveal)
        etag_parts = (plan_id, plan.version, current_state(session))
    known = None if reveal else if_none_match
    return page.to_response(records, next_cursor, etag_parts=etag_parts, if_none_match=known)


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
    at: DayParam = None,
    text: Annotated[str | None, Query(max_length=100, description="Part of name or code.")] = None,
    staffed: Annotated[
        bool | None, Query(description="Only cells with an officer on that day, or only those without.")
    ] = None,
    geometry: Annotated[bool, Query(description="With geometry; a list needs none.", examples=[True])] = True,
    reveal: Reveal = False,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """List the cells of the caller's area that are in force on a day, by code."""
    day = at or date.today()
    with_geometry = geometry or page.geojson
    with open_read_session(database, caller, reveal=reveal) as session:
        found = find_scheme(session, scheme)
        held = is_staffed(found.id, day)
        where = None if staffed is None else held if staffed else ~held
        cells, next_cursor = cell_queries.list_cells_in_force(
            session,
            page,
            found,
            day,
            caller.area_code,
            text=text,
            where=where,
            geometry=with_geometry,
        )
        records = cell_records(session, caller, cells, reveal=reveal, geometry=with_geometry)
        etag_parts = (scheme, day, caller.area_code, current_state(session))
    known = None if reveal else if_none_match
    return page.to_response(records, next_cursor, etag_parts=etag_parts, if_none_match=known)


@router.get(
    "/schemes/{scheme}/days",
    summary="List the days on which plans came into force",
    response_model=schemas.EffectiveDates,
    responses=problem_responses(404, 422),
)
@requires(Right.read, AreaPolicy.filtered)
def list_effective_dates(scheme: SchemeCode, caller: Caller, database: DatabaseDep) -> Response:
    """List the days that brought cells of the caller's area: also days of plans of a larger one."""
    with database.read() as session:
        days = cell_queries.effective_dates(session, find_scheme(session, scheme), caller.area_code)
    return json_response(effective_dates_record(days, scheme))


@router.get(
    "/schemes/{scheme}/changes",
    summary="Read which cells changed between two days",
    response_model=schemas.CellChanges,
    responses=problem_responses(404, 422),
)
@requires(Right.read, AreaPolicy.filtered)
def list_changes(
    scheme: SchemeCode,
    caller: Caller,
    database: DatabaseDep,
    since: Annotated[date, Query(description="The former day.", examples=["2026-01-01"])],
    at: Annotated[date | None, Query(description="The later day; today when not given.")] = None,
    limit: Annotated[WholeNumber, Query(ge=0, le=1000, description="Cells listed.", examples=[0])] = 0,
) -> Response:
    """Count and list the cells of the caller's area that began, ended or changed from one day to another.

    Also counted are the cells of the later day for which nobody is responsible.
    """
    day = at or date.today()
    with database.read() as session:
        found = find_scheme(session, scheme)
        changes = cell_queries.find_changes(session, found, since, day, caller.area_code)
        boxes = cell_queries.read_boxes(session, [each.latest.id for each in changes[:limit]])
        unstaffed = count_unstaffed_on(session, found.id, day, caller.area_code)
        record = cell_changes_record(changes, boxes, scheme=scheme, since=since, at=day, unstaffed=unstaffed)
    return json_response(record)


@router.get(
    "/schemes/{scheme}/cells/{code}/history",
    summary="Read the versions of a cell",
    response_model=Page[schemas.Cell],
    responses=problem_responses(404, 422),
)
@requires(Right.read, AreaPolicy.checked)
def list_versions(
    scheme: SchemeCode, code: CellCode, caller: Caller, database: DatabaseDep, reveal: Reveal = False
) -> Response:
    """Read every version that was ever in force, the oldest first."""
    with open_read_session(database, caller, reveal=reveal) as session:
        found = find_scheme(session, scheme)
        versions = cell_queries.cell_versions(session, found, code, caller.area_code)
        records = cell_records(session, caller, versions, reveal=reveal)
    return list_response(records)
