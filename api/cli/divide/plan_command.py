"""The command `plan divide`: ground of the database into the cells of a draft."""

from typing import Annotated, Any

import typer

from api.cli import options
from api.cli.console import handle_errors, print_notes, print_result, take_options
from api.cli.divide.catalogue import PLAN_METHODS
from api.cli.divide.method import given_options, method_parser, require_options, require_own_options
from api.cli.drafts import AreaOption, PlanName, SchemeArgument, print_draft, store_draft
from api.cli.open_database import open_database
from api.cli.progress import progress_bar


@handle_errors
@take_options(*(each.options for each in PLAN_METHODS.values()))
def divide_plan(
    scheme: SchemeArgument,
    name: PlanName,
    area: AreaOption = None,
    method: Annotated[
        str,
        typer.Option(
            parser=method_parser(PLAN_METHODS), metavar=f"[{'|'.join(PLAN_METHODS)}]", help="How to divide."
        ),
    ] = "square",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what the division would give.")
    ] = False,
    database: options.DatabaseUrl = None,
    as_json: options.JsonOption = False,
    **further: Any,
) -> None:
    """Divide the ground of the database, as a draft.

    square and blocks divide the areas, blocks along the streets of the base map; balanced groups the cells in
    force of another scheme, whose loads are counted from the entities of the database; rebalance moves few of
    them between the cells in force; unify cuts units of which the cells in force of several schemes are made.
    """
    from layers.divisions import divide_areas
    from layers.plans.schemes import find_scheme

    chosen, given = PLAN_METHODS[method], given_options(further)
    require_own_options(method, {each: PLAN_METHODS[each].options for each in PLAN_METHODS}, given)
    require_options(method, chosen.required, given)
    notes: list[str] = []
    with open_database(database) as opened:
        with opened.read() as session, progress_bar("dividing") as progress:
            made = divide_areas(
                session,
                find_scheme(session, scheme),
                area,
                method=method,
                note=notes.append,
                progress=progress,
                **chosen.arguments(given),
            )
        print_notes(notes)
        if dry_run:
            print_result(made.lines, made.summary(), as_json=as_json)
            return
        record = store_draft(opened, scheme, made.cells, name, area, units=made.units, units_on=made.units_on)
    print_draft({**record, "division": made.summary()}, made.lines, as_json=as_json)
