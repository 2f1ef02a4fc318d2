"""The database: an engine for SQLite or PostgreSQL, and the two kinds of transaction.

It owns connections and what each dialect needs; tables are `layers.storage.models`'.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session, sessionmaker

from gis.errors import InputError

_BUSY_MS = 30_000


class Database:
    """A database that holds, or will hold, the model.

    Parameters
    ----------
    url
        ``sqlite:///path/to/wangge.gpkg`` or ``postgresql+psycopg://user@host:port/name``.

    Raises
    ------
    InputError
        If the URL names neither.
    """

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
        except ArgumentError as error:
            raise InputError(
                f"'{url}' is no database URL; give sqlite:///FILE.gpkg or postgresql+psycopg://..."
            ) from error
        if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
            raise InputError(f"The database must be SQLite or PostgreSQL, not {parsed.get_backend_name()}.")
        self.url = parsed
        self.engine = _sqlite_engine(url) if self.embedded else create_engine(url, pool_pre_ping=True)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    @property
    def embedded(self) -> bool:
        """The database is one SQLite file."""
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Give a session that sees one state of the database throughout; nothing it changes is kept."""
        with self._sessions() as session:
            session.connection(
                execution_options={} if self.embedded else {"isolation_level": "REPEATABLE READ"}
            )
            yield session
            session.rollback()

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Give a session whose changes are kept whole when the block ends well, and not at all otherwise.

        On SQLite one writer works at a time; another waits.
        """
        with self._sessions() as session:
            session.connection(execution_options={"wangge_write": True} if self.embedded else {})
            yield session
            session.commit()

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _sqlite_engine(url: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": _BUSY_MS / 1000})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        # Transactions begin where SQLAlchemy says so, not where the driver thinks.
        connection.isolation_level = None
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            f"busy_timeout = {_BUSY_MS}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        writing = connection.get_execution_options().get("wangge_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine
