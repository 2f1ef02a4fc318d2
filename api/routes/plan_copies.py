"""`/v1/plans/{plan_id}/copy` and `/revert`: drafts made from another plan."""

from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import Field
from starlette.responses import Response

from api import schemas
from api.http.idempotency import IdempotentWriteDep, WriteResult
from api.http.parameters import PlanId
from api.jobs.plan_results import created_result
from api.problems import problem_responses
from api.security.caller import Caller
from api.security.principal import Right
from api.security.requirements import AreaPolicy, requires
from layers.db.database import Session
from layers.plans.copies import copy_plan, revert_to_plan

router = APIRouter(prefix="/v1/plans", tags=["plans"])

_Name = Annotated[str, Field(min_length=1, max_length=200)]
_RESPONSES = problem_responses(400, 403, 404, 409, 422)


class CopyRequest(schemas.RequestModel):
    """A draft to make from another plan."""

    name: _Name = Field(examples=["2026 autumn"])
    area_code: Annotated[str, Field(max_length=100)] | None = Field(
        default=None, examples=[None], description="Only its cells; all that the plan divides when not given."
    )


class RevertRequest(schemas.RequestModel):
    """A draft to make from a former plan."""

    name: _Name | None = Field(
        default=None, examples=["Back to 2025"], description="That of the plan when not given."
    )


@router.post(
    "/{plan_id}/copy",
    summary="Copy a plan",
    status_code=201,
    response_model=schemas.Plan,
    responses=_RESPONSES,
)
@requires(Right.draft, AreaPolicy.checked)
def copy(plan_id: PlanId, body: CopyRequest, caller: Caller, write: IdempotentWriteDep) -> Response:
    """Make a draft with the cells of a plan in any state; `POST /v1/plans` also copies what is in force."""
    if body.area_code is not None:
        caller.require_area(body.area_code)

    def handler(session: Session) -> WriteResult:
        plan = copy_plan(
            session,
            plan_id,
            name=body.name,
            area_code=body.area_code,
            scope=caller.area_code,
            author=caller.label,
        )
        return created_result(session, caller, plan)

    return write(body, handler)


@router.post(
    "/{plan_id}/revert",
    summary="Go back to a former plan",
    status_code=201,
    response_model=schemas.Plan,
    responses=_RESPONSES,
)
@requires(Right.draft, AreaPolicy.checked)
def revert(
    plan_id: PlanId,
    caller: Caller,
    write: IdempotentWriteDep,
    body: Annotated[RevertRequest | None, Body()] = None,
) -> Response:
    """Make a draft with the cells of a plan that was in force; codes that ended return on their ground."""

    def handler(session: Session) -> WriteResult:
        name = None if body is None else body.name
        plan = revert_to_plan(session, plan_id, name=name, scope=caller.area_code, author=caller.label)
        return created_result(session, caller, plan)

    return write(body, handler)
