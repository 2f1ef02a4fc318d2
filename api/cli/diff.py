"""The command `diff`: what changed between two plans."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli import options
from api.cli.console import notes, reporting, tell
from api.cli.progress import progress_bar


@reporting
def diff(
    old: Annotated[Path, typer.Argument(help="Cells before.", show_default=False)],
    new: Annotated[Path, typer.Argument(help="Cells after.", show_default=False)],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Ground that changed owner.", show_default=False)
    ],
    table: Annotated[
        Path | None, typer.Option(help="Write what became of every code, as .csv or .parquet.")
    ] = None,
    code_field: options.CodeField = None,
    crs: options.WorkingCrs = None,
    as_json: options.Json = False,
) -> None:
    """Compare two plans over the same ground: which ground changed owner, and what became of every cell."""
    from api.cli.inputs import load_usable_cells
    from gis.crs import parse_crs
    from gis.diff import diff as diff_cells
    from layers.formats import plan_outputs, write_layer, write_table

    plan_outputs(layers=[output], tables=[table])
    working = parse_crs(crs) if crs else None
    before, after = (load_usable_cells(path, code_field=code_field) for path in (old, new))
    with progress_bar("comparing") as progress:
        change = diff_cells(before, after, crs=working, progress=progress)
    notes(write_layer(output, change.pieces))
    if table is not None:
        write_table(table, change.codes)
    summary = change.summary()
    lines = [
        "cells: " + ", ".join(f"{count:,} {kind}" for kind, count in summary["codes"].items() if count),
        f"changed owner: {summary['changed_owner_m2']:,.2f} m²; renamed: {summary['renamed_m2']:,.2f} m²",
        f"joined the plan: {summary['added_m2']:,.2f} m²; left it: {summary['removed_m2']:,.2f} m²",
    ]
    tell([*lines, f"written to {output}"], {**summary, "output": str(output)}, as_json=as_json)
