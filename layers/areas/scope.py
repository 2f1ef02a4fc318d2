"""Which rows a caller bound to an area may see: those of the area and of all areas beneath it.

Rights are those of today, whatever day is looked at. Who is bound to an area that is no more keeps what its
ground became, and a record that still names such an area is seen by whoever sees the one that took it.
"""

from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, cast, literal, select, true, union_all
from sqlalchemy.orm import Session

from gis.errors import ForbiddenError
from layers.areas.versions import standing_areas
from layers.models import Area, AreaLineage

FOLLOWED_SHARE = 0.1
"""The least share of an area's ground that another took to be one of those that follow it."""

ABSORBED_SHARE = 0.9
"""The least share of an area's ground that another took to stand for all of it."""


def beneath(area_code: str, on: date | None = None) -> Select[str]:
    """Return the query of an area's code and those of all areas beneath it.

    The area's own code is among them even where the table does not know it.

    Areas that are not in force, for they have ended or are to come, lie where they lay last or will lie
    first; so do those of which an area beneath took nearly all.

    Parameters
    ----------
    on
        How they lie on this day. When not given as it is the right of somebody bound to the area: as they lie
        today, with what the area became.
    """
    return _beneath(area_code, on or date.today(), is_right=on is None)


# To put the query together takes longer than to carry it out.
@lru_cache(1024)
def _beneath(area_code: str, day: date, *, is_right: bool) -> Select[str]:
    # Without a name of its own a statement may ask for two areas at once.
    # UNION without ALL ends even where parents should run in a circle.
    tree = select(cast(area_code, Area.code.type).label("code")).cte(recursive=True)
    if is_right:
        is_part = AreaLineage.area_m2 >= FOLLOWED_SHARE * AreaLineage.predecessor_m2
        became = select(AreaLineage.successor).where(AreaLineage.ended, is_part)
        tree = tree.union(became.where(AreaLineage.predecessor == tree.c.code))
    lower = select(tree.c.code.label("code")).cte(recursive=True)
    lower = lower.union(select(Area.code).where(Area.parent == lower.c.code, standing_areas(day)))
    is_whole = AreaLineage.area_m2 >= ABSORBED_SHARE * AreaLineage.predecessor_m2
    has_ended = AreaLineage.ended & (AreaLineage.valid_from <= day)
    # Of few rows. PostgreSQL lets a recursive query name itself once, hence in one piece.
    former = union_all(
        select(AreaLineage.successor.label("upper"), AreaLineage.predecessor.label("lower")).where(
            has_ended, is_whole
        ),
        select(Area.parent, Area.code)
        .join(AreaLineage, AreaLineage.predecessor == Area.parent)
        .where(has_ended, standing_areas(day)),
    ).subquery()
    whole = select(lower.c.code.label("code")).cte(recursive=True)
    whole = whole.union(select(former.c.lower).where(former.c.upper == whole.c.code))
    return select(whole.c.code)


def within(
    column: SQLColumnExpression[Any], area_code: str | None, on: date | None = None
) -> ColumnElement[bool]:
    """Return the condition that the area code in a column lies in an area; all do where none is given.

    A row without an area code lies in no area, and is seen only by a caller bound to none. `on` is that of
    `beneath`.
    """
    return true() if area_code is None else column.in_(beneath(area_code, on))


def lies_in(
    column: SQLColumnExpression[Any], area_code: str | None, scope: str | None, on: date | None
) -> ColumnElement[bool]:
    """Return the condition that the code in a column lies in an area on a day, and a caller may see it.

    Parameters
    ----------
    area_code
        The area that is asked for; None, or the caller's own, for all that the caller may see.
    scope
        The area that the caller is bound to; None for none.
    on
        The day; today when not given.
    """
    if area_code is None or area_code == scope:
        return within(column, scope)
    return within(column, scope) & within(column, area_code, on or date.today())


def require_within(session: Session, area_code: str | None, scope: str | None) -> None:
    """Refuse what is to be written in an area that does not lie in the scope.

    Raises
    ------
    ForbiddenError
        If it does not.
    """
    if scope is not None and (
        area_code is None or not session.scalar(select(within(literal(area_code), scope)))
    ):
        raise outside_scope(scope)


def outside_scope(scope: str) -> ForbiddenError:
    """Return the one refusal of a write beyond the scope, which tells nothing of what is there."""
    return ForbiddenError(
        f"This lies outside area '{scope}', to which the caller is bound, or belongs to a record outside it."
    )
