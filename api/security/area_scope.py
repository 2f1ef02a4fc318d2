"""The areas that a caller's own covers, remembered by each process."""

from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from layers.areas.scope import beneath
from layers.db.database import current_revision
from layers.models import Area

_AreasVersion = tuple[int, int | None, date]


class AreaScopeCache:
    """The covered codes of each area, read again when the areas have changed."""

    def __init__(self) -> None:
        self._cached: tuple[_AreasVersion | None, dict[str, frozenset[str]]] = (None, {})

    def covered_codes(self, session: Session, area_code: str | None) -> frozenset[str] | None:
        """Return the codes of an area and all beneath it; None for no area: everything is covered."""
        if area_code is None:
            return None
        now = (current_revision(session), session.scalar(select(func.max(Area.id))), date.today())
        state, codes_by_area = self._cached
        if state != now:
            # Threads that still see the former areas write into the former dictionary.
            codes_by_area = {}
            self._cached = (now, codes_by_area)
        covered = codes_by_area.get(area_code)
        if covered is None:
            covered = frozenset(session.scalars(beneath(area_code)))
            codes_by_area[area_code] = covered
        return covered
