"""Drafts that commands make in the database: their arguments, how they are stored, what is said of them."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.console import print_result

if TYPE_CHECKING:
    import pandas as pd

    from layers.db.database import Database

SchemeArgument = Annotated[str, typer.Argument(help="Code of the scheme.", show_default=False)]
PlanArgument = Annotated[int, typer.Argument(help="Number of the plan.", min=1, show_default=False)]
PlanName = Annotated[str, typer.Option(help="Name of the plan.", show_default=False)]
AreaOption = Annotated[str | None, typer.Option(help="Code of the area it divides [default: all areas].")]


def store_draft(
    database: "Database",
    scheme: str,
    cells: "pd.DataFrame",
    name: str,
    area: str | None,
    personal: Collection[str] = (),
    *,
    units: Mapping[str, str] | None = None,
    units_on: date | None = None,
) -> dict[str, Any]:
    """Make a draft of cells, and return its record with the number of its cells."""
    from api.schemas.plans import plan_record
    from api.security.audit import Action, audit
    from api.security.principal import SYSTEM
    from layers.plans.drafts import create_draft
    from layers.plans.schemes import find_scheme

    with database.write() as session:
        found = find_scheme(session, scheme)
        made = create_draft(
            session,
            found.id,
            cells,
            name=name,
            created_by=SYSTEM.label,
            area_code=area,
            personal=personal,
            units=units,
            units_on=units_on,
        )
        audit(session, SYSTEM, Action.record, f"plan {made.id}", area_code=made.area_code, created=True)
        return {**plan_record(made, found.code), "cells": len(cells)}


def print_draft(record: dict[str, Any], further: Iterable[str] = (), *, as_json: bool) -> None:
    """Say which draft was made, and how to go on."""
    number = record["id"]
    lines = [
        f"plan {number} of {record['scheme']}: a draft of {record['cells']:,} cells",
        *further,
        f"go on with: wangge plan check {number}; wangge plan publish {number}",
    ]
    print_result(lines, record, as_json=as_json)
