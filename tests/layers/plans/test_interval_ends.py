"""Intervals that meet: what is right to the day is neither ended nor inserted again."""

from datetime import date, timedelta

import pytest

from layers.plans.intervals import OPEN_END, AssignmentValues, Interval, StoredAssignment, diff_intervals

FIRST = date(2026, 1, 1)
A, B = (AssignmentValues(code, 1.0, "inside", None, None) for code in "AB")


def day(number: int) -> date:
    return OPEN_END if number == 9 else FIRST + timedelta(days=number)


def span(start: int, end: int, values: AssignmentValues) -> Interval:
    return Interval(day(start), day(end), values)


@pytest.mark.parametrize(
    ("stored", "expected", "on", "ends", "inserts"),
    [
        # What begins where a span ends belongs to the next.
        ([span(3, 6, A)], [span(1, 3, A), span(3, 6, A)], 1, [], [span(1, 3, A)]),
        ([span(3, 6, A)], [span(1, 3, A), span(3, 6, B)], 1, [(0, 3)], [span(1, 3, A), span(3, 6, B)]),
        # What lasts as long as it should is left alone, also when it has no end.
        ([span(0, 9, A)], [span(2, 9, A)], 2, [], []),
        ([span(0, 5, A)], [span(2, 5, A)], 2, [], []),
        # What lasts too long is cut where the span ends, what is too short is followed.
        ([span(0, 9, A)], [span(2, 5, A)], 2, [(0, 5)], []),
        ([span(0, 4, A)], [span(2, 9, A)], 2, [], [span(4, 9, A)]),
        ([span(3, 4, A)], [span(2, 6, A)], 2, [], [span(2, 3, A), span(4, 6, A)]),
        # What begins on the day is left empty, what began before ends on it.
        ([span(2, 9, A)], [span(2, 9, B)], 2, [(0, 2)], [span(2, 9, B)]),
        ([span(0, 9, A)], [span(2, 9, B)], 2, [(0, 2)], [span(2, 9, B)]),
        ([span(4, 9, A)], [], 2, [(0, 4)], []),
        # What is kept of an earlier span takes nothing from a later one.
        (
            [span(1, 2, A), span(5, 6, A)], [span(1, 2, A), span(4, 7, B)], 1,
            [(1, 5)], [span(4, 7, B)],
        ),
        ([span(1, 2, A), span(5, 6, A)], [span(1, 2, A), span(2, 5, B)], 1, [(1, 5)], [span(2, 5, B)]),
    ],
)  # fmt: skip
def test_what_is_right_stays_and_what_is_not_ends_to_the_day(
    stored: list[Interval],
    expected: list[Interval],
    on: int,
    ends: list[tuple[int, int]],
    inserts: list[Interval],
) -> None:
    rows = [StoredAssignment(number, *interval) for number, interval in enumerate(stored)]
    assert diff_intervals(rows, expected, day(on)) == (
        [(number, day(end)) for number, end in ends],
        inserts,
    )
