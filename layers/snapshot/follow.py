"""Following the database: the snapshot is rebuilt when it is outdated, by notification or polling."""

import logging
from collections.abc import Callable
from threading import Event

import psycopg
from sqlalchemy import text

from layers.db.database import NOTIFY_CHANNEL, Database
from layers.snapshot.holder import SnapshotHolder

_log = logging.getLogger(__name__)

POLL_INTERVAL_S = 0.4
"""Seconds between two checks of the revision; with notifications, the time until a lost one is noticed."""

_REST_AFTER_REFRESH_S = 0.1
# Pause after a rebuild, so that many small changes are followed together.

_RETRY_DELAYS_S = (1.0, 2.0, 5.0, 10.0)


def follow_database(
    database: Database,
    holder: SnapshotHolder,
    stop: Event,
    *,
    poll_s: float = POLL_INTERVAL_S,
    on_refresh: Callable[[], None] | None = None,
) -> None:
    """Keep a holder up to date until stopped; runs in a thread of its own.

    Parameters
    ----------
    database
        PostgreSQL wakes this thread by NOTIFY; SQLite, and PostgreSQL between notifications, is polled.
    holder
        What is kept up to date.
    stop
        Ends the thread within `poll_s` seconds.
    poll_s
        Seconds between two checks.
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
            # The thread must survive any error: the database may be back in a moment.
            wait = _RETRY_DELAYS_S[min(failures, len(_RETRY_DELAYS_S) - 1)]
            failures = 0 if isinstance(error, _ConnectionLostError) else failures + 1
            _log.warning("following the database failed (%s); again in %g s", type(error).__name__, wait)
            stop.wait(wait)


class _ConnectionLostError(Exception):
    """A connection that had worked until now was lost."""


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
        # A listening connection is not returned to the pool.
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
