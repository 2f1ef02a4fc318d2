"""`--method unify`: common base units of several schemes of a database."""

from datetime import date
from typing import Annotated, Any, TypedDict

import typer

from api.cli import options
from api.cli.divide.method import Options, PlanMethod


class UnifyOptions(TypedDict, total=False):
    """Options of the method."""

    schemes: Annotated[
        list[str] | None,
        typer.Option(metavar="SCHEME", help="A scheme to whose cells in force units fit; repeatable."),
    ]
    min_width: Annotated[
        float | None,
        typer.Option(help="Join what is narrower to the unit beside it, metres.", min=0, show_default="1"),
    ]
    on: Annotated[
        date | None,
        typer.Option(
            parser=options.parse_day, metavar="DATE", help="The day of these cells.", show_default="today"
        ),
    ]


def plan_arguments(given: Options) -> dict[str, Any]:
    """Return the options as `layers.divisions` takes them."""
    arguments = {name: given[name] for name in ("schemes", "on") if name in given}
    return arguments | ({"min_width_m": given["min_width"]} if "min_width" in given else {})


UNIFY_OF_PLAN = PlanMethod("unify", UnifyOptions, plan_arguments, required=("schemes",))
