"""The commands `check` and `repair`: whether cells are a coverage, and making them one."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Unpack

import typer

from api.cli import options
from api.cli.console import EXIT_INVALID, error_prefix, handle_errors, note_on, print_notes, print_result
from api.cli.progress import progress_bar

if TYPE_CHECKING:
    import geopandas as gpd

_MAX_LISTED = 5


@handle_errors
def check(
    cells: Annotated[Path, typer.Argument(help="Cells, or areas, to check.", show_default=False)],
    areas: options.Areas = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the findings with their geometry.")
    ] = None,
    sliver_width: Annotated[
        float,
        typer.Option(
            help="Width in metres below which a cell is a sliver, and open ground between two cells a blank."
        ),
    ] = 1.0,
    coverage: options.CoverageOption = options.Coverage.whole,
    code_field: options.CodeField = None,
    area_field: options.AreaField = None,
    areas_code_field: options.AreasCodeField = None,
    crs: options.WorkingCrs = None,
    as_json: options.JsonOption = False,
    **reading: Unpack[options.CellsWithAreasReadOptions],
) -> None:
    """Check that cells fill their areas without blank, overlap or unmatched border.

    Exit code 0: valid; 1: not valid; 2: cannot run. Without --areas all ground that the cells enclose counts
    as blank; with --areas what the areas leave out (a lake, an enclave) does not. With --coverage part no
    ground counts as blank.
    """
    from api.cli.inputs import load_cells
    from gis.crs import parse_working_crs
    from gis.topology import check_topology as check_topology
    from layers.formats import validate_outputs, write_layer

    validate_outputs(layers=[output])
    working = parse_working_crs(crs) if crs else None
    loaded = load_cells(
        cells,
        code_field=code_field,
        area_field=area_field,
        own_crs=True,
        **options.own_reading(options.ReadOptions, reading),
    )
    lowest_areas = load_lowest_areas(areas, areas_code_field, options.reading_of("areas", reading))
    with error_prefix(cells), progress_bar("checking") as progress:
        report = check_topology(
            loaded,
            lowest_areas,
            crs=working,
            sliver_width_m=sliver_width,
            whole=coverage is options.Coverage.whole,
            progress=progress,
        )
    if output is not None:
        print_notes(write_layer(output, report.findings))
    summary = {
        "valid": report.is_valid,
        "cells": len(loaded),
        "working_crs": report.crs.to_string(),
        "findings": report.summary(),
    }
    lines = [
        "valid" if report.is_valid else "not valid",
        f"{len(loaded):,} cells, working CRS {summary['working_crs']}",
    ]
    for kind, figures in report.summary().items():
        if figures["count"]:
            lines += _finding_lines(kind, figures, report.of_kind(kind))
    print_result(lines, summary, as_json=as_json)
    if not report.is_valid:
        raise typer.Exit(EXIT_INVALID)


@handle_errors
def repair(
    cells: Annotated[Path, typer.Argument(help="Cells, or areas, to repair.", show_default=False)],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Repaired cells to write.", show_default=False)
    ],
    areas: options.Areas = None,
    max_width: Annotated[
        float | None,
        typer.Option(help="Fill blanks up to this width in metres; wider ones are left and reported."),
    ] = None,
    max_area_change: Annotated[
        float, typer.Option(help="Refuse when a cell's area would change by more than this share.", min=0)
    ] = 0.5,
    changes: Annotated[
        Path | None, typer.Option(help="Write the change of area of every cell, as .csv or .parquet.")
    ] = None,
    code_field: options.CodeField = None,
    area_field: options.AreaField = None,
    areas_code_field: options.AreasCodeField = None,
    crs: options.WorkingCrs = None,
    as_json: options.JsonOption = False,
    **reading: Unpack[options.CellsWithAreasReadOptions],
) -> None:
    """Make cells a coverage: resolve overlaps, fill blanks, match borders, or refuse.

    Every cell keeps its code and columns, no cell is split, and all changes are reported. A repair
    that would lose a cell or take most of its ground is refused with exit code 1, and nothing is written.
    """
    from api.cli.inputs import read_cells
    from gis.crs import parse_working_crs
    from gis.topology import repair_topology as repair_topology
    from layers.fields.columns import CELL_COLUMNS, keep_fields
    from layers.formats import validate_outputs, write_layer, write_table

    validate_outputs(layers=[output], tables=[changes])
    working = parse_working_crs(crs) if crs else None
    source, loaded = read_cells(
        cells,
        code_field=code_field,
        area_field=area_field,
        own_crs=True,
        **options.own_reading(options.ReadOptions, reading),
    )
    lowest_areas = load_lowest_areas(areas, areas_code_field, options.reading_of("areas", reading))
    width = {} if max_width is None else {"max_width_m": max_width}
    with error_prefix(cells), progress_bar("repairing") as progress:
        repaired = repair_topology(
            loaded, lowest_areas, max_area_change=max_area_change, crs=working, progress=progress, **width
        )
    if changes is not None:
        write_table(changes, repaired.changes)
    kept, notes = keep_fields(
        repaired.cells, _with_fresh_measures(source, repaired.cells), CELL_COLUMNS, leading=True
    )
    print_notes([*notes, *write_layer(output, kept)])
    summary = {**repaired.summary(), "output": str(output)}
    print_result([*repaired.summary_lines(), f"written to {output}"], summary, as_json=as_json)


def _with_fresh_measures(source: "gpd.GeoDataFrame", repaired: "gpd.GeoDataFrame") -> "gpd.GeoDataFrame":
    """Return the file with the measures of its cells as they are after the repair."""
    from pandas.api.types import is_numeric_dtype

    named = [name for name in ("area_m2", "perimeter_m") if name in source.columns]
    fresh = [name for name in named if is_numeric_dtype(source[name])]
    return source.assign(**{name: repaired[name].to_numpy() for name in fresh})


def load_lowest_areas(
    path: Path | None, code_field: str | None, reading: options.ReadOptions
) -> "gpd.GeoDataFrame | None":
    """Read areas and keep those that are no parent of another; None without a file."""
    if path is None:
        return None
    from api.cli.inputs import load_areas
    from gis.areas import build_hierarchy, leaf_areas

    areas = load_areas(path, code_field=code_field, **reading)
    with error_prefix(path):
        return leaf_areas(build_hierarchy(areas, note=note_on(path)))


def _finding_lines(kind: str, figures: Mapping[str, float], findings: "gpd.GeoDataFrame") -> list[str]:
    from gis.topology.findings import format_area

    severity = findings["severity"].iat[0]
    size = f", {format_area(figures['area_m2'])}" if figures["area_m2"] else ""
    lines = [f"  {severity} {kind}: {figures['count']:,}{size}"]
    lines += [f"    {detail}" for detail in findings["detail"].head(_MAX_LISTED)]
    more = len(findings) - _MAX_LISTED
    return lines + ([f"    ... and {more:,} more"] if more > 0 else [])
