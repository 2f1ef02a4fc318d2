"""The commands `plan submit`, `approve`, `reject`, `withdraw` and `history`: the way of a plan into force."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import options
from api.cli.console import handle_errors, print_result
from api.cli.drafts import PlanArgument
from api.cli.open_database import open_database, read_all

if TYPE_CHECKING:
    from layers.models import Plan

Comment = Annotated[str | None, typer.Option(help="Why; kept in the history of the plan.")]


@handle_errors
def submit_plan(
    number: PlanArgument,
    comment: Comment = None,
    database: options.DatabaseUrl = None,
    as_json: options.JsonOption = False,
) -> None:
    """Hand a valid draft to a publisher."""
    from api.security.audit import Action
    from layers.plans import review

    _review(review.submit_plan, Action.record, number, comment, database, as_json=as_json)


@handle_errors
def approve_plan(
    number: PlanArgument,
    comment: Comment = None,
    database: options.DatabaseUrl = None,
    as_json: options.JsonOption = False,
) -> None:
    """Find a submitted plan good; where a scheme has the rule approval only such plans are published."""
    from api.security.audit import Action
    from layers.plans import review

    _review(review.approve_plan, Action.approve, number, comment, database, as_json=as_json)


@handle_errors
def reject_plan(
    number: PlanArgument,
    comment: Comment = None,
    database: options.DatabaseUrl = None,
    as_json: options.JsonOption = False,
) -> None:
    """Make a draft of a submitted or approved plan again."""
    from api.security.audit import Action
    from layers.plans import review

    _review(review.reject_plan, Action.reject, number, comment, database, as_json=as_json)


@handle_errors
def withdraw_plan(
    number: PlanArgument,
    comment: Comment = None,
    database: options.DatabaseUrl = None,
    as_json: options.JsonOption = False,
) -> None:
    """Give up a plan that was never in force; it stays in the list.

    One that is published for a day to come is a draft again, and all is as if it had not been published.
    """
    from api.security.audit import Action
    from layers.plans import review

    _review(review.withdraw_plan, Action.record, number, comment, database, as_json=as_json)


@handle_errors
def list_history(
    number: PlanArgument, database: options.DatabaseUrl = None, as_json: options.JsonOption = False
) -> None:
    """List what was done to a plan: when, what, by whom, and why."""
    from api.schemas.plan_history import history_record
    from layers.plans import history
    from layers.plans.queries import find_plan

    with open_database(database) as opened, opened.read() as session:
        found = find_plan(session, number)
        steps = [
            history_record(each) for each in read_all(lambda page: history.list_history(session, page, found))
        ]
    lines = [
        "\t".join(
            [
                f"{each['created_at']:%Y-%m-%d %H:%M}",
                each["action"] + (f" ({each['command']})" if each["command"] else ""),
                each["created_by"],
                each["comment"] or "",
            ]
        ).rstrip()
        for each in steps
    ]
    print_result(lines or ["no steps"], {"steps": steps}, as_json=as_json)


def _review(
    step: "Callable[..., Plan]",
    action: str,
    number: int,
    comment: str | None,
    database: str | None,
    *,
    as_json: bool,
) -> None:
    from api.schemas.plans import plan_record
    from api.security.audit import Action, audit
    from api.security.principal import SYSTEM
    from layers.plans.queries import scheme_code

    with open_database(database) as opened, opened.write() as session:
        plan = step(session, number, None, author=SYSTEM.label, comment=comment)
        state = str(plan.state)
        audit(session, SYSTEM, Action(action), f"plan {number}", area_code=plan.area_code, state=state)
        record = plan_record(plan, scheme_code(session, plan))
    named = "a draft again" if state == "draft" else state
    print_result([f"plan {number} is {named}"], record, as_json=as_json)
