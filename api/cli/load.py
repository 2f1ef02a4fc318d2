"""The commands `load` and `export`: files into the database and out of it."""

from collections.abc import Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Unpack

import typer

from api.cli import options
from api.cli.console import about, notes, reporting, tell
from api.cli.progress import progress_bar

if TYPE_CHECKING:
    from layers.db.database import Database
    from layers.imports.entities import ImportSummary
    from layers.imports.officers import StaffingSummary

load = typer.Typer(
    help="Bring a file of areas, entities, officers or the base map into the database, whole or not at all.",
    no_args_is_help=True,
)

_LISTED = 10

File = Annotated[Path, typer.Argument(help="File to load.", show_default=False)]
On = Annotated[str | None, typer.Option(help="Date of the new states, YYYY-MM-DD.", show_default="today")]


@load.command("areas")
@reporting
def load_areas(
    file: File,
    database: options.DatabaseUrl = None,
    on: On = None,
    code_field: options.CodeField = None,
    name_field: options.NameField = None,
    level_field: options.LevelField = None,
    parent_field: options.ParentField = None,
    as_json: options.Json = False,
    **reading: Unpack[options.Reading],
) -> None:
    """Load administrative areas; entities that now lie in another area follow."""
    from api.cli import inputs
    from layers.imports.areas import import_areas

    frame = inputs.load_areas(
        file,
        code_field=code_field,
        name_field=name_field,
        level_field=level_field,
        parent_field=parent_field,
        **reading,
    )
    with closing(_opened(database)) as opened, about(file):
        summary = import_areas(opened, frame, on=_date(on))
    lines = [
        f"{summary.inserted:,} areas inserted, {summary.updated:,} updated, {summary.unchanged:,} unchanged"
    ]
    if summary.moved:
        lines.append(f"{summary.moved:,} entities lie in another area now")
    tell(lines, summary._asdict(), as_json=as_json)


@load.command("entities")
@reporting
def load_entities(
    file: File,
    database: options.DatabaseUrl = None,
    kind: Annotated[
        str | None, typer.Option(help="What the records are, for a file without a field 'kind'.")
    ] = None,
    on: On = None,
    datum: options.DatumOption = options.Datum.wgs84,
    personal: Annotated[
        list[str] | None, typer.Option(help="A further field with a person's data; may be repeated.")
    ] = None,
    as_json: options.Json = False,
    **reading: Unpack[options.RecordReading],
) -> None:
    """Load enterprises, households, sensors, components or service points.

    A record is known by its kind and identity: the same file again changes nothing, a newer one updates.
    """
    from layers.imports.entities import import_entities

    with closing(_opened(database)) as opened, about(file), progress_bar("loading") as progress:
        done = import_entities(
            opened,
            file,
            kind=kind,
            datum=datum.value,
            personal=personal or (),
            on=_date(on),
            progress=progress,
            **reading,
        )
    lines = []
    if done.without_location:
        lines.append(f"without location: {done.without_location:,}")
    if done.outside_areas:
        lines.append(f"outside all areas: {done.outside_areas:,}")
    _account(done, lines, as_json=as_json)


@load.command("base")
@reporting
def load_base(
    file: File,
    database: options.DatabaseUrl = None,
    kind: Annotated[
        str | None,
        typer.Option(help="roads, railway, water, green or buildings [default: layers of these names]."),
    ] = None,
    as_json: options.Json = False,
    **reading: Unpack[options.Reading],
) -> None:
    """Load what people know their way by: it takes the place of all features of the same kind."""
    from api.cli import inputs
    from layers.basemap import replace_base

    frames = inputs.load_base(file, kind=kind, **reading)
    with closing(_opened(database)) as opened, about(file):
        done = replace_base(opened, frames)
    lines = [
        f"{each.stored:,} {name} in the place of {each.replaced:,}"
        + (f"; {each.unfit:,} records of another shape left out" if each.unfit else "")
        for name, each in done.items()
    ]
    tell(lines, {name: each._asdict() for name, each in done.items()}, as_json=as_json)


@load.command("officers")
@reporting
def load_officers(
    file: File,
    database: options.DatabaseUrl = None,
    posts: Annotated[
        str | None,
        typer.Option(
            help="Scheme in whose cells they hold posts: those of their own area, in force on --on."
        ),
    ] = None,
    on: On = None,
    personal: Annotated[
        list[str] | None, typer.Option(help="A further field with a person's data; may be repeated.")
    ] = None,
    id_field: options.IdField = None,
    as_json: options.Json = False,
) -> None:
    """Load who is responsible: identity, area_code, duty or role, rank, name, phone.

    With --posts they get their posts in a scheme; posts they held in it otherwise end.
    """
    from layers.formats import read_table
    from layers.imports.officers import import_officers

    table = read_table(file)
    with closing(_opened(database)) as opened, about(file):
        done = import_officers(
            opened, table, scheme=posts, id_field=id_field, personal=personal or (), on=_date(on)
        )
    lines = []
    if posts is not None:
        lines.append(f"posts in {posts}: {done.begun:,} begun, {done.ended:,} ended, {done.kept:,} kept")
    if done.without_cells:
        lines.append(f"without a cell of their own area: {done.without_cells:,}")
    _account(done, lines, as_json=as_json)


@reporting
def export(
    layer: Annotated[str, typer.Argument(help="areas, cells, entities or gaps.", show_default=False)],
    output: Annotated[Path, typer.Option("-o", "--output", help="File to write.", show_default=False)],
    database: options.DatabaseUrl = None,
    kind: Annotated[str | None, typer.Option(help="Entities of this kind.")] = None,
    area: Annotated[str | None, typer.Option(help="Code of an area: what lies in it or beneath it.")] = None,
    scheme: Annotated[
        str | None, typer.Option(help="Scheme of the cells, or to name entities' cells.")
    ] = None,
    cell: Annotated[str | None, typer.Option(help="Entities of this cell of the scheme.")] = None,
    on: Annotated[str | None, typer.Option(help="As of a date, YYYY-MM-DD.", show_default="today")] = None,
    personal: Annotated[bool, typer.Option("--personal", help="With people's names and phones.")] = False,
    as_json: options.Json = False,
) -> None:
    """Write a layer of the database into a file of any format."""
    from layers.exports.export_layer import Filters, export_layer

    filters = Filters(area_code=area, on=_date(on), kind=kind, scheme=scheme, cell_code=cell)
    with closing(_opened(database)) as opened, progress_bar("exporting") as progress:
        rows, remarks = export_layer(
            opened, output, layer, filters=filters, personal=personal, progress=progress
        )
    notes(remarks)
    tell([f"{rows:,} {layer} written to {output}"], {"rows": rows, "output": str(output)}, as_json=as_json)


def _account(done: "ImportSummary | StaffingSummary", lines: Sequence[str], *, as_json: bool) -> None:
    """Tell what became of the records of a file, with the first that were left out, and why."""
    rejected = done.rejected
    counts = (
        f"{done.records:,} records: {done.inserted:,} inserted, {done.updated:,} updated, "
        f"{done.unchanged:,} unchanged, {len(rejected):,} rejected"
    )
    told = [counts, *lines]
    for each in rejected[:_LISTED]:
        name = f" (id {each.external_id})" if each.external_id else ""
        told.append(f"  record {each.record}{name}: {each.reason.value}")
    if len(rejected) > _LISTED:
        told.append(f"  ... and {len(rejected) - _LISTED:,} more; --json lists them all")
    summary = {**done.summary(), "rejected_records": [each._asdict() for each in rejected]}
    tell(told, summary, as_json=as_json)


def _date(text: str | None) -> date | None:
    from gis.errors import InputError

    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise InputError(f"'{text}' is no date; write it as YYYY-MM-DD.") from None


def _opened(url: str | None) -> "Database":
    from api.settings import ServiceSettings
    from layers.db.database import Database

    return Database(url or ServiceSettings().database)
