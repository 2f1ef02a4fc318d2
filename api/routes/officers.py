"""`/v1/officers` and their posts: who is responsible for which cells."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field
from starlette.responses import Response

from api import schemas
from api.http.conditional import IfMatchVersion, IfNoneMatch
from api.http.dependencies import DatabaseDep
from api.http.idempotency import IdempotentWriteDep, WriteResult
from api.http.pagination import Page, PageDep
from api.http.parameters import ConfirmField, WholeNumber
from api.http.responses import list_response
from api.problems import problem_responses
from api.schemas.posts import NewOfficerPost, post_record
from api.schemas.staff import ended_officer_record, officer_record
from api.security.accounts import end_access_of
from api.security.audit import audited_result
from api.security.caller import Caller
from api.security.personal import Reveal, list_personal, read_personal
from api.security.principal import Principal, Right
from api.security.requirements import AreaPolicy, requires
from layers.db.database import Session
from layers.models import Officer
from layers.staff import officers, posts

router = APIRouter(prefix="/v1", tags=["officers"])

OfficerId = Annotated[WholeNumber, Path(ge=1, le=2**53, examples=[5])]


class OfficerChanges(schemas.RequestModel):
    """What can be changed of an officer; what is not given stays."""

    area_code: Annotated[str, Field(max_length=100)] | None = Field(default=None, examples=["440305"])
    personal: dict[str, Any] = Field(
        default_factory=dict, examples=[{"name": "李雷", "phone": "13800001234"}]
    )
    attributes: dict[str, Any] = Field(default_factory=dict, examples=[{}])


class NewOfficer(OfficerChanges):
    """An officer to create."""

    external_id: Annotated[str, Field(min_length=1, max_length=200)] = Field(examples=["G-0005"])
    on: date | None = Field(
        default=None, examples=["2026-01-01"], description="From when; today when not given."
    )
    confirm: ConfirmField = False


def _to_record(officer: Officer, plain: bool = False) -> dict[str, Any]:
    return officer_record(officer, plain=plain)


def _result(session: Session, caller: Principal, officer: Officer, **details: Any) -> WriteResult:
    return audited_result(
        session, caller, f"officer {officer.id}", officer.area_code, _to_record(officer), **details
    )


@router.get(
    "/officers", summary="List officers", response_model=Page[schemas.Officer], responses=problem_responses()
)
@requires(Right.read, AreaPolicy.filtered)
def list_officers(
    caller: Caller,
    database: DatabaseDep,
    page: PageDep,
    ended: Annotated[bool, Query(description="Also those who have left.")] = False,
    reveal: Reveal = False,
) -> Response:
    """List the officers of the caller's area."""
    return list_personal(
        database,
        caller,
        "officer",
        lambda session: officers.list_officers(session, page, caller.area_code, ended=ended),
        _to_record,
        reveal=reveal,
    )


@router.post(
    "/officers",
    summary="Create an officer",
    status_code=201,
    response_model=schemas.Officer,
    responses=problem_responses(409),
)
@requires(Right.publish, AreaPolicy.checked)
def create(body: NewOfficer, caller: Caller, write: IdempotentWriteDep) -> Response:
    """Create an officer."""
    caller.require_area(body.area_code)

    def handler(session: Session) -> WriteResult:
        made = officers.create_officer(
            session,
            body.external_id,
            area_code=body.area_code,
            personal=body.personal,
            attributes=body.attributes,
            on=body.on,
            confirmed=body.confirm,
            scope=caller.area_code,
        )
        return _result(session, caller, made, location=f"/v1/officers/{made.id}", created=True)

    return write(body, handler)


@router.get(
    "/officers/{officer_id}",
    summary="Read an officer",
    response_model=schemas.Officer,
    responses=problem_responses(404),
)
@requires(Right.read, AreaPolicy.checked)
def read_officer(
    officer_id: OfficerId,
    caller: Caller,
    database: DatabaseDep,
    reveal: Reveal = False,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Read one officer."""
    return read_personal(
        database,
        caller,
        "officer",
        lambda session: officers.find_officer(session, officer_id, caller.area_code),
        _to_record,
        reveal=reveal,
        if_none_match=if_none_match,
    )


@router.patch(
    "/officers/{officer_id}",
    summary="Change an officer",
    response_model=schemas.Officer,
    responses=problem_responses(404, 409, 412, 428),
)
@requires(Right.publish, AreaPolicy.checked)
def change(
    officer_id: OfficerId,
    body: OfficerChanges,
    version: IfMatchVersion,
    caller: Caller,
    write: IdempotentWriteDep,
) -> Response:
    """Change an officer."""

    def handler(session: Session) -> WriteResult:
        changes = {name: getattr(body, name) for name in body.model_fields_set}
        officer = officers.change_officer(session, officer_id, version, changes, scope=caller.area_code)
        return _result(session, caller, officer, changed=sorted(changes))

    return write(body, handler)


@router.delete(
    "/officers/{officer_id}",
    summary="End an officer",
    response_model=schemas.EndedOfficer,
    responses=problem_responses(404, 409, 412, 428),
)
@requires(Right.publish, AreaPolicy.checked)
def end(
    officer_id: OfficerId, version: IfMatchVersion, caller: Caller, write: IdempotentWriteDep
) -> Response:
    """Let an officer leave today, and end the posts held, the officer's accounts, tokens and sessions."""

    def handler(session: Session) -> WriteResult:
        ended = officers.end_officer(session, officer_id, version, scope=caller.area_code)
        access = end_access_of(session, caller, officer_id)
        record = ended_officer_record(ended, **access._asdict())
        return audited_result(
            session, caller, f"officer {officer_id}", ended.officer.area_code, record, ended=record["ended"]
        )

    return write(None, handler)


@router.get(
    "/officers/{officer_id}/posts",
    summary="List the posts of an officer",
    response_model=Page[schemas.Post],
    responses=problem_responses(404),
)
@requires(Right.read, AreaPolicy.checked)
def list_posts(officer_id: OfficerId, caller: Caller, database: DatabaseDep) -> Response:
    """List the posts that an officer holds or held."""
    with database.read() as session:
        officer = officers.find_officer(session, officer_id, caller.area_code)
        posts_held = posts.list_posts(session, officer, caller.area_code)
        return list_response([post_record(each) for each in posts_held])


@router.post(
    "/officers/{officer_id}/posts",
    summary="Give an officer a post",
    status_code=201,
    response_model=schemas.Post,
    responses=problem_responses(404, 409),
)
@requires(Right.publish, AreaPolicy.checked)
def appoint(
    officer_id: OfficerId, body: NewOfficerPost, caller: Caller, write: IdempotentWriteDep
) -> Response:
    """Give an officer a post at a place: a cell, a group of cells, an area, or an entity."""

    def handler(session: Session) -> WriteResult:
        made = officers.appoint_officer(
            session,
            officer_id,
            scope=caller.area_code,
            **body.details(),
        )
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
