"""The command `describe`: the boundaries of cells in words."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Unpack

import typer

from api.cli import options
from api.cli.console import error_prefix, handle_errors, note_on, print_note, print_notes, print_result

if TYPE_CHECKING:
    import geopandas as gpd

_LINE_KINDS = ("roads", "railway", "water")


@handle_errors
def describe(
    cells: Annotated[Path, typer.Argument(help="Cells to describe, with a code each.", show_default=False)],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help="Table of the sides in .csv, else a layer of the cells with them.",
            show_default=False,
        ),
    ],
    streets: Annotated[
        list[str],
        typer.Option(
            help="Named streets, railways and rivers: FILE with fields of OpenStreetMap, or KIND=FILE "
            "(roads, railway, water); repeatable.",
            show_default=False,
        ),
    ],
    areas: options.Areas = None,
    tolerance: Annotated[
        float, typer.Option(help="How far in metres from a border a line may run that it is named by.")
    ] = 20.0,
    code_field: options.CodeField = None,
    name_field: options.NameField = None,
    streets_name_field: Annotated[str | None, typer.Option(help="Field of --streets with the name.")] = None,
    streets_encoding: Annotated[
        str | None, typer.Option(help="Encoding of a CSV or Shapefile of --streets [default: by its bytes].")
    ] = None,
    areas_code_field: options.AreasCodeField = None,
    crs: options.WorkingCrs = None,
    language: options.LanguageOption = None,
    as_json: options.JsonOption = False,
    **reading: Unpack[options.CellsWithAreasReadOptions],
) -> None:
    """Say in words by what streets and neighbours each cell is bounded (四至).

    A side is told by the streets, railways and rivers that run along it; where there is none, by the
    neighbouring area of --areas, the neighbouring cell, or the outer border.
    """
    from api.cli.inputs import load_valid_cells
    from gis.boundaries import SIDES, describe_boundaries
    from gis.crs import parse_working_crs
    from layers.formats import validate_outputs, write_layer, write_table

    is_table = output.suffix.lower() == ".csv"
    validate_outputs(layers=[None if is_table else output], tables=[output if is_table else None])
    own = options.own_reading(options.ReadOptions, reading)
    frame = load_valid_cells(cells, code_field=code_field, name_field=name_field, **own)
    lines = _load_lines(streets, streets_name_field, streets_encoding)
    neighbours = _load_lowest_areas(areas, areas_code_field, options.reading_of("areas", reading))
    with error_prefix(cells):
        found = describe_boundaries(
            frame,
            lines,
            neighbours,
            tolerance_m=tolerance,
            crs=parse_working_crs(crs) if crs else None,
        )
    table = found.table((language or options.system_language()).value)
    if is_table:
        write_table(output, table)
    else:
        sides = {name: table[name].to_numpy() for name in table.columns if name != "code"}
        print_notes(write_layer(output, frame.assign(**sides)))
    by_line = sum(
        any(bound.kind in _LINE_KINDS for bound in row) for side in SIDES for row in found.sides[side]
    )
    sides_told = len(table) * len(SIDES)
    lines_told = [
        f"{len(table):,} cells, {by_line:,} of {sides_told:,} sides by streets, railways or rivers",
        *(f"{code}: {text}" for code, text in table[["code", "description"]].head(3).itertuples(index=False)),
        f"written to {output}",
    ]
    summary = {"cells": len(table), "sides": sides_told, "sides_by_lines": by_line, "output": str(output)}
    print_result(lines_told, summary, as_json=as_json)


def _load_lines(sources: list[str], name_field: str | None, encoding: str | None) -> "gpd.GeoDataFrame":
    """Read lines with name and kind."""
    import pandas as pd

    frames = []
    for source in sources:
        kind, path = None, Path(source)
        if "=" in source and not path.exists():
            kind, _, name = source.partition("=")
            path = Path(name)
        frames += _read_lines(path, kind, name_field, encoding)
    lines: gpd.GeoDataFrame = pd.concat(frames, ignore_index=True)
    unnamed = int(((lines["kind"] == "roads") & lines["name"].isna()).sum())
    if unnamed:
        print_note(
            f"{unnamed:,} of {len(lines):,} lines are streets without a name; no side is told by them."
        )
    return lines


def _read_lines(
    path: Path, kind: str | None, name_field: str | None, encoding: str | None
) -> "list[gpd.GeoDataFrame]":
    """Read the lines of a file, of one kind or of those that its layers or tags tell."""
    from gis.errors import InputError
    from gis.near_matches import near_matches
    from layers.fields.columns import OSM_CLASS_TAGS, standardise_basemap
    from layers.formats import layer_names, read_layer

    if kind is not None and kind not in _LINE_KINDS:
        raise InputError(f"There is no kind of lines '{kind}' ({near_matches(kind, _LINE_KINDS)}).")
    names = layer_names(path)
    wanted = (kind,) if kind is not None else _LINE_KINDS
    inside = [each for each in wanted if names is None or each in names]
    found, failure = [], None
    for each in inside or [kind or "roads"]:
        layer = each if names is not None and each in names and len(names) > 1 else None
        try:
            frame = read_layer(
                path, role=each, layer=layer, encoding=encoding, tags=OSM_CLASS_TAGS[each], note=print_note
            )
        except InputError as error:
            # An extract need not have lines of every kind.
            if names is not None or kind is not None:
                raise
            failure = error
            continue
        if name_field is not None:
            if name_field not in frame.columns:
                fields = [str(column) for column in frame.columns if column != "geometry"]
                raise InputError(f"{path} has no field '{name_field}' ({near_matches(name_field, fields)}).")
            frame = frame.drop(columns="name", errors="ignore").rename(columns={name_field: "name"})
        lines = standardise_basemap(frame, each).assign(kind=each)
        if kind is None and each not in (names or ()):
            lines["kind"] = _kinds_by_tags(frame, each)
        found.append(lines)
    if not found and failure is not None:
        raise failure
    return found


def _kinds_by_tags(frame: "gpd.GeoDataFrame", kind: str) -> list[str]:
    """Return the kind of each record by the tags of OpenStreetMap that it has."""
    tags = {"railway": ("railway",), "water": ("waterway", "natural")}
    kinds = [kind] * len(frame)
    for name, fields in tags.items():
        for field in fields:
            if field in frame.columns:
                kinds = [name if has else own for has, own in zip(frame[field].notna(), kinds, strict=True)]
    return kinds


def _load_lowest_areas(
    path: Path | None, code_field: str | None, reading: options.ReadOptions
) -> "gpd.GeoDataFrame | None":
    if path is None:
        return None
    from api.cli.inputs import load_areas
    from gis.areas import build_hierarchy, leaf_areas

    areas = load_areas(path, code_field=code_field, **reading)
    with error_prefix(path):
        return leaf_areas(build_hierarchy(areas, note=note_on(path)))
