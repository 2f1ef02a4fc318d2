"""`/v1/plans/{plan_id}/conform`: whether a plan follows a standard, clause by clause."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from api import schemas
from api.http.dependencies import DatabaseDep
from api.http.parameters import PlanId
from api.http.responses import json_response
from api.messages import caller_language
from api.problems import problem_responses
from api.schemas.certificates import certificate_record
from api.security.caller import Caller
from api.security.principal import Right
from api.security.requirements import AreaPolicy, requires
from gis.errors import InputError, LimitError
from gis.profiles import load_profile
from layers.plans import queries
from layers.plans.conform import certify_plan
from layers.plans.schemes import find_scheme, scheme_profile

router = APIRouter(prefix="/v1/plans", tags=["plans"])


@router.get(
    "/{plan_id}/conform",
    summary="Certify that a plan follows a standard",
    response_model=schemas.Certificate,
    responses=problem_responses(404, 413, 422),
)
@requires(Right.read, AreaPolicy.checked)
def read_certificate(
    plan_id: PlanId,
    caller: Caller,
    database: DatabaseDep,
    profile: Annotated[
        str | None,
        Query(
            max_length=60,
            description="The standard, such as gbt47678 or plain; that of the scheme's rules if not given.",
            examples=["gbt47678"],
        ),
    ] = None,
    language: Annotated[
        Literal["zh", "en"] | None,
        Query(description="Of the sentences; that of Accept-Language if not given."),
    ] = None,
) -> Response:
    """Judge the cells of a plan clause by clause, and list what breaks each.

    The clauses are looked at now; nothing is stored. A plan of more than 20,000 cells is too large for it.
    """
    with database.read() as session:
        plan = queries.find_plan(session, plan_id, caller.area_code)
        scheme = queries.scheme_code(session, plan)
        chosen = load_profile(profile) if profile else scheme_profile(find_scheme(session, scheme))
        if chosen is None:
            raise InputError(
                f"The rules of scheme '{scheme}' name no profile to judge the plan by; "
                "give the parameter profile."
            )
        if queries.is_checked_by_job(session, plan):
            raise LimitError(
                f"This plan has more than {queries.MAX_REQUEST_CELLS:,} cells, too many to certify in a "
                "request; export its cells and run wangge conform."
            )
        certificate = certify_plan(session, plan, chosen)
    words = language or caller_language()
    return json_response(certificate_record(certificate, words))
