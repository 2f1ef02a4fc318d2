"""The states of a plan, and the steps that lead from one to the next."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import ColumnElement, or_

from gis.errors import ConflictError
from layers.models import Plan, PlanState


class Step(StrEnum):
    """What is done to a plan."""

    edit = "edit"
    """Its cells are redrawn; it stays in its state."""
    check = "check"
    """Its cells are checked; it stays in its state."""
    lock = "lock"
    """Cells of it are not to be redrawn; it stays in its state."""
    unlock = "unlock"
    """They may be redrawn again; it stays in its state."""
    waive = "waive"
    """A cell may break a rule of its scheme; it stays in its state."""
    end_waiver = "end-waiver"
    """It may not any more; the plan stays in its state."""
    submit = "submit"
    """A planner hands a valid draft to a publisher."""
    approve = "approve"
    """A publisher finds a submitted plan good."""
    reject = "reject"
    """A publisher gives a plan back, to be drawn on."""
    withdraw = "withdraw"
    """It is given up before it was in force."""
    delete = "delete"
    """It is taken away, as if it had never been made."""
    rename = "rename"
    """It gets another name; it stays in its state."""
    publish = "publish"
    """A publisher puts a valid plan in force."""
    take_back = "take-back"
    """What was published for a day to come is a draft again."""
    supersede = "supersede"
    """Later plans leave nothing of it in force."""


class _Rule(NamedTuple):
    """From which states a step leads, to which (None: it stays), and how a plan in another is refused."""

    origins: frozenset[PlanState]
    target: PlanState | None
    refusal: str


_PUBLISHED = frozenset({PlanState.published, PlanState.superseded})
_DRAFT = frozenset({PlanState.draft})
_IN_REVIEW = frozenset({PlanState.submitted, PlanState.approved})
_UNPUBLISHED = _DRAFT | _IN_REVIEW

_RULES: Mapping[Step, _Rule] = {
    Step.edit: _Rule(_DRAFT, None, "{state}, not draft; edit a copy of it"),
    Step.check: _Rule(_UNPUBLISHED, None, "{state}; only a draft, submitted or approved plan is checked"),
    Step.rename: _Rule(_DRAFT, None, "{state}, not draft"),
    Step.delete: _Rule(
        _DRAFT | {PlanState.withdrawn}, None, "{state}; only a draft or withdrawn plan is deleted"
    ),
    Step.lock: _Rule(_DRAFT, None, "{state}, not draft"),
    Step.unlock: _Rule(_DRAFT, None, "{state}, not draft"),
    Step.waive: _Rule(_UNPUBLISHED, None, "{state}; a rule is waived before it is published"),
    Step.end_waiver: _Rule(frozenset(PlanState), None, ""),
    Step.submit: _Rule(_DRAFT, PlanState.submitted, "{state}, not draft"),
    Step.approve: _Rule(frozenset({PlanState.submitted}), PlanState.approved, "{state}, not submitted"),
    Step.reject: _Rule(_IN_REVIEW, PlanState.draft, "{state}, not submitted"),
    Step.withdraw: _Rule(
        _UNPUBLISHED, PlanState.withdrawn, "{state}; publish another plan of its ground for the same day"
    ),
    Step.publish: _Rule(_UNPUBLISHED, PlanState.published, "{state} already"),
    Step.take_back: _Rule(_PUBLISHED, PlanState.draft, "{state}, not published"),
    Step.supersede: _Rule(frozenset({PlanState.published}), PlanState.superseded, "{state}, not published"),
}


def state_on(plan: Plan, day: date) -> PlanState:
    """Return the state of a plan on a day; one that others follow is superseded once they are in force."""
    if plan.state == PlanState.superseded and plan.valid_to is not None and plan.valid_to > day:
        return PlanState.published
    return PlanState(plan.state)


def is_in_force(plan: Plan, day: date) -> bool:
    """Return whether a plan, or what other plans have left of it, is in force on a day."""
    if plan.valid_from is None:
        return False
    return plan.valid_from <= day and (plan.valid_to is None or day < plan.valid_to)


def is_to_come(plan: Plan, day: date) -> bool:
    """Return whether a plan is published for a day after this one."""
    return plan.valid_from is not None and plan.valid_from > day


def has_state(state: PlanState, day: date) -> ColumnElement[bool]:
    """Return the condition that a plan is in a state on a day, as `state_on` says it."""
    lasting = (Plan.state == PlanState.superseded) & (Plan.valid_to > day)
    if state is PlanState.published:
        return or_(Plan.state == state, lasting)
    if state is PlanState.superseded:
        return (Plan.state == state) & ~lasting
    return Plan.state == state


def require_step(plan: Plan, step: Step) -> None:
    """Refuse a step that does not lead from the state of a plan.

    Raises
    ------
    ConflictError
        If it does not.
    """
    rule = _RULES[step]
    if step is Step.edit and plan.state in _IN_REVIEW:
        raise ConflictError(
            f"Plan {plan.id} is {plan.state}, not draft; reject it first, or edit a copy of it."
        )
    if plan.state not in rule.origins:
        state = state_on(plan, date.today())
        raise ConflictError(f"Plan {plan.id} is {rule.refusal.format(state=state)}.")


def take_step(plan: Plan, step: Step) -> None:
    """Bring a plan to the state to which a step leads, as another version of it.

    Raises
    ------
    ConflictError
        If the step does not lead from its state.
    """
    require_step(plan, step)
    plan.state = _RULES[step].target or plan.state
    plan.version += 1
