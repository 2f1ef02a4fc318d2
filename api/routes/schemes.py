"""`/v1/schemes`: purposes with their rules, which lie side by side over the same ground."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from api import schemas
from api.http.conditional import IfMatchVersion, IfNoneMatch, version_etag
from api.http.dependencies import DatabaseDep
from api.http.idempotency import IdempotentWriteDep, WriteResult
from api.http.pagination import Page, PageDep
from api.http.responses import json_response, list_response
from api.problems import problem_responses
from api.schemas.schemes import scheme_record
from api.security.audit import audited_result
from api.security.caller import Caller
from api.security.principal import Principal, Right
from api.security.requirements import AreaPolicy, requires
from layers.db.database import Session, bump_revision
from layers.models import CoverageMode, Scheme
from layers.plans import schemes as queries

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
    unit_scheme: Annotated[str, Field(max_length=60)] | None = Field(
        default=None,
        examples=[None],
        description="The scheme whose cells are the units of which this one's cells are made.",
    )
    coverage: CoverageMode = Field(
        default=CoverageMode.whole,
        examples=["whole"],
        description="Whether its plans cover their areas whole, or in part, as exclusive zones do.",
    )
    rules: dict[str, Any] = Field(
        default_factory=dict,
        examples=[{"max_distance_m": 50, "out_of_reach": {"distance_m": 800}}],
        description="max_distance_m: entities outside all cells go to the nearest this near; the rules of "
        "gaps: a table for each kind of `/v1/gaps/kinds`, and severity; of each cell caps (the most of each "
        "load, e.g. households), sizes (min_area_m2, max_area_m2, min_units, max_units), kinds (allowed) and "
        "staffing (leaders, officers, backups); approval, four_eyes and profile; of a scheme over units the "
        "table units: min, max, adjacent, one_area.",
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
    unit_scheme: Annotated[str, Field(max_length=60)] | None = Field(
        default=None, examples=[None], description="Another unit scheme, while the scheme has no plans."
    )
    coverage: CoverageMode | None = Field(
        default=None, examples=[None], description="The other mode, while no cells are published."
    )


@router.get("", summary="List schemes", response_model=Page[schemas.Scheme], responses=problem_responses(422))
@requires(Right.read, AreaPolicy.none)
def list_schemes(database: DatabaseDep, page: PageDep) -> Response:
    """List the schemes in the order of their codes."""
    with database.read() as session:
        schemes, next_cursor = queries.list_schemes(session, page)
        return list_response([scheme_record(scheme) for scheme in schemes], next_cursor)


@router.get(
    "/{code}", summary="Read a scheme", response_model=schemas.Scheme, responses=problem_responses(404, 422)
)
@requires(Right.read, AreaPolicy.none)
def read_scheme(code: str, database: DatabaseDep, if_none_match: IfNoneMatch = None) -> Response:
    """Read one scheme."""
    with database.read() as session:
        scheme = queries.find_scheme(session, code)
        return json_response(
            scheme_record(scheme), etag=version_etag(database, scheme.version), if_none_match=if_none_match
        )


@router.post(
    "",
    summary="Create a scheme",
    status_code=201,
    response_model=schemas.Scheme,
    responses=problem_responses(400, 404, 409, 422),
)
@requires(Right.administer, AreaPolicy.unrestricted)
def create(body: NewScheme, caller: Caller, write: IdempotentWriteDep) -> Response:
    """Create a scheme."""

    def handler(session: Session) -> WriteResult:
        scheme = queries.create_scheme(
            session,
            body.code,
            body.name,
            working_crs=body.working_crs,
            rules=body.rules,
            unit_scheme=body.unit_scheme,
            coverage=body.coverage,
        )
        return _result(session, caller, scheme, location=f"/v1/schemes/{scheme.code}", created=True)

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
    """Give a scheme another name or other rules for gaps; its code and CRS stay, since plans depend on them.

    `max_distance_m` and the coverage stay too once cells are published, the unit scheme once there are plans.
    """

    def handler(session: Session) -> WriteResult:
        scheme = queries.change_scheme(
            session,
            code,
            version,
            name=body.name,
            rules=body.rules,
            unit_scheme=body.unit_scheme,
            coverage=body.coverage,
        )
        return _result(session, caller, scheme, changed=sorted(body.model_dump(exclude_none=True)))

    return write(body, handler)


def _result(session: Session, caller: Principal, scheme: Scheme, **details: Any) -> WriteResult:
    """Audit a write to a scheme, which readers follow by the revision, and return its answer."""
    bump_revision(session)
    return audited_result(session, caller, f"scheme {scheme.code}", None, scheme_record(scheme), **details)
