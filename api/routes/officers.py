"""`/v1/officers` and their posts: who is responsible for which cells.

Names and phones are masked unless the caller may see them and asks to; each time is audited.
"""

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from api import schemas
from api.http.conditional import IfMatchVersion, IfNoneMatch, require_version
from api.http.dependencies import DatabaseDep
from api.http.idempotency import IdempotentWriteDep, WriteResult
from api.http.pagination import Page, PageDep
from api.http.responses import json_response, list_response
from api.problems import problem_responses
from api.security.area_scope import in_area_scope
from api.security.audit import Action, audit
from api.security.caller import Caller
from api.security.personal import Reveal, audit_reveal, mask_personal, open_read_session
from api.security.principal import Principal, Right
from api.security.requirements import AreaPolicy, requires
from gis.errors import ConflictError, NotFoundError
from layers.models import Cell, Officer, Post, Scheme
from layers.plans.schemes import find_scheme

router = APIRouter(prefix="/v1", tags=["officers"])

OfficerId = Annotated[int, Path(ge=1, le=2**53, examples=[5])]


class OfficerChanges(schemas.RequestModel):
    """What of an officer can be changed; what is not given stays."""

    area_code: Annotated[str, Field(max_length=100)] | None = Field(default=None, examples=["440305"])
    personal: dict[str, Any] = Field(
        default_factory=dict, examples=[{"name": "李雷", "phone": "13800001234"}]
    )
    attributes: dict[str, Any] = Field(default_factory=dict, examples=[{}])


class NewOfficer(OfficerChanges):
    """An officer to create."""

    external_id: Annotated[str, Field(min_length=1, max_length=200)] = Field(examples=["G-0005"])
    on: date | None = Field(default=None, examples=["2026-01-01"], description="From when.")


class NewPost(schemas.RequestModel):
    """A post to give to an officer."""

    scheme: Annotated[str, Field(max_length=60)] = Field(examples=["community"])
    cell_code: Annotated[str, Field(max_length=100)] = Field(examples=["440305001001001"])
    duty: Literal["leader", "officer", "inspector", "assistant"] = Field(examples=["leader"])
    rank: Literal["A", "B"] = Field(default="A", examples=["A"], description="B is the backup of A.")
    on: date | None = Field(default=None, examples=["2026-01-01"], description="From when.")


def _serialize_officer(officer: Officer, *, plain: bool = False) -> dict[str, Any]:
    return {
        "id": officer.id,
        "external_id": officer.external_id,
        "area_code": officer.area_code,
        "personal": officer.personal if plain else mask_personal(officer.personal),
        "attributes": officer.attributes,
        "valid_from": officer.valid_from,
        "valid_to": officer.valid_to,
        "version": officer.version,
    }


def _serialize_post(post: Post, scheme: str) -> dict[str, Any]:
    return {
        "id": post.id,
        "officer_id": post.officer_id,
        "scheme": scheme,
        "cell_code": post.cell_code,
        "duty": post.duty,
        "rank": post.rank,
        "valid_from": post.valid_from,
        "valid_to": post.valid_to,
        "version": post.version,
    }


def _find_permitted(
    session: Session, caller: Principal, officer_id: int, *, for_update: bool = False
) -> Officer:
    officer = session.get(Officer, officer_id, with_for_update=for_update or None)
    if officer is None or not caller.covers(officer.area_code):
        raise NotFoundError(f"There is no officer number {officer_id}.")
    return officer


def _audited_result(session: Session, caller: Principal, officer: Officer, **details: Any) -> WriteResult:
    """Refuse an officer who is now of another area; audit what was done to them, and answer with them."""
    caller.require_area(officer.area_code)
    session.flush()
    audit(session, caller, Action.record, f"officer {officer.id}", area_code=officer.area_code, **details)
    status, location = (201, f"/v1/officers/{officer.id}") if "created" in details else (200, None)
    return WriteResult(_serialize_officer(officer), status, officer.version, location)


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
    statement = select(Officer).where(in_area_scope(Officer.area_code, caller))
    if not ended:
        statement = statement.where(Officer.valid_to.is_(None))
    with open_read_session(database, caller, reveal=reveal) as session:
        rows, next_cursor = page.fetch(session, statement, Officer.id)
        if reveal:
            audit_reveal(session, caller, "officer", [row.id for (row,) in rows if row.personal])
        return list_response([_serialize_officer(row, plain=reveal) for (row,) in rows], next_cursor)


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
        if session.scalar(select(Officer.id).where(Officer.external_id == body.external_id)) is not None:
            raise ConflictError(f"There is an officer '{body.external_id}' already.")
        made = Officer(
            external_id=body.external_id,
            area_code=body.area_code,
            personal=body.personal,
            attributes=body.attributes,
            valid_from=body.on or date.today(),
            version=1,
        )
        session.add(made)
        return _audited_result(session, caller, made, created=True)

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
    with open_read_session(database, caller, reveal=reveal) as session:
        found = _find_permitted(session, caller, officer_id)
        if reveal and found.personal:
            audit_reveal(session, caller, "officer", [officer_id])
        record, version = _serialize_officer(found, plain=reveal), found.version
    etag = f'"{version}"'
    return json_response(record, etag=etag, if_none_match=None if reveal else if_none_match)


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
        found = _find_permitted(session, caller, officer_id, for_update=True)
        require_version(found.version, version)
        changes = {name: getattr(body, name) for name in body.model_fields_set}
        for name, value in changes.items():
            setattr(found, name, value)
        found.version += 1
        return _audited_result(session, caller, found, changed=sorted(changes))

    return write(body, handler)


@router.delete(
    "/officers/{officer_id}",
    summary="End an officer",
    response_model=schemas.Officer,
    responses=problem_responses(404, 409, 412, 428),
)
@requires(Right.publish, AreaPolicy.checked)
def end(
    officer_id: OfficerId, version: IfMatchVersion, caller: Caller, write: IdempotentWriteDep
) -> Response:
    """Let an officer leave today, and end all posts held."""

    def handler(session: Session) -> WriteResult:
        found = _find_permitted(session, caller, officer_id, for_update=True)
        require_version(found.version, version)
        if found.valid_to is not None:
            raise ConflictError(f"Officer number {officer_id} has left on {found.valid_to}.")
        day = max(date.today(), found.valid_from)
        found.valid_to = day
        found.version += 1
        statement = select(Post).where(Post.officer_id == officer_id, Post.valid_to.is_(None))
        for post in session.scalars(statement):
            post.valid_to, post.version = max(day, post.valid_from), post.version + 1
        return _audited_result(session, caller, found, ended=True)

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
        _find_permitted(session, caller, officer_id)
        statement = (
            select(Post, Scheme.code)
            .join(Scheme, Scheme.id == Post.scheme_id)
            .where(Post.officer_id == officer_id)
            .order_by(Post.id)
        )
        return list_response([_serialize_post(post, scheme) for post, scheme in session.execute(statement)])


@router.post(
    "/officers/{officer_id}/posts",
    summary="Give an officer a post",
    status_code=201,
    response_model=schemas.Post,
    responses=problem_responses(404, 409),
)
@requires(Right.publish, AreaPolicy.checked)
def appoint(officer_id: OfficerId, body: NewPost, caller: Caller, write: IdempotentWriteDep) -> Response:
    """Give an officer a post in a cell that is in force."""

    def handler(session: Session) -> WriteResult:
        found = _find_permitted(session, caller, officer_id, for_update=True)
        if found.valid_to is not None:
            raise ConflictError(f"Officer number {officer_id} has left on {found.valid_to}.")
        scheme = find_scheme(session, body.scheme)
        area_codes = session.scalars(
            select(Cell.area_code).where(
                Cell.scheme_id == scheme.id,
                Cell.code == body.cell_code,
                Cell.valid_from.is_not(None),
                Cell.valid_to.is_(None),
            )
        ).all()
        if not area_codes or not caller.covers(area_codes[0]):
            raise NotFoundError(f"There is no cell '{body.cell_code}' in force in scheme '{scheme.code}'.")
        post = Post(
            officer_id=officer_id,
            scheme_id=scheme.id,
            cell_code=body.cell_code,
            duty=body.duty,
            rank=body.rank,
            valid_from=body.on or date.today(),
            version=1,
        )
        session.add(post)
        session.flush()
        audit(session, caller, Action.record, f"post {post.id}", area_code=area_codes[0], created=True)
        return WriteResult(
            _serialize_post(post, scheme.code), 201, post.version, f"/v1/officers/{officer_id}/posts"
        )

    return write(body, handler)


@router.delete(
    "/posts/{post_id}",
    summary="End a post",
    response_model=schemas.Post,
    responses=problem_responses(404, 409, 412, 428),
)
@requires(Right.publish, AreaPolicy.checked)
def dismiss(
    post_id: OfficerId, version: IfMatchVersion, caller: Caller, write: IdempotentWriteDep
) -> Response:
    """End a post today."""

    def handler(session: Session) -> WriteResult:
        post = session.get(Post, post_id, with_for_update=True)
        if post is None:
            raise NotFoundError(f"There is no post number {post_id}.")
        holder = session.get_one(Officer, post.officer_id)
        if not caller.covers(holder.area_code):
            raise NotFoundError(f"There is no post number {post_id}.")
        require_version(post.version, version)
        if post.valid_to is not None:
            raise ConflictError(f"Post number {post_id} has ended on {post.valid_to}.")
        post.valid_to = max(date.today(), post.valid_from)
        post.version += 1
        session.flush()
        audit(session, caller, Action.record, f"post {post_id}", area_code=holder.area_code, ended=True)
        scheme = session.get_one(Scheme, post.scheme_id)
        return WriteResult(_serialize_post(post, scheme.code), version=post.version)

    return write(None, handler)
