"""`/v1/schemes/{scheme}/cells/{code}`: a cell in force with all that its sheet shows, in one answer.

Names of officers are masked unless the caller may see them and asks to; each time is audited.
"""

from datetime import date
from typing import Annotated, Any

import shapely
from fastapi import APIRouter, Query, Request
from sqlalchemy import case, select
from sqlalchemy.orm import Session
from starlette.responses import Response

from api import schemas
from api.gap_runs import newest_visible_run
from api.http.conditional import IfNoneMatch, make_etag
from api.http.dependencies import DatabaseDep
from api.http.responses import geojson_fragment, json_response
from api.http.scheme_parameters import SchemeCode
from api.problems import problem_responses
from api.routes.areas import current_revision
from api.routes.cells import CellCode
from api.routes.gaps import serialize_gap
from api.security.area_scope import in_area_scope
from api.security.caller import Caller
from api.security.personal import Reveal, audit_reveal, mask_personal, open_read_session
from api.security.principal import Principal, Right
from api.security.requirements import AreaPolicy, requires
from gis.errors import NotFoundError
from layers.db.bulk import in_force
from layers.models import Cell, Gap, Officer, Post, Scheme
from layers.plans.schemes import find_scheme
from layers.snapshot import SnapshotHolder
from layers.tilesets import count_by_kind

router = APIRouter(prefix="/v1", tags=["cells"])

_MAX_LISTED = 100
_CELL_FIELDS = (
    "id", "code", "name", "kind", "parent", "area_code", "area_m2", "perimeter_m", "attributes",
    "valid_from", "valid_to",
)  # fmt: skip
_DUTY_ORDER = ("leader", "officer", "inspector", "assistant")


@router.get(
    "/schemes/{scheme}/cells/{code}",
    summary="Read the sheet of a cell",
    response_model=schemas.CellSheet,
    responses=problem_responses(404, 422),
)
@requires(Right.read, AreaPolicy.checked)
def read_sheet(
    request: Request,
    scheme: SchemeCode,
    code: CellCode,
    caller: Caller,
    database: DatabaseDep,
    at: Annotated[date | None, Query(description="The day; today when not given.")] = None,
    reveal: Reveal = False,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Read a cell in force on a day: its place, who answers for it, what belongs to it, what is missing."""
    day = at or date.today()
    snapshots: SnapshotHolder = request.app.state.snapshots
    with open_read_session(database, caller, reveal=reveal) as session:
        found = find_scheme(session, scheme)
        cell = session.scalar(
            select(Cell).where(
                Cell.scheme_id == found.id,
                Cell.code == code,
                in_force(Cell.valid_from, Cell.valid_to, day),
                in_area_scope(Cell.area_code, caller),
            )
        )
        if cell is None:
            raise NotFoundError(f"There is no cell '{code}' of scheme '{scheme}' on {day}.")
        counts = count_by_kind(session, found.id, day, code)
        officers = _officers(session, caller, found.id, code, day, reveal=reveal)
        run, gaps = _gaps(session, caller, found, code, at)
        revision = current_revision(session)
    chain = snapshots.current.areas.chain(cell.area_code)
    answer: dict[str, Any] = {
        **{name: getattr(cell, name) for name in _CELL_FIELDS},
        "geometry": geojson_fragment(cell.geometry),
        "box": shapely.bounds(cell.geometry).round(7).tolist(),
        "scheme": scheme,
        "at": day,
        "areas": [{"code": each.code, "name": each.name, "level": each.level} for each in chain],
        "counts": counts,
        "officers": officers,
        "gap_run": run,
        "gaps": gaps,
    }
    # A reveal is never answered from what the caller has already: it must be audited.
    etag = make_etag(revision, caller.area_code, cell.id, {**answer, "geometry": None})
    return json_response(answer, etag=etag, if_none_match=None if reveal else if_none_match)


def _officers(
    session: Session, caller: Principal, scheme_id: int, code: str, day: date, *, reveal: bool
) -> list[dict[str, Any]]:
    """Return who is what in the cell on the day; plain only those of the caller's area, and then audited."""
    duty_position = case(
        {duty: number for number, duty in enumerate(_DUTY_ORDER)}, value=Post.duty, else_=len(_DUTY_ORDER)
    )
    rows = session.execute(
        select(Post, Officer)
        .join(Officer, Officer.id == Post.officer_id)
        .where(
            Post.scheme_id == scheme_id,
            Post.cell_code == code,
            in_force(Post.valid_from, Post.valid_to, day),
        )
        .order_by(duty_position, Post.rank, Post.id)
        .limit(_MAX_LISTED)
    ).all()
    plain = {officer.id for _, officer in rows if reveal and caller.covers(officer.area_code)}
    if reveal:
        audit_reveal(session, caller, "officer", sorted(plain))
    return [
        {
            "officer_id": officer.id,
            "external_id": officer.external_id,
            "duty": post.duty,
            "rank": post.rank,
            "personal": officer.personal if officer.id in plain else mask_personal(officer.personal),
            "valid_from": post.valid_from,
        }
        for post, officer in rows
    ]


def _gaps(
    session: Session, caller: Principal, scheme: Scheme, code: str, until: date | None
) -> tuple[int | None, list[dict[str, Any]]]:
    """Return the newest run, up to a day where one is given, and its gaps in the cell."""
    run = newest_visible_run(session, caller, scheme.id, until=until)
    if run is None:
        return None, []
    statement = (
        select(Gap)
        .where(Gap.run_id == run.id, Gap.cell_code == code, in_area_scope(Gap.area_code, caller))
        .order_by(Gap.id)
        .limit(_MAX_LISTED)
    )
    return run.id, [
        serialize_gap(gap, run, scheme.code, geometry=False) for gap in session.scalars(statement)
    ]
