"""The command `map`: cells drawn as one offline HTML file."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from api.cli import options
from api.cli.outcome import about, reporting, tell


class Language(StrEnum):
    """Language of the map's words."""

    zh = "zh"
    en = "en"


@reporting
def draw(
    cells: options.Cells,
    output: Annotated[Path, typer.Option("-o", "--output", help="HTML file to write.", show_default=False)],
    areas: options.Areas = None,
    gaps: Annotated[Path | None, typer.Option(help="Gaps to draw, as written by wangge gaps.")] = None,
    entities: Annotated[
        list[Path] | None,
        typer.Option(help="Entities to count per cell and, if not too many, to draw; repeatable."),
    ] = None,
    roads: Annotated[Path | None, typer.Option(help="Roads to read the map by.")] = None,
    water: Annotated[Path | None, typer.Option(help="Rivers and lakes.")] = None,
    railway: Annotated[Path | None, typer.Option(help="Railways.")] = None,
    buildings: Annotated[Path | None, typer.Option(help="Buildings.")] = None,
    green: Annotated[Path | None, typer.Option(help="Parks and woods.")] = None,
    measure: Annotated[str | None, typer.Option(help="Column of the cells to colour by.")] = None,
    title: Annotated[str | None, typer.Option(help="Heading.")] = None,
    language: Annotated[Language, typer.Option(help="Language of the words.")] = Language.zh,
    code_field: options.CodeField = None,
    name_field: options.NameField = None,
    cells_layer: options.CellsLayer = None,
    areas_code_field: options.AreasCodeField = None,
    areas_layer: options.AreasLayer = None,
    areas_where: options.AreasWhere = None,
    as_json: options.Json = False,
) -> None:
    """Draw cells on a map: one HTML file that opens without a network and loads nothing from elsewhere."""
    from api.cli.source import load_areas, load_cells
    from layers.formats import plan_outputs, read_layer, write_text
    from layers.maps import make_map

    plan_outputs(texts={output: (".html", ".htm")})
    plan = load_cells(cells, code_field=code_field, name_field=name_field, layer=cells_layer)
    parents = None
    if areas is not None:
        parents = load_areas(areas, code_field=areas_code_field, layer=areas_layer, where=areas_where)
    grounds = {"green": green, "water": water, "buildings": buildings, "railway": railway, "roads": roads}
    with about(cells):
        text = make_map(
            plan,
            areas=parents,
            gaps=None if gaps is None else read_layer(gaps, role="gaps"),
            layers={path.stem: read_layer(path, role="entities") for path in entities or []},
            base={kind: read_layer(path, role=kind) for kind, path in grounds.items() if path is not None},
            measure=measure,
            title=title,
            language=language.value,
        )
    write_text(output, text)
    size = output.stat().st_size
    drawn = int((~(plan.geometry.isna() | plan.geometry.is_empty)).sum())
    tell(
        [f"{drawn:,} of {len(plan):,} cells drawn", f"written to {output} ({size / 1e6:.1f} MB)"],
        {"cells": len(plan), "drawn": drawn, "bytes": size, "output": str(output)},
        as_json=as_json,
    )
