"""`/v1/areas`: the administrative areas that the caller's own covers.

It reads; areas come in through `/v1/imports`.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy import select
from sqlalchemy.orm import Session, defer
from starlette.responses import Response

from api import schemas
from api.http.conditional import IfNoneMatch, tag
from api.http.dependencies import Store
from api.http.pagination import Page, PagedFeatures, mentions
from api.http.responses import reply, shape
from api.problems import answers
from api.security.area_scope import within
from api.security.caller import Caller
from api.security.principal import Right
from api.security.requirements import Ground, access
from gis.errors import NotFoundError
from layers.models import Area, Revision

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
    response_model=Page[schemas.Area],
    responses=answers(400, 422),
)
@access(Right.read, Ground.filtered)
def areas(
    caller: Caller,
    store: Store,
    asked: PagedFeatures,
    level: Annotated[str | None, Query(max_length=100, examples=["county"])] = None,
    parent: Annotated[str | None, Query(max_length=100, examples=["4403"])] = None,
    text: Annotated[str | None, Query(max_length=100, description="Part of name or code.")] = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """List the areas in the order of their codes."""
    with store.read() as session:
        chosen = asked.within(session, select(Area).where(within(Area.code, caller)), Area)
        if not asked.geojson:
            chosen = chosen.options(defer(Area.geometry))
        if level is not None:
            chosen = chosen.where(Area.level == level)
        if parent is not None:
            chosen = chosen.where(Area.parent == parent)
        if text:
            chosen = chosen.where(mentions(text, Area.name, Area.code))
        rows, follows = asked.rows(session, chosen, Area.code)
        listed = [_record(area, geometry=asked.geojson) for (area,) in rows]
        state = (revision_in(session), caller.area_code)
    return asked.answer(listed, follows, state=state, unless=if_none_match)


@router.get("/{code}", summary="Read an area", response_model=schemas.Area, responses=answers(404, 422))
@access(Right.read, Ground.checked)
def area(code: str, caller: Caller, store: Store, if_none_match: IfNoneMatch = None) -> Response:
    """Read one area with its geometry."""
    with store.read() as session:
        found = session.scalar(select(Area).where(Area.code == code))
        if found is None or not caller.covers(code):
            raise NotFoundError(f"There is no area '{code}'.")
        etag = tag(revision_in(session), code)
        return reply(_record(found, geometry=True), etag=etag, unless=if_none_match)
