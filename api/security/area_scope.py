"""Jurisdiction: which areas lie beneath one, by the parents in the table of areas."""

from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, func, select, true
from sqlalchemy.orm import Session

from api.security.principal import Principal
from layers.areas.scope import beneath
from layers.models import Area, Revision

_State = tuple[int | None, int | None]


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
