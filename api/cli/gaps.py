"""The command `gaps`: what is missing over the cells."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Unpack

import typer

from api.cli import options
from api.cli.console import error_prefix, handle_errors, note_on, print_notes, print_result
from api.cli.progress import progress_bar

if TYPE_CHECKING:
    import geopandas as gpd

    from gis.gaps import GapRules, GapSearchResult


@handle_errors
def gaps(
    cells: options.Cells,
    output: Annotated[Path, typer.Option("-o", "--output", help="Gaps to write.", show_default=False)],
    areas: options.Areas = None,
    entities: Annotated[
        list[str] | None,
        typer.Option(
            help=f"{options.ENTITIES_HELP} Records that wangge assign has written keep their cells."
        ),
    ] = None,
    service_points: Annotated[
        Path | None, typer.Option(help="Service points, maybe with a field class.")
    ] = None,
    rules: Annotated[
        Path | None, typer.Option(help="Rules as TOML, e.g. [out_of_reach] with distance_m = 800.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Kind of gap to look for; repeatable [default: all].")
    ] = None,
    code_field: options.CellsCodeField = None,
    area_field: options.CellsAreaField = None,
    areas_code_field: options.AreasCodeField = None,
    coverage: options.CoverageOption = options.Coverage.whole,
    crs: options.WorkingCrs = None,
    language: options.LanguageOption = None,
    as_json: options.JsonOption = False,
    **reading: Unpack[options.GapInputReadOptions],
) -> None:
    """Find what is missing: blank and doubled ground, entities in no cell, homes and ground out of reach.

    Kinds that lack their input are skipped, with the reason.
    """
    from api.cli.inputs import load_areas, load_entities, load_valid_cells
    from gis.areas import build_hierarchy
    from gis.crs import parse_working_crs
    from gis.gaps import GapInput, find_gaps
    from layers.formats import validate_outputs, write_layer

    cells_reading, areas_reading = (options.reading_of(each, reading) for each in ("cells", "areas"))
    validate_outputs(layers=[output])
    gap_rules = _read_rules(rules)
    plan = load_valid_cells(cells, code_field=code_field, area_field=area_field, **cells_reading)
    area_frame = None
    if areas is not None:
        area_frame = load_areas(areas, code_field=areas_code_field, **areas_reading)
        with error_prefix(areas):
            area_frame = build_hierarchy(area_frame, note=note_on(areas))
    services = None
    if service_points is not None:
        services = load_entities(
            service_points, kind="service_point", **options.record_reading_of("service_points", reading)
        )[0]
    gap_input = GapInput(
        cells=plan,
        areas=area_frame,
        entities=_load_entity_files(entities or [], plan, options.record_reading_of("entities", reading)),
        service_points=services,
        crs=parse_working_crs(crs) if crs else None,
        whole=coverage is options.Coverage.whole,
    )
    with error_prefix(cells), progress_bar("looking for gaps") as progress:
        found = find_gaps(gap_input, gap_rules, kinds=only or None, progress=progress)
    words = (language or options.system_language()).value
    print_notes(write_layer(output, found.frame_in(words)))
    print_result(
        [*_summary_lines(found, words), f"已写入 {output}" if words == "zh" else f"written to {output}"],
        {**found.summary(), "output": str(output)},
        as_json=as_json,
    )


def _summary_lines(found: "GapSearchResult", language: str) -> list[str]:
    """Return what was found of each kind, and why others were not looked for."""
    from gis.gaps import Text, gap_label

    lines = [Text(f"共 {len(found.frame):,} 处盲区", f"{len(found.frame):,} gaps")]
    for kind, figures in found.summary()["kinds"].items():
        label, count, km2 = gap_label(kind), figures["gaps"], figures["area_m2"] / 1e6
        lines.append(
            Text(
                f"  {label.zh}（{kind}）：{count:,} 处（严重 {figures['high']:,}），{km2:,.3f} 平方公里，"
                f"{figures['households']:,} 户，{figures['enterprises']:,} 家企业",
                f"  {label.en} ({kind}): {count:,} ({figures['high']:,} high), {km2:,.3f} km², "
                f"{figures['households']:,} households, {figures['enterprises']:,} enterprises",
            )
        )
    for kind, reason in found.skipped_kinds.items():
        label = gap_label(kind)
        lines.append(
            Text(
                f"  {label.zh}（{kind}）：未分析，{reason.zh}",
                f"  {label.en} ({kind}): not looked for, {reason.en}",
            )
        )
    return [getattr(line, language) for line in lines]


def _read_rules(path: Path | None) -> "GapRules":
    from api.cli.rules_file import read_rules_file
    from gis.gaps import GapRules

    if path is None:
        return GapRules()
    with error_prefix(path):
        return GapRules.from_mapping(read_rules_file(path))


def _load_entity_files(
    sources: list[str], plan: "gpd.GeoDataFrame", reading: options.RecordReadOptions
) -> "gpd.GeoDataFrame | None":
    """Load the files of entities into one frame with id and kind, all assigned when one of them is."""
    import pandas as pd

    from api.cli.inputs import load_entity_files
    from gis.assign import assign_to_cells

    frames = load_entity_files(sources, **reading)
    if not frames:
        return None
    if any("cell_code" in frame.columns for frame in frames):
        frames = [
            frame if "cell_code" in frame.columns else assign_to_cells(frame, plan).frame for frame in frames
        ]
    united: gpd.GeoDataFrame = pd.concat(frames, ignore_index=True)
    return united
