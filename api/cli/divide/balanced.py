"""`--method balanced`: units grouped into cells with balanced loads."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import options
from api.cli.console import error_prefix, note_on, reading_file_of
from api.cli.divide.areas import PlanAreaOptions
from api.cli.divide.counts import CountOptions, add_counts
from api.cli.divide.lines import BarrierOptions, read_barriers
from api.cli.divide.method import DividedFile, FileMethod, LayerFiles, Options, PlanMethod, Settings
from api.cli.divide.plan_units import PlanUnitOptions, unit_arguments
from api.cli.divide.weights import WeightOptions, officer_hours, parse_weights
from api.cli.progress import progress_bar
from gis.errors import ParameterError

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from pyproj import CRS


Zones = Annotated[int | None, typer.Option(min=1, help="balanced: the number of cells.")]
MaxWeight = Annotated[
    float | None, typer.Option(help="balanced: the most of the first weight that a cell may have.")
]
Lock = Annotated[
    str | None,
    typer.Option(metavar="FIELD", help="balanced: units of one value stay together in one cell."),
]
Exclusive = Annotated[
    str | None,
    typer.Option(
        metavar="FIELD",
        help="balanced: field that marks units kept apart, such as a school, by yes or by a name.",
    ),
]
Seed = Annotated[
    int | None, typer.Option(min=0, help="balanced: the same seed gives the same cells.", show_default="0")
]


class CellParts(StrEnum):
    """Whether a cell may consist of several parts."""

    separate = "separate"
    allow = "allow"


Parts = Annotated[
    CellParts | None,
    typer.Option(
        help="balanced: allow lets an island join the nearest cell; separate keeps every cell in one part.",
        show_default="separate",
    ),
]


class BalancedOptions(WeightOptions, CountOptions, BarrierOptions, options.AreasReadOptions, total=False):
    """Options of the method."""

    zones: Zones
    max_weight: MaxWeight
    within: Annotated[
        str | None,
        typer.Option(
            metavar="FIELD",
            help="balanced: field whose values no cell mixes, such as the community; none: any may.",
            show_default="area_code",
        ),
    ]
    lock: Lock
    exclusive: Exclusive
    seeds: Annotated[
        Path | None, typer.Option(help="balanced: points, such as service points, around which cells grow.")
    ]
    seeds_layer: Annotated[str | None, typer.Option(help="Layer of --seeds to read.")]
    seeds_where: Annotated[str | None, typer.Option(help="SQL condition on the fields of --seeds.")]
    seeds_source_crs: Annotated[
        str | None, typer.Option(help="CRS of --seeds, where the file names none, e.g. EPSG:4326.")
    ]
    seeds_encoding: Annotated[
        str | None, typer.Option(help="Encoding of a CSV or Shapefile of --seeds [default: by its bytes].")
    ]
    areas: Annotated[Path | None, typer.Option(help="balanced: areas, for the names and codes of cells.")]
    areas_code_field: options.AreasCodeField
    area_field: options.AreaField
    seed: Seed
    parts: Parts
    units_output: Annotated[
        Path | None, typer.Option(help="balanced: write the cell of every unit, as .csv or .parquet.")
    ]


class BalancedPlanOptions(PlanUnitOptions, PlanAreaOptions, total=False):
    """Options of the method in a database."""

    zones: Zones
    max_weight: MaxWeight
    lock: Lock
    exclusive: Exclusive
    seeds: Annotated[
        str | None,
        typer.Option(metavar="KIND", help="balanced: kind of entities around which cells grow."),
    ]
    seed: Seed
    parts: Parts


def divide(path: Path, given: Options, settings: Settings) -> DividedFile:
    """Group units into cells."""
    from gis.crs import choose_working_crs
    from gis.divide import divide_balanced
    from gis.progress import no_progress

    require_count(given)
    targets = parse_weights(given["weight"])
    units = add_counts(read_units(path, given), given)
    numbering = settings.numbering()
    crs = settings.crs or choose_working_crs(units)
    further: dict[str, Any] = {
        "seeds": _read_seeds(given),
        "barriers": read_barriers(given),
        "areas": _read_areas(given, crs),
    }
    chosen = {
        name: given[name]
        for name in ("zones", "max_weight", "lock", "exclusive", "seed", "parts")
        if name in given
    }
    chosen |= nesting(units, given.get("within"))
    files = LayerFiles(path, {name: given.get(name) for name in ("seeds", "barriers")})
    with files.blame(), progress_bar("balancing") as progress:
        made = divide_balanced(
            units,
            weights=targets,
            hours=officer_hours(given),
            crs=crs,
            note=files.note,
            progress=progress or no_progress,
            **chosen,
            **further,
            **numbering,
        )
    cells = made.cells
    figures = {"units": len(units), "areas": int(cells["area_code"].nunique()), **made.report.summary()}
    return DividedFile(
        cells, crs, figures, made.report.lines(), {"units_output": units_table(made.cell_of_unit)}
    )


def nesting(units: "gpd.GeoDataFrame", within: str | None) -> dict[str, str | None]:
    """Return the option `within` of a division; `none` is no field, unless the units have it."""
    if within is None:
        return {}
    return {"within": None if within == "none" and within not in units.columns else within}


def require_count(given: Options) -> None:
    """Refuse a call that does not say how many cells there should be, or says it twice.

    Raises
    ------
    ParameterError
        If so.
    """
    if "zones" in given and "max_weight" in given:
        raise ParameterError("Give either --zones or --max-weight, not both.")
    if not {"zones", "max_weight", "seeds"} & given.keys():
        raise ParameterError("--method balanced needs --zones, --max-weight or --seeds.")


def read_units(path: Path, given: Options) -> "gpd.GeoDataFrame":
    """Read units with a code each."""
    from api.cli.inputs import load_valid_cells

    return load_valid_cells(
        path,
        code_field=given.get("code_field"),
        area_field=given.get("area_field"),
        **options.own_reading(options.ReadOptions, given),
    )


def units_table(cell_of_unit: "pd.Series") -> "pd.DataFrame":
    """Return the table of units and their cells."""
    return cell_of_unit.rename("cell_code").rename_axis("unit_code").reset_index()


def _read_seeds(given: Options) -> "gpd.GeoDataFrame | None":
    from api.cli.inputs import load_entities

    if "seeds" not in given:
        return None
    with reading_file_of("seeds"):
        return load_entities(given["seeds"], **options.reading_of("seeds", given))[0]


def _read_areas(given: Options, crs: "CRS") -> "gpd.GeoDataFrame | None":
    from api.cli.inputs import load_areas
    from gis.areas import build_hierarchy

    if "areas" not in given:
        return None
    path, code_field = given["areas"], given.get("areas_code_field")
    own = {name: value for name, value in given.items() if name in options.AreasReadOptions.__annotations__}
    with reading_file_of("areas"), error_prefix(path):
        loaded = load_areas(path, code_field=code_field, **options.reading_of("areas", own))
        return build_hierarchy(loaded, crs=crs, note=note_on(path))


BALANCED = FileMethod("balanced", BalancedOptions, divide, required=("weight",), tables=("units_output",))


def plan_arguments(given: Options) -> dict[str, Any]:
    """Return the options as `layers.divisions` takes them."""
    require_count(given)
    names = ("zones", "max_weight", "lock", "exclusive", "seeds", "seed", "parts", "level")
    return {**unit_arguments(given), **{name: given[name] for name in names if name in given}}


BALANCED_OF_PLAN = PlanMethod("balanced", BalancedPlanOptions, plan_arguments, required=("weight",))
