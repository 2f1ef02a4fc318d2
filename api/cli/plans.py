"""The commands `plan`: drafts in the database, their check, and their way into force."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Unpack

import typer

from api.cli import options
from api.cli.console import EXIT_INVALID, error_prefix, handle_errors, print_note, print_result
from api.cli.divide import divide_plan
from api.cli.drafts import AreaOption, PlanArgument, PlanName, SchemeArgument, print_draft, store_draft
from api.cli.open_database import open_database, read_all
from api.cli.plan_backtest import backtest_plan
from api.cli.plan_copies import copy_plan, delete_plan, rename_plan, revert_plan
from api.cli.plan_edits import edit_plan, redo_edit, undo_edit
from api.cli.plan_handover import write_handover
from api.cli.plan_notice import write_notice
from api.cli.plan_officers import list_plan_officers
from api.cli.plan_review import approve_plan, list_history, reject_plan, submit_plan, withdraw_plan
from api.cli.plan_rules import (
    end_waiver,
    list_locks,
    list_waivers,
    lock_cells,
    unlock_cells,
    waive_rule,
)
from api.cli.progress import progress_bar

if TYPE_CHECKING:
    import pandas as pd

plan = typer.Typer(help="Plans: drafts of cells, checked, and put in force on a day.")
plan.command("divide")(divide_plan)
plan.command("officers")(list_plan_officers)
plan.command("handover")(write_handover)
plan.command("copy")(copy_plan)
plan.command("revert")(revert_plan)
plan.command("rename")(rename_plan)
plan.command("delete")(delete_plan)
plan.command("edit")(edit_plan)
plan.command("undo")(undo_edit)
plan.command("redo")(redo_edit)
plan.command("lock")(lock_cells)
plan.command("unlock")(unlock_cells)
plan.command("locks")(list_locks)
plan.command("waive")(waive_rule)
plan.command("waivers")(list_waivers)
plan.command("end-waiver")(end_waiver)
plan.command("submit")(submit_plan)
plan.command("approve")(approve_plan)
plan.command("reject")(reject_plan)
plan.command("withdraw")(withdraw_plan)
plan.command("history")(list_history)
plan.command("backtest")(backtest_plan)
plan.command("notice")(write_notice)

_MAX_LISTED = 5


class State(StrEnum):
    """The states of a plan."""

    draft = "draft"
    submitted = "submitted"
    approved = "approved"
    published = "published"
    superseded = "superseded"
    withdrawn = "withdrawn"


@plan.command("load")
@handle_errors
def load_plan(
    scheme: SchemeArgument,
    file: Annotated[Path, typer.Argument(help="Cells to load, with a code each.", show_default=False)],
    name: PlanName,
    area: AreaOption = None,
    code_field: options.CodeField = None,
    name_field: options.NameField = None,
    area_field: options.AreaField = None,
    personal: Annotated[
        list[str] | None, typer.Option(help="A further field with a person's data; may be repeated.")
    ] = None,
    units: Annotated[
        bool,
        typer.Option(
            "--units",
            help="Under a scheme over units: the file is a table with the columns unit and cell, and maybe "
            "name, kind and area_code of the cell.",
        ),
    ] = False,
    units_on: Annotated[
        date | None,
        typer.Option(
            parser=options.parse_day,
            metavar="DATE",
            help="The day whose units are meant, YYYY-MM-DD.",
            show_default="today",
        ),
    ] = None,
    database: options.DatabaseUrl = None,
    as_json: options.JsonOption = False,
    **reading: Unpack[options.ReadOptions],
) -> None:
    """Load a file of cells as a draft, or with --units a table that says which unit is in which cell."""
    from api.cli.inputs import load_cells
    from gis.errors import InputError
    from layers.formats import read_table
    from layers.plans.unit_drafts import read_unit_table

    cells: pd.DataFrame
    cell_of_unit: Mapping[str, str] | None = None
    if not units:
        cells = load_cells(
            file, code_field=code_field, name_field=name_field, area_field=area_field, **reading
        )
    elif code_field or name_field or area_field or personal:
        raise InputError("With --units the columns of the table are unit, cell, name, kind and area_code.")
    else:
        with error_prefix(file):
            table = read_unit_table(read_table(file, encoding=reading.get("encoding"), note=print_note))
        cell_of_unit, cells = table.cell_of_unit, table.cells
    with open_database(database) as opened, error_prefix(file):
        record = store_draft(
            opened, scheme, cells, name, area, personal or (), units=cell_of_unit, units_on=units_on
        )
    print_draft(record, as_json=as_json)


@plan.command("check")
@handle_errors
def check_draft(
    number: PlanArgument,
    on: options.PublicationDay = None,
    database: options.DatabaseUrl = None,
    as_json: options.JsonOption = False,
) -> None:
    """Check that a plan can be published: its cells fill their area; exit code 0: it can, 1: it cannot.

    What is found is stored with the plan, also what else stands in the way of publishing it for that day.
    """
    from api.schemas.plans import check_record
    from layers.plans.check import examine_plan, store_check, stored_check
    from layers.plans.queries import scheme_code
    from layers.plans.rule_check import read_rule_findings

    with open_database(database) as opened:
        # Others can write until only the findings are left to store.
        with opened.read() as session, progress_bar("checking") as progress:
            found = examine_plan(session, number, on=on, progress=progress)
        with opened.write() as session:
            checked = store_check(session, number, found)
            rules = read_rule_findings(session, checked)
            record = check_record(checked, scheme_code(session, checked), stored_check(checked), rules)
    lines = [f"plan {number} is {'valid' if record['valid'] else 'not valid'}"]
    for kind, figures in record["summary"].items():
        if figures["count"]:
            details = [each["detail"] for each in record["findings"] if each["kind"] == kind]
            lines.append(f"  {kind}: {figures['count']:,}")
            lines += _listed(details, "    ")
    lines += _rule_lines(record)
    if record["hindrances"]:
        lines.append(f"it cannot be published for {record['on']}:")
        lines += _listed(record["hindrances"], "  ")
    print_result(lines, record, as_json=as_json)
    if not record["publishable"]:
        raise typer.Exit(EXIT_INVALID)


@plan.command("publish")
@handle_errors
def publish_draft(
    number: PlanArgument,
    on: Annotated[
        date | None,
        typer.Option(
            parser=options.parse_day,
            metavar="DATE",
            help="The first day, YYYY-MM-DD.",
            show_default="today",
        ),
    ] = None,
    confirm: options.Confirm = False,
    database: options.DatabaseUrl = None,
    as_json: options.JsonOption = False,
) -> None:
    """Put a valid plan in force on a day, with all assignments, or change nothing."""
    from api.schemas.plans import publish_record
    from api.security.audit import Action, audit
    from api.security.principal import SYSTEM
    from layers.plans.publish import publish
    from layers.plans.queries import find_plan, scheme_code
    from layers.staff.vacancies import count_unstaffed

    day = on or date.today()
    with open_database(database) as opened, opened.write() as session, progress_bar("publishing") as progress:
        done = publish(session, number, day, confirmed=confirm, author=SYSTEM.label, progress=progress)
        published = find_plan(session, number)
        area_code = published.area_code
        audit(session, SYSTEM, Action.publish, f"plan {number}", area_code=area_code, **done.audit_details())
        unstaffed = count_unstaffed(session, published, day)
        record = publish_record(published, scheme_code(session, published), done, unstaffed=unstaffed)
    lines = [
        (
            f"plan {number} is in force from {day}: {done.begun:,} cells begin, {done.ended:,} end, "
            f"{done.kept:,} go on"
        ),
        f"assignments of entities: {done.assignments.inserted:,} begin, {done.assignments.ended:,} end",
        (
            f"posts: {done.posts.carried:,} carried to new cells, {done.posts.ended:,} ended; "
            f"{done.posts.vacant:,} new cells are vacant"
        ),
        f"{unstaffed:,} cells have nobody who answers for them",
        *_carried_lines(record["carried"]),
    ]
    print_result(lines, record, as_json=as_json)


def _rule_lines(record: dict[str, Any]) -> list[str]:
    """Return which rules of the scheme cells break, and what of that is waived."""
    lines = []
    for rule, count in record["rule_counts"].items():
        of_rule = [each for each in record["rules"] if each["rule"] == rule]
        waived = sum(each["waiver"] is not None for each in of_rule)
        lines.append(f"  rule {rule}: {count:,}" + (f", {waived:,} of them waived" if waived else ""))
        lines += _listed([each["detail"] for each in of_rule if each["waiver"] is None], "    ")
    return lines


def _listed(sentences: list[str], indent: str) -> list[str]:
    lines = [f"{indent}{sentence}" for sentence in sentences[:_MAX_LISTED]]
    if len(sentences) > _MAX_LISTED:
        lines.append(f"{indent}... and {len(sentences) - _MAX_LISTED:,} more; --json lists them")
    return lines


def _carried_lines(carried: list[dict[str, Any]]) -> list[str]:
    """Return a line for each draft that carries the change of units through, or that cannot be made."""
    return [
        f"{each['scheme']} has no cells left after the change: they lose all their units; draw a new plan"
        if each["plan_id"] is None
        else f"plan {each['plan_id']} of {each['scheme']} is a draft that carries the change through "
        f"({each['decisions']:,} units of several cells given to one, {each['problems']:,} problems); "
        f"go on with: wangge plan check {each['plan_id']}"
        for each in carried
    ]


@plan.command("list")
@handle_errors
def list_plans(
    scheme: Annotated[str | None, typer.Option(help="Plans of this scheme.")] = None,
    state: Annotated[State | None, typer.Option(help="Plans in this state.")] = None,
    database: options.DatabaseUrl = None,
    as_json: options.JsonOption = False,
) -> None:
    """List the plans: number, scheme, state, days in force, area, name."""
    from api.schemas.plans import plan_record
    from layers.models import PlanState
    from layers.plans import queries

    chosen = None if state is None else PlanState(state.value)
    with open_database(database) as opened, opened.read() as session:
        rows = read_all(lambda page: queries.list_plans(session, page, None, scheme=scheme, state=chosen))
        found = [plan_record(each.plan, each.scheme) for each in rows]
    lines = []
    for each in found:
        days = f"from {each['valid_from']}" if each["valid_from"] else "not in force"
        until = f" until {each['valid_to']}" if each["valid_to"] else ""
        area = f"area {each['area_code']}" if each["area_code"] else "all areas"
        lines.append(
            f"{each['id']}\t{each['scheme']}\t{each['state']}\t{days}{until}\t{area}\t{each['name']}"
        )
    print_result(lines or ["no plans"], {"plans": found}, as_json=as_json)
