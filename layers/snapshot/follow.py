"""Following the database: the snapshot is rebuilt when a notice or the revision says that it is old."""

import logging
from collections.abc import Callable
from threading import Event

import psycopg
from sqlalchemy import text

from layers.db.database import NOTIFY_CHANNEL, Database
from layers.snapshot.holder import SnapshotHolder

_log = logging.getLogger(__name__)

POLL_INTERVAL_S = 0.4
"""Seconds between two looks at the revision; with notices it is how soon a lost one is made good."""

_REST_AFTER_REFRESH_S = 0.1
# After a rebuild: many small changes one after the other are followed together.

_RETRY_DELAYS_S = (1.0, 2.0, 5.0, 10.0)


def follow_database(
    database: Database,
    holder: SnapshotHolder,
    stop: Event,
    *,
    poll_s: float = POLL_INTERVAL_S,
    on_refresh: Callable[[], None] | None = None,
) -> None:
    """Keep a holder current until told to stop; to be run in a thread of its own.

    Parameters
    ----------
    database
        PostgreSQL wakes this thread by NOTIFY; SQLite, and PostgreSQL between notices, is asked.
    holder
        What is kept current.
    stop
        Ends the thread within `poll_s` seconds.
    poll_s
        Seconds between two looks.
    on_refresh
        Called after each rebuild, in this thread.
    """
    failures = 0
    while not stop.is_set():
        try:
            if database.embedded:
                _poll(database, holder, stop, poll_s, on_refresh)
            else:
                _listen(database, holder, stop, poll_s, on_refresh)
        except Exception as error:
            # Whatever it is, the thread must outlive it: the database may be back in a moment.
            wait = _RETRY_DELAYS_S[min(failures, len(_RETRY_DELAYS_S) - 1)]
            failures = 0 if isinstance(error, _ConnectionLostError) else failures + 1
            _log.warning("following the database failed (%s); again in %g s", type(error).__name__, wait)
            stop.wait(wait)


class _ConnectionLostError(Exception):
    """The connection had worked until now."""


def _poll(
    database: Database,
    holder: SnapshotHolder,
    stop: Event,
    poll_s: float,
    on_refresh: Callable[[], None] | None,
) -> None:
    while not stop.is_set():
        _refresh_if_outdated(database, holder, stop, on_refresh)
        stop.wait(poll_s)


def _listen(
    database: Database,
    holder: SnapshotHolder,
    stop: Event,
    poll_s: float,
    on_refresh: Callable[[], None] | None,
) -> None:
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(text(f"LISTEN {NOTIFY_CHANNEL}"))
        driver = connection.connection.driver_connection
        # A connection that listens is not given back to the pool.
        connection.detach()
        if not isinstance(driver, psycopg.Connection):
            raise TypeError("notices need psycopg")
        while not stop.is_set():
            _refresh_if_outdated(database, holder, stop, on_refresh)
            try:
                for _notice in driver.notifies(timeout=poll_s, stop_after=1):
                    pass
            except psycopg.Error as error:
                raise _ConnectionLostError from error


def _refresh_if_outdated(
    database: Database, holder: SnapshotHolder, stop: Event, on_refresh: Callable[[], None] | None
) -> None:
    if not holder.is_outdated(database.read_revision()):
        return
    holder.refresh()
    if on_refresh is not None:
        on_refresh()
    stop.wait(_REST_AFTER_REFRESH_S)
