"""The commands `area`: the history of areas, and the undoing of what an import changed."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import options
from api.cli.console import handle_errors, print_result
from api.cli.open_database import open_database, read_all

if TYPE_CHECKING:
    from layers.imports.areas import AreaImportSummary

area = typer.Typer(help="Areas: how they changed, and undoing it.")

_MAX_LISTED = 20

NumberArgument = Annotated[int, typer.Argument(help="Number of the adjustment.", show_default=False)]


@area.command("list-adjustments")
@handle_errors
def list_adjustments(database: options.DatabaseUrl = None, as_json: options.JsonOption = False) -> None:
    """List what imports changed: number, first day, state, how many areas, by whom."""
    from api.schemas.areas import adjustment_record
    from layers.areas import adjustments

    with open_database(database) as opened, opened.read() as session:
        found = [
            adjustment_record(each)
            for each in read_all(lambda page: adjustments.list_adjustments(session, page))
        ]
    lines = [
        "\t".join(
            [
                *(str(each[name]) for name in ("id", "valid_from", "state")),
                f"{len(each['changes']):,} areas",
                each["created_by"],
            ]
        )
        for each in found
    ]
    print_result(lines or ["no adjustments"], {"adjustments": found}, as_json=as_json)


@area.command("undo")
@handle_errors
def undo(
    number: NumberArgument, database: options.DatabaseUrl = None, as_json: options.JsonOption = False
) -> None:
    """Take back what an import changed, before its day or after, unless something is built upon it."""
    from api.schemas.areas import adjustment_record
    from api.security.audit import Action, audit
    from api.security.principal import SYSTEM
    from layers.imports.area_undo import undo_adjustment

    with open_database(database) as opened, opened.write() as session:
        adjustment = undo_adjustment(session, number, author=SYSTEM.label)
        audit(session, SYSTEM, Action.record, f"area adjustment {number}", undone=True)
        record = adjustment_record(adjustment)
    lines = [f"adjustment {number} is undone; the areas are as they were before {record['valid_from']}"]
    print_result(lines, record, as_json=as_json)


@area.command("history")
@handle_errors
def show_history(
    code: Annotated[str, typer.Argument(help="Code of an area.", show_default=False)],
    database: options.DatabaseUrl = None,
    as_json: options.JsonOption = False,
) -> None:
    """List the states of an area, and the areas that it came from and became."""
    from api.schemas.areas import area_history_record
    from layers.areas.adjustments import read_kinship
    from layers.areas.queries import area_versions

    with open_database(database) as opened, opened.read() as session:
        record = area_history_record(code, area_versions(session, code), read_kinship(session, code))
    lines = [
        f"{state['valid_from'] or '...'} to {state['valid_to'] or '...'}\t{state['change']}\t{state['name']}"
        f"\t{state['parent'] or '-'}"
        for state in record["states"]
    ]
    lines += _describe_kin("from", record["predecessors"]) + _describe_kin("to", record["successors"])
    print_result(lines, record, as_json=as_json)


def _describe_kin(word: str, kin: list[dict[str, Any]]) -> list[str]:
    return [
        f"{each['on']}\t{word} {each['code']}\t{each['area_m2']:,.2f} m² ({each['share']:.1%} of the former)"
        for each in kin
    ]


def describe_import(done: "AreaImportSummary", *, is_dry_run: bool) -> list[str]:
    """Return what an import of areas did, or would do, as lines."""
    lines = []
    if done.parents_m2:
        most = max(done.parents_m2, key=done.parents_m2.__getitem__)
        lines.append(
            f"{len(done.parents_m2):,} areas made of those beneath them; the most changed is {most}, "
            f"by {done.parents_m2[most]:,.2f} m²"
        )
    ended = f", {done.ended:,} ended" if done.ended else ""
    lines.append(
        f"{done.inserted:,} areas inserted, {done.updated:,} updated, {done.unchanged:,} unchanged{ended}"
    )
    is_first = all(change.former_name is None for change in done.changes.changes)
    if not is_first:
        lines += _describe_changes(done)
    if done.moved:
        lines.append(f"{done.moved:,} entities lie in another area now")
    if is_dry_run:
        lines.append("nothing was written")
    elif not is_first:
        lines.append(f"adjustment {done.adjustment}; wangge area undo {done.adjustment} takes it back")
    return lines


def _describe_changes(done: "AreaImportSummary") -> list[str]:
    lines = [
        f"  {change.code} {change.name}: {', '.join(change.kinds)}"
        + (f" (was {change.former_name})" if "renamed" in change.kinds else "")
        + (
            f" (from {change.former_parent or '-'} to {change.parent or '-'})"
            if "moved" in change.kinds
            else ""
        )
        for change in done.changes.changes
    ]
    lines += [
        f"  {flow.area_m2:,.2f} m² from {flow.predecessor or '-'} to {flow.successor or '-'}"
        for flow in done.changes.flows
        if flow.predecessor != flow.successor
    ]
    if len(lines) > _MAX_LISTED:
        lines = [*lines[:_MAX_LISTED], f"  ... and {len(lines) - _MAX_LISTED:,} more; --json lists them all"]
    return lines
