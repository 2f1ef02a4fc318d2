"""The command `plan handover`: what each officer gives away and takes over, as a table or sheets to sign."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from api.cli import options
from api.cli.console import handle_errors, print_result
from api.cli.drafts import PlanArgument
from api.cli.open_database import open_database

_FORMS = (".xlsx", ".csv", ".pdf", ".html")


@handle_errors
def write_handover(
    number: PlanArgument,
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help="File to write: .xlsx or .csv for a table, .pdf or .html for a sheet per officer to sign.",
            show_default=False,
        ),
    ],
    on: options.PublicationDay = None,
    personal: Annotated[
        bool, typer.Option("--personal", help="With names and phones that are not published.")
    ] = False,
    database: options.DatabaseUrl = None,
    language: options.LanguageOption = None,
    as_json: options.JsonOption = False,
) -> None:
    """Write what each officer gives away and takes over when a plan comes into force, to be signed."""
    from api.schemas.masking import mask_personal
    from gis.errors import InputError
    from layers.formats.spreadsheet import build_csv, build_workbook
    from layers.formats.write import atomic_write
    from layers.lists import MAX_ROWS, ListRequest
    from layers.lists.handover import HANDOVER, read_handovers
    from layers.maps.handover_sheet import HandoverSheets, render_handover_html, render_handover_pdf
    from layers.plans.queries import find_plan, scheme_name

    form = output.suffix.lower()
    if form not in _FORMS:
        raise InputError(f"{output} is none of {', '.join(_FORMS)}; name the file so with -o.")
    chosen = (language or options.system_language()).value
    with open_database(database) as opened, opened.read() as session:
        plan = find_plan(session, number)
        day = plan.valid_from or on or date.today()
        request = ListRequest(
            scope=None,
            language=chosen,
            personal_of=lambda officer: officer.personal if personal else mask_personal(officer.personal),
            personal=personal,
            on=day,
            plan=number,
        )
        page = read_handovers(session, request, MAX_ROWS, 0)
        sheets = HandoverSheets(plan.name, scheme_name(session, plan), day, page.rows, chosen)
    if form == ".pdf":
        content = render_handover_pdf(sheets)
    elif form == ".html":
        content = render_handover_html(sheets).encode()
    elif form == ".xlsx":
        content = build_workbook(HANDOVER.table(page, chosen), HANDOVER.title(chosen))
    else:
        content = build_csv(HANDOVER.table(page, chosen))
    with atomic_write(output) as part:
        part.write_bytes(content)
    print_result(
        [f"{page.total:,} officers have something to hand over, written to {output}"],
        {"officers": page.total, "output": str(output)},
        as_json=as_json,
    )
