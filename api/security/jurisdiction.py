"""Jurisdiction: which areas lie beneath one, by the parents in the table of areas.

It owns the ancestry in SQL and in memory; the caller's own set of codes is on
`api.security.principal.Principal`.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, cast, func, select, true
from sqlalchemy.orm import Session

from api.security.principal import Principal
from layers.storage.models import Area, Revision

_State = tuple[int | None, int | None]


def beneath(area_code: str) -> Select[tuple[str]]:
    """Return the query of an area's code and those of all areas beneath it.

    The area's own code is among them even where the table does not know it.
    """
    # UNION without ALL ends even where parents should run in a circle.
    tree = select(cast(area_code, Area.code.type).label("code")).cte("beneath", recursive=True)
    tree = tree.union(select(Area.code).where(Area.parent == tree.c.code))
    return select(tree.c.code)


def within(column: SQLColumnExpression[Any], principal: Principal) -> ColumnElement[bool]:
    """Return the condition that the area code in a column lies in the caller's area.

    A row without an area code lies in nobody's, and is seen only by a caller bound to no area.
    """
    if principal.area_code is None:
        return true()
    return column.in_(beneath(principal.area_code))


class Coverage:
    """The covered codes of each area, read anew when the areas have changed."""

    def __init__(self) -> None:
        self._held: tuple[_State, dict[str, frozenset[str]]] = ((None, None), {})

    def of(self, session: Session, area_code: str | None) -> frozenset[str] | None:
        """Return the codes of an area and all beneath it; None for no area: everything is covered."""
        if area_code is None:
            return None
        now = (session.scalar(select(func.max(Revision.number))), session.scalar(select(func.max(Area.id))))
        state, known = self._held
        if state != now:
            # Threads that still see the former areas write into the former memory.
            known = {}
            self._held = (now, known)
        covered = known.get(area_code)
        if covered is None:
            covered = frozenset(session.scalars(beneath(area_code)))
            known[area_code] = covered
        return covered
