"""`--method blocks`: areas into the blocks that streets, railways and rivers enclose."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import options
from api.cli.console import print_note, reading_file_of
from api.cli.divide.areas import AreaOptions, PlanAreaOptions, read_areas
from api.cli.divide.lines import BarrierOptions, PlanBarrierOptions, read_barriers, read_lines
from api.cli.divide.method import DividedFile, FileMethod, LayerFiles, Options, PlanMethod, Settings
from api.cli.progress import progress_bar

if TYPE_CHECKING:
    import geopandas as gpd

_MAX_LISTED = 5
_KINDS = "roads, railway, water"

TargetArea = Annotated[
    float | None,
    typer.Option(
        help="blocks: the size in m² towards which blocks are joined and divided.", show_default="10000"
    ),
]


class BlockPlanOptions(PlanBarrierOptions, PlanAreaOptions, total=False):
    """Options of the method in a database, whose base map has the lines and buildings."""

    target_area: TargetArea
    lines: Annotated[
        list[str] | None,
        typer.Option(
            help=f"blocks: kind of the base map that bounds blocks; repeatable, of {_KINDS}.",
            show_default="all three",
        ),
    ]
    street_class: Annotated[
        list[str] | None,
        typer.Option(help="blocks: only roads of this class bound blocks; repeatable [default: all]."),
    ]
    cut_buildings: Annotated[
        bool | None, typer.Option("--cut-buildings", help="blocks: let borders cut buildings.")
    ]


class BlockOptions(AreaOptions, BarrierOptions, total=False):
    """Options of the method."""

    streets: Annotated[
        Path | None,
        typer.Option(
            help="blocks: lines that bound blocks; of OpenStreetMap the streets, railways and rivers."
        ),
    ]
    streets_layer: Annotated[str | None, typer.Option(help="Layer of --streets to read.")]
    streets_where: Annotated[
        str | None,
        typer.Option(help="SQL condition on the fields of --streets, e.g. \"highway IN ('primary')\"."),
    ]
    streets_source_crs: Annotated[
        str | None, typer.Option(help="CRS of --streets, where the file names none, e.g. EPSG:4326.")
    ]
    streets_encoding: Annotated[
        str | None, typer.Option(help="Encoding of a CSV or Shapefile of --streets [default: by its bytes].")
    ]
    water: Annotated[
        Path | None,
        typer.Option(help="blocks: lakes, harbours, the sea, whose ground gets cells of its own, uncut."),
    ]
    water_layer: Annotated[str | None, typer.Option(help="Layer of --water to read.")]
    water_where: Annotated[str | None, typer.Option(help="SQL condition on the fields of --water.")]
    water_source_crs: Annotated[
        str | None, typer.Option(help="CRS of --water, where the file names none, e.g. EPSG:4326.")
    ]
    water_encoding: Annotated[
        str | None, typer.Option(help="Encoding of a CSV or Shapefile of --water [default: by its bytes].")
    ]
    keep: Annotated[Path | None, typer.Option(help="blocks: buildings that no border of a block cuts.")]
    keep_layer: Annotated[str | None, typer.Option(help="Layer of --keep to read.")]
    keep_where: Annotated[str | None, typer.Option(help="SQL condition on the fields of --keep.")]
    keep_source_crs: Annotated[
        str | None, typer.Option(help="CRS of --keep, where the file names none, e.g. EPSG:4326.")
    ]
    keep_encoding: Annotated[
        str | None, typer.Option(help="Encoding of a CSV or Shapefile of --keep [default: by its bytes].")
    ]
    target_area: TargetArea
    max_load: Annotated[
        float | None,
        typer.Option(help="blocks: the most that a block may hold of the records of --load, or of --keep."),
    ]
    max_load_field: Annotated[
        str | None, typer.Option(help="Field that --max-load adds up [default: records are counted].")
    ]
    load: Annotated[
        Path | None, typer.Option(help="blocks: records that --max-load counts, e.g. households.")
    ]
    load_layer: Annotated[str | None, typer.Option(help="Layer of --load to read.")]
    load_where: Annotated[str | None, typer.Option(help="SQL condition on the fields of --load.")]
    load_source_crs: Annotated[
        str | None, typer.Option(help="CRS of --load, where the file names none, e.g. EPSG:4326.")
    ]
    load_encoding: Annotated[
        str | None, typer.Option(help="Encoding of a CSV or Shapefile of --load [default: by its bytes].")
    ]
    cut_output: Annotated[
        Path | None, typer.Option(help="blocks: write the buildings that had to be cut, with the reason.")
    ]


def divide(path: Path, given: Options, settings: Settings) -> DividedFile:
    """Divide areas into blocks."""
    from api.cli.inputs import load_entities
    from gis.areas import leaf_areas
    from gis.divide import divide_blocks
    from gis.errors import ParameterError
    from layers.formats import read_layer

    if "cut_output" in given and "keep" not in given:
        raise ParameterError("--cut-output lists buildings of --keep; name their file too.")
    if "max_load" in given and not {"load", "keep"} & set(given):
        raise ParameterError("--max-load counts the records of --load, or of --keep; name a file.")
    if "max_load" not in given and {"load", "max_load_field"} & set(given):
        raise ParameterError(
            "--load and --max-load-field belong to --max-load; give the most of a block too."
        )
    areas, crs = read_areas(path, given, settings.crs)
    numbering = settings.numbering()
    streets, barriers, buildings = read_lines("streets", given, "lines"), read_barriers(given), None
    if "keep" in given:
        reading = options.reading_of("keep", given)
        with reading_file_of("keep"):
            buildings = read_layer(given["keep"], role="buildings", note=print_note, **reading)
    water = read_lines("water", given, "water") if "water" in given else None
    size: dict[str, Any] = {"target_area_m2": given["target_area"]} if "target_area" in given else {}
    if "max_load" in given:
        size["max_load"] = (given.get("max_load_field"), given["max_load"])
    if "load" in given:
        with reading_file_of("load"):
            size["points"] = load_entities(given["load"], **options.reading_of("load", given))[0]
    words = {
        "barriers": given.get("barriers"),
        "water": given.get("water"),
        "buildings": given.get("keep"),
        "load": given.get("load") or given.get("keep"),
        "lines": given["streets"],
    }
    files = LayerFiles(path, words)
    with files.blame(), progress_bar("dividing") as progress:
        made = divide_blocks(
            areas,
            streets,
            barriers=barriers,
            water=water,
            keep=buildings,
            crs=crs,
            note=files.note,
            progress=progress,
            **size,
            **numbering,
        )
    divided = len(leaf_areas(areas))
    cells, cut = made.cells, made.cut
    figures = {"areas": divided, "median_area_m2": float(cells["area_m2"].median())}
    lines = [f"{len(cells):,} blocks of {divided:,} areas, {cells['area_m2'].sum() / 1e6:,.3f} km²"]
    lines[0] += f"; half of them larger than {figures['median_area_m2']:,.0f} m²"
    if buildings is not None:
        figures |= {"buildings": len(buildings), "cut": len(cut)}
        lines += _cut_lines(cut, len(buildings))
    return DividedFile(cells, crs, figures, lines, {"cut_output": cut})


def _cut_lines(cut: "gpd.GeoDataFrame", buildings: int) -> list[str]:
    lines = [f"buildings cut: {len(cut):,} of {buildings:,}"]
    listed = cut.head(_MAX_LISTED)
    for row, building in zip(listed.index.tolist(), listed.to_dict("records"), strict=True):
        named = building.get("name") or building.get("osm_id")
        called = f" ({named})" if isinstance(named, str) else ""
        lines.append(f"  record {row + 1}{called}: {building['reason']}")
    if len(cut) > _MAX_LISTED:
        lines.append(f"  ... and {len(cut) - _MAX_LISTED:,} more; --cut-output lists them all")
    return lines


BLOCKS = FileMethod("blocks", BlockOptions, divide, required=("streets",), layers=("cut_output",))


def plan_arguments(given: Options) -> dict[str, Any]:
    """Return the options as `layers.divisions` takes them."""
    names = {
        "target_area": "target_area_m2",
        "lines": "lines",
        "street_class": "street_classes",
        "barrier": "barriers",
        "level": "level",
    }
    arguments = {name: given[option] for option, name in names.items() if option in given}
    return {**arguments, "keep_buildings": not given.get("cut_buildings", False)}


BLOCKS_OF_PLAN = PlanMethod("blocks", BlockPlanOptions, plan_arguments)
