"""The periods of a scheme: a day on which cells begin or end is the first of a period."""

from datetime import date

import numpy as np

from layers.snapshot.snapshot import SchemeTimeline


def test_a_day_of_change_begins_a_period() -> None:
    days = np.array(["2026-03-01", "2026-04-01"], dtype="datetime64[D]")
    timeline = SchemeTimeline(id=1, code="community", name="", publications=(), change_dates=days)
    periods = {
        date(2026, 2, 28): 0,
        date(2026, 3, 1): 1,
        date(2026, 3, 31): 1,
        date(2026, 4, 1): 2,
        date(9999, 12, 31): 2,
    }
    assert {day: timeline.period_index(day) for day in periods} == periods
