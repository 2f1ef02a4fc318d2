"""`/v1/plans/{plan_id}/conform`: whether a plan follows a standard, clause by clause."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from api import schemas
from api.http.dependencies import DatabaseDep
from api.http.idempotency import IdempotentWriteDep, WriteResult
from api.http.parameters import PlanId
from api.http.responses import json_response
from api.jobs.job_requests import JobRequestsDep
from api.jobs.plan_results import enqueue
from api.messages import caller_language
from api.problems import problem_responses
from api.schemas.certificates import certificate_record
from api.security.caller import Caller
from api.security.principal import Right
from api.security.requirements import AreaPolicy, requires
from gis.errors import LimitError
from layers.db.database import Session
from layers.plans import queries
from layers.plans.conform import certify_plan, chosen_profile

ProfileName = Annotated[
    str | None,
    Query(
        max_length=60,
        description="The standard, such as gbt47678 or plain; that of the scheme's rules if not given.",
        examples=["gbt47678"],
    ),
]
SentenceLanguage = Annotated[
    Literal["zh", "en"] | None,
    Query(description="Of the sentences; that of Accept-Language if not given."),
]

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
    profile: ProfileName = None,
    language: SentenceLanguage = None,
) -> Response:
    """Judge the cells of a plan clause by clause, and list what breaks each.

    The clauses are looked at now; nothing is stored. A plan of more than 20,000 cells is certified by a job
    (POST).
    """
    with database.read() as session:
        plan = queries.find_plan(session, plan_id, caller.area_code)
        chosen = chosen_profile(session, plan, profile)
        if queries.is_checked_by_job(session, plan):
            raise LimitError(
                f"This plan has more than {queries.MAX_REQUEST_CELLS:,} cells, too many to certify in a "
                "request; POST to the same address lets a job certify it."
            )
        certificate = certify_plan(session, plan, chosen)
    words = language or caller_language()
    return json_response(certificate_record(certificate, words))


@router.post(
    "/{plan_id}/conform",
    summary="Certify that a plan follows a standard, by a job",
    status_code=202,
    response_model=schemas.Job,
    responses=problem_responses(400, 404, 409, 422),
)
@requires(Right.draft, AreaPolicy.checked)
def run_certification(
    plan_id: PlanId,
    caller: Caller,
    write: IdempotentWriteDep,
    jobs: JobRequestsDep,
    profile: ProfileName = None,
    language: SentenceLanguage = None,
) -> Response:
    """Let a job judge the cells of a plan of any size; its result is the certificate."""
    words = language or caller_language()

    def handler(session: Session) -> WriteResult:
        plan = queries.find_plan(session, plan_id, caller.area_code)
        chosen_profile(session, plan, profile)
        given = {"plan": plan_id, "profile": profile, "language": words}
        return enqueue(session, jobs, caller, "conform", plan, given)

    return write(None, handler)
