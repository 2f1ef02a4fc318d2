"""Jurisdiction: which areas lie beneath one, by the parents in the table of areas."""

from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, func, select, true
from sqlalchemy.orm import Session

from api.security.principal import Principal
from layers.areas.scope import select_subtree
from layers.models import Area, Revision

_AreasVersion = tuple[int | None, int | None]


def in_area_scope(column: SQLColumnExpression[Any], principal: Principal) -> ColumnElement[bool]:
    """Return the condition that the area code in a column lies in the caller's area.

    A row without an area code lies in nobody's, and is seen only by a caller bound to no area.
    """
    if principal.area_code is None:
        return true()
    return column.in_(select_subtree(principal.area_code))


class AreaScopeCache:
    """The covered codes of each area, read anew when the areas have changed."""

    def __init__(self) -> None:
        self._cached: tuple[_AreasVersion, dict[str, frozenset[str]]] = ((None, None), {})

    def covered_codes(self, session: Session, area_code: str | None) -> frozenset[str] | None:
        """Return the codes of an area and all beneath it; None for no area: everything is covered."""
        if area_code is None:
            return None
        now = (session.scalar(select(func.max(Revision.number))), session.scalar(select(func.max(Area.id))))
        state, codes_by_area = self._cached
        if state != now:
            # Threads that still see the former areas write into the former memory.
            codes_by_area = {}
            self._cached = (now, codes_by_area)
        covered = codes_by_area.get(area_code)
        if covered is None:
            covered = frozenset(session.scalars(select_subtree(area_code)))
            codes_by_area[area_code] = covered
        return covered
