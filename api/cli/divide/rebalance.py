"""The command `rebalance`, and the method of that name in a database: cells evened out by few moves."""

from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli import options
from api.cli.console import handle_errors, print_notes, print_result, reading_file_of, take_options
from api.cli.divide.balanced import Lock, Seed, nesting, units_table
from api.cli.divide.counts import CountOptions, add_counts
from api.cli.divide.lines import BarrierOptions, read_barriers
from api.cli.divide.method import LayerFiles, Options, PlanMethod, given_options
from api.cli.divide.outputs import write_further
from api.cli.divide.plan_units import PlanUnitOptions, unit_arguments
from api.cli.divide.weights import WeightOptions, officer_hours, parse_weights
from api.cli.progress import progress_bar
from gis.errors import InputError, ParameterError

_LAYERS, _TABLES = ("moves",), ("units_output", "pareto")


class RebalanceOptions(WeightOptions, CountOptions, BarrierOptions, options.ReadOptions, total=False):
    """Options of the units, and of the cells that they make."""

    units_layer: Annotated[str | None, typer.Option(help="Layer of --units to read.")]
    units_where: Annotated[str | None, typer.Option(help="SQL condition on the fields of --units.")]
    units_source_crs: Annotated[
        str | None, typer.Option(help="CRS of --units, where the file names none, e.g. EPSG:4326.")
    ]
    units_encoding: Annotated[
        str | None, typer.Option(help="Encoding of a CSV or Shapefile of --units [default: by its bytes].")
    ]


@handle_errors
@take_options(RebalanceOptions)
def rebalance(
    cells: Annotated[Path, typer.Argument(help="Cells in force.", show_default=False)],
    units: Annotated[
        Path, typer.Option(help="The units that the cells are made of, with their loads.", show_default=False)
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Cells to write.", show_default=False)],
    budget: Annotated[
        float, typer.Option(help="The largest share of the first weight that may change cells, 0 to 1.")
    ] = 0.1,
    lock: Annotated[
        str | None, typer.Option(metavar="FIELD", help="Field of --units that marks those which stay.")
    ] = None,
    within: Annotated[
        str | None,
        typer.Option(
            metavar="FIELD",
            help="Field of --units whose values no cell mixes; none: any may.",
            show_default="area_code",
        ),
    ] = None,
    cell_field: Annotated[
        str | None,
        typer.Option(
            metavar="FIELD",
            help="Field of --units with the code of their cell; else they lie where a point of theirs does.",
            show_default="cell_code",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same cells.")] = 0,
    moves: Annotated[
        Path | None, typer.Option(help="Write the units that change cells, with their loads.")
    ] = None,
    pareto: Annotated[
        Path | None,
        typer.Option(help="Write how even cells become by how little is moved, as .csv or .parquet."),
    ] = None,
    units_output: Annotated[
        Path | None, typer.Option(help="Write the cell of every unit, as .csv or .parquet.")
    ] = None,
    code_field: options.CodeField = None,
    units_code_field: Annotated[str | None, typer.Option(help="Field of --units with the code.")] = None,
    units_area_field: Annotated[
        str | None, typer.Option(help="Field of --units with the code of the area a unit belongs to.")
    ] = None,
    crs: options.WorkingCrs = None,
    as_json: options.JsonOption = False,
    **further: Any,
) -> None:
    """Even out the loads of cells by moving few units between neighbours.

    Cells keep their codes, names and columns; no cell is lost, and none gets more parts than it has.
    """
    from api.cli.inputs import load_valid_cells
    from gis.crs import parse_working_crs
    from gis.divide import rebalance_cells
    from layers.formats import validate_outputs, write_layer

    given = given_options(
        {**further, "moves": moves, "pareto": pareto, "units_output": units_output, "units": units}
    )
    if "weight" not in given:
        raise ParameterError("wangge rebalance needs --weight, such as --weight households:5%.")
    validate_outputs(layers=[output, *map(given.get, _LAYERS)], tables=map(given.get, _TABLES))
    targets, working = parse_weights(given["weight"]), parse_working_crs(crs) if crs else None
    plan = load_valid_cells(cells, code_field=code_field, **options.own_reading(options.ReadOptions, given))
    with reading_file_of("units"):
        own = {name: given[name] for name in RebalanceOptions.__annotations__ if name in given}
        parts = load_valid_cells(
            units,
            code_field=units_code_field,
            area_field=units_area_field,
            **options.reading_of("units", {name: own[name] for name in own if name != "units_output"}),
        )
    parts = add_counts(parts, given)
    if cell_field is not None and cell_field not in parts.columns:
        raise InputError(f"{units} has no field '{cell_field}' for --cell-field.")
    chosen: dict[str, Any] = nesting(parts, within)
    if cell_field is not None:
        chosen["unit_cell_field"] = cell_field
    files = LayerFiles(cells, {"barriers": given.get("barriers"), "unit": units, "units": units})
    barriers = read_barriers(given)
    with files.blame(), progress_bar("rebalancing") as progress:
        made = rebalance_cells(
            plan,
            parts,
            weights=targets,
            budget=budget,
            lock=lock,
            barriers=barriers,
            hours=officer_hours(given),
            crs=working,
            seed=seed,
            note=files.note,
            progress=progress,
            **chosen,
        )
    print_notes(write_layer(output, made.cells))
    tables = {"moves": made.moves, "pareto": made.pareto, "units_output": units_table(made.cell_of_unit)}
    print_notes(write_further(given, tables))
    summary = {
        "cells": len(made.cells),
        "units": len(parts),
        **made.report.summary(),
        "pareto": made.pareto.to_dict("records"),
        "output": str(output),
    }
    print_result([*made.report.lines(), f"written to {output}"], summary, as_json=as_json)


class RebalancePlanOptions(PlanUnitOptions, total=False):
    """Options of the method in a database."""

    budget: Annotated[
        float | None,
        typer.Option(
            help="rebalance: the largest share of the first weight that may change cells.", show_default="0.1"
        ),
    ]
    lock: Lock
    seed: Seed


def plan_arguments(given: Options) -> dict[str, Any]:
    """Return the options as `layers.divisions` takes them."""
    names = ("budget", "lock", "seed")
    return {**unit_arguments(given), **{name: given[name] for name in names if name in given}}


REBALANCE_OF_PLAN = PlanMethod("rebalance", RebalancePlanOptions, plan_arguments, required=("weight",))
