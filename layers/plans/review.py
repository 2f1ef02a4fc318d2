"""The review of a plan: a planner submits it or gives it up, a publisher approves it or gives it back."""

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.errors import ConflictError, ForbiddenError
from layers.areas.hierarchy import read_hierarchy
from layers.models import Account, Plan, PlanEdit, PlanState, Scheme, Token
from layers.plans.check import require_valid
from layers.plans.history import COPIED, UNNAMED, lock_plan, take_recorded_step
from layers.plans.schemes import needs_approval, needs_four_eyes
from layers.plans.states import Step, is_to_come, require_step
from layers.plans.take_back import take_back

_OWN_STEPS = ("edit", "undo", "redo", Step.submit, COPIED)
"""The steps that make a plan the work of whoever takes them."""


def submit_plan(
    session: Session,
    plan_id: int,
    version: int | None,
    scope: str | None = None,
    *,
    author: str = UNNAMED,
    comment: str | None = None,
) -> Plan:
    """Submit a draft to a publisher.

    Parameters
    ----------
    session
        Of `Database.write`.
    version
        The version that the step is based on; not compared when None.
    scope
        The area that the plan must divide or lie in; None for any.
    author
        The label of who takes the step.
    comment
        Why; kept in the history of the plan.

    Raises
    ------
    NotFoundError
        If there is no such plan.
    StaleError
        If the plan has another version by now.
    ConflictError
        If it is no draft, is unchecked or not valid, or has changed since its check.
    """
    plan = lock_plan(session, plan_id, version, scope)
    require_step(plan, Step.submit)
    require_valid(session, plan)
    take_recorded_step(session, plan, Step.submit, author, comment=comment)
    return plan


def approve_plan(
    session: Session,
    plan_id: int,
    version: int | None,
    scope: str | None = None,
    *,
    author: str = UNNAMED,
    comment: str | None = None,
) -> Plan:
    """Find a submitted plan good; parameters and errors are those of `submit_plan`.

    Raises
    ------
    ForbiddenError
        If its scheme lets nobody approve their own, and it is the author's.
    ConflictError
        Also if another plan of its ground was published since its check.
    """
    plan = lock_plan(session, plan_id, version, scope)
    require_step(plan, Step.approve)
    require_other_eyes(session, plan, author)
    require_valid(session, plan)
    _require_checked_since(session, plan)
    take_recorded_step(session, plan, Step.approve, author, comment=comment)
    return plan


def reject_plan(
    session: Session,
    plan_id: int,
    version: int | None,
    scope: str | None = None,
    *,
    author: str = UNNAMED,
    comment: str | None = None,
) -> Plan:
    """Make a draft of a submitted or approved plan again.

    Parameters and errors are those of `submit_plan`; the plan need not be valid.
    """
    plan = lock_plan(session, plan_id, version, scope)
    take_recorded_step(session, plan, Step.reject, author, comment=comment)
    return plan


def withdraw_plan(
    session: Session,
    plan_id: int,
    version: int | None = None,
    scope: str | None = None,
    *,
    author: str = UNNAMED,
    comment: str | None = None,
) -> Plan:
    """Give up a plan that was never in force; it stays in the list with its cells.

    One that is published for a day to come is a draft again, as `layers.plans.take_back.take_back` says.
    Parameters and errors are those of `submit_plan`; the plan need not be valid.
    """
    plan = lock_plan(session, plan_id, version, scope)
    if is_to_come(plan, date.today()):
        take_back(session, plan, author=author, comment=comment)
        return plan
    take_recorded_step(session, plan, Step.withdraw, author, comment=comment)
    return plan


def require_reviewed(session: Session, plan: Plan, author: str) -> None:
    """Refuse to publish a plan that its scheme wants to be approved first, or by others.

    Raises
    ------
    ConflictError
        If it is not approved, and its scheme demands it; or if it is in review, and another plan of its
        ground was published since its check.
    ForbiddenError
        If its scheme lets nobody publish their own, and it is the author's.
    """
    if needs_approval(session.get_one(Scheme, plan.scheme_id)) and plan.state != PlanState.approved:
        raise ConflictError(
            f"Plan {plan.id} is {plan.state}, and its scheme publishes only what is approved; "
            "submit it and let it be approved first."
        )
    require_other_eyes(session, plan, author)
    if plan.state != PlanState.draft:
        _require_checked_since(session, plan)


def require_other_eyes(session: Session, plan: Plan, author: str) -> None:
    """Refuse a reviewer of their own work where the scheme wants two people; a token is its account's.

    Raises
    ------
    ForbiddenError
        If it is the author's own.
    """
    if not needs_four_eyes(session.get_one(Scheme, plan.scheme_id)):
        return
    own = select(PlanEdit.created_by).where(PlanEdit.plan_id == plan.id, PlanEdit.action.in_(_OWN_STEPS))
    person_of = _read_owners_of_tokens(session)
    makers = {person_of.get(each, each) for each in (plan.created_by, *session.scalars(own.distinct()))}
    if author == UNNAMED or person_of.get(author, author) in makers:
        raise ForbiddenError(
            f"In the scheme of plan {plan.id} nobody approves or publishes their own, and {author} made, "
            "edited or submitted it; let somebody else do it."
        )


def _require_checked_since(session: Session, plan: Plan) -> None:
    """Refuse a plan in review if another of its ground was published since its check.

    Its reviewer has judged it by what was in force before, and would undo the other without knowing.
    """
    hierarchy = read_hierarchy(session)
    leaves = hierarchy.leaves(plan.area_code)
    since = select(Plan).where(
        Plan.scheme_id == plan.scheme_id, Plan.id != plan.id, Plan.published_at > plan.checked_at
    )
    for other in session.scalars(since.order_by(Plan.published_at.desc())):
        if leaves & hierarchy.leaves(other.area_code):
            named = "Another plan"
            if hierarchy.covers(plan.area_code, other.area_code):
                named = f"Plan {other.id}"
            raise ConflictError(
                f"{named} has been published on the ground of plan {plan.id} since its check; "
                "compare the two and check it again."
            )


def _read_owners_of_tokens(session: Session) -> dict[str, str]:
    """Return by the label of each token that is somebody's own the label of their account."""
    owned = session.execute(select(Token, Account).join(Account, Account.id == Token.account_id))
    return {token.label: account.label for token, account in owned}
