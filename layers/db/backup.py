"""Backups: the whole database as one file, taken while others write, and a database made from such a file.

A backup is an embedded database, whichever of the two it was taken of: QGIS opens it, and either can be
restored from it.
"""

import json
import os
import secrets
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, cast

import psycopg
import shapely
from psycopg import sql
from sqlalchemy import Connection, Integer, Table, delete, func, insert, select, update
from sqlalchemy.exc import DBAPIError

from gis.errors import InputError
from gis.progress import Progress
from layers.db import geopackage
from layers.db.database import Database, Session
from layers.db.fresh_copy import copy_into_fresh_tables, open_readonly
from layers.db.temp_dir import temporary_path
from layers.models import (
    Base,
    BrowserSession,
    IdempotencyKey,
    Job,
    JobState,
    Revision,
    SignInFailure,
    SignInLink,
)
from layers.models.geometry_type import SRID

_BATCH_SIZE = 5_000

_ENDED_TABLES = frozenset(
    each.__tablename__ for each in (BrowserSession, SignInLink, SignInFailure, IdempotencyKey)
)
# What held for a while, and is over in the database that a backup replaces.

RowCounts = dict[str, int]


class Restored(NamedTuple):
    """What a restored database holds: rows by table, and what of the file was not ours and is left out."""

    rows: RowCounts
    left_out: tuple[str, ...]


def backup(database: Database, path: Path, progress: Progress | None = None) -> RowCounts:
    """Write a database into one new file, as it was at one moment; others go on reading and writing.

    Parameters
    ----------
    path
        A file that does not exist yet. Only its owner may read it: it holds personal data.
    progress
        Called with rows done and rows in all.

    Returns
    -------
    dict
        Rows by table.

    Raises
    ------
    InputError
        If the file exists, the database is not migrated, or what was written is not sound.
    """
    database.check_migrated()
    with _atomic_file(path) as part:
        if database.embedded:
            with (
                closing(open_readonly(Path(str(database.url.database)))) as source,
                closing(sqlite3.connect(part)) as copy,
            ):
                source.backup(copy)
        else:
            with closing(Database(f"sqlite:///{part}")) as target:
                target.migrate()
                with database.read() as reader, target.write() as writer:
                    _copy_rows(reader.connection(), writer.connection(), progress)
        return _verify(part)


def restore(
    path: Path,
    database: Database,
    progress: Progress | None = None,
    *,
    before_commit: Callable[[Session], None] | None = None,
) -> Restored:
    """Make a database from a backup of this version or an older one: whole, or not at all.

    The rows go into tables of our own making. Nobody is signed in afterwards, no link or kept answer holds,
    and what waited or ran as a job has failed: all this ended with the database that was backed up.

    Parameters
    ----------
    path
        A file that `backup` wrote; it is not changed.
    database
        An empty one: a file that does not exist yet, or a PostgreSQL database without tables.
    progress
        Called with rows done and rows in all.
    before_commit
        Called with a session that sees and may change the restored rows before they are kept.

    Raises
    ------
    InputError
        If the file is no backup, is damaged or newer, or the database is not empty.
    """
    with ExitStack() as stack:
        if database.embedded:
            part = stack.enter_context(_atomic_file(Path(str(database.url.database))))
        else:
            temp_folder = Path(tempfile.gettempdir())
            part = stack.enter_context(temporary_path(temp_folder, "wangge-restore-", "backup.gpkg"))
        with closing(Database(f"sqlite:///{part}")) as restored:
            left_out = copy_into_fresh_tables(path, restored, empty=_ENDED_TABLES)
            restored.migrate()
            with restored.write() as session:
                _fail_unfinished_jobs(session)
                session.execute(update(Revision).values(id=1 + secrets.randbelow(2**53 - 1)))
                if before_commit is not None:
                    before_commit(session)
            if not database.embedded:
                with (
                    database.translate_errors(),
                    restored.read() as reader,
                    database.engine.begin() as connection,
                ):
                    database.migrate_connection(connection, require_empty=True)
                    _copy_rows(reader.connection(), connection, progress)
        return Restored(_verify(part), left_out)


def _fail_unfinished_jobs(session: Session) -> None:
    """End the jobs that waited or ran: a restored service would publish what nobody asks for now."""
    session.execute(
        update(Job)
        .where(Job.state.in_((JobState.queued, JobState.running)))
        .values(
            state=JobState.failed,
            ended_at=datetime.now(UTC),
            error="The database was restored from a backup of before its end; ask again.",
            version=Job.version + 1,
        )
    )


def _verify(path: Path) -> RowCounts:
    """Check a finished file for damage, make it one file without a journal, and count its rows."""
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA journal_mode = DELETE")
        try:
            damage = [row[0] for row in file.execute("PRAGMA integrity_check(3)")]
            damage = [] if damage == ["ok"] else damage
            damage += [
                f"a row of {row[0]} without its {row[2]}" for row in file.execute("PRAGMA foreign_key_check")
            ]
        except sqlite3.DatabaseError as error:
            damage = [str(error)]
        if damage:
            raise InputError(f"The copy is damaged ({damage[0]}); nothing was written.")
        present = {row[0] for row in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        return {
            name: file.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608  a table of ours
            for name in Base.metadata.tables
            if name in present
        }


@contextmanager
def _atomic_file(path: Path) -> Iterator[Path]:
    """Give a file to write into; it is moved to its place, on the disk for good, when the block ends well."""
    paths = [path, *(path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal"))]
    for each in paths:
        # A journal that was left behind would be played into the new file.
        if each.exists():
            raise InputError(f"{each} exists already; give another name or move it away.")
    if not path.parent.is_dir():
        raise InputError(f"{path.parent} is no folder.")
    with _translate_errors(path), temporary_path(path.parent, f".{path.name}-", path.name) as part:
        yield part
        part.chmod(0o600)
        _fsync(part)
        if path.exists():
            raise InputError(f"{path} has come to exist meanwhile; give another name.")
        part.replace(path)
        _fsync(path.parent)


@contextmanager
def _translate_errors(path: Path) -> Iterator[None]:
    """Tell in one sentence, as an InputError, when a file cannot be made."""
    try:
        yield
    except (OSError, sqlite3.Error, DBAPIError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        if not isinstance(cause, OSError | sqlite3.Error):
            raise
        reason = cause.strerror if isinstance(cause, OSError) else cause
        raise InputError(f"{path} cannot be written: {reason}.") from error


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _copy_rows(source: Connection, target: Connection, progress: Progress | None) -> None:
    """Copy all rows, keys included, into tables that are empty."""
    tables = Base.metadata.sorted_tables
    total = sum(source.execute(select(func.count()).select_from(table)).scalar_one() for table in tables)
    done = 0
    if target.dialect.name == "sqlite":
        # A row may refer to a later one, as a scheme to its units; PostgreSQL looks after each batch.
        target.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
    target.execute(delete(Revision))
    for table in tables:
        with ExitStack() as stack:
            if target.dialect.name == "sqlite" and table.name in geopackage.LAYERS:
                stack.enter_context(geopackage.rebuilding_rtree(target, table.name))
            for rows in _read_batches(source, table):
                if target.dialect.name == "sqlite":
                    target.execute(insert(table), cast("Sequence[Mapping[str, Any]]", rows))
                else:
                    _copy_into_postgresql(target, table, rows)
                done += len(rows)
                if progress:
                    progress(done, total)
        if target.dialect.name == "postgresql":
            _reset_sequence(target, table)


def _read_batches(source: Connection, table: Table) -> Iterator[list[Mapping[str, Any]]]:
    statement = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=_BATCH_SIZE)
    with source.execute(statement) as result:
        for rows in result.mappings().partitions():
            yield [dict(row) for row in rows]


def _copy_into_postgresql(target: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    columns = list(rows[0])
    driver = target.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row([_encode_copy_value(row[column]) for column in columns])


def _encode_copy_value(value: Any) -> Any:
    """Prepare what COPY does not know by itself: geometry and JSON."""
    if isinstance(value, shapely.Geometry):
        return shapely.to_wkb(shapely.set_srid(value, SRID), hex=True, include_srid=True)
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return value


def _reset_sequence(target: Connection, table: Table) -> None:
    """Let the next row follow the highest key."""
    key = next(iter(table.primary_key.columns))
    if len(table.primary_key.columns) > 1 or not isinstance(key.type, Integer) or key.foreign_keys:
        return
    target.execute(
        select(func.setval(func.pg_get_serial_sequence(table.name, key.name), func.max(key))).select_from(
            table
        )
    )
