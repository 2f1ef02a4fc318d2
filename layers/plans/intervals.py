"""What to end and what to insert so that an entity's assignments become what they should be.

It is pure: rows and spans in, changes out.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

OPEN_END = date.max
"""The end of what has none yet."""


class AssignmentValues(NamedTuple):
    """What an assignment says."""

    cell_code: str | None
    share: float
    method: str
    distance_m: float | None
    reason: str | None


class Interval(NamedTuple):
    """Content from `start` to before `end`."""

    start: date
    end: date
    values: AssignmentValues


class StoredAssignment(NamedTuple):
    """A stored assignment."""

    assignment_id: int
    start: date
    end: date
    values: AssignmentValues


def diff_intervals(
    stored: Sequence[StoredAssignment], expected: Sequence[Interval], on: date
) -> tuple[list[tuple[int, date]], list[Interval]]:
    """Compare what is stored for an entity with what should be, from a date on.

    A stored row may only be ended, never begin otherwise, last longer or say something else.

    Parameters
    ----------
    stored
        Stored rows that last beyond `on`, in order, none empty, none overlapping.
    expected
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
    for row in stored:
        start = max(row.start, on)
        interval = next((span for span in expected if span.start <= start < span.end), None)
        if interval is None or interval.values != row.values:
            ends.append((row.assignment_id, start))
            continue
        end = min(row.end, interval.end)
        if end < row.end:
            ends.append((row.assignment_id, end))
        kept.append((start, end))
    inserts = [
        Interval(start, end, span.values)
        for span in expected
        for start, end in _subtract(span.start, span.end, kept)
    ]
    return ends, inserts


def _subtract(start: date, end: date, kept: Sequence[tuple[date, date]]) -> list[tuple[date, date]]:
    """Return what is left of an interval without others that are in order."""
    remaining = []
    for first, last in kept:
        if last <= start or first >= end:
            continue
        if first > start:
            remaining.append((start, first))
        start = last
    if start < end:
        remaining.append((start, end))
    return remaining
