"""What ends and what begins: against a day by day oracle."""

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from layers.plans.intervals import OPEN_END, AssignmentValues, Interval, StoredAssignment, diff_intervals

DAYS = [date(2026, 1, 1) + timedelta(days=day) for day in range(8)]
A, B = (AssignmentValues(code, 1.0, "inside", None, None) for code in "AB")


@st.composite
def timelines(draw: st.DrawFn) -> list[Interval]:
    """Draw spans in order that do not overlap; the last may be lasting."""
    cuts = sorted(draw(st.sets(st.sampled_from([*DAYS, OPEN_END]), max_size=6)))
    spans = [Interval(start, end, draw(st.sampled_from([A, B]))) for start, end in pairwise(cuts)]
    return [span for span in spans if draw(st.booleans())]


def each_day(spans: list[Interval]) -> dict[date, AssignmentValues]:
    return {
        day: span.values
        for span in spans
        for day in [*DAYS, OPEN_END - timedelta(1)]
        if span.start <= day < span.end
    }


@given(timelines(), timelines(), st.sampled_from(DAYS))
def test_every_day_becomes_what_is_wanted_and_the_past_stays(
    stored: list[Interval], wanted: list[Interval], on: date
) -> None:
    rows = [StoredAssignment(number, *span) for number, span in enumerate(stored) if span.end > on]
    coming = [Interval(max(on, span.start), span.end, span.values) for span in wanted if span.end > on]
    ends, inserts = diff_intervals(rows, coming, on)
    changed = dict(ends)
    assert len(changed) == len(ends)
    after = [Interval(row.start, changed.get(row.assignment_id, row.end), row.values) for row in rows]
    assert all(
        row.start <= changed[row.assignment_id] <= row.end for row in rows if row.assignment_id in changed
    )
    result = [*after, *inserts]
    expected = {
        day: content for day, content in each_day([Interval(*row[1:]) for row in rows]).items() if day < on
    }
    expected |= each_day(coming)
    assert each_day(result) == expected
    assert sum(len(each_day([span])) for span in result) == len(expected)

    lasting = sorted(span for span in result if span.start < span.end and span.end > on)
    again = [StoredAssignment(number, *span) for number, span in enumerate(lasting)]
    assert diff_intervals(again, coming, on) == ([], [])


STEPS = [*DAYS, OPEN_END]


def walk(rows: list[StoredAssignment], wanted: list[Interval]) -> tuple[list[tuple[int, date]], set[date]]:
    """Return, day by day, where each row must end, and the days that kept rows cover.

    A row stays from its first day on as long as one span wants what it says.
    """
    ends, covered = [], set()
    for row in rows:
        first = next((span for span in wanted if span.start <= row.start < span.end), None)
        for day in STEPS:
            if not row.start <= day <= row.end:
                continue
            if day == row.end:
                break
            if first is None or first.values != row.values or not first.start <= day < first.end:
                ends.append((row.assignment_id, day))
                break
            covered.add(day)
    return ends, covered


@given(timelines(), timelines(), st.sampled_from(DAYS))
def test_nothing_is_ended_or_inserted_that_need_not_be(
    stored: list[Interval], wanted: list[Interval], on: date
) -> None:
    rows = [StoredAssignment(number, *span) for number, span in enumerate(stored) if span.end > on]
    coming = [Interval(max(on, span.start), span.end, span.values) for span in wanted if span.end > on]
    ends, inserts = diff_intervals(rows, coming, on)
    expected_ends, covered = walk(
        [row._replace(start=max(on, row.start)) for row in rows],
        coming,
    )
    assert ends == expected_ends
    assert all(span.start < span.end for span in inserts)
    assert inserts == sorted(inserts)
    inserted = [day for day in STEPS[:-1] for span in inserts if span.start <= day < span.end]
    needed = [day for day in STEPS[:-1] for span in coming if span.start <= day < span.end]
    assert inserted == [day for day in needed if day not in covered]
    # No two inserts could be one.
    spans = [next(span for span in coming if span.start <= insert.start < span.end) for insert in inserts]
    for (left, left_span), (right, right_span) in pairwise(zip(inserts, spans, strict=True)):
        assert left.end < right.start or left_span is not right_span
