"""`/v1/schemes`: purposes with their rules, which lie side by side over the same ground."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from api import schemas
from api.http.conditional import IfMatchVersion, IfNoneMatch
from api.http.dependencies import DatabaseDep
from api.http.idempotency import IdempotentWriteDep, WriteResult
from api.http.pagination import Page, PageDep
from api.http.responses import json_response, list_response
from api.problems import problem_responses
from api.security.audit import Action, audit
from api.security.caller import Caller
from api.security.principal import Right
from api.security.requirements import AreaPolicy, requires
from layers.db.database import bump_revision
from layers.db.versions import require_version
from layers.models import Scheme
from layers.plans.schemes import create_scheme, find_scheme, gap_rules, update_rules

router = APIRouter(prefix="/v1/schemes", tags=["schemes"])


class NewScheme(schemas.RequestModel):
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
        "of gaps: a table for each kind of `/v1/gaps/kinds`, and severity.",
    )


class SchemeChanges(schemas.RequestModel):
    """What of a scheme can be changed; what is not given stays."""

    name: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None, examples=["社区网格"]
    )
    rules: dict[str, Any] | None = Field(
        default=None,
        examples=[{"out_of_reach": {"distance_m": 800}, "severity": {"high_households": 50}}],
        description="Each rule named replaces the one of its name; null takes it away: the default holds.",
    )


def _serialize_scheme(scheme: Scheme) -> dict[str, Any]:
    return {
        "id": scheme.id,
        "code": scheme.code,
        "name": scheme.name,
        "working_crs": scheme.working_crs,
        "rules": scheme.rules,
        "gap_rules": gap_rules(scheme).to_mapping(),
        "created_at": scheme.created_at,
        "version": scheme.version,
    }


@router.get("", summary="List schemes", response_model=Page[schemas.Scheme], responses=problem_responses(422))
@requires(Right.read, AreaPolicy.none)
def list_schemes(database: DatabaseDep, page: PageDep) -> Response:
    """List the schemes in the order of their codes."""
    with database.read() as session:
        rows, next_cursor = page.fetch(session, select(Scheme), Scheme.code)
        return list_response([_serialize_scheme(each) for (each,) in rows], next_cursor)


@router.get(
    "/{code}", summary="Read a scheme", response_model=schemas.Scheme, responses=problem_responses(404, 422)
)
@requires(Right.read, AreaPolicy.none)
def read_scheme(code: str, database: DatabaseDep, if_none_match: IfNoneMatch = None) -> Response:
    """Read one scheme."""
    with database.read() as session:
        found = find_scheme(session, code)
        return json_response(_serialize_scheme(found), etag=f'"{found.version}"', if_none_match=if_none_match)


@router.post(
    "",
    summary="Create a scheme",
    status_code=201,
    response_model=schemas.Scheme,
    responses=problem_responses(400, 409, 422),
)
@requires(Right.administer, AreaPolicy.unrestricted)
def create(body: NewScheme, caller: Caller, write: IdempotentWriteDep) -> Response:
    """Create a scheme."""

    def handler(session: Session) -> WriteResult:
        made = create_scheme(session, body.code, body.name, working_crs=body.working_crs, rules=body.rules)
        audit(session, caller, Action.record, f"scheme {made.code}", created=True)
        bump_revision(session)
        return WriteResult(_serialize_scheme(made), 201, made.version, f"/v1/schemes/{made.code}")

    return write(body, handler)


@router.patch(
    "/{code}",
    summary="Change a scheme",
    response_model=schemas.Scheme,
    responses=problem_responses(400, 404, 409, 412, 422, 428),
)
@requires(Right.administer, AreaPolicy.unrestricted)
def change(
    code: str, body: SchemeChanges, version: IfMatchVersion, caller: Caller, write: IdempotentWriteDep
) -> Response:
    """Give a scheme another name or other rules for gaps; its code and CRS stay, for plans depend on them.

    `max_distance_m` stays too once cells are published.
    """

    def handler(session: Session) -> WriteResult:
        found = find_scheme(session, code)
        session.refresh(found, with_for_update=True)
        require_version(found.version, version)
        if body.name is not None:
            found.name = body.name
        if body.rules is not None:
            update_rules(session, found, body.rules)
        found.version += 1
        session.flush()
        changed = sorted(body.model_dump(exclude_none=True))
        audit(session, caller, Action.record, f"scheme {code}", changed=changed)
        bump_revision(session)
        return WriteResult(_serialize_scheme(found), version=found.version)

    return write(body, handler)
