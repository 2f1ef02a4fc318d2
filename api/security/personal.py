"""Revealing personal data: only to those who may see it, with an audit entry each time."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import Query
from sqlalchemy.orm import Session

from api.security.audit import Action, audit
from api.security.principal import Principal, Right
from layers.db.database import Database

Reveal = Annotated[
    bool, Query(description="Show personal values plain; needs the right, and is audited.", examples=[False])
]

_MAX_LISTED_IDS = 100


@contextmanager
def open_read_session(database: Database, principal: Principal, *, reveal: bool) -> Iterator[Session]:
    """Give a session that reads; where personal data is to be shown plain, one that can also audit it.

    Raises
    ------
    ForbiddenError
        If the caller may not see personal data plain.
    """
    if reveal:
        principal.require_right(Right.reveal)
    with database.write() if reveal else database.read() as session:
        yield session


def audit_reveal(session: Session, principal: Principal, kind: str, ids: Collection[int | str]) -> None:
    """Record that the caller has been shown the personal data of records; nothing where there are none.

    Parameters
    ----------
    session
        A session of `Database.write`.
    principal
        Who has seen it.
    kind
        `entity`, `officer`.
    ids
        The keys of the records; the first hundred are listed, all are counted.
    """
    if ids:
        listed = [str(each) for _, each in zip(range(_MAX_LISTED_IDS), ids, strict=False)]
        audit(session, principal, Action.reveal, f"{len(ids)} {kind}", ids=listed, count=len(ids))
