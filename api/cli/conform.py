"""The command `conform`: whether cells follow a standard, clause by clause."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Unpack

import typer

from api.cli import options
from api.cli.console import EXIT_INVALID, error_prefix, handle_errors, print_result
from api.cli.profile_file import read_profile
from api.cli.progress import progress_bar
from api.cli.topology import load_lowest_areas

if TYPE_CHECKING:
    from gis.conform import Certificate, ClauseResult

_MAX_LISTED = 5
_REPORT_EXTENSIONS = (".xlsx", ".csv")


class ConformReadOptions(options.CellsWithAreasReadOptions, total=False):
    """Options that select the records of each file of the command."""

    buildings_layer: Annotated[str | None, typer.Option(help="Layer of --buildings to read.")]
    buildings_where: Annotated[str | None, typer.Option(help="SQL condition on the fields of --buildings.")]
    buildings_source_crs: Annotated[
        str | None, typer.Option(help="CRS of --buildings, where the file names none, e.g. EPSG:4326.")
    ]
    buildings_encoding: Annotated[
        str | None,
        typer.Option(help="Encoding of a CSV or Shapefile of --buildings [default: by its bytes]."),
    ]
    units_code_field: Annotated[str | None, typer.Option(help="Field of --units with the code.")]
    units_layer: Annotated[str | None, typer.Option(help="Layer of --units to read.")]
    units_where: Annotated[str | None, typer.Option(help="SQL condition on the fields of --units.")]
    units_source_crs: Annotated[
        str | None, typer.Option(help="CRS of --units, where the file names none, e.g. EPSG:4326.")
    ]
    units_encoding: Annotated[
        str | None, typer.Option(help="Encoding of a CSV or Shapefile of --units [default: by its bytes].")
    ]
    ended_encoding: Annotated[
        str | None, typer.Option(help="Encoding of a CSV or Shapefile of --ended [default: by its bytes].")
    ]


@handle_errors
def conform(
    cells: Annotated[Path, typer.Argument(help="Cells to judge.", show_default=False)],
    profile: Annotated[str, typer.Option(help=options.PROFILE_HELP, show_default=False)],
    areas: options.Areas = None,
    buildings: Annotated[Path | None, typer.Option(help="Buildings, none of which is to be cut.")] = None,
    units: Annotated[
        Path | None, typer.Option(help="Cells of the level below, of which these are made.")
    ] = None,
    level: Annotated[str, typer.Option(help="The level of the cells, with --units.")] = "management",
    ended: Annotated[
        Path | None, typer.Option(help="Cells of earlier plans, whose codes are never given again.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write what breaks a clause, as .xlsx or .csv.")
    ] = None,
    code_field: options.CodeField = None,
    name_field: options.NameField = None,
    area_field: options.AreaField = None,
    areas_code_field: options.AreasCodeField = None,
    crs: options.WorkingCrs = None,
    language: options.LanguageOption = None,
    as_json: options.JsonOption = False,
    **reading: Unpack[ConformReadOptions],
) -> None:
    """Certify that cells follow a standard, clause by clause.

    Exit code 0: they conform; 1: they do not; 2: cannot run. What is not given is not looked at, and the
    certificate says so. Warnings, such as those of size, do not keep cells from conforming.
    """
    from api.cli.inputs import load_area_geometries, load_cells
    from gis.conform import ConformInput, certify
    from gis.crs import parse_working_crs
    from gis.measures import resolve_working_crs
    from layers.formats import validate_outputs

    chosen = read_profile(profile)
    validate_outputs(texts={output: _REPORT_EXTENSIONS})
    loaded = load_cells(
        cells,
        code_field=code_field,
        name_field=name_field,
        area_field=area_field,
        own_crs=True,
        **options.own_reading(options.ReadOptions, reading),
    )
    # A name that the file lacks was completed by the code.
    loaded["name"] = loaded["name"].where(loaded["name"] != loaded["code"], None)
    lowest_areas = load_lowest_areas(areas, areas_code_field, options.reading_of("areas", reading))
    with error_prefix(cells):
        working = resolve_working_crs(
            loaded if lowest_areas is None else lowest_areas, parse_working_crs(crs) if crs else None
        )
    given = ConformInput(
        chosen,
        loaded,
        working,
        areas=lowest_areas,
        buildings=None
        if buildings is None
        else load_area_geometries(buildings, **options.reading_of("buildings", reading)),
        units=None
        if units is None
        else load_cells(
            units,
            code_field=reading.pop("units_code_field", None),
            **options.reading_of("units", reading),
        ),
        level=level,
        ended=None
        if ended is None
        else frozenset(load_cells(ended, encoding=reading.get("ended_encoding"))["code"].dropna()),
    )
    with error_prefix(cells), progress_bar("certifying") as progress:
        certificate = certify(given, progress=progress)
    words = (language or options.system_language()).value
    if output is not None:
        _write_report(output, certificate, words)
    print_result(_lines(certificate, words), certificate.to_json(words), as_json=as_json)
    if not certificate.conforms:
        raise typer.Exit(EXIT_INVALID)


def _lines(certificate: "Certificate", language: str) -> list[str]:
    """Return the certificate for people."""
    title = getattr(certificate.profile.title, language)
    if language == "zh":
        verdict = "符合" if certificate.conforms else "不符合"
        lines = [f"{verdict}：{title}（{certificate.profile.name}），{certificate.cells:,} 个网格"]
    else:
        verdict = "conforms" if certificate.conforms else "does not conform"
        lines = [f"{verdict}: {title} ({certificate.profile.name}), {certificate.cells:,} cells"]
    for result in certificate.results:
        lines += _clause_lines(result, language)
    return lines


def _clause_lines(result: "ClauseResult", language: str) -> list[str]:
    from gis.conform import STATE_LABELS

    colon = "：" if language == "zh" else ": "
    source = "" if result.source is None else f" [{getattr(result.source.words, language)}]"
    note = "" if result.note is None else f"{colon}{getattr(result.note, language)}"
    count = f" ({len(result.offences):,})" if result.offences else ""
    title = getattr(result.clause.title, language)
    lines = [f"  {getattr(STATE_LABELS[result.state], language)}{colon}{title}{count}{note}{source}"]
    for offence in result.offences[:_MAX_LISTED]:
        codes = f"{offence.codes} " if offence.codes else ""
        lines.append(f"    {codes}{getattr(offence.detail, language)}")
    more = len(result.offences) - _MAX_LISTED
    if more > 0:
        lines.append(f"    … 另有 {more:,} 处" if language == "zh" else f"    ... and {more:,} more")
    return lines


def _write_report(path: Path, certificate: "Certificate", language: str) -> None:
    """Write the offences as a table, one row each."""
    from gis.conform import STATE_LABELS
    from layers.formats import write_bytes
    from layers.formats.spreadsheet import build_csv, build_workbook

    headings = (
        ("条款", "名称", "结果", "网格", "说明", "依据")
        if language == "zh"
        else ("clause", "title", "state", "cells", "detail", "source")
    )
    rows = [
        (
            result.clause.key,
            getattr(result.clause.title, language),
            getattr(STATE_LABELS[result.state], language),
            offence.codes,
            getattr(offence.detail, language),
            "" if result.source is None else getattr(result.source.words, language),
        )
        for result in certificate.results
        for offence in result.offences
    ]
    columns = {heading: [row[place] for row in rows] for place, heading in enumerate(headings)}
    write_bytes(
        path, build_csv(columns) if path.suffix.lower() == ".csv" else build_workbook(columns, "conform")
    )
