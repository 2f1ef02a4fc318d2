"""The database: an engine for SQLite or PostgreSQL, and the two kinds of transaction."""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
from sqlalchemy import Connection, Engine, LargeBinary, create_engine, event, func, inspect, select, update
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session as Session
from sqlalchemy.orm import sessionmaker

from gis.errors import InputError
from layers.db import geopackage, migrations, postgresql
from layers.formats.sqlite_files import sqlite_journals
from layers.models import Revision

NOTIFY_CHANNEL = "wangge"
_MIGRATION_LOCK = 0x77616E67
_WAIT_S = 30.0


class Database:
    """A database that holds, or will hold, the model.

    Parameters
    ----------
    url
        ``sqlite:///path/to/wangge.gpkg`` or ``postgresql+psycopg://user@host:port/name``.
    wait_s
        Seconds to wait for another writer of SQLite.

    Raises
    ------
    InputError
        If the URL names neither.
    """

    def __init__(self, url: str, *, wait_s: float = _WAIT_S) -> None:
        try:
            parsed = make_url(url)
        except ArgumentError as error:
            raise InputError(
                f"'{url}' is no database URL; give sqlite:///FILE.gpkg or postgresql+psycopg://..."
            ) from error
        if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
            raise InputError(f"The database must be SQLite or PostgreSQL, not {parsed.get_backend_name()}.")
        self.url = parsed
        self.engine = (
            _make_sqlite_engine(url, round(1000 * wait_s))
            if self.embedded
            else postgresql.make_engine(url, json_serializer=_encode_json)
        )
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    @property
    def embedded(self) -> bool:
        """The database is one SQLite file."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def display_name(self) -> str:
        """The database in messages: without a password."""
        return str(self.url.database) if self.embedded else self.url.render_as_string(hide_password=True)

    @property
    def _write_options(self) -> dict[str, bool]:
        return {"wangge_write": True} if self.embedded else {}

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Give a session that sees one state of the database throughout; nothing it changes is kept."""
        with self._sessions() as session:
            session.connection(
                execution_options={} if self.embedded else {"isolation_level": "REPEATABLE READ"}
            )
            yield session
            # A rollback would make what was read expire, and each use of it afterwards a query of its own.
            session.expunge_all()
            session.rollback()

    @contextmanager
    def write(self, *, busy_timeout_s: float | None = None) -> Iterator[Session]:
        """Give a session whose changes are kept whole when the block ends well, and not at all otherwise.

        On SQLite one writer works at a time; another waits.

        Parameters
        ----------
        busy_timeout_s
            Seconds to wait for another writer of SQLite, after which SQLAlchemy's OperationalError is raised;
            those of the database when not given.
        """
        with self._sessions() as session:
            options: dict[str, Any] = dict(self._write_options)
            if busy_timeout_s is not None:
                options["wangge_busy_timeout_ms"] = round(1000 * busy_timeout_s)
            connection = session.connection(execution_options=options)
            changes = _count_changes(connection)
            yield session
            session.flush()
            if _count_changes(connection) != changes:
                geopackage.mark_changed(connection)
            session.commit()

    def migrate(self, step: str = "head") -> None:
        """Bring the tables to the form this version needs, in one transaction, from none or an older form.

        The embedded file is made if it is not there, readable by its owner alone.

        Parameters
        ----------
        step
            The form; that of this version unless an older one is named.

        Raises
        ------
        InputError
            If the database cannot be reached, is a newer version's, holds another program's tables, or
            lacks PostGIS.
        """
        with (
            self._new_file(),
            self.translate_errors(),
            self.engine.connect().execution_options(**self._write_options) as connection,
            connection.begin(),
        ):
            self.migrate_connection(connection, step=step)

    @contextmanager
    def _new_file(self) -> Iterator[None]:
        """Make the embedded file if it is not there; it goes again if the block fails."""
        if not self.embedded:
            yield
            return
        path = Path(str(self.url.database))
        try:
            # It holds personal data. SQLite gives the files beside it, -wal and -shm, the same permissions.
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except FileExistsError:
            yield
            return
        except OSError as error:
            raise InputError(f"{self.display_name} cannot be made: {error.strerror}.") from error
        try:
            yield
        except BaseException:
            self.close()
            for each in (path, *sqlite_journals(path)):
                each.unlink(missing_ok=True)
            raise

    def migrate_connection(
        self, connection: Connection, *, require_empty: bool = False, step: str = "head"
    ) -> None:
        """Migrate inside the transaction of a connection.

        Parameters
        ----------
        connection
            One of this database's.
        require_empty
            There must be no tables yet.
        step
            As for `migrate`.

        Raises
        ------
        InputError
            As `migrate`.
        """
        if not self.embedded:
            connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
            _require_postgis(connection)
        present = migrations.current(connection)
        if (present is None or require_empty) and (others := _existing_tables(connection)):
            names = ", ".join(sorted(others)[:3])
            raise InputError(f"{self.display_name} already holds tables ({names}); give an empty database.")
        self._refuse_newer(present)
        migrations.upgrade(connection, step)

    def check_migrated(self) -> None:
        """See that the database is there and has the form this version needs.

        Raises
        ------
        InputError
            If it cannot be reached, was never migrated, or is an older or a newer version's.
        """
        self._require_file()
        with self.translate_errors(), self.engine.connect() as connection:
            step = migrations.current(connection)
            self._refuse_newer(step)
            if step != migrations.head(connection):
                raise InputError(
                    f"{self.display_name} has not the tables this version needs; run `wangge migrate`."
                )

    def read_revision(self) -> int:
        """Read the number that grows with every change that snapshots must follow.

        Raises
        ------
        InputError
            As `check_migrated`.
        """
        self._require_file()
        try:
            with self.engine.connect() as connection:
                return current_revision(connection)
        except DBAPIError:
            self.check_migrated()
            raise

    @cached_property
    def identity(self) -> int:
        """The number that no other database has, read once: one is restored only where there is none."""
        with self.engine.connect() as connection:
            return current_state(connection)[0]

    def is_readable(self) -> bool:
        """Return whether the database can be reached and has been migrated."""
        try:
            self.read_revision()
        except (SQLAlchemyError, InputError):
            return False
        return True

    @contextmanager
    def translate_errors(self) -> Iterator[None]:
        """Tell in one sentence, as an InputError, when the database cannot be reached in the block."""
        try:
            yield
        except OperationalError as error:
            raise InputError(
                f"{self.display_name} cannot be used: {str(error.orig).splitlines()[0]}."
            ) from error
        except DatabaseError as error:
            if not self.embedded:
                raise
            raise InputError(f"{self.display_name} cannot be used: {error.orig}.") from error

    def _require_file(self) -> None:
        # SQLite would make an empty one.
        if self.embedded and not Path(str(self.url.database)).is_file():
            raise InputError(f"{self.display_name} does not exist; `wangge migrate` makes it.")

    def _refuse_newer(self, step: str | None) -> None:
        if step is not None and not migrations.is_known(step):
            raise InputError(f"{self.display_name} was written by a newer version of Wangge; use that one.")

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def current_revision(session: Session | Connection) -> int:
    """Return the number of the state that a session sees; it grows with every change of what is followed."""
    return session.execute(select(Revision.number)).scalar_one()


def current_state(session: Session | Connection) -> tuple[int, int]:
    """Return the identity of the database and its revision: what an answer of many rows depends on."""
    identity, number = session.execute(select(Revision.id, Revision.number)).one()
    return identity, number


def bump_revision(session: Session) -> int:
    """Count one more change; followers hear of it when the transaction of the session is committed."""
    number: int = session.execute(
        update(Revision)
        .values(number=Revision.number + 1, changed_at=datetime.now(UTC))
        .returning(Revision.number)
    ).scalar_one()
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_notify(NOTIFY_CHANNEL, str(number))))
    return number


def _existing_tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names()) - {"spatial_ref_sys", "alembic_version"}


def _require_postgis(connection: Connection) -> None:
    if connection.exec_driver_sql("SELECT 1 FROM pg_extension WHERE extname = 'postgis'").scalar():
        return
    try:
        connection.exec_driver_sql("CREATE EXTENSION postgis")
    except DBAPIError as error:
        raise InputError(
            f"The database lacks PostGIS, and it cannot be added: {str(error.orig).splitlines()[0]};"
            " let an administrator run CREATE EXTENSION postgis in it."
        ) from error


def _count_changes(connection: Connection) -> int:
    """Count the rows changed through a SQLite connection; PostgreSQL has no GeoPackage to keep."""
    driver = connection.connection.driver_connection
    return driver.total_changes if isinstance(driver, sqlite3.Connection) else 0


def _decode_json(text: str) -> Any:
    """Decode JSON; of a table of cells nearly every row has none."""
    return {} if text == "{}" else json.loads(text)


def _encode_json(values: Any) -> str:
    """Encode JSON; a number that is not finite becomes null, for what Python writes of it is no JSON."""
    return orjson.dumps(values, option=orjson.OPT_NON_STR_KEYS).decode()


def _make_sqlite_engine(url: str, busy_timeout_ms: int) -> Engine:
    engine = create_engine(
        url,
        connect_args={"timeout": busy_timeout_ms / 1000},
        json_deserializer=_decode_json,
        json_serializer=_encode_json,
    )
    engine.dialect.type_compiler_instance = geopackage.GeoPackageTypeCompiler(engine.dialect)
    # GeoAlchemy takes every GEOMETRY of a SQLite file for one of SpatiaLite.
    names = {**SQLiteDialect.ischema_names, "GEOMETRY": LargeBinary}
    engine.dialect.ischema_names = names  # type: ignore[attr-defined]

    @event.listens_for(engine, "do_connect")
    def open_existing(_dialect: Any, _record: Any, arguments: list[Any], options: dict[str, Any]) -> None:
        # A file that is missing is an error: only `migrate` makes one.
        arguments[0] = f"file:{quote(arguments[0])}?mode=rw"
        options["uri"] = True

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        # Transactions begin where SQLAlchemy says so, not where the driver thinks.
        connection.isolation_level = None
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            f"busy_timeout = {busy_timeout_ms}",
        ):
            connection.execute(f"PRAGMA {pragma}")
        geopackage.register_functions(connection)

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        options = connection.get_execution_options()
        if not options.get("wangge_write", False):
            connection.exec_driver_sql("BEGIN")
            return
        busy_timeout = options.get("wangge_busy_timeout_ms", busy_timeout_ms)
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {busy_timeout}")
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {busy_timeout_ms}")

    return engine
