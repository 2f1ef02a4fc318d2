"""Reading plans: one by its number, a page of those that a caller may see, and how large one is."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from gis.errors import NotFoundError
from layers.areas.scope import within
from layers.db.bulk import in_force
from layers.db.keyset import PageRequest
from layers.models import Cell, Entity, Plan, PlanCell, PlanState, Scheme
from layers.plans.schemes import schemes_above, unit_rule
from layers.plans.states import has_state

MAX_REQUEST_CELLS = 20_000
"""The most cells of a plan that is checked or published within a request; a job does it for a larger plan.

So many are checked and published in about a second; on a slow or busy machine that is still within a request.
"""

MAX_REQUEST_ENTITIES = 200_000
"""The most entities with which a plan is published within a request.

All of them may have to be assigned, however few cells the plan has: so many in about three seconds.
"""


class SchemePlan(NamedTuple):
    """A plan with the code of its scheme."""

    plan: Plan
    scheme: str


def find_plan(session: Session, plan_id: int, scope: str | None = None, *, for_update: bool = False) -> Plan:
    """Return a plan by its number.

    Parameters
    ----------
    scope
        The area that the plan must divide, or whose part it must divide; None for any.
    for_update
        Lock the plan until the transaction ends.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    statement = select(Plan).where(Plan.id == plan_id, within(Plan.area_code, scope))
    if for_update:
        statement = statement.with_for_update(of=Plan, key_share=True)
    plan = session.scalar(statement, execution_options={"populate_existing": for_update})
    if plan is None:
        raise NotFoundError(f"There is no plan number {plan_id}.")
    return plan


def scheme_code(session: Session, plan: Plan) -> str:
    """Return the code of a plan's scheme."""
    return session.get_one(Scheme, plan.scheme_id).code


def scheme_name(session: Session, plan: Plan) -> str:
    """Return the name of a plan's scheme."""
    return session.get_one(Scheme, plan.scheme_id).name


def list_plans(
    session: Session,
    page: PageRequest,
    scope: str | None,
    *,
    scheme: str | None = None,
    state: PlanState | None = None,
    on: date | None = None,
) -> tuple[Sequence[SchemePlan], str | None]:
    """Return a page of plans in the order in which they were created, and the cursor of the next page.

    Parameters
    ----------
    page
        Which page.
    scope
        Only plans of this area and those beneath it; None for all.
    scheme
        Only plans under the scheme with this code.
    state
        Only plans in this state today.
    on
        Only plans in force on this day.

    Raises
    ------
    InputError
        If the cursor is not one of this list.
    """
    statement: Select[Plan, str] = (
        select(Plan, Scheme.code)
        .join(Scheme, Scheme.id == Plan.scheme_id)
        .where(within(Plan.area_code, scope))
    )
    if scheme is not None:
        statement = statement.where(Scheme.code == scheme)
    if state is not None:
        statement = statement.where(has_state(state, date.today()))
    if on is not None:
        statement = statement.where(in_force(Plan.valid_from, Plan.valid_to, on))
    rows, next_cursor = page.fetch(session, statement, Plan.id)
    return [SchemePlan(plan, code) for plan, code in rows], next_cursor


def count_cells(session: Session, plan: Plan) -> int:
    """Return how many cells a plan has."""
    if plan.valid_from is None:
        statement = select(func.count()).select_from(Cell).where(Cell.plan_id == plan.id)
    else:
        statement = select(func.count()).select_from(PlanCell).where(PlanCell.plan_id == plan.id)
    return session.scalars(statement).one()


def is_checked_by_job(session: Session, plan: Plan) -> bool:
    """Return whether the check of a plan takes too long for a request."""
    return count_cells(session, plan) > MAX_REQUEST_CELLS


def _carries_far(session: Session, plan: Plan) -> bool:
    """Return whether a change of units may be carried through to more cells than those of the plan."""
    if all(unit_rule(scheme).one_area for scheme in schemes_above(session, plan.scheme_id)):
        return False
    lasting = select(Cell.id).where(
        Cell.scheme_id == plan.scheme_id, Cell.valid_from.is_not(None), Cell.valid_to.is_(None)
    )
    return session.scalar(lasting.offset(MAX_REQUEST_CELLS).limit(1)) is not None


def is_published_by_job(session: Session, plan: Plan) -> bool:
    """Return whether publishing a plan takes too long for a request."""
    if is_checked_by_job(session, plan) or _carries_far(session, plan):
        return True
    # Looks at no more entities than it must.
    return session.scalar(select(Entity.id).offset(MAX_REQUEST_ENTITIES).limit(1)) is not None
