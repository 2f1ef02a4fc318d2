"""The units of a database that cells are made of: their options."""

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

import typer

from api.cli import options
from api.cli.divide.lines import PlanBarrierOptions
from api.cli.divide.method import Options
from api.cli.divide.weights import Weight, parse_weights


class PlanUnitOptions(PlanBarrierOptions, total=False):
    """Options of units and their loads."""

    units_scheme: Annotated[
        str | None,
        typer.Option(metavar="SCHEME", help="Scheme whose cells in force are the units to group."),
    ]
    weight: Weight
    on: Annotated[
        date | None,
        typer.Option(
            parser=options.parse_day,
            metavar="DATE",
            help="The day of the units and their loads, YYYY-MM-DD.",
            show_default="today",
        ),
    ]


def unit_arguments(given: Options) -> dict[str, Any]:
    """Return the options as `layers.divisions` takes them."""
    weights = [asdict(each) for each in parse_weights(given["weight"])]
    names = {"units_scheme": "units_scheme", "on": "on", "barrier": "barriers"}
    return {"weights": weights, **{name: given[option] for option, name in names.items() if option in given}}
