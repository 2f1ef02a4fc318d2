"""Days that people type: one far from today is questioned, for it is most often a slip of the finger."""

from datetime import date

from gis.errors import InputError

MAX_DAYS_AHEAD = 2 * 366
"""Days from today to the last that is taken as it is."""

MAX_DAYS_PAST = 50 * 366
"""Days from the first that is taken as it is to today."""


def require_near_day(day: date | None, *, confirmed: bool = False, today: date | None = None) -> date:
    """Return a day, today when none is given; refuse one far from today unless it is confirmed.

    Raises
    ------
    InputError
        If it is more than `MAX_DAYS_AHEAD` days ahead or `MAX_DAYS_PAST` days past.
    """
    today = today or date.today()
    day = day or today
    if not confirmed and (doubt := day_doubt(day, today=today)) is not None:
        raise InputError(f"{doubt[:-1]} (--confirm).")
    return day


def day_doubt(day: date, *, today: date | None = None) -> str | None:
    """Return the sentence that questions a day far from today; None for one that is near."""
    distance = (day - (today or date.today())).days
    if -MAX_DAYS_PAST <= distance <= MAX_DAYS_AHEAD:
        return None
    side = "from now" if distance > 0 else "ago"
    years = f"{abs(distance) // 365} years {side}"
    return f"The day {day} is {years}; confirm it if it is meant."
