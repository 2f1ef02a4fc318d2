"""The command `diff`: what changed between two plans."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Unpack

import typer

from api.cli import options
from api.cli.console import handle_errors, print_notes, print_result
from api.cli.progress import progress_bar

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from pyproj import CRS


class _DiffOptions(options.ReadOptions, options.EntitiesReadOptions, total=False):
    """Options of the cells and of --entities."""

    entities_id_field: options.EntitiesIdField


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
    entities: Annotated[
        list[str] | None,
        typer.Option(help=options.ENTITIES_HELP),
    ] = None,
    moved: Annotated[
        Path | None, typer.Option(help="Write the --entities that get another cell, with both cells.")
    ] = None,
    crs: options.WorkingCrs = None,
    as_json: options.JsonOption = False,
    **reading: Unpack[_DiffOptions],
) -> None:
    """Compare two plans over the same ground: which ground changed owner, and how every cell changed.

    The options for reading hold for OLD and NEW unless NEW has its own. A cell whose border moved by no more
    than --min-width is redrawn, and its ground is not among the changes.
    """
    from api.cli.inputs import load_valid_cells
    from gis.crs import parse_working_crs
    from gis.diff import diff_plans as diff_cells
    from gis.errors import ParameterError
    from gis.moves import count_moves, with_moves
    from layers.formats import validate_outputs, write_layer, write_table

    validate_outputs(layers=[output, moved], tables=[table])
    if moved is not None and not entities:
        raise ParameterError("--moved needs --entities, the records of which some move.")
    working = parse_working_crs(crs) if crs else None
    own = options.own_reading(options.ReadOptions, reading)
    before = load_valid_cells(old, code_field=code_field, **own)
    reading_new: options.ReadOptions = {
        **own,
        "layer": new_layer or own.get("layer"),
        "where": new_where or own.get("where"),
        "encoding": new_encoding or own.get("encoding"),
    }
    after = load_valid_cells(new, code_field=new_code_field or code_field, **reading_new)
    width = {} if min_width is None else {"min_width_m": min_width}
    with progress_bar("comparing") as progress:
        change = diff_cells(before, after, crs=working, progress=progress, **width)
    records = _load_records(entities or [], options.record_reading_of("entities", reading))
    moves = None if records is None else _find_moves(records, before, after, working)
    pieces = change.pieces if moves is None else with_moves(change.pieces, count_moves(moves))
    print_notes(write_layer(output, pieces))
    if moved is not None and records is not None and moves is not None:
        print_notes(write_layer(moved, _moved_records(records, moves)))
    if table is not None:
        codes = change.codes
        if table.suffix.lower() == ".csv":
            # CSV has no lists.
            codes = codes.assign(**{name: codes[name].map(",".join) for name in ("before", "after")})
        write_table(table, codes)
    summary = change.summary() | ({} if moves is None else {"moved_entities": len(moves)})
    lines = [
        "cells: " + ", ".join(f"{count:,} {kind}" for kind, count in summary["codes"].items() if count),
        f"changed owner: {summary['changed_owner_m2']:,.2f} m²; renamed: {summary['renamed_m2']:,.2f} m²",
        f"joined the plan: {summary['added_m2']:,.2f} m²; left it: {summary['removed_m2']:,.2f} m²",
    ]
    if moves is not None:
        kinds = ", ".join(f"{number:,} {kind}" for kind, number in moves["kind"].value_counts().items())
        lines.append(f"entities that get another cell: {len(moves):,}" + (f" ({kinds})" if kinds else ""))
    print_result([*lines, f"written to {output}"], {**summary, "output": str(output)}, as_json=as_json)


def _load_records(sources: list[str], reading: options.RecordReadOptions) -> "gpd.GeoDataFrame | None":
    """Read the files of --entities into one frame; None where there are none."""
    import pandas as pd

    from api.cli.inputs import load_entity_files

    frames = load_entity_files(sources, **reading)
    if not frames:
        return None
    united: gpd.GeoDataFrame = pd.concat(frames, ignore_index=True)
    return united


def _find_moves(
    records: "gpd.GeoDataFrame", before: "gpd.GeoDataFrame", after: "gpd.GeoDataFrame", crs: "CRS | None"
) -> "pd.DataFrame":
    """Return the records that lie in another cell of the new plan."""
    from gis.crs import to_lonlat
    from gis.moves import find_moves

    old, new = (to_lonlat(each) for each in (before, after))
    places = to_lonlat(records).geometry.to_numpy()
    return find_moves(places, records["kind"].tolist(), old, new, crs=crs)


def _moved_records(records: "gpd.GeoDataFrame", moves: "pd.DataFrame") -> "gpd.GeoDataFrame":
    """Return the records that move, with the cells that they leave and join."""
    found = records.iloc[moves["row"]].reset_index(drop=True)
    return found.assign(**{name: moves[name].to_numpy() for name in ("from_code", "to_code")})
