"""The commands `scheme`: the purposes for which ground is divided."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli import options
from api.cli.console import handle_errors, print_result
from api.cli.open_database import open_database

scheme = typer.Typer(help="Schemes: purposes for which ground is divided, each with its rules.")


@scheme.command("create")
@handle_errors
def create_scheme(
    code: Annotated[str, typer.Argument(help="Its code, for example community.", show_default=False)],
    name: Annotated[str, typer.Argument(help="Its name.", show_default=False)],
    crs: Annotated[
        str | None,
        typer.Option(help="Metric working CRS, e.g. EPSG:4547 [default: chosen from the areas]."),
    ] = None,
    max_distance: Annotated[
        float | None,
        typer.Option(help="Entities outside all cells go to the nearest cell within this many metres."),
    ] = None,
    units_of: Annotated[
        str | None,
        typer.Option(help="Scheme whose cells are the units of which this one's cells are made."),
    ] = None,
    coverage: options.CoverageOption = options.Coverage.whole,
    rules: Annotated[
        Path | None,
        typer.Option(
            help="Rules as TOML: of gaps, e.g. [out_of_reach] with distance_m = 800; of units, e.g. [units] "
            "with max = 5."
        ),
    ] = None,
    database: options.DatabaseUrl = None,
    as_json: options.JsonOption = False,
) -> None:
    """Create a scheme."""
    from api.cli.rules_file import read_rules_file
    from api.schemas.schemes import scheme_record
    from api.security.audit import Action, audit
    from api.security.principal import SYSTEM
    from layers.db.database import bump_revision
    from layers.models import CoverageMode
    from layers.plans import schemes

    given = {} if rules is None else read_rules_file(rules)
    if max_distance is not None:
        given["max_distance_m"] = max_distance
    with open_database(database) as opened, opened.write() as session:
        made = schemes.create_scheme(
            session,
            code,
            name,
            working_crs=crs,
            rules=given,
            unit_scheme=units_of,
            coverage=CoverageMode(coverage.value),
        )
        audit(session, SYSTEM, Action.record, f"scheme {made.code}", created=True)
        bump_revision(session)
        record = scheme_record(made)
    level = f", over the units of {record['unit_scheme']}" if record["unit_scheme"] else ""
    covers = ", covering its areas in part" if record["coverage"] == "part" else ""
    print_result(
        [f"scheme {record['code']} ({record['name']}), working CRS {record['working_crs']}{level}{covers}"],
        record,
        as_json=as_json,
    )


@scheme.command("list")
@handle_errors
def list_schemes(database: options.DatabaseUrl = None, as_json: options.JsonOption = False) -> None:
    """List the schemes: code, name, working CRS, unit scheme, coverage."""
    from api.cli.open_database import read_all
    from api.schemas.schemes import scheme_record
    from layers.plans import schemes

    with open_database(database) as opened, opened.read() as session:
        found = [scheme_record(each) for each in read_all(lambda page: schemes.list_schemes(session, page))]
    lines = [
        f"{each['code']}\t{each['name']}\t{each['working_crs']}\t"
        f"{'units of ' + each['unit_scheme'] if each['unit_scheme'] else '-'}\t{each['coverage']}"
        for each in found
    ]
    print_result(lines or ["no schemes"], {"schemes": found}, as_json=as_json)
