"""Files of lines that bound cells: the options of --barriers, and how lines are read."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from api.cli import options
from api.cli.console import print_note, reading_file_of
from api.cli.divide.method import Options

if TYPE_CHECKING:
    import geopandas as gpd


class BarrierOptions(TypedDict, total=False):
    """Options of lines that no cell crosses."""

    barriers: Annotated[
        Path | None,
        typer.Option(help="blocks, balanced: lines that no cell crosses, such as railways and rivers."),
    ]
    barriers_layer: Annotated[str | None, typer.Option(help="Layer of --barriers to read.")]
    barriers_where: Annotated[str | None, typer.Option(help="SQL condition on the fields of --barriers.")]
    barriers_source_crs: Annotated[
        str | None, typer.Option(help="CRS of --barriers, where the file names none, e.g. EPSG:4326.")
    ]
    barriers_encoding: Annotated[
        str | None,
        typer.Option(help="Encoding of a CSV or Shapefile of --barriers [default: by its bytes]."),
    ]


class PlanBarrierOptions(TypedDict, total=False):
    """The same in a database, whose base map has the lines."""

    barrier: Annotated[
        list[str] | None,
        typer.Option(help="Kind of the base map that no cell crosses, such as railway; repeatable."),
    ]


LINE_TAGS = ("highway", "railway", "waterway", "natural")
"""Fields by which a division knows how much a line separates."""


def read_lines(parameter: str, given: Options, role: str) -> "gpd.GeoDataFrame":
    """Read the file of an option: lines, or polygons whose outlines are lines.

    Raises
    ------
    InputError
        If the file has neither.
    """
    import shapely

    from gis.errors import InputError
    from layers.formats import read_layer

    path = given[parameter]
    with reading_file_of(parameter):
        reading = options.reading_of(parameter, given)
        frame = read_layer(path, role=role, tags=LINE_TAGS, note=print_note, **reading)
        if not (shapely.get_dimensions(frame.geometry.to_numpy()) > 0).any():
            raise InputError(f"{path} has no lines; name a layer of lines or polygons with --layer.")
    return frame


def read_barriers(given: Options) -> "gpd.GeoDataFrame | None":
    """Read the file of --barriers, if one is given."""
    return read_lines("barriers", given, "barriers") if "barriers" in given else None
