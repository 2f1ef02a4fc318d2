"""Importing a file of entities, all in one transaction or none, with an account of every record."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from gis.datum import parse_datum
from gis.progress import Note, Progress, no_note
from layers.areas.hierarchy import read_hierarchy
from layers.areas.locator import AreaLocator
from layers.areas.scope import beneath
from layers.days import require_near_day
from layers.db import geopackage
from layers.db.database import Database, bump_revision
from layers.formats.read_batches import read_batches
from layers.imports.area_settlement import settle_due
from layers.imports.entity_reader import EntityReader
from layers.imports.rejections import RejectedRecord, RejectionReason
from layers.imports.staging import StagingTable
from layers.imports.summary import RecordSummary
from layers.plans.assignments import update_assignments

BeforeCommit = Callable[[Session, "ImportSummary"], None]

ASSIGNMENT_BATCH_SIZE = 100_000
"""Entities whose assignments are made at a time, which bounds the memory."""

_MERGE_CACHE_KIB, _DEFAULT_CACHE_KIB = 128 << 10, 2000
# Of SQLite's pages: while merging, and by default.


@dataclass(frozen=True)
class ImportSummary(RecordSummary):
    """What an import of entities did.

    Attributes
    ----------
    without_location, outside_areas
        Of the records taken, how many have no geometry, and how many lie in no area.
    """

    without_location: int = 0
    outside_areas: int = 0

    def summary(self) -> dict[str, Any]:
        """Return the counts as JSON holds them."""
        return {
            **super().summary(),
            "without_location": self.without_location,
            "outside_areas": self.outside_areas,
        }


def import_entities(
    database: Database,
    path: Path,
    *,
    kind: str | None = None,
    id_field: str | None = None,
    datum: str = "wgs84",
    personal: Collection[str] = (),
    area_code: str | None = None,
    on: date | None = None,
    confirmed: bool = False,
    layer: str | None = None,
    where: str | None = None,
    source_crs: str | None = None,
    lon_field: str | None = None,
    lat_field: str | None = None,
    encoding: str | None = None,
    max_vertices: int | None = None,
    note: Note = no_note,
    progress: Progress | None = None,
    before_commit: BeforeCommit | None = None,
) -> ImportSummary:
    """Bring the entities of a file into the database: new ones are inserted, changed ones get a new version.

    An entity is known by its kind and the identity in the file. What differs in no value is left alone, and
    so is what the database holds beside the file. Readers see the old state or the new one.

    Parameters
    ----------
    database
        Migrated.
    path, layer, where, source_crs, lon_field, lat_field, encoding, max_vertices, note
        As for `layers.formats.read_layer`.
    kind
        The kind of all records, for a file without a field `kind`.
    id_field
        The field of the identity; found by its usual names when not given.
    datum
        In which the coordinates are: wgs84, gcj02 or bd09.
    personal
        Fields that hold personal values beside those that `layers.fields.personal` recognises.
    area_code
        Take only records in this area and those beneath it, and of no entity that lies elsewhere; the others
        are rejected as not permitted.
    on
        The date from which new states hold; today when not given.
    confirmed
        The day is meant, however far from today it is.
    progress
        Called with the records read and their number, as far as the format tells it.
    before_commit
        Called last in the transaction; what it raises undoes the import.

    Raises
    ------
    InputError
        If the file cannot be read, has no identity or kind, or the date is far from today and not confirmed.
    LimitError
        If it has more vertices.
    NotFoundError
        If there is no area with `area_code`.
    ConflictError
        If an entity has a state that begins after `on`.
    """
    day = require_near_day(on, confirmed=confirmed)
    settle_due(database)
    with database.read() as session:
        locator = AreaLocator(session)
        hierarchy = read_hierarchy(session)
        known_areas = hierarchy.subtree(None)
        allowed_areas = None
        if area_code is not None:
            if not hierarchy.successors(area_code):
                hierarchy.subtree(area_code)
            allowed_areas = set(session.scalars(beneath(area_code)))
    reader = EntityReader(
        path, kind, id_field, parse_datum(datum), frozenset(personal), locator, known_areas, allowed_areas
    )
    with _staging_table(database) as (connection, staging):
        with (
            connection.begin(),
            read_batches(
                path,
                role="entities",
                layer=layer,
                where=where,
                source_crs=source_crs,
                lon_field=lon_field,
                lat_field=lat_field,
                encoding=encoding,
                keys=(id_field,),
                max_vertices=max_vertices,
                note=note,
            ) as batches,
        ):
            staging.create()
            for batch in batches.stream:
                reader.stage(batch, staging)
                if progress is not None:
                    done = batch.first + len(batch)
                    progress(done, max(done, batches.total or 0))
            duplicates = staging.remove_duplicates()
        reader.rejected += [
            RejectedRecord(number, identity, RejectionReason.duplicate_id) for number, identity in duplicates
        ]
        reader.rejected.sort()
        return _merge_staged(database, connection, staging, reader, day, before_commit)


@contextmanager
def _staging_table(database: Database) -> Iterator[tuple[Connection, StagingTable]]:
    """Give a connection and its staging table, which is gone afterwards in any case."""
    with database.engine.connect() as connection:
        staging = StagingTable(connection)
        try:
            yield connection, staging
        finally:
            if not connection.invalidated:
                connection.execution_options(wangge_write=False)
                with connection.begin():
                    staging.drop()
                    if database.embedded:
                        connection.exec_driver_sql(f"PRAGMA cache_size = -{_DEFAULT_CACHE_KIB}")


def _merge_staged(
    database: Database,
    connection: Connection,
    staging: StagingTable,
    reader: EntityReader,
    on: date,
    before_commit: BeforeCommit | None,
) -> ImportSummary:
    """Merge what waits in one transaction; on SQLite others can write until it begins."""
    if database.embedded:
        # The spatial index is filled in no order of space; without room it is read again and again.
        with connection.begin():
            connection.exec_driver_sql(f"PRAGMA cache_size = -{_MERGE_CACHE_KIB}")
        connection.execution_options(wangge_write=True)
    with connection.begin(), Session(connection) as session:
        inserted, updated, unchanged, foreign = staging.merge(on, reader.allowed_areas)
        reader.rejected += [
            RejectedRecord(number, identity, RejectionReason.not_permitted) for number, identity in foreign
        ]
        reader.rejected.sort()
        if inserted or updated:
            ids = staging.changed_ids()
            for start in range(0, len(ids), ASSIGNMENT_BATCH_SIZE):
                update_assignments(session, on, ids[start : start + ASSIGNMENT_BATCH_SIZE].tolist())
            bump_revision(session)
            session.flush()
            if database.embedded:
                geopackage.mark_changed(connection)
        summary = ImportSummary(
            inserted, updated, unchanged, reader.rejected, reader.without_location, reader.outside_areas
        )
        if before_commit is not None:
            before_commit(session, summary)
            session.flush()
    return summary
