"""Rotation: on which day an officer has held a post as long as the rule of the scheme allows."""

import calendar
from datetime import date

from sqlalchemy import ColumnElement, false, or_, select
from sqlalchemy.orm import Session

from layers.models import Post, Scheme
from layers.plans.schemes import rotation_months


def add_months(day: date, months: int) -> date:
    """Return the day some months later, the last of its month where that is shorter."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def rotation_due(held_since: date, months: int | None) -> date | None:
    """Return the day on which rotation is due of who has a post since a day; None without a rule."""
    return None if months is None else add_months(held_since, months)


def is_due(session: Session, by: date) -> ColumnElement[bool]:
    """Return the condition that rotation of a post is due by a date, by the rule of its scheme."""
    schemes = session.execute(select(Scheme.id, Scheme.rules))
    conditions = [
        (Post.scheme_id == number) & (Post.held_since <= _last_start(by, months))
        for number, rules in schemes
        if (months := rotation_months(rules)) is not None
    ]
    return or_(false(), *conditions)


def _last_start(by: date, months: int) -> date:
    """Return the last day such that some months from it are over by a date."""
    start = add_months(by, -months)
    # What began on the 31st is due on the last day of a shorter month.
    ends_month = by.day == calendar.monthrange(by.year, by.month)[1]
    last = calendar.monthrange(start.year, start.month)[1]
    return start.replace(day=last) if ends_month else start
