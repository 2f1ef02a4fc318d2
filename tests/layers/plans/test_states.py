"""The days on which a plan is in force or to come, and where each step leads."""

from datetime import date, timedelta

import pytest

from gis.errors import ConflictError
from layers.models import Plan, PlanState
from layers.plans.states import Step, is_in_force, is_to_come, require_step, take_step

DAY = date(2026, 3, 1)
BEFORE, AFTER = DAY - timedelta(days=1), DAY + timedelta(days=1)


def plan(
    state: PlanState = PlanState.published, begins: date | None = None, ends: date | None = None
) -> Plan:
    return Plan(id=7, state=state, valid_from=begins, valid_to=ends, version=1)


@pytest.mark.parametrize(
    ("begins", "ends", "in_force", "to_come"),
    [
        (None, None, False, False),
        (DAY, None, True, False),
        (AFTER, None, False, True),
        (BEFORE, DAY, False, False),
        (BEFORE, AFTER, True, False),
        (DAY, DAY, False, False),
    ],
)
def test_a_plan_is_in_force_from_its_day_until_the_one_on_which_it_ends(
    begins: date | None, ends: date | None, in_force: bool, to_come: bool
) -> None:
    asked = plan(begins=begins, ends=ends)
    assert (is_in_force(asked, DAY), is_to_come(asked, DAY)) == (in_force, to_come)


@pytest.mark.parametrize("state", PlanState)
@pytest.mark.parametrize(
    ("step", "origins", "target"),
    [
        (Step.edit, {"draft"}, None),
        (Step.check, {"draft", "submitted", "approved"}, None),
        (Step.rename, {"draft"}, None),
        (Step.delete, {"draft", "withdrawn"}, None),
        (Step.submit, {"draft"}, "submitted"),
        (Step.approve, {"submitted"}, "approved"),
        (Step.reject, {"submitted", "approved"}, "draft"),
        (Step.withdraw, {"draft", "submitted", "approved"}, "withdrawn"),
        (Step.publish, {"draft", "submitted", "approved"}, "published"),
        (Step.take_back, {"published", "superseded"}, "draft"),
        (Step.supersede, {"published"}, "superseded"),
    ],
)
def test_a_step_leads_from_some_states_and_from_no_other(
    state: PlanState, step: Step, origins: set[str], target: str | None
) -> None:
    asked = plan(state)
    if state.value not in origins:
        with pytest.raises(ConflictError, match=r"^Plan 7 is ") as refused:
            require_step(asked, step)
        advised = "reject it first" in str(refused.value)
        assert advised == (step is Step.edit and state.value in {"submitted", "approved"})
        return
    take_step(asked, step)
    assert (asked.state, asked.version) == (target or state.value, 2)
