"""The command `divide`: areas or units in, cells out."""

from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli import options
from api.cli.console import handle_errors, print_notes, print_result, take_options
from api.cli.divide.catalogue import FILE_METHODS
from api.cli.divide.method import Settings, given_options, method_parser, require_options, require_own_options
from api.cli.divide.outputs import write_further
from api.cli.profile_file import read_profile


class CodeLayout(StrEnum):
    """The layout of the codes."""

    auto = "auto"
    cn = "cn"
    plain = "plain"


@handle_errors
@take_options(*(each.options for each in FILE_METHODS.values()), options.ReadOptions)
def divide(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="areas", help="Areas to divide, or units to group: polygons.", show_default=False
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Cells to write.", show_default=False)],
    method: Annotated[
        str,
        typer.Option(
            parser=method_parser(FILE_METHODS),
            metavar=f"[{'|'.join(FILE_METHODS)}]",
            help="How to divide.",
            show_default="square",
        ),
    ] = "square",
    code_field: options.CodeField = None,
    name_field: options.NameField = None,
    crs: options.WorkingCrs = None,
    code_layout: Annotated[
        CodeLayout,
        typer.Option(help="cn: 15 digits; plain: {area code}-{sequence}; auto: by the area codes."),
    ] = CodeLayout.auto,
    profile: options.Profile = None,
    ended: Annotated[
        Path | None, typer.Option(help="Cells of earlier plans, whose codes are never given again.")
    ] = None,
    ended_encoding: Annotated[
        str | None, typer.Option(help="Encoding of a CSV or Shapefile of --ended [default: by its bytes].")
    ] = None,
    as_json: options.JsonOption = False,
    **further: Any,
) -> None:
    """Divide areas into cells that fill them exactly, or group units into cells.

    square: each area without smaller areas is divided by a grid whose lines lie at multiples of the size in
    the working CRS; remnants at the border join the neighbour with the longest common border.

    blocks: areas are divided along streets, railways and rivers; small blocks are joined and large ones
    divided towards a size, and no building of --keep is cut where that can be.

    balanced: whole units, such as blocks, are grouped into connected cells with like loads; what cannot be
    within tolerance is told with the reason.
    """
    from gis.crs import parse_working_crs
    from gis.profiles import complete_record
    from layers.formats import validate_outputs, write_layer

    chosen, given = FILE_METHODS[method], given_options(further)
    require_own_options(method, {name: each.options for name, each in FILE_METHODS.items()}, given)
    require_options(method, chosen.required, given)
    validate_outputs(layers=[output, *map(given.get, chosen.layers)], tables=map(given.get, chosen.tables))
    standard = read_profile(profile) if profile else None
    settings = Settings(
        parse_working_crs(crs) if crs else None, code_layout.value, standard, ended, ended_encoding
    )
    named = {"code_field": code_field, "name_field": name_field}
    made = chosen.divide(source, {**given, **named}, settings)
    cells = complete_record(made.cells, standard, date.today()) if standard else made.cells
    print_notes(write_layer(output, cells))
    print_notes(write_further(given, made.outputs))
    summary = {
        "cells": len(cells),
        "area_m2": float(cells["area_m2"].sum()),
        "first_code": cells["code"].min(),
        "last_code": cells["code"].max(),
        "working_crs": made.working_crs.to_string(),
        "method": method,
        **made.figures,
        "output": str(output),
    }
    lines = [
        *made.lines,
        f"codes {summary['first_code']} to {summary['last_code']}, working CRS {summary['working_crs']}",
        f"written to {output}",
    ]
    print_result(lines, summary, as_json=as_json)
