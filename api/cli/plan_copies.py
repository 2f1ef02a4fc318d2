"""The commands `plan copy`, `revert`, `rename` and `delete`: drafts made from plans, and their end."""

from typing import Annotated, Any

import typer

from api.cli import options
from api.cli.console import handle_errors, print_result
from api.cli.drafts import AreaOption, PlanArgument, PlanName, print_draft
from api.cli.open_database import open_database


@handle_errors
def copy_plan(
    name: PlanName,
    number: Annotated[
        int | None, typer.Argument(help="Number of the plan to copy.", min=1, show_default=False)
    ] = None,
    scheme: Annotated[
        str | None, typer.Option(help="In place of a plan: copy the cells of this scheme in force.")
    ] = None,
    on: options.OnDay = None,
    area: AreaOption = None,
    database: options.DatabaseUrl = None,
    as_json: options.JsonOption = False,
) -> None:
    """Make a draft with the cells of a plan, or with --scheme of those in force, in the areas of that day."""
    from api.security.principal import SYSTEM
    from gis.errors import InputError
    from layers.plans import copies

    if (number is None) == (scheme is None):
        raise InputError("Give either the number of a plan, or --scheme to copy what is in force.")
    if on is not None and scheme is None:
        raise InputError("A day chooses among the cells in force; name the scheme with --scheme.")
    with open_database(database) as opened, opened.write() as session:
        if scheme is not None:
            made = copies.copy_in_force(
                session, scheme, name=name, area_code=area, on=on, author=SYSTEM.label
            )
        else:
            assert number is not None
            made = copies.copy_plan(session, number, name=name, area_code=area, author=SYSTEM.label)
        record = _created(session, made)
    print_draft(record, as_json=as_json)


@handle_errors
def revert_plan(
    number: PlanArgument,
    name: Annotated[
        str | None, typer.Option(help="Name of the draft.", show_default="that of the plan")
    ] = None,
    database: options.DatabaseUrl = None,
    as_json: options.JsonOption = False,
) -> None:
    """Make a draft to go back to a plan that was in force; codes that ended since return on their ground."""
    from api.security.principal import SYSTEM
    from layers.plans import copies

    with open_database(database) as opened, opened.write() as session:
        made = copies.revert_to_plan(session, number, name=name, author=SYSTEM.label)
        record = _created(session, made)
    print_draft(record, as_json=as_json)


@handle_errors
def rename_plan(
    number: PlanArgument,
    name: Annotated[str, typer.Argument(help="The new name.", show_default=False)],
    database: options.DatabaseUrl = None,
    as_json: options.JsonOption = False,
) -> None:
    """Give a draft another name."""
    from api.schemas.plans import plan_record
    from api.security.audit import Action, audit
    from api.security.principal import SYSTEM
    from layers.plans import drafts
    from layers.plans.queries import scheme_code

    with open_database(database) as opened, opened.write() as session:
        renamed = drafts.rename_draft(session, number, name, author=SYSTEM.label)
        area_code = renamed.area_code
        audit(session, SYSTEM, Action.record, f"plan {number}", area_code=area_code, renamed=True)
        record = plan_record(renamed, scheme_code(session, renamed))
    print_result([f"plan {number} is named {record['name']}"], record, as_json=as_json)


@handle_errors
def delete_plan(
    number: PlanArgument, database: options.DatabaseUrl = None, as_json: options.JsonOption = False
) -> None:
    """Delete a draft or withdrawn plan that was never published, with its cells and history."""
    from api.schemas.plans import plan_record
    from api.security.audit import Action, audit
    from api.security.principal import SYSTEM
    from layers.plans import drafts
    from layers.plans.queries import find_plan, scheme_code

    with open_database(database) as opened, opened.write() as session:
        found = find_plan(session, number)
        record = plan_record(found, scheme_code(session, found))
        drafts.delete_draft(session, number)
        details = {"deleted": True, "name": record["name"]}
        audit(session, SYSTEM, Action.record, f"plan {number}", area_code=record["area_code"], **details)
    print_result([f"plan {number} ({record['name']}) is deleted"], record, as_json=as_json)


def _created(session: Any, made: Any) -> dict[str, Any]:
    """Audit a draft, and return its record."""
    from api.schemas.plans import plan_record
    from api.security.audit import Action, audit
    from api.security.principal import SYSTEM
    from layers.plans.queries import count_cells, scheme_code

    audit(session, SYSTEM, Action.record, f"plan {made.id}", area_code=made.area_code, created=True)
    return {**plan_record(made, scheme_code(session, made)), "cells": count_cells(session, made)}
