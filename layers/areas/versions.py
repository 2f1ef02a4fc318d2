"""Which versions of areas are in force on a day, and which one stands for an area that is not."""

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from layers.models import Area


def areas_in_force(on: date | None = None, area: Any = Area) -> ColumnElement[bool]:
    """Return the condition that a row of `Area` is in force on a date, today when not given.

    Parameters
    ----------
    area
        `Area` or an alias of it.
    """
    day = on or date.today()
    return and_(
        or_(area.valid_from.is_(None), area.valid_from <= day),
        or_(area.valid_to.is_(None), area.valid_to > day),
    )


def has_days(area: Any = Area) -> ColumnElement[bool]:
    """Return the condition that a version was, is or will be in force: none replaced on its first day."""
    return or_(area.valid_from.is_(None), area.valid_to.is_(None), area.valid_to > area.valid_from)


def area_ends(session: Session, on: date, area_code: str | None = None) -> dict[str, date | None]:
    """Return the areas in force on a day, all or one, each with the day on which it ends, if it does."""
    chosen = select(Area.code, Area.valid_from, Area.valid_to).where(
        has_days(), or_(Area.valid_to.is_(None), Area.valid_to > on)
    )
    if area_code is not None:
        chosen = chosen.where(Area.code == area_code)
    ends: dict[str, date | None] = {}
    for code, start, end in session.execute(
        chosen.order_by(Area.code, Area.valid_to.is_(None), Area.valid_to)
    ):
        if (start or date.min) <= on or (code in ends and ends[code] == start):
            ends[code] = end
    return ends


def standing_areas(day: date, area: Any = Area) -> ColumnElement[bool]:
    """Return the condition that a version stands for its code on a day: in force, or the last, or the next.

    So that what is bound to an area that is no more, or is to come, still has its place.
    """
    other = aliased(Area)
    start, other_start = (func.coalesce(each.valid_from, date.min) for each in (area, other))
    begun, other_begun = (each <= day for each in (start, other_start))
    nearer = or_(
        and_(other_begun, or_(~begun, other_start > start)),
        and_(~other_begun, ~begun, other_start < start),
    )
    nearest = ~select(other.id).where(other.code == area.code, has_days(other), nearer).exists()
    # The first condition is cheap, and true of nearly all rows.
    return or_(areas_in_force(day, area), and_(has_days(area), nearest))
