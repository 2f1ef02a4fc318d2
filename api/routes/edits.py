"""`/v1/plans/{plan_id}/edits`: redrawing a draft, and undoing it."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Body, Query
from starlette.responses import Response

from api import schemas
from api.http.conditional import IfMatchVersion
from api.http.dependencies import DatabaseDep, SettingsDep
from api.http.idempotency import IdempotentWriteDep, WriteResult
from api.http.pagination import Page, PageDep
from api.http.parameters import PlanId
from api.http.responses import json_response, list_response
from api.problems import problem_responses
from api.schemas.edits import EditRequest, preview_record, proposal_record, step_record
from api.security.audit import Action, audit
from api.security.caller import Caller
from api.security.principal import Principal, Right
from api.security.requirements import AreaPolicy, requires
from layers.db.database import Session
from layers.plans import edits
from layers.plans.border_proposals import propose_to_others
from layers.plans.edit_effects import count_effects
from layers.plans.queries import find_plan
from layers.plans.shared_borders import find_shared_borders

router = APIRouter(prefix="/v1/plans", tags=["plans"])

_EDITED = problem_responses(400, 404, 409, 412, 422, 428)


@router.post(
    "/{plan_id}/edits", summary="Redraw a draft", response_model=schemas.EditAnswer, responses=_EDITED
)
@requires(Right.draft, AreaPolicy.checked)
def edit(
    plan_id: PlanId,
    body: Annotated[EditRequest, Body()],
    version: IfMatchVersion,
    caller: Caller,
    settings: SettingsDep,
    write: IdempotentWriteDep,
    propose: Annotated[
        bool,
        Query(
            description="Propose the same change to the schemes that share a border which the edit moves, as "
            "drafts named after this plan."
        ),
    ] = False,
) -> Response:
    """Change the cells of a draft by one command; the plan stays a coverage of the same ground.

    Steps that others have taken since the version of If-Match do no harm where they concern other cells.
    """
    request = body.to_command(settings.vertices)

    def handler(session: Session) -> WriteResult:
        result = edits.edit_plan(
            session, plan_id, request, version=version, author=caller.label, scope=caller.area_code
        )
        return _answer(session, caller, result, propose=propose)

    return write(body, handler)


@router.post(
    "/{plan_id}/edits/preview",
    summary="See what an edit would change",
    response_model=schemas.EditPreview,
    responses=problem_responses(404, 409, 422),
)
@requires(Right.draft, AreaPolicy.checked)
def preview(
    plan_id: PlanId,
    body: Annotated[EditRequest, Body()],
    caller: Caller,
    settings: SettingsDep,
    database: DatabaseDep,
) -> Response:
    """Answer as the edit would, or why it cannot be done, and change nothing."""
    request = body.to_command(settings.vertices)
    with database.read() as session:
        drawn = edits.preview_edit(session, plan_id, request, caller.area_code)
        effects = count_effects(session, plan_id, drawn.edit, caller.area_code)
        plan = find_plan(session, plan_id, caller.area_code)
        shared = find_shared_borders(session, plan, drawn.edit, caller.area_code)
    return json_response(preview_record(drawn, effects, shared))


@router.post("/{plan_id}/undo", summary="Undo an edit", response_model=schemas.EditAnswer, responses=_EDITED)
@requires(Right.draft, AreaPolicy.checked)
def undo(plan_id: PlanId, version: IfMatchVersion, caller: Caller, write: IdempotentWriteDep) -> Response:
    """Undo the last edit of a draft that is not undone, whoever made it; to any depth."""
    return _step_back(edits.undo, plan_id, version, caller, write)


@router.post(
    "/{plan_id}/redo", summary="Do an edit again", response_model=schemas.EditAnswer, responses=_EDITED
)
@requires(Right.draft, AreaPolicy.checked)
def redo(plan_id: PlanId, version: IfMatchVersion, caller: Caller, write: IdempotentWriteDep) -> Response:
    """Do the edit again that was undone last; an edit since then has ended that."""
    return _step_back(edits.redo, plan_id, version, caller, write)


@router.get(
    "/{plan_id}/edits",
    summary="List the steps in which a draft was drawn",
    response_model=Page[schemas.EditStep],
    responses=problem_responses(404, 422),
)
@requires(Right.read, AreaPolicy.checked)
def list_edits(plan_id: PlanId, caller: Caller, database: DatabaseDep, page: PageDep) -> Response:
    """List edits, and that they were undone or done again, in their order, with who and when."""
    with database.read() as session:
        steps, next_cursor = edits.list_steps(session, page, find_plan(session, plan_id, caller.area_code))
        return list_response(list(map(step_record, steps)), next_cursor)


def _step_back(
    take: Callable[..., edits.EditResult],
    plan_id: int,
    version: int,
    caller: Principal,
    write: IdempotentWriteDep,
) -> Response:
    def handler(session: Session) -> WriteResult:
        result = take(session, plan_id, version=version, author=caller.label, scope=caller.area_code)
        return _answer(session, caller, result)

    return write(None, handler)


def _answer(
    session: Session, caller: Principal, result: edits.EditResult, *, propose: bool = False
) -> WriteResult:
    plan, step, edit = result.plan, result.step, result.drawn.edit
    effects = count_effects(session, plan.id, edit, caller.area_code)
    shared = find_shared_borders(session, plan, edit, caller.area_code)
    proposals = (
        propose_to_others(session, plan, edit, shared, author=caller.label, scope=caller.area_code)
        if propose
        else []
    )
    audit(
        session,
        caller,
        Action.record,
        f"plan {plan.id}",
        area_code=plan.area_code,
        step=step.action,
        command=step.command,
    )
    for each in proposals:
        if each.plan is not None:
            subject, area_code = f"plan {each.plan.id}", each.plan.area_code
            audit(session, caller, Action.record, subject, area_code=area_code, proposed_by=plan.id)
    record = {
        **preview_record(result.drawn, effects, shared),
        "step": step_record(step),
        "proposals": list(map(proposal_record, proposals)),
        "version": plan.version,
    }
    return WriteResult(record, version=plan.version)
