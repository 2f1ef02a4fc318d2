"""The commands `load` and `export`: files into the database and out of it."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Unpack

import typer

from api.cli import options
from api.cli.console import error_prefix, handle_errors, note_on, print_note, print_notes, print_result
from api.cli.open_database import open_database
from api.cli.progress import progress_bar

if TYPE_CHECKING:
    from layers.imports.entities import ImportSummary
    from layers.imports.officers import OfficerImportSummary

load = typer.Typer(
    help="Load a file of areas, entities, officers or the base map, completely or not at all.",
)

_MAX_LISTED = 10

FileArgument = Annotated[Path, typer.Argument(help="File to load.", show_default=False)]
OnOption = Annotated[
    date | None,
    typer.Option(
        parser=options.parse_day,
        metavar="DATE",
        help="Date of the new states, YYYY-MM-DD.",
        show_default="today",
    ),
]


@load.command("areas")
@handle_errors
def load_areas(
    file: FileArgument,
    database: options.DatabaseUrl = None,
    on: OnOption = None,
    confirm: options.Confirm = False,
    code_field: options.CodeField = None,
    name_field: options.NameField = None,
    level_field: options.LevelField = None,
    parent_field: options.ParentField = None,
    parents_from_children: Annotated[
        bool,
        typer.Option(
            "--parents-from-children",
            help="Make every parent the union of its children, where borders do not fit.",
        ),
    ] = False,
    number_merged: Annotated[
        bool,
        typer.Option(
            "--number-merged", help="Give merged communities the codes that the profile of a scheme has."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would change and whom it concerns; write nothing.")
    ] = False,
    as_json: options.JsonOption = False,
    **reading: Unpack[options.ReadOptions],
) -> None:
    """Load administrative areas as they are from a day on.

    Areas whose ground others of the file take end on that day; entities that now lie in another area
    are moved to it. What was before the day stays as it was; `wangge area undo` takes it all back.
    """
    from api.cli import inputs
    from api.cli.areas import describe_import
    from api.security.principal import SYSTEM
    from layers.imports.areas import import_areas

    frame = inputs.load_areas(
        file,
        code_field=code_field,
        name_field=name_field,
        level_field=level_field,
        parent_field=parent_field,
        **reading,
    )
    with open_database(database) as opened, error_prefix(file):
        done = import_areas(
            opened,
            frame,
            on=on,
            confirmed=confirm,
            parents_from_children=parents_from_children,
            number_merged=number_merged,
            dry_run=dry_run,
            author=SYSTEM.label,
            note=note_on(file),
        )
    print_notes(done.effects.sentences())
    print_result(describe_import(done, is_dry_run=dry_run), done.summary(), as_json=as_json)


@load.command("entities")
@handle_errors
def load_entities(
    file: FileArgument,
    database: options.DatabaseUrl = None,
    kind: Annotated[
        str | None, typer.Option(help="The kind of the records, for a file without a field 'kind'.")
    ] = None,
    on: OnOption = None,
    confirm: options.Confirm = False,
    datum: options.DatumOption = options.Datum.wgs84,
    personal: Annotated[
        list[str] | None, typer.Option(help="A further field with a person's data; may be repeated.")
    ] = None,
    as_json: options.JsonOption = False,
    **reading: Unpack[options.RecordReadOptions],
) -> None:
    """Load enterprises, households, sensors, components or service points.

    A record is known by its kind and id: loading a file again changes nothing, a newer one
    updates.
    """
    from layers.imports.entities import import_entities

    with open_database(database) as opened, error_prefix(file), progress_bar("loading") as progress:
        import_summary = import_entities(
            opened,
            file,
            kind=kind,
            datum=datum.value,
            personal=personal or (),
            on=on,
            confirmed=confirm,
            progress=progress,
            note=print_note,
            **reading,
        )
    lines = []
    if import_summary.without_location:
        lines.append(f"without location: {import_summary.without_location:,}")
    if import_summary.outside_areas:
        lines.append(f"outside all areas: {import_summary.outside_areas:,}")
    _print_import_summary(import_summary, lines, as_json=as_json)


@load.command("base")
@handle_errors
def load_base(
    file: FileArgument,
    database: options.DatabaseUrl = None,
    kind: Annotated[
        str | None,
        typer.Option(help="roads, railway, water, green or buildings [default: layers of these names]."),
    ] = None,
    as_json: options.JsonOption = False,
    **reading: Unpack[options.ReadOptions],
) -> None:
    """Load the base map, by which people orient themselves; it replaces all features of the same kind."""
    from api.cli import inputs
    from layers.basemap import replace_basemap

    frames = inputs.load_base(file, kind=kind, **reading)
    with open_database(database) as opened, error_prefix(file):
        import_summary = replace_basemap(opened, frames)
    lines = [
        f"{each.stored:,} {name} in the place of {each.replaced:,}"
        + (f"; {each.unfit:,} records of another shape left out" if each.unfit else "")
        for name, each in import_summary.items()
    ]
    print_result(lines, {name: each._asdict() for name, each in import_summary.items()}, as_json=as_json)


@load.command("officers")
@handle_errors
def load_officers(
    file: FileArgument,
    database: options.DatabaseUrl = None,
    posts: Annotated[
        str | None,
        typer.Option(
            help="Scheme in which they get posts: in the cells of their own area in force on --on, or at the "
            "area itself if there are none."
        ),
    ] = None,
    on: OnOption = None,
    confirm: options.Confirm = False,
    personal: Annotated[
        list[str] | None, typer.Option(help="A further field with a person's data; may be repeated.")
    ] = None,
    id_field: options.IdField = None,
    encoding: options.Encoding = None,
    as_json: options.JsonOption = False,
) -> None:
    """Load officers: identity, area_code, duty or role, rank, name, phone, published_name, published_phone.

    With --posts they get their posts in a scheme, and their other posts in it end. A row may name where its
    post is (cell_code, group_code, post_area_code, or entity_kind and entity_id), part_time, post_from and
    post_to; further rows of an officer are further posts. `export officers --scheme` writes such a table.
    """
    from layers.formats import read_table
    from layers.imports.officers import import_officers

    table = read_table(file, encoding=encoding, note=print_note)
    with open_database(database) as opened, error_prefix(file):
        import_summary = import_officers(
            opened,
            table,
            scheme=posts,
            id_field=id_field,
            personal=personal or (),
            on=on,
            confirmed=confirm,
        )
    lines = []
    if posts is not None:
        lines.append(
            f"posts in {posts}: {import_summary.begun:,} begun, {import_summary.ended:,} ended, "
            f"{import_summary.kept:,} kept, {import_summary.changed:,} changed"
        )
    if import_summary.without_cells:
        lines.append(f"at an area itself, which has no cell of its own: {import_summary.without_cells:,}")
    _print_import_summary(import_summary, lines, as_json=as_json)


@handle_errors
def export(
    layer: Annotated[
        str, typer.Argument(help="areas, cells, entities, gaps or officers.", show_default=False)
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="File to write.", show_default=False)],
    database: options.DatabaseUrl = None,
    kind: Annotated[str | None, typer.Option(help="Entities of this kind.")] = None,
    area: Annotated[
        str | None, typer.Option(help="Code of an area: only what lies in it or beneath it.")
    ] = None,
    scheme: Annotated[
        str | None, typer.Option(help="Scheme of the cells, of officers' posts, or to name entities' cells.")
    ] = None,
    cell: Annotated[str | None, typer.Option(help="Entities of this cell of the scheme.")] = None,
    on: options.OnDay = None,
    personal: Annotated[
        bool, typer.Option("--personal", help="With what is personal of entities, cells or officers.")
    ] = False,
    language: options.LanguageOption = None,
    as_json: options.JsonOption = False,
) -> None:
    """Write a layer of the database to a file of any format."""
    from layers.exports.export_layer import ExportFilters, export_layer

    filters = ExportFilters(area_code=area, on=on, kind=kind, scheme=scheme, cell_code=cell)
    with open_database(database) as opened, progress_bar("exporting") as progress:
        rows, remarks = export_layer(
            opened,
            output,
            layer,
            filters=filters,
            personal=personal,
            language=(language or options.system_language()).value,
            progress=progress,
        )
    print_notes(remarks)
    print_result(
        [f"{rows:,} {layer} written to {output}"], {"rows": rows, "output": str(output)}, as_json=as_json
    )


def _print_import_summary(
    summary_of_import: "ImportSummary | OfficerImportSummary", lines: Sequence[str], *, as_json: bool
) -> None:
    """Print a summary of an import, with the first rejected records and the reasons."""
    rejected = summary_of_import.rejected
    counts = (
        f"{summary_of_import.records:,} records: {summary_of_import.inserted:,} inserted, "
        f"{summary_of_import.updated:,} updated, "
        f"{summary_of_import.unchanged:,} unchanged, {len(rejected):,} rejected"
    )
    output_lines = [counts, *lines]
    for each in rejected[:_MAX_LISTED]:
        name = f" (id {each.external_id})" if each.external_id else ""
        output_lines.append(f"  record {each.record}{name}: {each.reason.value}")
    if len(rejected) > _MAX_LISTED:
        output_lines.append(f"  ... and {len(rejected) - _MAX_LISTED:,} more; --json lists them all")
    summary = {**summary_of_import.summary(), "rejected_records": [each._asdict() for each in rejected]}
    print_result(output_lines, summary, as_json=as_json)
