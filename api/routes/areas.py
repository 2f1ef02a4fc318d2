"""`/v1/areas`: the administrative areas in the caller's own; areas come in through `/v1/imports`."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from api import schemas
from api.http.conditional import IfNoneMatch, make_etag
from api.http.dependencies import DatabaseDep
from api.http.pagination import FeaturePageDep, Page
from api.http.responses import json_response
from api.problems import problem_responses
from api.schemas.areas import area_record
from api.security.caller import Caller
from api.security.principal import Right
from api.security.requirements import AreaPolicy, requires
from layers.areas import queries
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
    if_none_match: IfNoneMatch = None,
) -> Response:
    """List the areas in the order of their codes."""
    with database.read() as session:
        areas, next_cursor = queries.list_areas(
            session, page, caller.area_code, level=level, parent=parent, text=text, geometry=page.geojson
        )
        records = [area_record(area, geometry=page.geojson) for area in areas]
        etag_parts = (current_state(session), caller.area_code)
    return page.to_response(records, next_cursor, etag_parts=etag_parts, if_none_match=if_none_match)


@router.get(
    "/{code}", summary="Read an area", response_model=schemas.Area, responses=problem_responses(404, 422)
)
@requires(Right.read, AreaPolicy.checked)
def read_area(
    code: str, caller: Caller, database: DatabaseDep, if_none_match: IfNoneMatch = None
) -> Response:
    """Read one area with its geometry."""
    with database.read() as session:
        area = queries.find_area(session, code, caller.area_code)
        etag = make_etag(current_state(session), code)
        return json_response(area_record(area, geometry=True), etag=etag, if_none_match=if_none_match)
