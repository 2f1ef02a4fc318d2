"""Conditional requests: entity tags, If-None-Match and If-Match."""

import hashlib
from typing import Annotated

from fastapi import Depends, Header
from starlette.exceptions import HTTPException

from api.http.dependencies import DatabaseDep
from gis.errors import StaleError
from layers.db.database import Database

IfNoneMatch = Annotated[str | None, Header(max_length=500, description="The ETag one has.", examples=['"3"'])]


def _if_match_version(
    database: DatabaseDep,
    if_match: Annotated[
        str | None, Header(description="The ETag the write is based on.", max_length=100, examples=['"3"'])
    ] = None,
) -> int:
    if if_match is None:
        raise HTTPException(428, "Send If-Match with the ETag that this write is based on.")
    text, _, identity = if_match.strip().removeprefix('"').removesuffix('"').partition("-")
    if not (text.isascii() and text.isdigit() and len(text) < 18):
        raise StaleError("If-Match is no ETag of this record; read it again.")
    if identity and identity != _identity_tag(database):
        raise StaleError("The record was read before the database was restored; read it again.")
    return int(text)


def _identity_tag(database: Database) -> str:
    return f"{database.identity:x}"


IfMatchVersion = Annotated[int, Depends(_if_match_version)]
"""The version that a write says it is based on: of the ETag, or by itself, as records have it."""


def version_etag(database: Database, version: int) -> str:
    """Return the entity tag of a record, which no record of another database has."""
    return f'"{version}-{_identity_tag(database)}"'


def make_etag(*parts: object) -> str:
    """Return the entity tag of an answer that depends on these alone."""
    return '"' + hashlib.sha256(repr(parts).encode()).hexdigest()[:24] + '"'


def is_not_modified(if_none_match: str | None, etag: str) -> bool:
    """Return whether the caller already has the answer with an entity tag, by weak comparison (RFC 9110).

    Parameters
    ----------
    if_none_match
        The header as it came.
    etag
        The tag of the answer with its quotes; W/ makes no difference.
    """
    if if_none_match is None:
        return False
    return etag.removeprefix("W/") in [each.strip().removeprefix("W/") for each in if_none_match.split(",")]
