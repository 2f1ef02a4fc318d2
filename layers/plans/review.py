"""The review of a plan: a planner submits it or gives it up, and a publisher may give it back."""

from sqlalchemy.orm import Session

from layers.db.versions import require_version
from layers.models import Plan
from layers.plans.check import require_valid
from layers.plans.queries import find_plan
from layers.plans.states import Step, require_step, take_step


def submit_plan(session: Session, plan_id: int, version: int, scope: str | None = None) -> Plan:
    """Submit a draft to a publisher.

    Parameters
    ----------
    session
        Of `Database.write`.
    version
        The version that the step is based on.
    scope
        The area that the plan must divide or lie in; None for any.

    Raises
    ------
    NotFoundError
        If there is no such plan.
    StaleError
        If the plan has another version by now.
    ConflictError
        If it is no draft, is unchecked or not valid, or has changed since its check.
    """
    plan = find_plan(session, plan_id, scope, for_update=True)
    require_version(plan.version, version)
    require_step(plan, Step.submit)
    require_valid(session, plan)
    take_step(plan, Step.submit)
    session.flush()
    return plan


def reject_plan(session: Session, plan_id: int, version: int, scope: str | None = None) -> Plan:
    """Make a draft of a submitted plan again.

    Parameters and errors are those of `submit_plan`; the plan need not be valid.
    """
    plan = find_plan(session, plan_id, scope, for_update=True)
    require_version(plan.version, version)
    take_step(plan, Step.reject)
    session.flush()
    return plan


def withdraw_plan(
    session: Session, plan_id: int, version: int | None = None, scope: str | None = None
) -> Plan:
    """Give up a plan that was never in force; it stays in the list with its cells.

    Parameters and errors are those of `submit_plan`; the plan need not be valid, and its version is not
    compared when not given.
    """
    plan = find_plan(session, plan_id, scope, for_update=True)
    if version is not None:
        require_version(plan.version, version)
    take_step(plan, Step.withdraw)
    session.flush()
    return plan
