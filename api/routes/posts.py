"""`/v1/posts`: what officers are at places of every level, given, changed and ended."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api import schemas
from api.http.conditional import IfMatchVersion, IfNoneMatch, version_etag
from api.http.dependencies import DatabaseDep
from api.http.idempotency import IdempotentWriteDep, WriteResult
from api.http.pagination import Page, PageDep
from api.http.parameters import WholeNumber
from api.http.responses import json_response, list_response
from api.problems import problem_responses
from api.schemas.posts import NewPost, PostChanges, post_record
from api.security.audit import audited_result
from api.security.caller import Caller
from api.security.principal import Right
from api.security.requirements import AreaPolicy, requires
from layers.db.database import Session
from layers.staff import posts
from layers.staff.officers import appoint_officer
from layers.staff.places import Level
from layers.staff.posts import Duty, PostFilters

router = APIRouter(prefix="/v1/posts", tags=["officers"])

PostId = Annotated[WholeNumber, Path(ge=1, le=2**53, examples=[9])]
_Code = Annotated[str | None, Query(max_length=100)]


@router.get("", summary="List posts", response_model=Page[schemas.Post], responses=problem_responses(404))
@requires(Right.read, AreaPolicy.filtered)
def list_posts(
    caller: Caller,
    database: DatabaseDep,
    page: PageDep,
    scheme: Annotated[str | None, Query(max_length=60, examples=["community"])] = None,
    level: Annotated[Level | None, Query(examples=["area"])] = None,
    cell_code: Annotated[_Code, Query(examples=["440305001001001"])] = None,
    group: Annotated[_Code, Query(examples=["P01"], description="The code of a group of cells.")] = None,
    area_code: Annotated[_Code, Query(examples=["440305001"], description="Posts at an area itself.")] = None,
    entity_id: Annotated[WholeNumber | None, Query(ge=1, le=2**53, examples=[17])] = None,
    officer_id: Annotated[WholeNumber | None, Query(ge=1, le=2**53, examples=[5])] = None,
    duty: Annotated[Duty | None, Query(examples=["leader"])] = None,
    at: Annotated[date | None, Query(description="Those held on a day.", examples=["2026-03-01"])] = None,
    ended: Annotated[bool, Query(description="Also those that have ended.")] = False,
    due_by: Annotated[
        date | None,
        Query(
            description="Those whose rotation is due by a day: held as long as the rule rotation_months of "
            "their scheme allows.",
            examples=["2026-12-31"],
        ),
    ] = None,
) -> Response:
    """List the posts of the officers of the caller's area, in the order in which they were given."""
    filters = PostFilters(
        scheme=scheme,
        level=level,
        cell_code=cell_code,
        group=group,
        area_code=area_code,
        entity_id=entity_id,
        officer_id=officer_id,
        duty=duty,
        on=at,
        ended=ended,
        due_by=due_by,
    )
    with database.read() as session:
        found, next_cursor = posts.list_all_posts(session, page, caller.area_code, filters)
        return list_response([post_record(each) for each in found], next_cursor)


@router.post(
    "",
    summary="Give an officer a post",
    status_code=201,
    response_model=schemas.Post,
    responses=problem_responses(404, 409),
)
@requires(Right.publish, AreaPolicy.checked)
def create(body: NewPost, caller: Caller, write: IdempotentWriteDep) -> Response:
    """Give an officer a post at a place: a cell, a group of cells, an area, or an entity."""

    def handler(session: Session) -> WriteResult:
        made = appoint_officer(session, body.officer_id, scope=caller.area_code, **body.details())
        return audited_result(
            session,
            caller,
            f"post {made.post.id}",
            made.area_code,
            post_record(made),
            location=f"/v1/posts/{made.post.id}",
            created=True,
        )

    return write(body, handler)


@router.get(
    "/{post_id}", summary="Read a post", response_model=schemas.Post, responses=problem_responses(404)
)
@requires(Right.read, AreaPolicy.checked)
def read_post(
    post_id: PostId, caller: Caller, database: DatabaseDep, if_none_match: IfNoneMatch = None
) -> Response:
    """Read a post of an officer of the caller's area."""
    with database.read() as session:
        record = post_record(posts.find_post(session, post_id, caller.area_code))
    etag = version_etag(database, record["version"])
    return json_response(record, etag=etag, if_none_match=if_none_match)


@router.patch(
    "/{post_id}",
    summary="Change a post",
    response_model=schemas.Post,
    responses=problem_responses(404, 409, 412, 428),
)
@requires(Right.publish, AreaPolicy.checked)
def change(
    post_id: PostId, body: PostChanges, version: IfMatchVersion, caller: Caller, write: IdempotentWriteDep
) -> Response:
    """Change what a post publishes, whether it is part-time, or on which day to come it ends."""

    def handler(session: Session) -> WriteResult:
        changes = {name: getattr(body, name) for name in body.model_fields_set}
        changed = posts.change_post(session, post_id, version, changes, scope=caller.area_code)
        return audited_result(
            session,
            caller,
            f"post {post_id}",
            changed.area_code,
            post_record(changed),
            changed=sorted(changes),
        )

    return write(body, handler)


@router.delete(
    "/{post_id}",
    summary="End a post",
    response_model=schemas.Post,
    responses=problem_responses(404, 409, 412, 428),
)
@requires(Right.publish, AreaPolicy.checked)
def dismiss(post_id: PostId, version: IfMatchVersion, caller: Caller, write: IdempotentWriteDep) -> Response:
    """End a post today."""

    def handler(session: Session) -> WriteResult:
        ended = posts.end_post(session, post_id, version, scope=caller.area_code)
        return audited_result(
            session, caller, f"post {post_id}", ended.area_code, post_record(ended), ended=True
        )

    return write(None, handler)
