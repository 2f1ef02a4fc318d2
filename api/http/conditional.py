"""Conditional requests: entity tags, If-None-Match and If-Match."""

import hashlib
from typing import Annotated

from fastapi import Depends, Header
from starlette.exceptions import HTTPException

from gis.errors import StaleError

IfNoneMatch = Annotated[str | None, Header(max_length=500, description="The ETag one has.", examples=['"3"'])]


async def _if_match_version(
    if_match: Annotated[
        str | None, Header(description="The ETag the write is based on.", max_length=100, examples=['"3"'])
    ] = None,
) -> int:
    if if_match is None:
        raise HTTPException(428, "Send If-Match with the ETag that this write is based on.")
    text = if_match.strip().removeprefix('"').removesuffix('"')
    if not (text.isascii() and text.isdigit() and len(text) < 18):
        raise StaleError("If-Match is no ETag of this record; read it again.")
    return int(text)


IfMatchVersion = Annotated[int, Depends(_if_match_version)]
"""The version that a write says it is based on."""


def require_version(current: int, expected: int) -> None:
    """Refuse a write that is based on another version.

    Raises
    ------
    StaleError
        If it is.
    """
    if current != expected:
        raise StaleError(f"This has changed since: it has version {current}, not {expected}; read it again.")


def make_etag(*parts: object) -> str:
    """Return the entity tag of an answer that depends on these alone."""
    return '"' + hashlib.sha256(repr(parts).encode()).hexdigest()[:24] + '"'
