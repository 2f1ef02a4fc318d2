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
