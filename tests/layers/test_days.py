"""Where a day counts as far from today."""

from datetime import date, timedelta

import pytest

from gis.errors import InputError
from layers.days import MAX_DAYS_AHEAD, MAX_DAYS_PAST, require_near_day

TODAY = date(2026, 2, 28)


@pytest.mark.parametrize(("near", "step"), [(MAX_DAYS_AHEAD, 1), (-MAX_DAYS_PAST, -1)])
def test_both_sides_of_what_is_near(near: int, step: int) -> None:
    assert require_near_day(TODAY + timedelta(near), today=TODAY) == TODAY + timedelta(near)
    far = TODAY + timedelta(near + step)
    with pytest.raises(InputError, match="confirm it if it is meant"):
        require_near_day(far, today=TODAY)
    assert require_near_day(far, confirmed=True, today=TODAY) == far


def test_no_day_is_today() -> None:
    assert require_near_day(None, today=TODAY) == TODAY
