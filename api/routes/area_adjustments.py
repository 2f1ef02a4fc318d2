"""`/v1/area-adjustments`: the changes of areas as they came in, and their undoing; imports bring them."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from api import schemas
from api.http.dependencies import DatabaseDep
from api.http.idempotency import IdempotentWriteDep, WriteResult
from api.http.pagination import Page, PageDep
from api.http.parameters import WholeNumber
from api.http.responses import json_response, list_response
from api.problems import problem_responses
from api.schemas.areas import adjustment_record
from api.security.audit import Action, audit
from api.security.caller import Caller
from api.security.principal import Right
from api.security.requirements import AreaPolicy, requires
from layers.areas import adjustments
from layers.db.database import Session
from layers.imports.area_undo import undo_adjustment

router = APIRouter(prefix="/v1/area-adjustments", tags=["areas"])

AdjustmentId = Annotated[WholeNumber, Path(ge=1, le=2**53, examples=[3])]


@router.get(
    "",
    summary="List adjustments of areas",
    response_model=Page[schemas.AreaAdjustment],
    responses=problem_responses(400, 422),
)
@requires(Right.administer, AreaPolicy.unrestricted)
def list_adjustments(database: DatabaseDep, page: PageDep) -> Response:
    """List the adjustments in the order in which they were taken, undone ones too."""
    with database.read() as session:
        found, next_cursor = adjustments.list_adjustments(session, page)
        return list_response([adjustment_record(each) for each in found], next_cursor)


@router.get(
    "/{adjustment_id}",
    summary="Read an adjustment of areas",
    response_model=schemas.AreaAdjustment,
    responses=problem_responses(404, 422),
)
@requires(Right.administer, AreaPolicy.unrestricted)
def read_adjustment(adjustment_id: AdjustmentId, database: DatabaseDep) -> Response:
    """Read what an adjustment changed, from when, and whom it concerned."""
    with database.read() as session:
        return json_response(adjustment_record(adjustments.find_adjustment(session, adjustment_id)))


@router.post(
    "/{adjustment_id}/undo",
    summary="Undo an adjustment of areas",
    response_model=schemas.AreaAdjustment,
    responses=problem_responses(404, 409, 422),
)
@requires(Right.administer, AreaPolicy.unrestricted)
def undo(adjustment_id: AdjustmentId, caller: Caller, write: IdempotentWriteDep) -> Response:
    """Take an adjustment back, so that all is as if it had not been, unless something is built upon it."""

    def handler(session: Session) -> WriteResult:
        adjustment = undo_adjustment(session, adjustment_id, author=caller.label)
        audit(session, caller, Action.record, f"area adjustment {adjustment_id}", undone=True)
        return WriteResult(adjustment_record(adjustment))

    return write(None, handler)
