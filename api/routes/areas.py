"""`/v1/areas`: the administrative areas in the caller's own; areas come in through `/v1/imports`."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from api import schemas
from api.http.conditional import IfNoneMatch, make_etag
from api.http.dependencies import DatabaseDep
from api.http.pagination import FeaturePageDep, Page
from api.http.responses import json_response
from api.http.scheme_parameters import DayParam
from api.problems import problem_responses
from api.schemas.areas import area_history_record, area_record
from api.security.caller import Caller
from api.security.principal import Right
from api.security.requirements import AreaPolicy, requires
from layers.areas import queries
from layers.areas.adjustments import read_kinship
from layers.db.database import current_state

router = APIRouter(prefix="/v1/areas", tags=["areas"])


@router.get(
    "",
    summary="List areas",
    response_model=Page[schemas.Area],
    responses=problem_responses(400, 422),
)
@requires(Right.read, AreaPolicy.filtered)
def list_areas(
    caller: Caller,
    database: DatabaseDep,
    page: FeaturePageDep,
    level: Annotated[str | None, Query(max_length=100, examples=["county"])] = None,
    parent: Annotated[str | None, Query(max_length=100, examples=["4403"])] = None,
    text: Annotated[str | None, Query(max_length=100, description="Part of name or code.")] = None,
    at: DayParam = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """List the areas in force on a day in the order of their codes."""
    with database.read() as session:
        areas, next_cursor = queries.list_areas(
            session,
            page,
            caller.area_code,
            level=level,
            parent=parent,
            text=text,
            on=at,
            geometry=page.geojson,
        )
        records = [area_record(area, geometry=page.geojson) for area in areas]
        etag_parts = (current_state(session), caller.area_code, at or date.today())
    return page.to_response(records, next_cursor, etag_parts=etag_parts, if_none_match=if_none_match)


@router.get(
    "/{code}", summary="Read an area", response_model=schemas.Area, responses=problem_responses(404, 422)
)
@requires(Right.read, AreaPolicy.checked)
def read_area(
    code: str,
    caller: Caller,
    database: DatabaseDep,
    at: DayParam = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Read one area with its geometry as it is on a day, and from when to when it is so."""
    with database.read() as session:
        area = queries.find_area(session, code, caller.area_code, at)
        etag = make_etag(current_state(session), code, at or date.today())
        return json_response(area_record(area, geometry=True), etag=etag, if_none_match=if_none_match)


@router.get(
    "/{code}/history",
    summary="Read the history of an area",
    response_model=schemas.AreaHistory,
    responses=problem_responses(404, 422),
)
@requires(Right.read, AreaPolicy.checked)
def read_area_history(code: str, caller: Caller, database: DatabaseDep) -> Response:
    """Read the states of an area in force, ended or to come, and the areas it came from and became."""
    with database.read() as session:
        states = queries.area_versions(session, code, caller.area_code)
        kinship = read_kinship(session, code, caller.area_code)
        return json_response(area_history_record(code, states, kinship))
