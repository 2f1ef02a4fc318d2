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
from api.http.conditional import IfNoneMatch, Version, require_version
from api.http.dependencies import Store
from api.http.idempotency import Done, Writing
from api.http.pagination import Page, Paged
from api.http.responses import listing, reply
from api.problems import answers
from api.security.area_scope import within
from api.security.audit import Action, audit
from api.security.caller import Caller
from api.security.personal import Reveal, audit_reveal, masked, reading
from api.security.principal import Principal, Right
from api.security.requirements import Ground, access
from gis.errors import ConflictError, NotFoundError
from layers.models import Cell, Officer, Post, Scheme
from layers.plans.schemes import find_scheme

router = APIRouter(prefix="/v1", tags=["officers"])

Number = Annotated[int, Path(ge=1, le=2**53, examples=[5])]


class OfficerChanges(schemas.Given):
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


class NewPost(schemas.Given):
    """A post to give to an officer."""

    scheme: Annotated[str, Field(max_length=60)] = Field(examples=["community"])
    cell_code: Annotated[str, Field(max_length=100)] = Field(examples=["440305001001001"])
    duty: Literal["leader", "officer", "inspector", "assistant"] = Field(examples=["leader"])
    rank: Literal["A", "B"] = Field(default="A", examples=["A"], description="B is the backup of A.")
    on: date | None = Field(default=None, examples=["2026-01-01"], description="From when.")


def _record(officer: Officer, *, plain: bool = False) -> dict[str, Any]:
    return {
        "id": officer.id,
        "external_id": officer.external_id,
        "area_code": officer.area_code,
        "personal": officer.personal if plain else masked(officer.personal),
        "attributes": officer.attributes,
        "valid_from": officer.valid_from,
        "valid_to": officer.valid_to,
        "version": officer.version,
    }


def _post_record(post: Post, scheme: str) -> dict[str, Any]:
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


def _permitted(session: Session, caller: Principal, officer_id: int, *, writing: bool = False) -> Officer:
    officer = session.get(Officer, officer_id, with_for_update=writing or None)
    if officer is None or not caller.covers(officer.area_code):
        raise NotFoundError(f"There is no officer number {officer_id}.")
    return officer


def _written(session: Session, caller: Principal, officer: Officer, **details: Any) -> Done:
    """Refuse an officer who is now of another area; audit what was done to them, and answer with them."""
    caller.require_area(officer.area_code)
    session.flush()
    audit(session, caller, Action.record, f"officer {officer.id}", area_code=officer.area_code, **details)
    status, location = (201, f"/v1/officers/{officer.id}") if "created" in details else (200, None)
    return Done(_record(officer), status, officer.version, location)


@router.get("/officers", summary="List officers", response_model=Page[schemas.Officer], responses=answers())
@access(Right.read, Ground.filtered)
def officers(
    caller: Caller,
    store: Store,
    asked: Paged,
    ended: Annotated[bool, Query(description="Also those who have left.")] = False,
    reveal: Reveal = False,
) -> Response:
    """List the officers of the caller's area."""
    chosen = select(Officer).where(within(Officer.area_code, caller))
    if not ended:
        chosen = chosen.where(Officer.valid_to.is_(None))
    with reading(store, caller, reveal=reveal) as session:
        rows, follows = asked.rows(session, chosen, Officer.id)
        if reveal:
            audit_reveal(session, caller, "officer", [row.id for (row,) in rows if row.personal])
        return listing([_record(row, plain=reveal) for (row,) in rows], follows)


@router.post(
    "/officers",
    summary="Create an officer",
    status_code=201,
    response_model=schemas.Officer,
    responses=answers(409),
)
@access(Right.publish, Ground.checked)
def create(given: NewOfficer, caller: Caller, once: Writing) -> Response:
    """Create an officer."""
    caller.require_area(given.area_code)

    def deed(session: Session) -> Done:
        if session.scalar(select(Officer.id).where(Officer.external_id == given.external_id)) is not None:
            raise ConflictError(f"There is an officer '{given.external_id}' already.")
        made = Officer(
            external_id=given.external_id,
            area_code=given.area_code,
            personal=given.personal,
            attributes=given.attributes,
            valid_from=given.on or date.today(),
            version=1,
        )
        session.add(made)
        return _written(session, caller, made, created=True)

    return once(given, deed)


@router.get(
    "/officers/{officer_id}",
    summary="Read an officer",
    response_model=schemas.Officer,
    responses=answers(404),
)
@access(Right.read, Ground.checked)
def officer(
    officer_id: Number,
    caller: Caller,
    store: Store,
    reveal: Reveal = False,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Read one officer."""
    with reading(store, caller, reveal=reveal) as session:
        found = _permitted(session, caller, officer_id)
        if reveal and found.personal:
            audit_reveal(session, caller, "officer", [officer_id])
        record, version = _record(found, plain=reveal), found.version
    etag = f'"{version}"'
    return reply(record, etag=etag, unless=None if reveal else if_none_match)


@router.patch(
    "/officers/{officer_id}",
    summary="Change an officer",
    response_model=schemas.Officer,
    responses=answers(404, 409, 412, 428),
)
@access(Right.publish, Ground.checked)
def change(
    officer_id: Number, given: OfficerChanges, version: Version, caller: Caller, once: Writing
) -> Response:
    """Change an officer."""

    def deed(session: Session) -> Done:
        found = _permitted(session, caller, officer_id, writing=True)
        require_version(found.version, version)
        changes = {name: getattr(given, name) for name in given.model_fields_set}
        for name, value in changes.items():
            setattr(found, name, value)
        found.version += 1
        return _written(session, caller, found, changed=sorted(changes))

    return once(given, deed)


@router.delete(
    "/officers/{officer_id}",
    summary="End an officer",
    response_model=schemas.Officer,
    responses=answers(404, 409, 412, 428),
)
@access(Right.publish, Ground.checked)
def end(officer_id: Number, version: Version, caller: Caller, once: Writing) -> Response:
    """Let an officer leave today, and end all posts held."""

    def deed(session: Session) -> Done:
        found = _permitted(session, caller, officer_id, writing=True)
        require_version(found.version, version)
        if found.valid_to is not None:
            raise ConflictError(f"Officer number {officer_id} has left on {found.valid_to}.")
        day = max(date.today(), found.valid_from)
        found.valid_to = day
        found.version += 1
        held = select(Post).where(Post.officer_id == officer_id, Post.valid_to.is_(None))
        for post in session.scalars(held):
            post.valid_to, post.version = max(day, post.valid_from), post.version + 1
        return _written(session, caller, found, ended=True)

    return once(None, deed)


@router.get(
    "/officers/{officer_id}/posts",
    summary="List the posts of an officer",
    response_model=Page[schemas.Post],
    responses=answers(404),
)
@access(Right.read, Ground.checked)
def posts(officer_id: Number, caller: Caller, store: Store) -> Response:
    """List the posts that an officer holds or held."""
    with store.read() as session:
        _permitted(session, caller, officer_id)
        held = (
            select(Post, Scheme.code)
            .join(Scheme, Scheme.id == Post.scheme_id)
            .where(Post.officer_id == officer_id)
            .order_by(Post.id)
        )
        return listing([_post_record(post, scheme) for post, scheme in session.execute(held)])


@router.post(
    "/officers/{officer_id}/posts",
    summary="Give an officer a post",
    status_code=201,
    response_model=schemas.Post,
    responses=answers(404, 409),
)
@access(Right.publish, Ground.checked)
def appoint(officer_id: Number, given: NewPost, caller: Caller, once: Writing) -> Response:
    """Give an officer a post in a cell that is in force."""

    def deed(session: Session) -> Done:
        found = _permitted(session, caller, officer_id, writing=True)
        if found.valid_to is not None:
            raise ConflictError(f"Officer number {officer_id} has left on {found.valid_to}.")
        scheme = find_scheme(session, given.scheme)
        areas = session.scalars(
            select(Cell.area_code).where(
                Cell.scheme_id == scheme.id,
                Cell.code == given.cell_code,
                Cell.valid_from.is_not(None),
                Cell.valid_to.is_(None),
            )
        ).all()
        if not areas or not caller.covers(areas[0]):
            raise NotFoundError(f"There is no cell '{given.cell_code}' in force in scheme '{scheme.code}'.")
        post = Post(
            officer_id=officer_id,
            scheme_id=scheme.id,
            cell_code=given.cell_code,
            duty=given.duty,
            rank=given.rank,
            valid_from=given.on or date.today(),
            version=1,
        )
        session.add(post)
        session.flush()
        audit(session, caller, Action.record, f"post {post.id}", area_code=areas[0], created=True)
        return Done(_post_record(post, scheme.code), 201, post.version, f"/v1/officers/{officer_id}/posts")

    return once(given, deed)


@router.delete(
    "/posts/{post_id}",
    summary="End a post",
    response_model=schemas.Post,
    responses=answers(404, 409, 412, 428),
)
@access(Right.publish, Ground.checked)
def dismiss(post_id: Number, version: Version, caller: Caller, once: Writing) -> Response:
    """End a post today."""

    def deed(session: Session) -> Done:
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
        return Done(_post_record(post, scheme.code), version=post.version)

    return once(None, deed)
