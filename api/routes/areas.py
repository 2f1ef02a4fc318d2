"""`/v1/areas`: the administrative areas that the caller's own covers.

It reads; areas come in through `/v1/imports`.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy import select
from sqlalchemy.orm import Session, defer
from starlette.responses import Response

from api import schemas
from api.http.conditional import IfNoneMatch, make_etag
from api.http.dependencies import DatabaseDep
from api.http.pagination import FeaturePageDep, Page, contains_text
from api.http.responses import geojson_fragment, json_response
from api.problems import problem_responses
from api.security.area_scope import in_area_scope
from api.security.caller import Caller
from api.security.principal import Right
from api.security.requirements import AreaPolicy, requires
from gis.errors import NotFoundError
from layers.models import Area, Revision

router = APIRouter(prefix="/v1/areas", tags=["areas"])


def _serialize_area(area: Area, *, geometry: bool) -> dict[str, Any]:
    record: dict[str, Any] = {
        "id": area.id,
        "code": area.code,
        "name": area.name,
        "level": area.level,
        "parent": area.parent,
    }
    if geometry:
        record["geometry"] = geojson_fragment(area.geometry)
    return record


def current_revision(session: Session) -> int:
    """Return the number of the state that a session sees."""
    return session.scalars(select(Revision.number)).one()


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
        statement = page.filter_by_bbox(session, select(Area).where(in_area_scope(Area.code, caller)), Area)
        if not page.geojson:
            statement = statement.options(defer(Area.geometry))
        if level is not None:
            statement = statement.where(Area.level == level)
        if parent is not None:
            statement = statement.where(Area.parent == parent)
        if text:
            statement = statement.where(contains_text(text, Area.name, Area.code))
        rows, next_cursor = page.fetch(session, statement, Area.code)
        items = [_serialize_area(area, geometry=page.geojson) for (area,) in rows]
        etag_parts = (current_revision(session), caller.area_code)
    return page.to_response(items, next_cursor, etag_parts=etag_parts, if_none_match=if_none_match)


@router.get(
    "/{code}", summary="Read an area", response_model=schemas.Area, responses=problem_responses(404, 422)
)
@requires(Right.read, AreaPolicy.checked)
def read_area(
    code: str, caller: Caller, database: DatabaseDep, if_none_match: IfNoneMatch = None
) -> Response:
    """Read one area with its geometry."""
    with database.read() as session:
        found = session.scalar(select(Area).where(Area.code == code))
        if found is None or not caller.covers(code):
            raise NotFoundError(f"There is no area '{code}'.")
        etag = make_etag(current_revision(session), code)
        return json_response(_serialize_area(found, geometry=True), etag=etag, if_none_match=if_none_match)
