"""The areas that methods of division divide: their options, and how they are read."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

import typer

from api.cli import options
from api.cli.console import error_prefix, note_on
from api.cli.divide.method import Options

if TYPE_CHECKING:
    import geopandas as gpd
    from pyproj import CRS


class AreaOptions(TypedDict, total=False):
    """Options of the areas that are divided."""

    level_field: options.LevelField
    parent_field: options.ParentField
    level: Annotated[str | None, typer.Option(help="Divide the areas of this level only.")]


class PlanAreaOptions(TypedDict, total=False):
    """Options of the areas of a database that cells keep to."""

    level: Annotated[
        str | None, typer.Option(help="Level of the areas that cells keep to [default: the lowest areas].")
    ]


def read_areas(path: Path, given: Options, crs: "CRS | None") -> tuple["gpd.GeoDataFrame", "CRS"]:
    """Read areas with their hierarchy, and return them with the working CRS."""
    from api.cli.inputs import load_areas
    from gis.areas import build_hierarchy
    from gis.crs import choose_working_crs

    named: dict[str, Any] = {
        name: given.get(name) for name in ("code_field", "name_field", *AreaOptions.__annotations__)
    }
    loaded = load_areas(path, **named, **options.own_reading(options.ReadOptions, given))
    with error_prefix(path):
        working_crs = crs or choose_working_crs(loaded)
        return build_hierarchy(loaded, crs=working_crs, note=note_on(path)), working_crs
