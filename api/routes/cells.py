"""Cells: of a plan as it was drawn, and of a scheme as they are in force on a day.

They are read only; a published cell changes by publishing another plan.
"""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from sqlalchemy import Select, or_, select
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
from api.routes.areas import revision_in
from api.routes.plans import Number, permitted_plan
from api.security.access import Ground, access
from api.security.caller import Caller
from api.security.jurisdiction import within
from api.security.principal import Right
from gis.errors import NotFoundError
from layers.storage.boxes import in_box
from layers.storage.models import Cell, PlanCell
from layers.storage.rows import in_force
from layers.storage.schemes import find_scheme

router = APIRouter(prefix="/v1", tags=["cells"])

_PLAIN = ("id", "code", "name", "kind", "parent", "area_code", "area_m2", "perimeter_m", "attributes")

Code = Annotated[str, Path(max_length=100, examples=["440305001001001"])]
SchemeCode = Annotated[str, Path(max_length=60, examples=["community"])]


def _record(cell: Cell, *, geometry: bool = True) -> dict[str, Any]:
    record = {name: getattr(cell, name) for name in _PLAIN}
    record |= {"valid_from": cell.valid_from, "valid_to": cell.valid_to}
    return {**record, "geometry": shape(cell.geometry)} if geometry else record


class _Asked:
    """One page of cells, as it is asked for."""

    def __init__(
        self,
        request: Request,
        f: str | None,
        box: str | None,
        limit: int,
        cursor: str | None,
        unless: str | None,
        *,
        geometry: bool = True,
    ) -> None:
        self._geojson = as_geojson(request, f)
        self._query = request.url.query
        self._geometry = geometry or self._geojson
        self._box = box_of(box)
        self._limit, self._cursor, self._unless = limit, cursor, unless

    def answer(self, session: Session, chosen: Select[Cell], *state: object) -> Response:
        """Return the page; `state` is all that the list depends on beside the query."""
        etag = tag(self._geojson, self._query, *state)
        page = chosen.order_by(Cell.code, Cell.id).limit(self._limit + 1)
        if not self._geometry:
            page = page.options(defer(Cell.geometry))
        if self._box is not None:
            page = page.where(in_box(session, Cell, self._box))
        if self._cursor is not None:
            page = page.where(after(self._cursor, (Cell.code, Cell.id)))
        rows = list(session.scalars(page))
        listed = [_record(cell, geometry=self._geometry) for cell in rows[: self._limit]]
        follows = cursor_of(listed[-1]["code"], listed[-1]["id"]) if len(rows) > self._limit else None
        if self._geojson:
            return reply(features(listed, follows), etag=etag, unless=self._unless, media_type=GEOJSON)
        return reply({"items": listed, "next": follows}, etag=etag, unless=self._unless)


@router.get(
    "/plans/{plan_id}/cells",
    summary="List the cells of a plan",
    response_model=Page[records.Cell],
    responses=answers(404, 422),
)
@access(Right.read, Ground.checked)
def of_plan(
    request: Request,
    plan_id: Number,
    caller: Caller,
    store: Store,
    box: BoxText = None,
    f: Form = None,
    limit: Limit = 100,
    cursor: Cursor = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """List the cells of a plan as it was drawn or published, by code."""
    asked = _Asked(request, f, box, limit, cursor, if_none_match)
    with store.read() as session:
        plan, _ = permitted_plan(session, caller, plan_id)
        chosen = select(Cell)
        if plan.valid_from is None:
            chosen = chosen.where(Cell.plan_id == plan_id)
        else:
            chosen = chosen.join(PlanCell, PlanCell.cell_id == Cell.id).where(PlanCell.plan_id == plan_id)
        return asked.answer(session, chosen, plan_id, plan.version, revision_in(session))


@router.get(
    "/schemes/{scheme}/cells",
    summary="List the cells in force",
    response_model=Page[records.Cell],
    responses=answers(404, 422),
)
@access(Right.read, Ground.filtered)
def of_scheme(
    request: Request,
    scheme: SchemeCode,
    caller: Caller,
    store: Store,
    at: Annotated[date | None, Query(description="The day; today when not given.")] = None,
    text: Annotated[str | None, Query(max_length=100, description="Part of name or code.")] = None,
    geometry: Annotated[bool, Query(description="With geometry; a list needs none.", examples=[True])] = True,
    box: BoxText = None,
    f: Form = None,
    limit: Limit = 100,
    cursor: Cursor = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """List the cells of the caller's area that are in force on a day, by code."""
    asked = _Asked(request, f, box, limit, cursor, if_none_match, geometry=geometry)
    day = at or date.today()
    with store.read() as session:
        found = find_scheme(session, scheme)
        chosen = select(Cell).where(
            Cell.scheme_id == found.id,
            in_force(Cell.valid_from, Cell.valid_to, day),
            within(Cell.area_code, caller),
        )
        if text:
            chosen = chosen.where(
                or_(Cell.name.icontains(text, autoescape=True), Cell.code.contains(text, autoescape=True))
            )
        return asked.answer(session, chosen, scheme, day, caller.area_code, revision_in(session))


@router.get(
    "/schemes/{scheme}/cells/{code}/history",
    summary="Read the versions of a cell",
    response_model=Page[records.Cell],
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
    return reply({"items": listed, "next": None})
