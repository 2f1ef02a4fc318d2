"""The command `divide`: areas in, cells out."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Unpack

import typer

from api.cli import options
from api.cli.console import error_prefix, handle_errors, note_on, print_notes, print_result
from api.cli.progress import progress_bar


class DivisionMethod(StrEnum):
    """The method of division."""

    square = "square"


class CodeLayout(StrEnum):
    """The layout of the codes."""

    auto = "auto"
    cn = "cn"
    plain = "plain"


@handle_errors
def divide(
    areas: Annotated[
        Path, typer.Argument(help="Areas to divide: any layer of polygons.", show_default=False)
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Cells to write.", show_default=False)],
    size: Annotated[float, typer.Option(help="Side of a square in metres.")] = 100.0,
    method: Annotated[  # noqa: ARG001  the only one so far, named so that scripts say what they mean
        DivisionMethod, typer.Option(help="How to divide.")
    ] = DivisionMethod.square,
    min_share: Annotated[
        float, typer.Option(help="Share of a square below which a remnant joins its neighbour.")
    ] = 0.25,
    code_field: options.CodeField = None,
    name_field: options.NameField = None,
    level_field: options.LevelField = None,
    parent_field: options.ParentField = None,
    level: Annotated[str | None, typer.Option(help="Divide the areas of this level only.")] = None,
    crs: options.WorkingCrs = None,
    code_layout: Annotated[
        CodeLayout,
        typer.Option(help="cn: 15 digits; plain: {area code}-{sequence}; auto: by the area codes."),
    ] = CodeLayout.auto,
    ended: Annotated[
        Path | None, typer.Option(help="Cells of earlier plans, whose codes are never given again.")
    ] = None,
    ended_encoding: Annotated[
        str | None, typer.Option(help="Encoding of a CSV or Shapefile of --ended [default: by its bytes].")
    ] = None,
    as_json: options.JsonOption = False,
    **reading: Unpack[options.ReadOptions],
) -> None:
    """Divide areas into cells that fill them exactly.

    Each area without smaller areas is divided by a grid whose lines lie at multiples of the size in the
    working CRS; remnants at the border join the neighbour with the longest common border.
    """
    from api.cli.inputs import load_areas, load_cells
    from gis.areas import build_hierarchy, leaf_areas
    from gis.crs import choose_working_crs, parse_working_crs
    from gis.divide import divide_square
    from layers.formats import validate_outputs, write_layer

    validate_outputs(layers=[output])
    loaded = load_areas(
        areas,
        code_field=code_field,
        name_field=name_field,
        level_field=level_field,
        parent_field=parent_field,
        level=level,
        **reading,
    )
    used: frozenset[str] = frozenset()
    if ended is not None:
        used = frozenset(load_cells(ended, encoding=ended_encoding)["code"].dropna())
    with error_prefix(areas), progress_bar("dividing") as progress:
        working_crs = parse_working_crs(crs) if crs else choose_working_crs(loaded)
        loaded = build_hierarchy(loaded, crs=working_crs, note=note_on(areas))
        cells = divide_square(
            loaded,
            size_m=size,
            min_share=min_share,
            crs=working_crs,
            used_codes=used,
            layout=code_layout.value,
            note=note_on(areas),
            progress=progress,
        )
    print_notes(write_layer(output, cells))
    divided = leaf_areas(loaded)
    summary = {
        "cells": len(cells),
        "areas": len(divided),
        "area_m2": float(cells["area_m2"].sum()),
        "first_code": cells["code"].min(),
        "last_code": cells["code"].max(),
        "working_crs": working_crs.to_string(),
        "output": str(output),
    }
    lines = [
        f"{len(cells):,} cells of {len(divided):,} areas, {summary['area_m2'] / 1e6:,.3f} km²",
        f"codes {summary['first_code']} to {summary['last_code']}, working CRS {summary['working_crs']}",
        f"written to {output}",
    ]
    print_result(lines, summary, as_json=as_json)
