"""The command `diff`: what changed between two plans."""

from pathlib import Path
from typing import Annotated, Unpack

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
    min_width: Annotated[
        float | None,
        typer.Option(
            help="Count movements that are narrower, in metres, apart: two editions of the same borders.",
            show_default="0.02",
            min=0,
        ),
    ] = None,
    code_field: options.CodeField = None,
    new_code_field: Annotated[
        str | None, typer.Option(help="Field of NEW with the code, where it is another.")
    ] = None,
    new_layer: Annotated[str | None, typer.Option(help="Layer of NEW to read, where it is another.")] = None,
    new_where: Annotated[
        str | None, typer.Option(help="SQL condition on the fields of NEW, where it is another.")
    ] = None,
    new_encoding: Annotated[
        str | None, typer.Option(help="Encoding of a CSV or Shapefile of NEW, where it is another.")
    ] = None,
    crs: options.WorkingCrs = None,
    as_json: options.JsonOption = False,
    **reading: Unpack[options.ReadOptions],
) -> None:
    """Compare two plans over the same ground: which ground changed owner, and how every cell changed.

    The options for reading hold for both files unless NEW has its own. A cell whose border moved by no more
    than --min-width is redrawn, and its ground is not among the changes.
    """
    from api.cli.inputs import load_valid_cells
    from gis.crs import parse_working_crs
    from gis.diff import diff_plans as diff_cells
    from layers.formats import validate_outputs, write_layer, write_table

    validate_outputs(layers=[output], tables=[table])
    working = parse_working_crs(crs) if crs else None
    before = load_valid_cells(old, code_field=code_field, **reading)
    reading_new: options.ReadOptions = {
        **reading,
        "layer": new_layer or reading.get("layer"),
        "where": new_where or reading.get("where"),
        "encoding": new_encoding or reading.get("encoding"),
    }
    after = load_valid_cells(new, code_field=new_code_field or code_field, **reading_new)
    width = {} if min_width is None else {"min_width_m": min_width}
    with progress_bar("comparing") as progress:
        change = diff_cells(before, after, crs=working, progress=progress, **width)
    print_notes(write_layer(output, change.pieces))
    if table is not None:
        codes = change.codes
        if table.suffix.lower() == ".csv":
            # CSV has no lists.
            codes = codes.assign(**{name: codes[name].map(",".join) for name in ("before", "after")})
        write_table(table, codes)
    summary = change.summary()
    lines = [
        "cells: " + ", ".join(f"{count:,} {kind}" for kind, count in summary["codes"].items() if count),
        f"changed owner: {summary['changed_owner_m2']:,.2f} m²; renamed: {summary['renamed_m2']:,.2f} m²",
        f"joined the plan: {summary['added_m2']:,.2f} m²; left it: {summary['removed_m2']:,.2f} m²",
    ]
    print_result([*lines, f"written to {output}"], {**summary, "output": str(output)}, as_json=as_json)
