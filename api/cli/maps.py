"""The command `map`: cells drawn as one offline HTML file, or on an A3 sheet to print."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Unpack

import typer

from api.cli import options
from api.cli.console import error_prefix, handle_errors, print_note, print_result
from api.cli.profile_file import read_profile

if TYPE_CHECKING:
    from geopandas import GeoDataFrame


class ClassificationMethod(StrEnum):
    """The classification of a measure."""

    quantiles = "quantiles"
    natural_breaks = "natural_breaks"
    equal_interval = "equal_interval"


@handle_errors
def draw_map(
    cells: options.Cells,
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="HTML file, or PDF or PNG to print on A3.", show_default=False),
    ],
    areas: options.Areas = None,
    units: Annotated[
        Path | None, typer.Option(help="Units of which the cells are made, for their borders.")
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="Standard that says the colour of cells' borders: a name or TOML file.")
    ] = None,
    gaps: Annotated[Path | None, typer.Option(help="Gaps to draw, as written by wangge gaps.")] = None,
    entities: Annotated[
        list[Path] | None,
        typer.Option(help="Entities to count per cell and, if not too many, to draw; repeatable."),
    ] = None,
    roads: Annotated[Path | None, typer.Option(help="Roads for orientation.")] = None,
    water: Annotated[Path | None, typer.Option(help="Rivers and lakes.")] = None,
    railway: Annotated[Path | None, typer.Option(help="Railways.")] = None,
    buildings: Annotated[Path | None, typer.Option(help="Buildings.")] = None,
    green: Annotated[Path | None, typer.Option(help="Parks and woods.")] = None,
    measure: Annotated[str | None, typer.Option(help="Column of the cells to colour by.")] = None,
    method: Annotated[ClassificationMethod, typer.Option(help="How the measure is divided into classes.")] = (
        ClassificationMethod.quantiles
    ),
    classes: Annotated[int, typer.Option(min=1, max=9, help="The most classes.")] = 5,
    officers: Annotated[
        Path | None, typer.Option(help="Table of officers; leaders are shown by number, never by name.")
    ] = None,
    area: Annotated[str | None, typer.Option(help="Draw the cells of this area only, by its code.")] = None,
    plan: Annotated[str | None, typer.Option(help="Name of the plan, below the heading.")] = None,
    date: Annotated[
        datetime | None,
        typer.Option(help="The day that the map shows.", formats=["%Y-%m-%d"], show_default="today"),
    ] = None,
    title: Annotated[str | None, typer.Option(help="Heading.")] = None,
    language: Annotated[
        options.Language, typer.Option("--language", "--lang", help="Language of the words.")
    ] = options.Language.zh,
    code_field: options.CellsCodeField = None,
    name_field: options.CellsNameField = None,
    areas_code_field: options.AreasCodeField = None,
    officers_encoding: Annotated[
        str | None, typer.Option(help="Encoding of a CSV of --officers [default: by its bytes].")
    ] = None,
    as_json: options.JsonOption = False,
    **reading: Unpack[options.MapReadOptions],
) -> None:
    """Draw cells on a map: one HTML file that works offline and loads nothing from elsewhere.

    With the extension .pdf or .png, it is an A3 sheet in the working CRS, to a round scale.
    """
    from api.cli.inputs import load_areas, load_cells
    from gis import classes as classing
    from gis.errors import InputError
    from layers.formats import read_layer, read_table, validate_outputs, write_bytes, write_text
    from layers.maps import PrintMap, join_leaders, render_html_map, render_print_map

    suffix = output.suffix.lower()
    cells_reading, areas_reading, gaps_reading, base_reading = (
        options.reading_of(each, reading) for each in ("cells", "areas", "gaps", "base")
    )
    entities_reading = options.placed_reading_of("entities", reading)
    validate_outputs(texts={output: (".html", ".htm", ".pdf", ".png")})
    cell_frame = load_cells(cells, code_field=code_field, name_field=name_field, **cells_reading)
    standard = None if profile is None else read_profile(profile)
    parents = None
    if areas is not None:
        parents = load_areas(areas, code_field=areas_code_field, **areas_reading)
    if officers is not None:
        with error_prefix(officers):
            cell_frame = join_leaders(
                cell_frame, read_table(officers, encoding=officers_encoding, note=print_note)
            )
    base_files = {"green": green, "water": water, "buildings": buildings, "railway": railway, "roads": roads}
    found = None if gaps is None else read_layer(gaps, role="gaps", note=print_note, **gaps_reading)
    with error_prefix(cells):
        if area is not None:
            if "area_code" not in cell_frame:
                raise InputError("The cells have no column 'area_code' by which to select an area.")
            cell_frame = cell_frame[cell_frame["area_code"].isin(_subtree_codes(area, parents))].reset_index(
                drop=True
            )
            if not len(cell_frame):
                raise InputError(f"No cell lies in an area '{area}'.")
            if found is not None and "cell_code" in found:
                found = found[found["cell_code"].isin(cell_frame["code"])].reset_index(drop=True)
        map_options: dict[str, Any] = {
            "areas": parents,
            "units": None if units is None else _read_units(units, cell_frame),
            "border": None if standard is None or standard.border is None else standard.border.colour,
            "gaps": found,
            "layers": {
                path.stem: read_layer(path, role="entities", note=print_note, **entities_reading)
                for path in entities or []
            },
            "base": {
                kind: read_layer(path, role=kind, note=print_note, **base_reading)
                for kind, path in base_files.items()
                if path is not None
            },
            "measure": measure,
            "method": classing.ClassificationMethod(method),
            "classes": classes,
            "title": title,
            "plan": plan,
            "date": None if date is None else date.date(),
            "language": language.value,
        }
        if suffix in (".pdf", ".png"):
            write_bytes(
                output,
                render_print_map(PrintMap(cell_frame, **map_options), "pdf" if suffix == ".pdf" else "png"),
            )
        else:
            write_text(output, render_html_map(cell_frame, **map_options))
    size = output.stat().st_size
    count = int((~(cell_frame.geometry.isna() | cell_frame.geometry.is_empty)).sum())
    print_result(
        [f"{count:,} of {len(cell_frame):,} cells drawn", f"written to {output} ({size / 1e6:.1f} MB)"],
        {"cells": len(cell_frame), "drawn": count, "bytes": size, "output": str(output)},
        as_json=as_json,
    )


def _read_units(path: Path, cells: "GeoDataFrame") -> "GeoDataFrame":
    """Read the units on the ground of some cells."""
    import numpy as np

    from gis.errors import InputError
    from layers.formats import read_layer
    from layers.maps.map_layers import as_lonlat

    units = as_lonlat(read_layer(path, role="cells", note=print_note), str(path))
    ground = as_lonlat(cells, "cells")
    inside, _ = ground.sindex.query(units.representative_point(), predicate="intersects")
    if not len(inside):
        raise InputError(f"No unit of {path} lies in the cells.")
    return units.iloc[np.unique(inside)].reset_index(drop=True)


def _subtree_codes(area: str, areas: "GeoDataFrame | None") -> set[str]:
    """Return the code of an area and those of all areas beneath it."""
    found = {area}
    if areas is None or "parent" not in areas:
        return found
    while len(more := found | set(areas.loc[areas["parent"].isin(found), "code"])) > len(found):
        found = more
    return found
