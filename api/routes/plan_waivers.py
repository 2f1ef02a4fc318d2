"""`/v1/plans/{plan_id}/waivers`: which cells of a plan may break which rule of its scheme, and why."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field
from starlette.responses import Response

from api import schemas
from api.http.conditional import IfMatchVersion
from api.http.dependencies import DatabaseDep
from api.http.idempotency import IdempotentWriteDep, WriteResult
from api.http.pagination import Page, PageDep
from api.http.parameters import PlanId, WholeNumber
from api.http.responses import list_response
from api.problems import problem_responses
from api.schemas.plan_rules import waiver_record
from api.security.audit import Action, audit
from api.security.caller import Caller
from api.security.principal import Principal, Right
from api.security.requirements import AreaPolicy, requires
from layers.db.database import Session
from layers.models import Plan, Waiver
from layers.plans import waivers
from layers.plans.queries import find_plan

router = APIRouter(prefix="/v1/plans", tags=["plans"])

_RESPONSES = problem_responses(400, 403, 404, 409, 412, 422, 428)
_Code = Annotated[str, Field(min_length=1, max_length=100)]


class WaiverRequest(schemas.RequestModel):
    """Cells that may break a rule."""

    rule: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        examples=["caps.households"], description="As the check of the plan names it."
    )
    cells: Annotated[list[_Code], Field(min_length=1, max_length=1_000)] = Field(
        examples=[["440305001001001"]]
    )
    reason: Annotated[str, Field(min_length=1, max_length=2_000)] = Field(
        examples=["One tower, which cannot be divided."]
    )


@router.get(
    "/{plan_id}/waivers",
    summary="List the waivers of a plan",
    response_model=Page[schemas.Waiver],
    responses=problem_responses(404, 422),
)
@requires(Right.read, AreaPolicy.checked)
def list_waivers(plan_id: PlanId, caller: Caller, database: DatabaseDep, page: PageDep) -> Response:
    """List the waivers that were given for a plan, also those that hold no more."""
    with database.read() as session:
        plan = find_plan(session, plan_id, caller.area_code)
        found, next_cursor = waivers.list_waivers(session, page, plan)
        return list_response(list(map(waiver_record, found)), next_cursor)


@router.post(
    "/{plan_id}/waivers",
    summary="Waive a rule for cells",
    response_model=schemas.WaiverAnswer,
    responses=_RESPONSES,
)
@requires(Right.publish, AreaPolicy.checked)
def waive(
    plan_id: PlanId, body: WaiverRequest, version: IfMatchVersion, caller: Caller, write: IdempotentWriteDep
) -> Response:
    """Let cells break a rule of the scheme that the last check found them to break, until they change.

    Faults of the ground, such as overlaps and blanks, are never waived.
    """

    def handler(session: Session) -> WriteResult:
        plan, given = waivers.waive_rule(
            session,
            plan_id,
            body.rule,
            body.cells,
            body.reason,
            version,
            caller.area_code,
            author=caller.label,
        )
        return _answer(session, caller, plan, given, waived=body.rule)

    return write(body, handler)


@router.delete(
    "/{plan_id}/waivers/{waiver_id}",
    summary="End a waiver",
    response_model=schemas.WaiverAnswer,
    responses=_RESPONSES,
)
@requires(Right.publish, AreaPolicy.checked)
def end(
    plan_id: PlanId,
    waiver_id: Annotated[WholeNumber, Path(ge=1, le=2**53, examples=[3])],
    version: IfMatchVersion,
    caller: Caller,
    write: IdempotentWriteDep,
) -> Response:
    """End a waiver; it stays in the list."""

    def handler(session: Session) -> WriteResult:
        plan, ended = waivers.end_waiver(
            session, plan_id, waiver_id, version, caller.area_code, author=caller.label
        )
        return _answer(session, caller, plan, [ended], waiver_ended=waiver_id)

    return write(None, handler)


def _answer(
    session: Session, caller: Principal, plan: Plan, changed: list[Waiver], **details: object
) -> WriteResult:
    audit(session, caller, Action.record, f"plan {plan.id}", area_code=plan.area_code, **details)
    items = list(map(waiver_record, waivers.state_waivers(session, plan, changed)))
    return WriteResult({"version": plan.version, "items": items}, version=plan.version)
