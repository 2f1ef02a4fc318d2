"""`/v1/schemes/{scheme}/groups`: named groups of cells (片), which have posts as cells and areas do."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api import schemas
from api.http.conditional import IfMatchVersion, version_etag
from api.http.dependencies import DatabaseDep
from api.http.idempotency import IdempotentWriteDep, WriteResult
from api.http.pagination import Page, PageDep
from api.http.responses import json_response, list_response
from api.http.scheme_parameters import DayParam, SchemeCode
from api.problems import problem_responses
from api.schemas.posts import GroupChanges, NewGroup, group_record
from api.security.audit import audited_result
from api.security.caller import Caller
from api.security.principal import Right
from api.security.requirements import AreaPolicy, requires
from layers.db.database import Session
from layers.plans.schemes import find_scheme
from layers.staff import groups

router = APIRouter(prefix="/v1/schemes/{scheme}/groups", tags=["officers"])

GroupCode = Annotated[str, Path(max_length=60, examples=["P01"])]


@router.get(
    "",
    summary="List groups of cells",
    response_model=Page[schemas.CellGroup],
    responses=problem_responses(404),
)
@requires(Right.read, AreaPolicy.filtered)
def list_groups(
    scheme: SchemeCode,
    caller: Caller,
    database: DatabaseDep,
    page: PageDep,
    at: DayParam = None,
    ended: Annotated[bool, Query(description="Also those that are not there on the day.")] = False,
) -> Response:
    """List the groups of cells in the caller's area, with their cells on a day."""
    with database.read() as session:
        found, next_cursor = groups.list_groups(
            session,
            find_scheme(session, scheme),
            page,
            caller.area_code,
            at or date.today(),
            ended=ended,
        )
        return list_response([group_record(each, scheme) for each in found], next_cursor)


@router.post(
    "",
    summary="Make a group of cells",
    status_code=201,
    response_model=schemas.CellGroup,
    responses=problem_responses(404, 409),
)
@requires(Right.publish, AreaPolicy.checked)
def create(scheme: SchemeCode, body: NewGroup, caller: Caller, write: IdempotentWriteDep) -> Response:
    """Make a group of cells that are in force; a cell is in one group of its scheme at a time."""

    def handler(session: Session) -> WriteResult:
        made = groups.create_group(
            session,
            find_scheme(session, scheme),
            body.code,
            body.name,
            body.cells,
            on=body.on,
            confirmed=body.confirm,
            scope=caller.area_code,
        )
        return audited_result(
            session,
            caller,
            f"group {made.group.id}",
            made.group.area_code,
            group_record(made, scheme),
            location=f"/v1/schemes/{scheme}/groups/{made.group.code}",
            created=True,
        )

    return write(body, handler)


@router.get(
    "/{group}",
    summary="Read a group of cells",
    response_model=schemas.CellGroup,
    responses=problem_responses(404),
)
@requires(Right.read, AreaPolicy.checked)
def read(
    scheme: SchemeCode, group: GroupCode, caller: Caller, database: DatabaseDep, at: DayParam = None
) -> Response:
    """Read a group, with its cells on a day."""
    with database.read() as session:
        found = groups.read_group(
            session, find_scheme(session, scheme), group, caller.area_code, at or date.today()
        )
        record = group_record(found, scheme)
    # Its cells change with plans, so nobody is told that what they have is still right.
    return json_response(record, etag=version_etag(database, record["version"]))


@router.patch(
    "/{group}",
    summary="Change a group of cells",
    response_model=schemas.CellGroup,
    responses=problem_responses(404, 409, 412, 428),
)
@requires(Right.publish, AreaPolicy.checked)
def change(
    scheme: SchemeCode,
    group: GroupCode,
    body: GroupChanges,
    version: IfMatchVersion,
    caller: Caller,
    write: IdempotentWriteDep,
) -> Response:
    """Give a group another name, or other cells from today on."""

    def handler(session: Session) -> WriteResult:
        changed = groups.change_group(
            session,
            find_scheme(session, scheme),
            group,
            version,
            name=body.name,
            cells=body.cells,
            scope=caller.area_code,
        )
        return audited_result(
            session,
            caller,
            f"group {changed.group.id}",
            changed.group.area_code,
            group_record(changed, scheme),
            changed=sorted(body.model_fields_set),
        )

    return write(body, handler)


@router.delete(
    "/{group}",
    summary="End a group of cells",
    response_model=schemas.CellGroup,
    responses=problem_responses(404, 409, 412, 428),
)
@requires(Right.publish, AreaPolicy.checked)
def end(
    scheme: SchemeCode,
    group: GroupCode,
    version: IfMatchVersion,
    caller: Caller,
    write: IdempotentWriteDep,
) -> Response:
    """End a group today, with the posts at it."""

    def handler(session: Session) -> WriteResult:
        found = find_scheme(session, scheme)
        ended, posts = groups.end_group(session, found, group, version, scope=caller.area_code)
        record = group_record(groups.GroupCells(ended, []), scheme)
        return audited_result(
            session, caller, f"group {ended.id}", ended.area_code, record, ended=True, posts=posts
        )

    return write(None, handler)
