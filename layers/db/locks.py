"""Locks that a transaction holds until it ends."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from layers.db.bulk import is_postgresql

_LOCK_CLASS_ID = 0x57474C4B
_AREAS_LOCK_ID = 0x57474152


def lock_scheme(session: Session, scheme_id: int, *, shared: bool = False) -> None:
    """Wait until no other transaction changes the scheme's history; others wait until this transaction ends.

    Parameters
    ----------
    shared
        Those who move single entities do not disturb one another; publishing waits for them, they for it.

    Notes
    -----
    SQLite has one writer at a time, who holds this lock by `Database.write`.
    """
    if is_postgresql(session):
        advisory_lock = func.pg_advisory_xact_lock_shared if shared else func.pg_advisory_xact_lock
        session.execute(select(advisory_lock(_LOCK_CLASS_ID, scheme_id)))


def lock_areas(session: Session, *, shared: bool = False) -> None:
    """Wait until no other transaction changes areas; others wait until this transaction ends.

    Parameters
    ----------
    shared
        Those who rely on the areas do not disturb one another.
    """
    if is_postgresql(session):
        advisory_lock = func.pg_advisory_xact_lock_shared if shared else func.pg_advisory_xact_lock
        session.execute(select(advisory_lock(_AREAS_LOCK_ID)))
