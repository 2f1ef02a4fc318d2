"""Following the database: the snapshot is rebuilt when a notice or the revision says that it is old."""

import logging
from collections.abc import Callable
from threading import Event

import psycopg
from sqlalchemy import text

from layers.db.database import CHANNEL, Database
from layers.snapshot.holder import SnapshotHolder

_log = logging.getLogger(__name__)

POLL_S = 0.4
"""Seconds between two looks at the revision; with notices it is how soon a lost one is made good."""

_REST_S = 0.1
# After a rebuild: many small changes one after the other are followed together.

_PATIENCE_S = (1.0, 2.0, 5.0, 10.0)


def follow(
    database: Database,
    holder: SnapshotHolder,
    stop: Event,
    *,
    poll_s: float = POLL_S,
    after: Callable[[], None] | None = None,
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
    after
        Called after each rebuild, in this thread.
    """
    failures = 0
    while not stop.is_set():
        try:
            if database.embedded:
                _poll(database, holder, stop, poll_s, after)
            else:
                _listen(database, holder, stop, poll_s, after)
        except Exception as error:
            # Whatever it is, the thread must outlive it: the database may be back in a moment.
            wait = _PATIENCE_S[min(failures, len(_PATIENCE_S) - 1)]
            failures = 0 if isinstance(error, _LostError) else failures + 1
            _log.warning("following the database failed (%s); again in %g s", type(error).__name__, wait)
            stop.wait(wait)


class _LostError(Exception):
    """The connection had worked until now."""


def _poll(
    database: Database, holder: SnapshotHolder, stop: Event, poll_s: float, after: Callable[[], None] | None
) -> None:
    while not stop.is_set():
        _catch_up(database, holder, stop, after)
        stop.wait(poll_s)


def _listen(
    database: Database, holder: SnapshotHolder, stop: Event, poll_s: float, after: Callable[[], None] | None
) -> None:
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(text(f"LISTEN {CHANNEL}"))
        driver = connection.connection.driver_connection
        # A connection that listens is not given back to the pool.
        connection.detach()
        if not isinstance(driver, psycopg.Connection):
            raise TypeError("notices need psycopg")
        while not stop.is_set():
            _catch_up(database, holder, stop, after)
            try:
                for _notice in driver.notifies(timeout=poll_s, stop_after=1):
                    pass
            except psycopg.Error as error:
                raise _LostError from error


def _catch_up(
    database: Database, holder: SnapshotHolder, stop: Event, after: Callable[[], None] | None
) -> None:
    if not holder.outdated(database.revision()):
        return
    holder.refresh()
    if after is not None:
        after()
    stop.wait(_REST_S)
