"""The command `diff`: what changed between two plans."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli import options
from api.cli.console import handle_errors, print_notes, print_result
from api.cli.progress import progress_bar


@handle_errors
def diff(
    old: Annotated[Path, typer.Argument(help="Cells before.", show_default=False)],
    new: Annotated[Path, typer.Argument(help="Cells after.", show_default=False)],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Ground that changed owner.", show_default=False)
    ],
    table: Annotated[
        Path | None, typer.Option(help="Write the change of every code, as .csv or .parquet.")
    ] = None,
    code_field: options.CodeField = None,
    crs: options.WorkingCrs = None,
    as_json: options.JsonOption = False,
) -> None:
    """Compare two plans over the same ground: which ground changed owner, and how every cell changed."""
    from api.cli.inputs import load_valid_cells
    from gis.crs import parse_working_crs
    from gis.diff import diff_plans as diff_cells
    from layers.formats import validate_outputs, write_layer, write_table

    validate_outputs(layers=[output], tables=[table])
    working = parse_working_crs(crs) if crs else None
    before, after = (load_valid_cells(path, code_field=code_field) for path in (old, new))
    with progress_bar("comparing") as progress:
        change = diff_cells(before, after, crs=working, progress=progress)
    print_notes(write_layer(output, change.pieces))
    if table is not None:
        write_table(table, change.codes)
    summary = change.summary()
    lines = [
        "cells: " + ", ".join(f"{count:,} {kind}" for kind, count in summary["codes"].items() if count),
        f"changed owner: {summary['changed_owner_m2']:,.2f} m²; renamed: {summary['renamed_m2']:,.2f} m²",
        f"joined the plan: {summary['added_m2']:,.2f} m²; left it: {summary['removed_m2']:,.2f} m²",
    ]
    print_result([*lines, f"written to {output}"], {**summary, "output": str(output)}, as_json=as_json)
