"""`/v1/plans/{plan_id}`: the way of a plan into force and back, and the history of its steps."""

from collections.abc import Callable
from datetime import date
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Body, Request
from pydantic import Field
from starlette.responses import Response

from api import schemas
from api.http.conditional import IfMatchVersion
from api.http.dependencies import DatabaseDep
from api.http.idempotency import IdempotentWriteDep, WriteResult
from api.http.pagination import Page, PageDep
from api.http.parameters import ConfirmField, PlanId
from api.http.responses import list_response
from api.jobs.job_requests import JobRequestsDep
from api.jobs.plan_results import JOB_RESPONSE, enqueue
from api.problems import problem_responses
from api.schemas.plan_history import history_record
from api.schemas.plans import plan_record, publish_record
from api.security.audit import Action, audit
from api.security.caller import Caller
from api.security.principal import Principal, Right
from api.security.requirements import AreaPolicy, requires
from layers.db.database import Session
from layers.models import Plan
from layers.plans import queries
from layers.plans.history import list_history
from layers.plans.publish import publish, require_publishable
from layers.plans.review import approve_plan, reject_plan, submit_plan, withdraw_plan
from layers.plans.states import is_to_come
from layers.staff.vacancies import count_unstaffed

router = APIRouter(prefix="/v1/plans", tags=["plans"])

_STEP_RESPONSES = problem_responses(400, 403, 404, 409, 412, 422, 428)


class Reason(schemas.RequestModel):
    """Why a step is taken."""

    comment: Annotated[str, Field(max_length=2_000)] | None = Field(
        default=None, examples=["Checked with the street office."]
    )


ReasonBody = Annotated[Reason | None, Body()]


class PublishRequest(schemas.RequestModel):
    """From when a plan is to be in force."""

    on: date = Field(examples=["2026-01-01"], description="The first day.")
    confirm: ConfirmField = False


@router.post(
    "/{plan_id}/submit", summary="Submit a draft", response_model=schemas.Plan, responses=_STEP_RESPONSES
)
@requires(Right.draft, AreaPolicy.checked)
def submit(
    plan_id: PlanId,
    version: IfMatchVersion,
    caller: Caller,
    write: IdempotentWriteDep,
    body: ReasonBody = None,
) -> Response:
    """Hand a valid draft to a publisher."""
    return _review(submit_plan, Action.record, plan_id, version, caller, write, body)


@router.post(
    "/{plan_id}/approve",
    summary="Approve a submitted plan",
    response_model=schemas.Plan,
    responses=_STEP_RESPONSES,
)
@requires(Right.publish, AreaPolicy.checked)
def approve(
    plan_id: PlanId,
    version: IfMatchVersion,
    caller: Caller,
    write: IdempotentWriteDep,
    body: ReasonBody = None,
) -> Response:
    """Find a submitted plan good.

    Where the scheme has the rule `four_eyes`, nobody approves what they made, edited or submitted; where it
    has `approval`, only an approved plan is published.
    """
    return _review(approve_plan, Action.approve, plan_id, version, caller, write, body)


@router.post(
    "/{plan_id}/reject",
    summary="Give a submitted plan back",
    response_model=schemas.Plan,
    responses=_STEP_RESPONSES,
)
@requires(Right.publish, AreaPolicy.checked)
def reject(
    plan_id: PlanId,
    version: IfMatchVersion,
    caller: Caller,
    write: IdempotentWriteDep,
    body: ReasonBody = None,
) -> Response:
    """Make a draft of a submitted or approved plan again."""
    return _review(reject_plan, Action.reject, plan_id, version, caller, write, body)


@router.post(
    "/{plan_id}/withdraw",
    summary="Withdraw a plan",
    response_model=schemas.Plan,
    responses=_STEP_RESPONSES,
)
@requires(Right.draft, AreaPolicy.checked)
def withdraw(
    request: Request,
    plan_id: PlanId,
    version: IfMatchVersion,
    caller: Caller,
    write: IdempotentWriteDep,
    body: ReasonBody = None,
) -> Response:
    """Give up a plan that was never in force; it stays in the list.

    One that is published for a day to come is a draft again, and all is as if it had not been published; that
    takes the right to publish.
    """

    def handler(session: Session) -> WriteResult:
        plan = queries.find_plan(session, plan_id, caller.area_code)
        if is_to_come(plan, date.today()):
            caller.require_right(Right.publish)
        return _take(session, withdraw_plan, Action.record, plan_id, version, caller, body)

    response = write(body, handler)
    _tell_of_plans(request, response)
    return response


@router.post(
    "/{plan_id}/publish",
    summary="Publish a plan",
    response_model=schemas.PublishResult,
    responses=JOB_RESPONSE | _STEP_RESPONSES,
)
@requires(Right.publish, AreaPolicy.checked)
def publish_draft(
    request: Request,
    plan_id: PlanId,
    body: PublishRequest,
    version: IfMatchVersion,
    caller: Caller,
    write: IdempotentWriteDep,
    jobs: JobRequestsDep,
) -> Response:
    """Put a valid plan in force on a date, in one transaction with all assignments.

    The process that answers knows the plan from then on, others within a second. A plan of more than 20,000
    cells, or any plan while there are more than 200,000 entities, is published by a job.
    """

    def handler(session: Session) -> WriteResult:
        plan = require_publishable(
            session,
            plan_id,
            body.on,
            version=version,
            scope=caller.area_code,
            confirmed=body.confirm,
            author=caller.label,
        )
        if queries.is_published_by_job(session, plan):
            given = {
                "plan": plan_id,
                "on": body.on.isoformat(),
                "version": version,
                "role": caller.role,
                "confirm": body.confirm,
            }
            return enqueue(session, jobs, caller, "publish", plan, given)
        publication = publish(
            session,
            plan_id,
            body.on,
            version=version,
            scope=caller.area_code,
            confirmed=body.confirm,
            author=caller.label,
        )
        details = publication.audit_details()
        audit(session, caller, Action.publish, f"plan {plan_id}", area_code=plan.area_code, **details)
        unstaffed = count_unstaffed(session, plan, body.on)
        record = publish_record(plan, queries.scheme_code(session, plan), publication, unstaffed=unstaffed)
        return WriteResult(record, version=plan.version)

    response = write(body, handler)
    _tell_of_plans(request, response)
    return response


@router.get(
    "/{plan_id}/history",
    summary="List the steps of a plan",
    response_model=Page[schemas.PlanStep],
    responses=problem_responses(404, 422),
)
@requires(Right.read, AreaPolicy.checked)
def list_steps(plan_id: PlanId, caller: Caller, database: DatabaseDep, page: PageDep) -> Response:
    """List all that was done to a plan, in order: its edits, and the steps of its way into force."""
    with database.read() as session:
        steps, next_cursor = list_history(
            session, page, queries.find_plan(session, plan_id, caller.area_code)
        )
        return list_response(list(map(history_record, steps)), next_cursor)


def _review(
    step: Callable[..., Plan],
    action: Action,
    plan_id: int,
    version: int,
    caller: Principal,
    write: IdempotentWriteDep,
    body: Reason | None,
) -> Response:
    def handler(session: Session) -> WriteResult:
        return _take(session, step, action, plan_id, version, caller, body)

    return write(body, handler)


def _take(
    session: Session,
    step: Callable[..., Plan],
    action: Action,
    plan_id: int,
    version: int,
    caller: Principal,
    body: Reason | None,
) -> WriteResult:
    comment = None if body is None else body.comment
    plan = step(session, plan_id, version, caller.area_code, author=caller.label, comment=comment)
    audit(session, caller, action, f"plan {plan.id}", area_code=plan.area_code, state=str(plan.state))
    return WriteResult(plan_record(plan, queries.scheme_code(session, plan)), version=plan.version)


def _tell_of_plans(request: Request, response: Response) -> None:
    """Let this process answer by the plans in force at once."""
    # A failure is tried again by the thread that follows the database.
    if response.status_code == HTTPStatus.OK and request.app.state.snapshots.try_refresh():
        request.app.state.tile_sets.wake()
