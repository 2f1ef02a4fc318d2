"""Locks that a transaction holds until it ends."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from layers.db.bulk import is_postgresql

_LOCK_CLASS_ID = 0x57474C4B


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
