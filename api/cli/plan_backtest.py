"""The command `plan backtest`: a plan judged on what there was, day by day."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import options
from api.cli.console import handle_errors, print_result
from api.cli.drafts import PlanArgument
from api.cli.open_database import open_database

if TYPE_CHECKING:
    from layers.models import Officer


@handle_errors
def backtest_plan(
    number: PlanArgument,
    since: Annotated[
        date | None,
        typer.Option(
            parser=options.parse_day, metavar="DATE", help="First day, YYYY-MM-DD.", show_default="a year ago"
        ),
    ] = None,
    until: Annotated[
        date | None,
        typer.Option(
            parser=options.parse_day, metavar="DATE", help="Last day, YYYY-MM-DD.", show_default="today"
        ),
    ] = None,
    tolerance: Annotated[
        float, typer.Option(min=0, help="Share of the mean by which a load may differ from it.")
    ] = 0.05,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write cells and officers as .xlsx.")
    ] = None,
    language: options.LanguageOption = None,
    database: options.DatabaseUrl = None,
    as_json: options.JsonOption = False,
) -> None:
    """Judge a plan on the entities of a period: loads of cells and officers as they were, and under the plan.

    Entities count on each day where they were then, officers by their posts of these days; under the plan by
    those that it proposes.
    """
    from api.schemas.backtests import backtest_record, summary_lines
    from api.schemas.masking import mask_personal
    from layers.formats import validate_outputs, write_bytes
    from layers.formats.spreadsheet import build_sheets
    from layers.lists.backtest import backtest_sheets
    from layers.plans.backtest import read_backtest
    from layers.staff.officers import read_officers

    def personal_of(officer: "Officer") -> "dict[str, Any]":
        return mask_personal(officer.personal)

    validate_outputs(texts={output: (".xlsx",)})
    words = (language or options.system_language()).value
    with open_database(database) as opened, opened.read() as session:
        found = read_backtest(session, number, since=since, until=until)
        officers = read_officers(session, found.officer_ids())
        record = backtest_record(found, officers, personal_of, tolerance)
        if output is not None:
            sheets = backtest_sheets(found, officers, personal_of, tolerance=tolerance, language=words)
            write_bytes(output, build_sheets(sheets))
    lines = summary_lines(record) + ([] if output is None else [f"written to {output}"])
    print_result(lines, record, as_json=as_json)
