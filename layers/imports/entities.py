"""Importing a file of entities, all in one transaction or none, with an account of every record."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from gis.datum import parse_datum
from layers.areas.hierarchy import read_ground
from layers.areas.locator import Territory
from layers.db import geopackage
from layers.db.database import Database, bump_revision
from layers.entities.assignments import reassign
from layers.formats.read_batches import read_batches
from layers.imports.entity_reader import Reader
from layers.imports.rejections import Reason, Rejected
from layers.imports.staging import Staging

Progress = Callable[[int, int], None]
Settle = Callable[[Session, "ImportSummary"], None]

REASSIGNED = 100_000
"""Entities whose assignments are made at a time, which bounds the memory."""

_CACHE_KIB, _USUAL_CACHE_KIB = 128 << 10, 2000
# Of SQLite's pages: while merging, and by default.


@dataclass(frozen=True)
class ImportSummary:
    """What an import did.

    Attributes
    ----------
    inserted, updated, unchanged
        Records by what became of them.
    rejected
        The records left out, in their order.
    without_location, outside_areas
        Of the records taken, how many have no geometry, and how many lie in no area.
    """

    inserted: int
    updated: int
    unchanged: int
    rejected: list[Rejected] = field(default_factory=list)
    without_location: int = 0
    outside_areas: int = 0

    @property
    def records(self) -> int:
        """Number of records in the file."""
        return self.inserted + self.updated + self.unchanged + len(self.rejected)

    def summary(self) -> dict[str, Any]:
        """Return the counts as JSON holds them."""
        return {
            "records": self.records,
            "inserted": self.inserted,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "rejected": len(self.rejected),
            "reasons": dict(Counter(each.reason.value for each in self.rejected)),
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
    layer: str | None = None,
    where: str | None = None,
    source_crs: str | None = None,
    lon_field: str | None = None,
    lat_field: str | None = None,
    progress: Progress | None = None,
    settle: Settle | None = None,
) -> ImportSummary:
    """Bring the entities of a file into the database: new ones are inserted, changed ones get a new version.

    An entity is known by its kind and the identity in the file. What differs in no value is left alone, and
    so is what the database holds beside the file. Readers see the old state or the new one.

    Parameters
    ----------
    database
        Migrated.
    path, layer, where, source_crs, lon_field, lat_field
        As for `layers.formats.read_layer`.
    kind
        The kind of all records, for a file without a field `kind`.
    id_field
        The field of the identity; found by its usual names when not given.
    datum
        In which the coordinates are: wgs84, gcj02 or bd09.
    personal
        Fields that hold personal values beside those of `layers.db.content_hash`.
    area_code
        Take only records in this area and those beneath it, and of no entity that lies elsewhere; the others
        are rejected as not permitted.
    on
        The date from which new states hold; today when not given.
    progress
        Called with the records read and their number, as far as the format tells it.
    settle
        Called last in the transaction; what it raises undoes the import.

    Raises
    ------
    InputError
        If the file cannot be read, or has no identity or kind.
    NotFoundError
        If there is no area with `area_code`.
    ConflictError
        If an entity has a state that begins after `on`.
    """
    with database.read() as session:
        territory = Territory(session)
        known = read_ground(session).below(None)
        allowed = None if area_code is None else read_ground(session).below(area_code)
    reader = Reader(path, kind, id_field, parse_datum(datum), frozenset(personal), territory, known, allowed)
    with _waiting_room(database) as (connection, staging):
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
            ) as batches,
        ):
            staging.create()
            for batch in batches.stream:
                reader.take(batch, staging)
                if progress is not None:
                    done = batch.first + len(batch)
                    progress(done, max(done, batches.total or 0))
            duplicates = staging.close_list()
        reader.rejected += [
            Rejected(number, identity, Reason.duplicate_id) for number, identity in duplicates
        ]
        reader.rejected.sort()
        return _merge(database, connection, staging, reader, on or date.today(), settle)


@contextmanager
def _waiting_room(database: Database) -> Iterator[tuple[Connection, Staging]]:
    """Give a connection and its staging table, which is gone afterwards in any case."""
    with database.engine.connect() as connection:
        staging = Staging(connection)
        try:
            yield connection, staging
        finally:
            if not connection.invalidated:
                connection.execution_options(wangge_write=False)
                with connection.begin():
                    staging.drop()
                    if database.embedded:
                        connection.exec_driver_sql(f"PRAGMA cache_size = -{_USUAL_CACHE_KIB}")


def _merge(
    database: Database,
    connection: Connection,
    staging: Staging,
    reader: Reader,
    on: date,
    settle: Settle | None,
) -> ImportSummary:
    """Merge what waits in one transaction; on SQLite others can write until it begins."""
    if database.embedded:
        # The spatial index is filled in no order of space; without room it is read again and again.
        with connection.begin():
            connection.exec_driver_sql(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execution_options(wangge_write=True)
    with connection.begin(), Session(connection) as session:
        inserted, updated, unchanged, foreign = staging.merge(on, reader.allowed)
        reader.rejected += [Rejected(number, identity, Reason.not_permitted) for number, identity in foreign]
        reader.rejected.sort()
        if inserted or updated:
            ids = staging.changed()
            for start in range(0, len(ids), REASSIGNED):
                reassign(session, on, ids[start : start + REASSIGNED].tolist())
            bump_revision(session)
            session.flush()
            if database.embedded:
                geopackage.touch(connection)
        summary = ImportSummary(
            inserted, updated, unchanged, reader.rejected, reader.without_location, reader.outside_areas
        )
        if settle is not None:
            settle(session, summary)
            session.flush()
    return summary
