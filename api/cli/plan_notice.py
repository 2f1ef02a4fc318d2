"""The command `plan notice`: the filing notice of a plan (上报备案)."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from api.cli import options
from api.cli.console import handle_errors, print_result
from api.cli.drafts import PlanArgument
from api.cli.open_database import open_database


@handle_errors
def write_notice(
    number: PlanArgument,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Notice to write, as .pdf or .xlsx.", show_default=False)
    ],
    on: Annotated[
        date | None,
        typer.Option(
            parser=options.parse_day,
            metavar="DATE",
            help="First day of a plan that is not published, YYYY-MM-DD.",
            show_default="today",
        ),
    ] = None,
    language: Annotated[
        options.Language, typer.Option("--lang", help="Language of the notice.")
    ] = options.Language.zh,
    database: options.DatabaseUrl = None,
    as_json: options.JsonOption = False,
) -> None:
    """Write what a plan changes, to be filed: both maps, cells that change, who moves, and from when.

    People are named by their numbers.
    """
    from api.schemas.notices import notice_record
    from layers.formats import validate_outputs, write_bytes
    from layers.lists.notice import read_notice
    from layers.maps import notice_workbook, render_notice
    from layers.maps.map_data import read_map_ground

    validate_outputs(texts={output: (".pdf", ".xlsx")})
    with open_database(database) as opened, opened.read() as session:
        notice = read_notice(session, number, on=on, language=language.value)
        areas, base = read_map_ground(session, notice.begins, notice.before, notice.after)
        record = notice_record(notice)
    build = render_notice if output.suffix.lower() == ".pdf" else notice_workbook
    write_bytes(output, build(notice, language.value, areas=areas, base=base))
    lines = [f"{each['name']}: {each['value']}" for each in record["facts"]]
    print_result([*lines, f"written to {output}"], {**record, "output": str(output)}, as_json=as_json)
