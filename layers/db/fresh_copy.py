"""The rows of a database file that came from elsewhere, copied into tables of our own making.

Nothing else of the file is taken over, such as a trigger or a view that somebody has put into it.
"""

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from gis.errors import InputError
from layers.db import geopackage, migrations
from layers.db.database import Database

_OWN_PREFIXES = ("gpkg_", "rtree_", "sqlite_")
# What SQLite and GeoPackage keep for themselves is made anew with the tables.
_ALEMBIC_TABLE = "alembic_version"


def open_readonly(path: Path) -> sqlite3.Connection:
    """Open a database of ours for reading, in which nothing that is not ours is ever run.

    Raises
    ------
    InputError
        If it is none.
    """
    try:
        connection = sqlite3.connect(
            f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, isolation_level=None
        )
        try:
            connection.execute("PRAGMA trusted_schema = OFF")
            is_wangge = {_ALEMBIC_TABLE, "revision"} <= _plain_tables(connection)
        except sqlite3.Error:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise InputError(f"{path} cannot be read as a database: {error}.") from error
    if not is_wangge:
        connection.close()
        raise InputError(f"{path} is no database of Wangge.")
    return connection


def copy_into_fresh_tables(path: Path, fresh: Database, *, empty: Collection[str]) -> tuple[str, ...]:
    """Make a database of a file's rows in the tables of its version; return what else the file had.

    Parameters
    ----------
    path
        A database of this version or an older one; it is not changed.
    fresh
        An embedded one whose file does not exist yet.
    empty
        Tables whose rows are left out.

    Returns
    -------
    tuple
        What is in the file and not of ours, such as ``trigger t``, ``view v``, ``column areas.note``.

    Raises
    ------
    InputError
        If the file is no database of ours, is damaged, lacks a table or column, or is a newer version's.
    """
    with closing(open_readonly(path)) as source, _translate_damage(path):
        # One state, whoever writes to the file meanwhile.
        source.execute("BEGIN")
        (step,) = source.execute("SELECT version_num FROM alembic_version").fetchone() or (None,)
        if step is None or not migrations.is_known(step):
            raise InputError(f"{path} was written by a newer version of Wangge; use that one.")
        fresh.migrate(step)
        with fresh.engine.connect().execution_options(wangge_write=True) as target:
            driver = target.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            # Rows come table by table; what refers to nothing is found when the copy is verified.
            driver.execute("PRAGMA foreign_keys = OFF")
            with target.begin():
                foreign = _copy_tables(path, source, target, driver, empty)
        return (*_foreign_objects(source, fresh), *foreign)


@contextmanager
def _translate_damage(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, DBAPIError, ValueError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(cause, sqlite3.OperationalError) and "disk is full" in str(cause):
            raise
        raise InputError(f"{path} is damaged ({cause}); nothing was written.") from error


def _copy_tables(
    path: Path,
    source: sqlite3.Connection,
    target: Connection,
    driver: sqlite3.Connection,
    empty: Collection[str],
) -> list[str]:
    """Copy the rows of all tables that `target` has; return the columns that it has not."""
    present, foreign = _plain_tables(source), []
    for table in sorted(_plain_tables(driver)):
        if table.startswith(_OWN_PREFIXES) or table == _ALEMBIC_TABLE:
            continue
        columns, found = _columns(driver, table), _columns(source, table) if table in present else {}
        if missing := [name for name in columns if name not in found]:
            raise InputError(
                f"{path} is damaged (its table {table} lacks {missing[0]}); nothing was written."
            )
        foreign += [f"column {table}.{name}" for name in found if name not in columns]
        if table in empty:
            continue
        (verdict,) = source.execute(f'PRAGMA integrity_check("{table}")').fetchone()
        if verdict != "ok":
            raise InputError(f"{path} is damaged ({verdict}); nothing was written.")
        names = ", ".join(f'"{name}"' for name in columns)
        with ExitStack() as stack:
            if table in geopackage.LAYERS:
                stack.enter_context(geopackage.rebuilding_rtree(target, table))
            # Some are made with the tables, such as the revision.
            driver.execute(f'DELETE FROM "{table}"')  # noqa: S608  the names are those of our own tables
            driver.executemany(
                f'INSERT INTO "{table}" ({names}) VALUES ({", ".join("?" * len(columns))})',  # noqa: S608
                source.execute(f'SELECT {names} FROM "{table}"'),  # noqa: S608
            )
    return foreign


def _plain_tables(connection: sqlite3.Connection) -> set[str]:
    """Return the tables that are no views and need no module, which could do anything when they are read."""
    listed = connection.execute("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'")
    return {name for (name,) in listed}


def _columns(connection: sqlite3.Connection, table: str) -> dict[str, None]:
    """Return the columns of a table in their order, without those that are computed."""
    listed = connection.execute("SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0", (table,))
    return dict.fromkeys(name for (name,) in listed)


def _foreign_objects(source: sqlite3.Connection, fresh: Database) -> list[str]:
    statement = "SELECT type || ' ' || name FROM sqlite_schema ORDER BY 1"
    with fresh.engine.connect() as connection:
        ours = set(connection.exec_driver_sql(statement).scalars())
    return [
        name
        for (name,) in source.execute(statement)
        if name not in ours and not name.partition(" ")[2].startswith("sqlite_")
    ]
