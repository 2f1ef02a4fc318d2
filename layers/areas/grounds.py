"""The ground of areas of all days in pieces, so that what plans of different days divide can be compared."""

from collections import defaultdict
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from layers.areas.hierarchy import AreaHierarchy, read_hierarchy
from layers.areas.versions import has_days
from layers.models import Area, AreaLineage

Piece = tuple[str, ...]
"""The codes of the areas that a piece of ground has belonged to, one after the other."""


class AreaGrounds:
    """The pieces of ground that the areas of a database consist of, each on its day.

    An area that was merged from two consists of their two pieces, one that was parted of a piece for each
    that it became. Two areas of different days have ground in common where they have a piece in common.
    Ground that changed hands between areas that go on makes no pieces.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._hierarchies: dict[date | None, AreaHierarchy] = {}
        self._out: dict[str, list[AreaLineage]] = defaultdict(list)
        self._into: dict[str, list[AreaLineage]] = defaultdict(list)
        for each in session.scalars(select(AreaLineage).order_by(AreaLineage.valid_from)):
            self._out[each.predecessor].append(each)
            self._into[each.successor].append(each)
        self._starts: dict[str, set[date | None]] = defaultdict(set)
        self._ends: dict[str, set[date | None]] = defaultdict(set)
        if self._out:
            columns = (Area.code, Area.valid_from, Area.valid_to)
            for code, start, end in session.execute(select(*columns).where(has_days())):
                self._starts[code].add(start)
                self._ends[code].add(end)

    def hierarchy(self, on: date | None) -> AreaHierarchy:
        """Return the hierarchy of a day, today when not given."""
        if on not in self._hierarchies:
            self._hierarchies[on] = read_hierarchy(self._session, on)
        return self._hierarchies[on]

    def pieces(self, area_code: str | None, on: date | None) -> set[Piece]:
        """Return the pieces of an area on a day; of all areas for None."""
        leaves = self.hierarchy(on).leaves(area_code)
        if not self._out:
            return {(leaf,) for leaf in leaves}
        day = on or date.today()
        return {
            (*former, *later[1:])
            for leaf in leaves
            for former in self._former(leaf, day)
            for later in self._later(leaf, day)
        }

    def _former(self, code: str, day: date) -> set[Piece]:
        """Return the pieces that an area consists of on a day as far as they are known then."""
        found: set[Piece] = set()
        was_there = True
        for each in self._into[code]:
            if each.valid_from <= day:
                found |= {(*piece, code) for piece in self._former(each.predecessor, each.valid_from)}
                was_there = was_there and not self._begins(code, each.valid_from)
        return found | ({(code,)} if was_there or not found else set())

    def _later(self, code: str, day: date) -> set[Piece]:
        """Return what becomes of the pieces of an area after a day."""
        found: set[Piece] = set()
        goes_on = True
        for each in self._out[code]:
            if each.valid_from > day:
                found |= {(code, *piece) for piece in self._later(each.successor, each.valid_from)}
                goes_on = goes_on and not each.ended
        return found | ({(code,)} if goes_on or not found else set())

    def _begins(self, code: str, day: date) -> bool:
        """Return whether an area is founded on a day: it begins then, and no version of it ends then."""
        return day in self._starts[code] and day not in self._ends[code]
