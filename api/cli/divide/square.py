"""`--method square`: areas into the squares of one grid."""

from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.console import error_prefix, note_on
from api.cli.divide.areas import AreaOptions, PlanAreaOptions, read_areas
from api.cli.divide.method import DividedFile, FileMethod, Options, PlanMethod, Settings
from api.cli.progress import progress_bar

Size = Annotated[float | None, typer.Option(help="Side of a square in metres.", show_default="100")]
MinShare = Annotated[
    float | None,
    typer.Option(help="Share of a square below which a remnant joins its neighbour.", show_default="0.25"),
]
DEFAULT_SIZE_M = 100.0


class SquareOptions(AreaOptions, total=False):
    """Options of the method."""

    size: Size
    min_share: MinShare


class SquarePlanOptions(PlanAreaOptions, total=False):
    """Options of the method in a database."""

    size: Size
    min_share: MinShare


def divide(path: Path, given: Options, settings: Settings) -> DividedFile:
    """Divide areas into squares."""
    from gis.areas import leaf_areas
    from gis.divide import divide_square

    areas, crs = read_areas(path, given, settings.crs)
    numbering = settings.numbering()
    shape = {"min_share": given["min_share"]} if "min_share" in given else {}
    with error_prefix(path), progress_bar("dividing") as progress:
        cells = divide_square(
            areas,
            size_m=given.get("size", DEFAULT_SIZE_M),
            note=note_on(path),
            progress=progress,
            crs=crs,
            **shape,
            **numbering,
        )
    divided = len(leaf_areas(areas))
    line = f"{len(cells):,} cells of {divided:,} areas, {cells['area_m2'].sum() / 1e6:,.3f} km²"
    return DividedFile(cells, crs, {"areas": divided}, [line])


SQUARE = FileMethod("square", SquareOptions, divide)


def plan_arguments(given: Options) -> dict[str, Any]:
    """Return the options as `layers.divisions` takes them."""
    arguments = {name: given[name] for name in ("min_share", "level") if name in given}
    return {**arguments, "size_m": given.get("size", DEFAULT_SIZE_M)}


SQUARE_OF_PLAN = PlanMethod("square", SquarePlanOptions, plan_arguments)
