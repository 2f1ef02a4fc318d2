"""Which rows a caller bound to an area may see: those of the area and of all areas beneath it.

Rights are those of today, whatever day is looked at. Who is bound to an area that is no more keeps what its ground
became, and a record that still names such an area is seen by whoever sees the one that took nearly all of it.
"""

from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, SQLColumnExpression, cast, literal, select, true, union_all
from sqlalchemy.orm import Session

from gis.errors import ForbiddenError
from layers.areas.versions import areas_in_force, standing_areas
from layers.models import Area, AreaLineage

FOLLOWED_SHARE = 0.1
"""The least share of an area's ground that another took to be one of those that follow it."""

ABSORBED_SHARE = 0.9
"""The least share of an area's ground that another took to stand for all of it."""


def beneath(area_code: str, on: date | None = None) -> Select[str]:
    """Return the query of an area's code and those of all areas beneath it.

    The area's own code is among them even where the table does not know it.

    Parameters
    ----------
    on
        Only the areas that lay there on this day; when not given those of today, those to come, those that
        the area became, and those that became it or one beneath it.
    """
    return _beneath_today(area_code, date.today()) if on is None else _beneath_on(area_code, on)


def _beneath_on(area_code: str, on: date) -> Select[str]:
    tree = _start(area_code)
    tree = tree.union(select(Area.code).where(Area.parent == tree.c.code, areas_in_force(on)))
    return select(tree.c.code)


def _start(area_code: str) -> CTE:
    # Without a name of its own a statement may ask for two areas at once.
    # UNION without ALL ends even where parents should run in a circle.
    return select(cast(area_code, Area.code.type).label("code")).cte(recursive=True)


# To put the query together takes longer than to carry it out.
@lru_cache(1024)
def _beneath_today(area_code: str, today: date) -> Select[str]:
    tree = _start(area_code)
    is_part = AreaLineage.area_m2 >= FOLLOWED_SHARE * AreaLineage.predecessor_m2
    became = select(AreaLineage.successor).where(AreaLineage.ended, is_part)
    tree = tree.union(became.where(AreaLineage.predecessor == tree.c.code))
    lower = select(tree.c.code.label("code")).cte(recursive=True)
    lower = lower.union(select(Area.code).where(Area.parent == lower.c.code, standing_areas(today)))
    is_whole = AreaLineage.area_m2 >= ABSORBED_SHARE * AreaLineage.predecessor_m2
    has_ended = AreaLineage.ended & (AreaLineage.valid_from <= today)
    # Of few rows. PostgreSQL lets a recursive query name itself once, hence in one piece.
    former = union_all(
        select(AreaLineage.successor.label("upper"), AreaLineage.predecessor.label("lower")).where(
            has_ended, is_whole
        ),
        select(Area.parent, Area.code)
        .join(AreaLineage, AreaLineage.predecessor == Area.parent)
        .where(has_ended, standing_areas(today)),
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
