"""What writes of plans answer: a new draft, or the job that does what takes too long for a request."""

from typing import Any

from api import schemas
from api.http.idempotency import WriteResult
from api.jobs.job_requests import JobRequests
from api.schemas.jobs import job_record
from api.schemas.plans import plan_record
from api.security.audit import Action, audit
from api.security.principal import Principal
from layers.db.database import Session
from layers.models import Plan
from layers.plans.queries import scheme_code

JOB_RESPONSE: dict[int | str, dict[str, Any]] = {
    202: {
        "model": schemas.Job,
        "description": "The plan is large, or there are many entities: a job does it. Follow it at Location.",
    }
}


def enqueue(
    session: Session,
    jobs: JobRequests,
    caller: Principal,
    kind: str,
    plan: Plan,
    parameters: dict[str, Any],
) -> WriteResult:
    """Let a job do what takes too long for a request."""
    job = jobs.enqueue(session, caller, kind, parameters, caller.area_code)
    audit(session, caller, Action.record, f"job {job.id}", area_code=plan.area_code, kind=kind, plan=plan.id)
    return WriteResult(job_record(job), 202, location=f"/v1/jobs/{job.id}")


def created_result(session: Session, caller: Principal, plan: Plan) -> WriteResult:
    """Answer with a draft that was made."""
    audit(session, caller, Action.record, f"plan {plan.id}", area_code=plan.area_code, created=True)
    record = plan_record(plan, scheme_code(session, plan))
    return WriteResult(record, 201, plan.version, f"/v1/plans/{plan.id}")
