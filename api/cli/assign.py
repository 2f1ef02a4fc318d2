"""The commands `inspect`, `assign` and `locate`: what a file is, and which cell owns what."""

from pathlib import Path
from typing import Annotated, Unpack

import typer

from api.cli import options
from api.cli.console import NOT_VALID, about, notes, reporting, say, tell
from api.cli.progress import progress_bar

_LISTED = 10


@reporting
def inspect(
    points: Annotated[Path, typer.Argument(help="Records to look at.", show_default=False)],
    areas: Annotated[Path, typer.Option(help="Areas the records are meant to lie in.", show_default=False)],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write the suspect records.")] = None,
    areas_layer: options.AreasLayer = None,
    areas_where: options.AreasWhere = None,
    as_json: options.Json = False,
    **reading: Unpack[options.RecordReading],
) -> None:
    """Tell which datum and axis order a file is most plausibly in, and which records are suspect."""
    from api.cli.inputs import load_entities, load_ground
    from gis.doctor import inspect as inspect_points
    from layers.formats import plan_outputs, write_layer

    plan_outputs(layers=[output])
    ground = load_ground(areas, layer=areas_layer, where=areas_where)
    records, identity = load_entities(points, **reading)
    if identity not in (None, "id"):
        records = records.drop(columns="id")
    with about(points), progress_bar("inspecting") as progress:
        diagnosis = inspect_points(records, ground, id_field=identity, progress=progress)
    if output is not None:
        notes(write_layer(output, diagnosis.findings))
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
    tell(lines, {**diagnosis.summary(), "id_field": identity}, as_json=as_json)


@reporting
def assign(
    entities: Annotated[Path, typer.Argument(help="Records to assign.", show_default=False)],
    cells: options.Cells,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Records with their cells.", show_default=False)
    ],
    datum: options.DatumOption = options.Datum.wgs84,
    max_distance: Annotated[
        float | None,
        typer.Option(help="Give a record outside all cells to the nearest within this many metres."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write the account: .json whole, .csv the unassigned records.")
    ] = None,
    shares: Annotated[
        Path | None,
        typer.Option(help="Write the shares of records that lie in several cells, .csv or .parquet."),
    ] = None,
    code_field: options.CodeField = None,
    cells_layer: options.CellsLayer = None,
    crs: options.WorkingCrs = None,
    as_json: options.Json = False,
    **reading: Unpack[options.RecordReading],
) -> None:
    """Give every record its cell: inside, on a border, by share, the nearest, or none with a reason.

    Every input record is in the output, in its order, in WGS 84. On a shared border the lowest code owns.
    """
    import json

    from api.cli.inputs import load_entities, load_usable_cells
    from gis.assign import RESULT_COLUMNS
    from gis.assign import assign as assign_entities
    from gis.crs import parse_crs
    from layers.formats import plan_outputs, write_layer, write_table, write_text

    plan_outputs(layers=[output], tables=[shares], texts={report: (".json", ".csv")})
    working = parse_crs(crs) if crs else None
    plan = load_usable_cells(cells, code_field=code_field, layer=cells_layer)
    records, identity = load_entities(entities, datum=datum.value, **reading)
    with about(entities), progress_bar("assigning") as progress:
        assignment = assign_entities(
            records,
            plan,
            max_distance_m=max_distance,
            crs=working,
            id_column="id",
            progress=progress,
        )
    account = assignment.report
    replaced = sorted(set(RESULT_COLUMNS) & set(records.columns))
    if replaced:
        say(f"note: the fields {', '.join(replaced)} of an earlier assignment are replaced")
    notes(write_layer(output, assignment.frame))
    if shares is not None:
        write_table(shares, account.shares)
    if report is not None:
        if report.suffix.lower() == ".csv":
            write_table(report, account.unassigned)
        else:
            listed = json.loads(account.unassigned.to_json(orient="records", force_ascii=False))
            text = json.dumps({**account.summary(), "records": listed}, ensure_ascii=False, indent=2)
            write_text(report, text + "\n")
    lines = account.sentences()
    for row in account.unassigned.head(_LISTED).to_dict("records"):
        name = f" ({identity} {row['id']})" if identity else ""
        lines.append(f"  record {row['row'] + 1}{name}: {row['reason']}")
    if len(account.unassigned) > _LISTED:
        lines.append(f"  ... and {len(account.unassigned) - _LISTED:,} more; --report lists them all")
    tell([*lines, f"written to {output}"], {**account.summary(), "output": str(output)}, as_json=as_json)


@reporting
def locate(
    lon: Annotated[float, typer.Argument(help="Longitude in degrees.", show_default=False)],
    lat: Annotated[float, typer.Argument(help="Latitude in degrees.", show_default=False)],
    cells: options.Cells,
    datum: options.DatumOption = options.Datum.wgs84,
    code_field: options.CodeField = None,
    cells_layer: options.CellsLayer = None,
    as_json: options.Json = False,
) -> None:
    """Name the cell that owns a location; exit code 1 when it lies in none."""
    from api.cli.inputs import load_usable_cells
    from gis.datum import convert
    from gis.errors import InputError
    from gis.locate import PointLocator

    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise InputError(f"{lon:g}, {lat:g} is no longitude, latitude in degrees; give LON, then LAT.")
    plan = load_usable_cells(cells, code_field=code_field, layer=cells_layer)
    x, y = convert(lon, lat, datum.value, "wgs84")
    code = PointLocator(plan).locate(float(x), float(y))
    if code is None:
        if as_json:
            tell([], {"lon": float(x), "lat": float(y), "code": None}, as_json=True)
        say("in no cell")
        raise typer.Exit(NOT_VALID)
    cell = plan[plan["code"] == code].iloc[0]
    summary = {
        "lon": float(x),
        "lat": float(y),
        "code": code,
        "name": cell["name"],
        "area_code": cell["area_code"],
    }
    tell([f"{code}\t{cell['name']}"], summary, as_json=as_json)
