"""`--method blocks`: areas into the blocks that streets, railways and rivers enclose."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import options
from api.cli.console import note_on, print_note, reading_file_of
from api.cli.divide.areas import AreaOptions, read_areas
from api.cli.divide.lines import BarrierOptions, read_barriers, read_lines
from api.cli.divide.method import DividedFile, FileMethod, Options, Settings, blame
from api.cli.progress import progress_bar

if TYPE_CHECKING:
    import geopandas as gpd

_MAX_LISTED = 5

TargetArea = Annotated[
    float | None,
    typer.Option(
        help="blocks: the size in m² towards which blocks are joined and divided.", show_default="10000"
    ),
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
    cut_output: Annotated[
        Path | None, typer.Option(help="blocks: write the buildings that had to be cut, with the reason.")
    ]


def divide(path: Path, given: Options, settings: Settings) -> DividedFile:
    """Divide areas into blocks."""
    from gis.areas import leaf_areas
    from gis.divide import divide_blocks
    from gis.errors import ParameterError
    from layers.formats import read_layer

    if "cut_output" in given and "keep" not in given:
        raise ParameterError("--cut-output lists buildings of --keep; name their file too.")
    areas, crs = read_areas(path, given, settings.crs)
    numbering = settings.numbering()
    streets, barriers, buildings = read_lines("streets", given, "lines"), read_barriers(given), None
    if "keep" in given:
        reading = options.reading_of("keep", given)
        with reading_file_of("keep"):
            buildings = read_layer(given["keep"], role="buildings", note=print_note, **reading)
    target = {"target_area_m2": given["target_area"]} if "target_area" in given else {}
    files = {"barriers": given.get("barriers"), "buildings": given.get("keep"), "lines": given["streets"]}
    with blame(files, path), progress_bar("dividing") as progress:
        made = divide_blocks(
            areas,
            streets,
            barriers=barriers,
            keep=buildings,
            crs=crs,
            note=note_on(given["streets"]),
            progress=progress,
            **target,
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
    for row, reason in cut["reason"].head(_MAX_LISTED).items():
        lines.append(f"  record {row}: {reason}")
    if len(cut) > _MAX_LISTED:
        lines.append(f"  ... and {len(cut) - _MAX_LISTED:,} more; --cut-output lists them all")
    return lines


BLOCKS = FileMethod("blocks", BlockOptions, divide, required=("streets",), layers=("cut_output",))
