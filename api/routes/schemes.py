"""`/v1/schemes`: purposes with their rules, which lie side by side over the same ground."""

from typing import Annotated, Any

from fastapi import APIRouter
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
from api.security.audit import Action, audit
from api.security.caller import Caller
from api.security.principal import Right
from api.security.requirements import Ground, access
from layers.db.database import bump_revision
from layers.models import Scheme
from layers.plans.schemes import change_rules, create_scheme, find_scheme, gap_rules

router = APIRouter(prefix="/v1/schemes", tags=["schemes"])


class NewScheme(schemas.Given):
    """A scheme to create."""

    code: Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[0-9A-Za-z][0-9A-Za-z_.-]*$")] = Field(
        examples=["community"]
    )
    name: Annotated[str, Field(min_length=1, max_length=200)] = Field(examples=["社区网格"])
    working_crs: Annotated[str, Field(max_length=100)] | None = Field(
        default=None, examples=["EPSG:4547"], description="Metric; chosen from the areas when not given."
    )
    rules: dict[str, Any] = Field(
        default_factory=dict,
        examples=[{"max_distance_m": 50, "out_of_reach": {"distance_m": 800}}],
        description="max_distance_m: entities outside all cells go to the nearest this near; and the rules "
        "of gaps: blank, overlap, unassigned, out_of_reach, severity.",
    )


class SchemeChanges(schemas.Given):
    """What of a scheme can be changed; what is not given stays."""

    name: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None, examples=["社区网格"]
    )
    rules: dict[str, Any] | None = Field(
        default=None,
        examples=[{"out_of_reach": {"distance_m": 800}, "severity": {"high_households": 50}}],
        description="Each rule named replaces the one of its name; null takes it away: the default holds.",
    )


def _record(scheme: Scheme) -> dict[str, Any]:
    return {
        "id": scheme.id,
        "code": scheme.code,
        "name": scheme.name,
        "working_crs": scheme.working_crs,
        "rules": scheme.rules,
        "gap_rules": gap_rules(scheme).tables(),
        "created_at": scheme.created_at,
        "version": scheme.version,
    }


@router.get("", summary="List schemes", response_model=Page[schemas.Scheme], responses=answers(422))
@access(Right.read, Ground.none)
def schemes(store: Store, asked: Paged) -> Response:
    """List the schemes in the order of their codes."""
    with store.read() as session:
        rows, follows = asked.rows(session, select(Scheme), Scheme.code)
        return listing([_record(each) for (each,) in rows], follows)


@router.get("/{code}", summary="Read a scheme", response_model=schemas.Scheme, responses=answers(404, 422))
@access(Right.read, Ground.none)
def scheme(code: str, store: Store, if_none_match: IfNoneMatch = None) -> Response:
    """Read one scheme."""
    with store.read() as session:
        found = find_scheme(session, code)
        return reply(_record(found), etag=f'"{found.version}"', unless=if_none_match)


@router.post(
    "",
    summary="Create a scheme",
    status_code=201,
    response_model=schemas.Scheme,
    responses=answers(400, 409, 422),
)
@access(Right.administer, Ground.everywhere)
def create(given: NewScheme, caller: Caller, once: Writing) -> Response:
    """Create a scheme."""

    def deed(session: Session) -> Done:
        made = create_scheme(
            session, given.code, given.name, working_crs=given.working_crs, rules=given.rules
        )
        audit(session, caller, Action.record, f"scheme {made.code}", created=True)
        bump_revision(session)
        return Done(_record(made), 201, made.version, f"/v1/schemes/{made.code}")

    return once(given, deed)


@router.patch(
    "/{code}",
    summary="Change a scheme",
    response_model=schemas.Scheme,
    responses=answers(400, 404, 409, 412, 422, 428),
)
@access(Right.administer, Ground.everywhere)
def change(code: str, given: SchemeChanges, version: Version, caller: Caller, once: Writing) -> Response:
    """Give a scheme another name or other rules for gaps; its code and CRS stay, for plans depend on them.

    `max_distance_m` stays too once cells are published.
    """

    def deed(session: Session) -> Done:
        found = find_scheme(session, code)
        session.refresh(found, with_for_update=True)
        require_version(found.version, version)
        if given.name is not None:
            found.name = given.name
        if given.rules is not None:
            change_rules(session, found, given.rules)
        found.version += 1
        session.flush()
        changed = sorted(given.model_dump(exclude_none=True))
        audit(session, caller, Action.record, f"scheme {code}", changed=changed)
        bump_revision(session)
        return Done(_record(found), version=found.version)

    return once(given, deed)
