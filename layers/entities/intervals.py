"""What to end and what to insert so that an entity's assignments become what they should be.

It is pure: rows and spans in, changes out.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

LASTING = date.max
"""The end of what has none yet."""


class Content(NamedTuple):
    """What an assignment says."""

    cell_code: str | None
    share: float
    method: str
    distance_m: float | None
    reason: str | None


class Span(NamedTuple):
    """Content from `start` to before `end`."""

    start: date
    end: date
    content: Content


class Row(NamedTuple):
    """A stored assignment."""

    number: int
    start: date
    end: date
    content: Content


def reconcile(
    rows: Sequence[Row], wanted: Sequence[Span], on: date
) -> tuple[list[tuple[int, date]], list[Span]]:
    """Compare what is stored for an entity with what should be, from a date on.

    A stored row may only be ended, never begin otherwise, last longer or say something else.

    Parameters
    ----------
    rows
        Stored rows that last beyond `on`, in order, none empty, none overlapping.
    wanted
        Spans from `on` on, in order, none overlapping; time between them belongs to no row.
    on
        What lies before stays.

    Returns
    -------
    ends
        Numbers of rows with the date to end them; a row that began on or after it is left empty, as a trace.
    inserts
        Spans to insert, in order.
    """
    ends: list[tuple[int, date]] = []
    kept: list[tuple[date, date]] = []
    for row in rows:
        start = max(row.start, on)
        span = next((span for span in wanted if span.start <= start < span.end), None)
        if span is None or span.content != row.content:
            ends.append((row.number, start))
            continue
        end = min(row.end, span.end)
        if end < row.end:
            ends.append((row.number, end))
        kept.append((start, end))
    inserts = [
        Span(start, end, span.content)
        for span in wanted
        for start, end in _without(span.start, span.end, kept)
    ]
    return ends, inserts


def _without(start: date, end: date, kept: Sequence[tuple[date, date]]) -> list[tuple[date, date]]:
    """Return what is left of an interval without others that are in order."""
    left = []
    for first, last in kept:
        if last <= start or first >= end:
            continue
        if first > start:
            left.append((start, first))
        start = last
    if start < end:
        left.append((start, end))
    return left
