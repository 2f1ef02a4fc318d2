"""The commands `plan waive`, `waivers`, `end-waiver`, `lock`, `unlock` and `locks`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import options
from api.cli.console import handle_errors, print_result
from api.cli.drafts import PlanArgument
from api.cli.open_database import open_database, read_all

if TYPE_CHECKING:
    from layers.plans.locks import LockResult

AllOption = Annotated[bool, typer.Option("--all", help="All cells of the draft.")]
LockedCells = Annotated[list[str] | None, typer.Argument(help="Codes of the cells.", show_default=False)]


@handle_errors
def waive_rule(
    number: PlanArgument,
    rule: Annotated[
        str, typer.Argument(help="As the check names it, e.g. caps.households.", show_default=False)
    ],
    cells: Annotated[list[str], typer.Argument(help="Codes of the cells.", show_default=False)],
    reason: Annotated[str, typer.Option(help="Why they may.", show_default=False)],
    database: options.DatabaseUrl = None,
    as_json: options.JsonOption = False,
) -> None:
    """Let cells break a rule of the scheme that the check found them to break, until they change.

    Faults of the ground, such as overlaps and blanks, are never waived.
    """
    from api.schemas.plan_rules import waiver_record
    from api.security.audit import Action, audit
    from api.security.principal import SYSTEM
    from layers.plans import waivers

    with open_database(database) as opened, opened.write() as session:
        plan, given = waivers.waive_rule(session, number, rule, cells, reason, author=SYSTEM.label)
        audit(session, SYSTEM, Action.record, f"plan {number}", area_code=plan.area_code, waived=rule)
        items = list(map(waiver_record, waivers.state_waivers(session, plan, given)))
        record = {"version": plan.version, "items": items}
    lines = [f"waiver {each['id']}: cell {each['cell']} may break {each['rule']}" for each in items]
    print_result(lines, record, as_json=as_json)


@handle_errors
def end_waiver(
    number: PlanArgument,
    waiver: Annotated[int, typer.Argument(help="Number of the waiver.", min=1, show_default=False)],
    database: options.DatabaseUrl = None,
    as_json: options.JsonOption = False,
) -> None:
    """End a waiver; it stays in the list."""
    from api.schemas.plan_rules import waiver_record
    from api.security.audit import Action, audit
    from api.security.principal import SYSTEM
    from layers.plans import waivers

    with open_database(database) as opened, opened.write() as session:
        plan, ended = waivers.end_waiver(session, number, waiver, author=SYSTEM.label)
        audit(session, SYSTEM, Action.record, f"plan {number}", area_code=plan.area_code, waiver_ended=waiver)
        items = list(map(waiver_record, waivers.state_waivers(session, plan, [ended])))
        record = {"version": plan.version, "items": items}
    print_result([f"waiver {waiver} of plan {number} is ended"], record, as_json=as_json)


@handle_errors
def list_waivers(
    number: PlanArgument, database: options.DatabaseUrl = None, as_json: options.JsonOption = False
) -> None:
    """List the waivers of a plan: number, state, rule, cell, by whom, why."""
    from api.schemas.plan_rules import waiver_record
    from layers.plans import waivers
    from layers.plans.queries import find_plan

    with open_database(database) as opened, opened.read() as session:
        plan = find_plan(session, number)
        found = [
            waiver_record(each) for each in read_all(lambda page: waivers.list_waivers(session, page, plan))
        ]
    lines = [
        f"{each['id']}\t{each['state']}\t{each['rule']}\t{each['cell']}\t{each['created_by']}\t{each['reason']}"
        for each in found
    ]
    print_result(lines or ["no waivers"], {"waivers": found}, as_json=as_json)


@handle_errors
def lock_cells(
    number: PlanArgument,
    cells: LockedCells = None,
    all: AllOption = False,  # noqa: A002  the name of the option, which messages look for
    database: options.DatabaseUrl = None,
    as_json: options.JsonOption = False,
) -> None:
    """Lock cells of a draft: edits, undo and redo are refused for them until they are unlocked."""
    from layers.plans import locks

    _lock(locks.lock_cells, "locked", number, cells, database, every=all, as_json=as_json)


@handle_errors
def unlock_cells(
    number: PlanArgument,
    cells: LockedCells = None,
    all: AllOption = False,  # noqa: A002  the name of the option, which messages look for
    database: options.DatabaseUrl = None,
    as_json: options.JsonOption = False,
) -> None:
    """Unlock cells of a draft, whoever locked them."""
    from layers.plans import locks

    _lock(locks.unlock_cells, "unlocked", number, cells, database, every=all, as_json=as_json)


@handle_errors
def list_locks(
    number: PlanArgument, database: options.DatabaseUrl = None, as_json: options.JsonOption = False
) -> None:
    """List the locked cells of a draft: code, by whom, since when."""
    from api.schemas.plan_rules import lock_record
    from layers.plans import locks
    from layers.plans.queries import find_plan

    with open_database(database) as opened, opened.read() as session:
        plan = find_plan(session, number)
        found = [lock_record(each) for each in read_all(lambda page: locks.list_locks(session, page, plan))]
    lines = [f"{each['code']}\t{each['locked_by']}\t{each['locked_at']:%Y-%m-%d %H:%M}" for each in found]
    print_result(lines or ["no locked cells"], {"locks": found}, as_json=as_json)


def _lock(
    step: "Callable[..., LockResult]",
    done: str,
    number: int,
    cells: list[str] | None,
    database: str | None,
    *,
    every: bool,
    as_json: bool,
) -> None:
    from api.security.audit import Action, audit
    from api.security.principal import SYSTEM
    from gis.errors import InputError

    if bool(cells) == every:
        raise InputError("Give either codes of cells, or --all.")
    with open_database(database) as opened, opened.write() as session:
        plan, changed = step(session, number, cells or None, author=SYSTEM.label)
        details = {done: len(changed)}
        audit(session, SYSTEM, Action.record, f"plan {number}", area_code=plan.area_code, **details)
        record = {"version": plan.version, "codes": changed}
    counted = f"{len(changed):,} {'cell' if len(changed) == 1 else 'cells'}"
    print_result(
        [f"{counted} of plan {number} {'is' if len(changed) == 1 else 'are'} {done} now"],
        record,
        as_json=as_json,
    )
