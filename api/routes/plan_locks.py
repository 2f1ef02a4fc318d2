"""`/v1/plans/{plan_id}/locks`: cells of a draft that are not to be redrawn."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import Field
from starlette.responses import Response

from api import schemas
from api.http.conditional import IfMatchVersion
from api.http.dependencies import DatabaseDep
from api.http.idempotency import IdempotentWriteDep, WriteResult
from api.http.pagination import Page, PageDep
from api.http.parameters import PlanId
from api.http.responses import list_response
from api.problems import problem_responses
from api.schemas.plan_rules import lock_record
from api.security.audit import Action, audit
from api.security.caller import Caller
from api.security.principal import Principal, Right
from api.security.requirements import AreaPolicy, requires
from layers.db.database import Session
from layers.plans import locks
from layers.plans.queries import find_plan

router = APIRouter(prefix="/v1/plans", tags=["plans"])

_RESPONSES = problem_responses(400, 404, 409, 412, 422, 428)
_Code = Annotated[str, Field(min_length=1, max_length=100)]


class LockRequest(schemas.RequestModel):
    """Cells of a draft."""

    cells: Annotated[list[_Code], Field(min_length=1, max_length=10_000)] | None = Field(
        default=None, examples=[["440305001001001"]], description="All cells when not given."
    )


LockBody = Annotated[LockRequest | None, Body()]


@router.get(
    "/{plan_id}/locks",
    summary="List the locked cells of a draft",
    response_model=Page[schemas.CellLock],
    responses=problem_responses(404, 422),
)
@requires(Right.read, AreaPolicy.checked)
def list_locks(plan_id: PlanId, caller: Caller, database: DatabaseDep, page: PageDep) -> Response:
    """List the cells that are locked, with who locked them and when."""
    with database.read() as session:
        plan = find_plan(session, plan_id, caller.area_code)
        found, next_cursor = locks.list_locks(session, page, plan)
        return list_response(list(map(lock_record, found)), next_cursor)


@router.post(
    "/{plan_id}/lock",
    summary="Lock cells of a draft",
    response_model=schemas.LockAnswer,
    responses=_RESPONSES,
)
@requires(Right.draft, AreaPolicy.checked)
def lock(
    plan_id: PlanId,
    version: IfMatchVersion,
    caller: Caller,
    write: IdempotentWriteDep,
    body: LockBody = None,
) -> Response:
    """Lock cells: edits, undo and redo by anybody are refused for them until they are unlocked."""
    return _take(locks.lock_cells, plan_id, version, caller, write, body)


@router.post(
    "/{plan_id}/unlock",
    summary="Unlock cells of a draft",
    response_model=schemas.LockAnswer,
    responses=_RESPONSES,
)
@requires(Right.draft, AreaPolicy.checked)
def unlock(
    plan_id: PlanId,
    version: IfMatchVersion,
    caller: Caller,
    write: IdempotentWriteDep,
    body: LockBody = None,
) -> Response:
    """Unlock cells, whoever locked them."""
    return _take(locks.unlock_cells, plan_id, version, caller, write, body)


def _take(
    step: Callable[..., locks.LockResult],
    plan_id: int,
    version: int,
    caller: Principal,
    write: IdempotentWriteDep,
    body: LockRequest | None,
) -> Response:
    codes = None if body is None else body.cells

    def handler(session: Session) -> WriteResult:
        plan, changed = step(session, plan_id, codes, version, caller.area_code, author=caller.label)
        details = {step.__name__: len(changed)}
        audit(session, caller, Action.record, f"plan {plan.id}", area_code=plan.area_code, **details)
        return WriteResult({"version": plan.version, "codes": changed}, version=plan.version)

    return write(body, handler)
