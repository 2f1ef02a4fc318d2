"""`/v1/areas`: the administrative areas that the caller's own covers.

It reads; areas come in through `/v1/imports`.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from sqlalchemy import or_, select
from sqlalchemy.orm import Session, defer
from starlette.responses import Response

from api import records
from api.exchange import (
    GEOJSON,
    BoxText,
    Form,
    IfNoneMatch,
    Store,
    as_geojson,
    box_of,
    features,
    reply,
    shape,
    tag,
)
from api.paging import Cursor, Limit, Page, after, cursor_of
from api.problems import answers
from api.security.access import Ground, access
from api.security.caller import Caller
from api.security.jurisdiction import within
from api.security.principal import Right
from gis.errors import NotFoundError
from layers.storage.boxes import in_box
from layers.storage.models import Area, Revision

router = APIRouter(prefix="/v1/areas", tags=["areas"])


def _record(area: Area, *, geometry: bool) -> dict[str, Any]:
    record: dict[str, Any] = {
        "id": area.id,
        "code": area.code,
        "name": area.name,
        "level": area.level,
        "parent": area.parent,
    }
    if geometry:
        record["geometry"] = shape(area.geometry)
    return record


def revision_in(session: Session) -> int:
    """Return the number of the state that a session sees."""
    return session.scalars(select(Revision.number)).one()


@router.get(
    "",
    summary="List areas",
    response_model=Page[records.Area],
    responses=answers(400, 422),
)
@access(Right.read, Ground.filtered)
def areas(
    request: Request,
    caller: Caller,
    store: Store,
    level: Annotated[str | None, Query(max_length=100, examples=["county"])] = None,
    parent: Annotated[str | None, Query(max_length=100, examples=["4403"])] = None,
    text: Annotated[str | None, Query(max_length=100, description="Part of name or code.")] = None,
    box: BoxText = None,
    f: Form = None,
    limit: Limit = 100,
    cursor: Cursor = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """List the areas in the order of their codes."""
    geojson = as_geojson(request, f)
    with store.read() as session:
        asked = select(Area).where(within(Area.code, caller)).order_by(Area.code).limit(limit + 1)
        if not geojson:
            asked = asked.options(defer(Area.geometry))
        if level is not None:
            asked = asked.where(Area.level == level)
        if parent is not None:
            asked = asked.where(Area.parent == parent)
        if text:
            asked = asked.where(
                or_(Area.name.icontains(text, autoescape=True), Area.code.contains(text, autoescape=True))
            )
        if (found := box_of(box)) is not None:
            asked = asked.where(in_box(session, Area, found))
        if cursor is not None:
            asked = asked.where(after(cursor, (Area.code,)))
        rows = list(session.scalars(asked))
        listed = [_record(area, geometry=geojson) for area in rows[:limit]]
        etag = tag(revision_in(session), caller.area_code, geojson, str(request.url.query))
    follows = cursor_of(listed[-1]["code"]) if len(rows) > limit else None
    if geojson:
        return reply(features(listed, follows), etag=etag, unless=if_none_match, media_type=GEOJSON)
    return reply({"items": listed, "next": follows}, etag=etag, unless=if_none_match)


@router.get("/{code}", summary="Read an area", response_model=records.Area, responses=answers(404, 422))
@access(Right.read, Ground.checked)
def area(code: str, caller: Caller, store: Store, if_none_match: IfNoneMatch = None) -> Response:
    """Read one area with its geometry."""
    with store.read() as session:
        found = session.scalar(select(Area).where(Area.code == code))
        if found is None or not caller.covers(code):
            raise NotFoundError(f"There is no area '{code}'.")
        etag = tag(revision_in(session), code)
        return reply(_record(found, geometry=True), etag=etag, unless=if_none_match)
