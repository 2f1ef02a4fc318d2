"""The command `measure`: the measures of cells, and how evenly they share out their loads."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Unpack

import typer

from api.cli import options
from api.cli.console import error_prefix, handle_errors, note_on, print_notes, print_result

if TYPE_CHECKING:
    import geopandas as gpd


@handle_errors
def measure(
    cells: Annotated[Path, typer.Argument(help="Cells to measure, with a code each.", show_default=False)],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help="Layer of the cells with their measures; .csv is a table without geometry.",
            show_default=False,
        ),
    ],
    weight: Annotated[
        list[str] | None,
        typer.Option(
            help="COLUMN or COLUMN:TOLERANCE that cells share out, or a measure such as area_m2; repeatable."
        ),
    ] = None,
    tolerance: Annotated[
        float, typer.Option(min=0, help="Share of the mean by which a cell may differ from it.")
    ] = 0.05,
    walking_speed: Annotated[
        float, typer.Option(min=0.1, help="Speed in km/h for the time to walk across a cell.")
    ] = 4.8,
    code_field: options.CodeField = None,
    area_field: options.AreaField = None,
    crs: options.WorkingCrs = None,
    as_json: options.JsonOption = False,
    **reading: Unpack[options.ReadOptions],
) -> None:
    """Measure cells and how evenly they share out loads.

    Of each cell: size, compactness, parts, walking time, and how far its loads are from the mean.

    Compactness and balance of the whole plan are from 0 to 100. Measures replace columns of the same name.
    """
    from api.cli.inputs import load_valid_cells
    from gis.crs import parse_working_crs
    from gis.measures import (
        DEVIATION,
        CellFigures,
        deviation_measure,
        deviations,
        load_columns,
        measure_of_column,
        plan_figures,
        resolve_working_crs,
        shape_measures,
        walk_minutes,
    )
    from layers.formats import validate_outputs, write_layer, write_table

    is_table = output.suffix.lower() == ".csv"
    validate_outputs(layers=[None if is_table else output], tables=[output if is_table else None])
    weights = dict(_parse_weight(each, tolerance) for each in weight or [])
    frame = load_valid_cells(cells, code_field=code_field, area_field=area_field, **reading)
    with error_prefix(cells):
        figures = CellFigures.of(frame, resolve_working_crs(frame, parse_working_crs(crs) if crs else None))
        values = {each.key: each.values(figures) for each in shape_measures()}
        minutes = measure_of_column("walk_minutes")
        speed = walking_speed * 1000 / 60
        values["walk_minutes"] = minutes.round(walk_minutes(figures.shapes.bounding_radii_m, speed))
        _note_replaced(cells, frame, list(values))
        measured = frame.assign(**values)
        loads = load_columns(measured, list(weights))
        found = plan_figures(figures, loads, weights)
    for name, load in loads.items():
        measured[f"{name}{DEVIATION}"] = deviation_measure(measure_of_column(name)).round(deviations(load))
    if is_table:
        write_table(output, measured.drop(columns="geometry"))
    else:
        print_notes(write_layer(output, measured))
    print_result(
        [*found.lines(), f"written to {output}"], {**found.summary(), "output": str(output)}, as_json=as_json
    )


def _parse_weight(text: str, tolerance: float) -> tuple[str, float]:
    """Return the column and the tolerance of COLUMN or COLUMN:TOLERANCE."""
    column, _, number = text.rpartition(":")
    if not column:
        return text, tolerance
    try:
        return column, float(number)
    except ValueError:
        return text, tolerance


def _note_replaced(path: Path, frame: "gpd.GeoDataFrame", names: list[str]) -> None:
    """Say which columns of a file are recomputed."""
    replaced = [name for name in names if name in frame.columns]
    if replaced:
        note_on(path)(f"recomputed: {', '.join(replaced)}.")
