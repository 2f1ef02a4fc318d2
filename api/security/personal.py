"""Revealing personal data: only to those who may see it, with an audit entry each time."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, TypeVar

from fastapi import Query
from sqlalchemy.orm import Session
from starlette.responses import Response

from api.http.conditional import version_etag
from api.http.responses import json_response, list_response
from api.schemas.cells import cell_record
from api.security.audit import Action, audit
from api.security.principal import Principal, Right
from layers.db.database import Database
from layers.models import Cell, Entity, Officer

Reveal = Annotated[
    bool, Query(description="Show personal values plain; needs the right, and is audited.", examples=[False])
]

MAX_LISTED_IDS = 100
"""The most records that an entry of the audit lists."""

PersonalRow = TypeVar("PersonalRow", Entity, Officer)
"""A row with an id and personal values."""


@contextmanager
def open_read_session(database: Database, principal: Principal, *, reveal: bool) -> Iterator[Session]:
    """Open a session that reads; where personal data is to be shown plain, one that can also audit it.

    Raises
    ------
    ForbiddenError
        If the caller may not see personal data plain.
    """
    if reveal:
        principal.require_right(Right.reveal)
    with database.write() if reveal else database.read() as session:
        yield session


def read_personal(
    database: Database,
    principal: Principal,
    kind: str,
    find: Callable[[Session], PersonalRow],
    to_record: Callable[[PersonalRow, bool], dict[str, Any]],
    *,
    reveal: bool,
    if_none_match: str | None,
) -> Response:
    """Return one record that has personal values: masked, or plain and audited where they are revealed.

    Parameters
    ----------
    database, principal
        Where it is, and who asks.
    kind
        `entity`, `officer`.
    find
        Finds the row; refuses one that the caller may not see.
    to_record
        Makes the record of a row; plain if its second argument is true, masked otherwise.
    reveal, if_none_match
        Of the request. A reveal is never answered from what the caller has already: it must be audited.

    Raises
    ------
    ForbiddenError
        If the caller may not see personal data plain.
    """
    with open_read_session(database, principal, reveal=reveal) as session:
        row = find(session)
        if reveal and row.personal:
            audit_reveal(session, principal, kind, [row.id])
        record = to_record(row, reveal)
    etag = version_etag(database, record["version"])
    return json_response(record, etag=etag, if_none_match=None if reveal else if_none_match)


def list_personal(
    database: Database,
    principal: Principal,
    kind: str,
    find: Callable[[Session], tuple[Sequence[PersonalRow], str | None]],
    to_record: Callable[[PersonalRow, bool], dict[str, Any]],
    *,
    reveal: bool,
    geojson: bool = False,
) -> Response:
    """Return a page of records that have personal values; parameters and errors as for `read_personal`."""
    with open_read_session(database, principal, reveal=reveal) as session:
        rows, next_cursor = find(session)
        if reveal:
            audit_reveal(session, principal, kind, [row.id for row in rows if row.personal])
        records = [to_record(row, reveal) for row in rows]
    return list_response(records, next_cursor, geojson=geojson)


def cell_records(
    session: Session, principal: Principal, cells: Sequence[Cell], *, reveal: bool, geometry: bool = True
) -> list[dict[str, Any]]:
    """Return cells as they are answered: masked, or plain and audited where they are revealed.

    The session is one of `open_read_session`.
    """
    if reveal:
        audit_reveal(session, principal, "cell", [cell.id for cell in cells if cell.personal])
    return [cell_record(cell, geometry=geometry, plain=reveal) for cell in cells]


def audit_reveal(session: Session, principal: Principal, kind: str, ids: Collection[int | str]) -> None:
    """Record that the caller has been shown the personal data of records; nothing where there are none.

    Parameters
    ----------
    session
        A session of `Database.write`.
    principal
        The caller, who has seen it.
    kind
        `entity`, `officer`, `cell`.
    ids
        The keys of the records; the first hundred are listed, all are counted.
    """
    if ids:
        listed = [str(each) for _, each in zip(range(MAX_LISTED_IDS), ids, strict=False)]
        audit(session, principal, Action.reveal, f"{len(ids)} {kind}", ids=listed, count=len(ids))
