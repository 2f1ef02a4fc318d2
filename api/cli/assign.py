"""The commands `inspect`, `assign` and `locate`: the datum of a file, and which cell owns what."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Unpack

import typer

from api.cli import options
from api.cli.console import (
    EXIT_INVALID,
    error_prefix,
    handle_errors,
    print_message,
    print_notes,
    print_result,
)
from api.cli.progress import progress_bar

_MAX_LISTED = 10


@handle_errors
def inspect(
    points: Annotated[Path, typer.Argument(help="Records to inspect.", show_default=False)],
    areas: Annotated[Path, typer.Option(help="Areas the records are meant to lie in.", show_default=False)],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write the suspect records.")] = None,
    as_json: options.JsonOption = False,
    **reading: Unpack[options.RecordsInAreasReadOptions],
) -> None:
    """Find out which datum and axis order a file is most plausibly in, and which records are suspect."""
    from api.cli.inputs import load_area_geometries, load_entities
    from gis.doctor import inspect_points as inspect_points
    from layers.formats import validate_outputs, write_layer

    validate_outputs(layers=[output])
    area_geometries = load_area_geometries(areas, **options.reading_of("areas", reading))
    records, identity = load_entities(points, **options.own_reading(options.RecordReadOptions, reading))
    if identity not in (None, "id"):
        records = records.drop(columns="id")
    with error_prefix(points), progress_bar("inspecting") as progress:
        diagnosis = inspect_points(records, area_geometries, id_field=identity, progress=progress)
    if output is not None:
        print_notes(write_layer(output, diagnosis.findings))
    order = "latitude, longitude" if diagnosis.swapped else "longitude, latitude"
    lines = [
        f"{diagnosis.records:,} records, {diagnosis.usable:,} with a usable location",
        f"identity: {identity or 'none'}",
        f"datum: {diagnosis.datum} ({diagnosis.datum_confidence})",
        f"axes: {order} ({diagnosis.axes_confidence})",
        diagnosis.reason,
        "reading           inside   outside",
    ]
    lines += [
        f"  {h.datum!s:6} {'swapped' if h.swapped else '       '} {h.inside:>8,} {h.outside:>9,}"
        for h in diagnosis.hypotheses
    ]
    lines += [f"{reason}: {count:,}" for reason, count in diagnosis.counts.items() if count]
    lines.append(f"sharing a location: {diagnosis.duplicate_locations:,}")
    lines.append(f"repeating an earlier record: {diagnosis.duplicate_records:,}")
    lines += [f"{name}: {share:.1%} complete" for name, share in diagnosis.completeness.items()]
    lines += diagnosis.notes
    print_result(lines, {**diagnosis.summary(), "id_field": identity}, as_json=as_json)


@handle_errors
def assign(
    entities: Annotated[Path, typer.Argument(help="Records to assign.", show_default=False)],
    cells: options.Cells,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Records with their cells.", show_default=False)
    ],
    datum: options.DatumOption = options.Datum.wgs84,
    max_distance: Annotated[
        float | None,
        typer.Option(help="Assign a record outside all cells to the nearest cell within this many metres."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write the report: .json complete, .csv only the unassigned records.")
    ] = None,
    shares: Annotated[
        Path | None,
        typer.Option(help="Write the shares of records that lie in several cells, .csv or .parquet."),
    ] = None,
    code_field: options.CellsCodeField = None,
    crs: options.WorkingCrs = None,
    as_json: options.JsonOption = False,
    **reading: Unpack[options.RecordsInCellsReadOptions],
) -> None:
    """Assign every record to a cell: inside, on a border, by share, the nearest, or none with a reason.

    Every input record is in the output, in its order, in WGS 84. On a shared border the cell with the lowest
    code owns it.
    """
    import json

    from api.cli.inputs import load_valid_cells, read_entities
    from gis.assign import RESULT_COLUMNS
    from gis.assign import assign_to_cells as assign_entities
    from gis.crs import parse_working_crs
    from layers.fields.columns import keep_fields
    from layers.formats import validate_outputs, write_layer, write_table, write_text

    validate_outputs(layers=[output], tables=[shares], texts={report: (".json", ".csv")})
    working = parse_working_crs(crs) if crs else None
    plan = load_valid_cells(cells, code_field=code_field, **options.reading_of("cells", reading))
    source, records, identity = read_entities(
        entities, datum=datum.value, **options.own_reading(options.RecordReadOptions, reading)
    )
    with error_prefix(entities), progress_bar("assigning") as progress:
        assignment = assign_entities(
            records,
            plan,
            max_distance_m=max_distance,
            crs=working,
            id_column="id",
            progress=progress,
        )
    assign_report = assignment.report
    earlier = _earlier_results(source.columns, RESULT_COLUMNS)
    if earlier:
        print_message(f"note: the fields {', '.join(earlier)} of an earlier assignment are replaced")
    added = [*RESULT_COLUMNS]
    if identity is not None and reading.get("id_field") and "id" not in map(str.lower, source.columns):
        # The next command finds it without being told.
        added.append("id")
    kept, notes = keep_fields(assignment.frame, source.drop(columns=earlier), added)
    print_notes([*notes, *write_layer(output, kept)])
    if shares is not None:
        write_table(shares, assign_report.shares)
    if report is not None:
        if report.suffix.lower() == ".csv":
            write_table(report, assign_report.unassigned)
        else:
            unassigned = json.loads(assign_report.unassigned.to_json(orient="records", force_ascii=False))
            text = json.dumps(
                {**assign_report.summary(), "records": unassigned}, ensure_ascii=False, indent=2
            )
            write_text(report, text + "\n")
    lines = assign_report.summary_lines()
    for row in assign_report.unassigned.head(_MAX_LISTED).to_dict("records"):
        name = f" ({identity} {row['id']})" if identity else ""
        lines.append(f"  record {row['row'] + 1}{name}: {row['reason']}")
    if len(assign_report.unassigned) > _MAX_LISTED:
        lines.append(
            f"  ... and {len(assign_report.unassigned) - _MAX_LISTED:,} more; --report lists them all"
        )
    print_result(
        [*lines, f"written to {output}"], {**assign_report.summary(), "output": str(output)}, as_json=as_json
    )


def _earlier_results(columns: Iterable[str], added: Sequence[str]) -> list[str]:
    """Return the fields of a file that an earlier assignment gave it: all of them, or none is."""
    # A Shapefile cuts names after ten bytes.
    names = {name.lower()[:10]: name for name in columns}
    found = [names[name[:10]] for name in added if name[:10] in names]
    return found if len(found) == len(added) else []


@handle_errors
def locate(
    lon: Annotated[str, typer.Argument(help="Longitude in degrees.", show_default=False)],
    lat: Annotated[str, typer.Argument(help="Latitude in degrees.", show_default=False)],
    cells: options.Cells,
    datum: options.DatumOption = options.Datum.wgs84,
    code_field: options.CellsCodeField = None,
    as_json: options.JsonOption = False,
    **reading: Unpack[options.CellsReadOptions],
) -> None:
    """Name the cell that owns a location; exit code 1 when it lies in none."""
    from api.cli.inputs import load_valid_cells
    from gis.datum import convert_coordinates
    from gis.degrees import parse_degrees
    from gis.errors import InputError
    from gis.locate import PointLocator

    x, y = parse_degrees(lon, "lon"), parse_degrees(lat, "lat")
    # Also false where one is no number.
    if not (abs(x) <= 180 and abs(y) <= 90):
        raise InputError(f"{lon}, {lat} is no longitude, latitude in degrees; give LON, then LAT.")
    plan = load_valid_cells(cells, code_field=code_field, **options.reading_of("cells", reading))
    x, y = map(float, convert_coordinates(x, y, datum.value, "wgs84"))
    code = PointLocator(plan).locate(x, y)
    if code is None:
        if as_json:
            print_result([], {"lon": x, "lat": y, "code": None}, as_json=True)
        print_message("in no cell")
        raise typer.Exit(EXIT_INVALID)
    cell = plan[plan["code"] == code].iloc[0]
    summary = {
        "lon": x,
        "lat": y,
        "code": code,
        "name": cell["name"],
        "area_code": cell["area_code"],
    }
    print_result([f"{code}\t{cell['name']}"], summary, as_json=as_json)
