"""The steps in the life of a plan: who did what and why, told in order, and to whoever comes late."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.errors import StaleError
from layers.db.keyset import PageRequest
from layers.db.versions import require_version
from layers.models import Plan, PlanEdit
from layers.plans.queries import find_plan
from layers.plans.states import Step, take_step

UNNAMED = "unnamed"
"""Who did something, where the caller of Python does not say."""

COPIED = "copy"
"""The action by which a plan begins as a copy."""

_MAX_NAMED = 3


def record_step(
    session: Session,
    plan: Plan,
    action: str,
    author: str,
    /,
    *,
    comment: str | None = None,
    **details: Any,
) -> None:
    """Keep that somebody took a step, which has led to the present version of a plan.

    Parameters
    ----------
    action
        A `layers.plans.states.Step`, or `COPIED`.
    author
        The label of who took it.
    comment
        Why; nothing but blanks is none.
    details
        Plain values.
    """
    content = details | ({"comment": comment.strip()} if comment and comment.strip() else {})
    session.add(
        PlanEdit(
            plan_id=plan.id,
            version=plan.version,
            action=str(action),
            command="",
            codes={"codes": []},
            content=content or None,
            created_by=author,
            created_at=datetime.now(UTC),
        )
    )


def take_recorded_step(
    session: Session, plan: Plan, step: Step, author: str, *, comment: str | None = None
) -> None:
    """Bring a plan to the state to which a step leads, and keep who took it.

    Raises
    ------
    ConflictError
        If the step does not lead from its state.
    """
    take_step(plan, step)
    record_step(session, plan, step, author, comment=comment)
    session.flush()


def list_history(session: Session, page: PageRequest, plan: Plan) -> tuple[Sequence[PlanEdit], str | None]:
    """Return a page of all steps of a plan in their order, and the cursor of the next page.

    Raises
    ------
    InputError
        If the cursor is not one of this list.
    """
    rows, next_cursor = page.fetch(session, select(PlanEdit).where(PlanEdit.plan_id == plan.id), PlanEdit.id)
    return [step for (step,) in rows], next_cursor


def require_plan_version(session: Session, plan: Plan, version: int) -> None:
    """Refuse a step that is based on another version of a plan, and tell what has changed since.

    Raises
    ------
    StaleError
        If it is.
    """
    if version >= plan.version:
        require_version(plan.version, version)
        return
    chosen = select(PlanEdit.action, PlanEdit.command, PlanEdit.created_by).where(
        PlanEdit.plan_id == plan.id, PlanEdit.version > version
    )
    steps = session.execute(chosen.order_by(PlanEdit.version)).all()
    told = [
        f"{step.action}{f' ({step.command})' if step.command else ''} by {step.created_by}" for step in steps
    ]
    if len(told) > _MAX_NAMED:
        told[:-_MAX_NAMED] = [f"{len(told) - _MAX_NAMED} other steps"]
    # A check makes another version and is no step: it changes nothing but what is known of the plan.
    if checks := plan.version - version - len(steps):
        told.append("a check" if checks == 1 else f"{checks} checks")
    raise StaleError(
        f"Plan {plan.id} has version {plan.version}, not {version}; since then: {'; '.join(told)}; "
        "read it again."
    )


def lock_plan(session: Session, plan_id: int, version: int | None, scope: str | None) -> Plan:
    """Return a plan, locked until the transaction ends, if it has the version that a step is based on.

    Raises
    ------
    NotFoundError
        If there is no such plan.
    StaleError
        If it has another version; not compared when none is given.
    """
    plan = find_plan(session, plan_id, scope, for_update=True)
    if version is not None:
        require_plan_version(session, plan, version)
    return plan
