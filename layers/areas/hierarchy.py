"""The hierarchy of areas: which lie above and beneath one another, and which of them cells must fill."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date

import geopandas as gpd
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from gis.crs import LONLAT
from gis.errors import NotFoundError
from layers.areas.scope import ABSORBED_SHARE, FOLLOWED_SHARE
from layers.areas.versions import areas_in_force, standing_areas
from layers.db.bulk import decode_geometries, raw_geometry
from layers.models import Area, AreaLineage

NO_AREA = ""
"""Stands for the ground of a scheme while there are no areas."""


class AreaHierarchy:
    """The hierarchy of the areas of one day by code.

    Parameters
    ----------
    parents
        The parent of each area's code, None at the top.
    places
        Where areas that are not in force on the day lay last, or will lie first, beside those that are.
    rights
        The same as of today, by which rights go.
    absorbed
        Areas that have ended by that day, each with the one that took nearly all of its ground.
    begun
        Since when areas are as they are on that day, for those that have changed.
    day
        The day, for messages; None for areas without dates.
    became
        Areas that have ended or are to end, each with those that took a part of its ground.
    """

    def __init__(
        self,
        parents: Mapping[str, str | None],
        *,
        places: Mapping[str, str | None] | None = None,
        rights: Mapping[str, str | None] | None = None,
        absorbed: Mapping[str, str] | None = None,
        became: Mapping[str, Collection[str]] | None = None,
        begun: Mapping[str, date] | None = None,
        day: date | None = None,
    ) -> None:
        self._parents = parents
        self._places = parents if places is None else places
        self._rights = parents if rights is None else rights
        self._absorbed = absorbed or {}
        self._became = became or {}
        self._begun = begun or {}
        self.day = day
        self._children: dict[str | None, list[str]] = defaultdict(list)
        for code in sorted(parents):
            parent = parents[code]
            self._children[parent if parent in parents else None].append(code)

    def subtree(self, area_code: str | None) -> set[str]:
        """Return an area's code and all beneath it; all codes for None.

        Raises
        ------
        NotFoundError
            If there is no such area.
        """
        if area_code is None:
            return set(self._parents)
        if area_code not in self._parents:
            raise NotFoundError(self._describe_absence(area_code))
        found, pending = {area_code}, [area_code]
        while pending:
            children = [code for code in self._children[pending.pop()] if code not in found]
            found.update(children)
            pending.extend(children)
        return found

    def top(self, area_code: str | None) -> set[str]:
        """Return the code of an area; for None those of the areas that lie in no other.

        Raises
        ------
        NotFoundError
            If there is no such area.
        """
        inside = self.subtree(area_code)
        return {code for code in inside if self._parents[code] not in inside}

    def covers(self, scope: str | None, area_code: str | None) -> bool:
        """Return whether an area is that of a scope or lies beneath it; a scope of None covers all."""
        if scope is None or area_code is None:
            return scope is None
        return not self._above(area_code, self._rights).isdisjoint(self._followers(scope))

    def lies_in(self, code: str | None, area_code: str) -> bool:
        """Return whether an area is another of this day or lies beneath it, in force or not."""
        return code is not None and area_code in self._above(code, self._places)

    def has_changed(self, code: str | None, since: date | None) -> bool:
        """Return whether an area is not in force on this day, or not as it was on a former day.

        None has not changed; nor has an area in force if no day is given.
        """
        if code is None:
            return False
        begun = self._begun.get(code)
        return code not in self._parents or (since is not None and begun is not None and begun > since)

    def is_absent(self, code: str | None) -> bool:
        """Return whether an area was in force once or will be, but not on this day; None is no area."""
        return code is not None and code not in self._parents and code in self._places

    def successors(self, area_code: str) -> set[str]:
        """Return the areas of this day that an area which has ended became; itself if it is in force."""
        if area_code in self._parents:
            return {area_code}
        return self._followers(area_code) & self._parents.keys()

    def _above(self, code: str, places: Mapping[str, str | None]) -> set[str]:
        """Return an area, those above it, and those that absorbed one of them."""
        found, pending = {code}, [code]
        while pending:
            last = pending.pop()
            higher = {
                each for each in (places.get(last), self._absorbed.get(last)) if each is not None
            } - found
            found |= higher
            pending += higher
        return found

    def _followers(self, code: str) -> set[str]:
        """Return an area and all that it became."""
        found, pending = {code}, [code]
        while pending:
            following = set(self._became.get(pending.pop(), ())) - found
            found |= following
            pending += following
        return found

    def _describe_absence(self, area_code: str) -> str:
        following = sorted(self.successors(area_code))
        if following:
            day = f" on {self.day}" if self.day is not None else ""
            return f"There is no area '{area_code}'{day}; its ground is that of {', '.join(following)}."
        return f"There is no area '{area_code}'."

    def leaves(self, area_code: str | None) -> set[str]:
        """Return the lowest areas of an area, itself where it has none beneath; `NOWHERE` without areas.

        An area that is no longer there stands for itself.
        """
        if area_code is not None and area_code not in self._parents:
            return {area_code}
        lowest = {code for code in self.subtree(area_code) if not self._children.get(code)}
        return lowest or {NO_AREA}

    def partition(self, area_code: str | None, named: Iterable[str]) -> set[str]:
        """Return the areas that cells must fill one by one, which together are all the ground of an area.

        They are the lowest areas that cells name, and lowest areas beneath which none is named.
        """
        inside = self.subtree(area_code)
        used = set(named) & inside
        higher = {above for code in used for above in self.ancestors(code)}
        chosen = used - higher
        filled = {leaf for code in chosen for leaf in self.leaves(code)}
        return chosen | {code for code in inside if not self._children.get(code)} - filled

    def ancestors(self, code: str) -> list[str]:
        """Return the areas above one, lowest first."""
        ancestors: list[str] = []
        parent = self._parents.get(code)
        while parent is not None and parent in self._parents and parent not in ancestors:
            ancestors.append(parent)
            parent = self._parents[parent]
        return ancestors


def read_hierarchy(session: Session, on: date | None = None) -> AreaHierarchy:
    """Read the hierarchy of the areas in force on a day, today when not given."""
    today = date.today()
    day = on or today

    def read(condition: ColumnElement[bool]) -> dict[str, str | None]:
        rows = session.execute(select(Area.code, Area.parent).where(condition))
        return {row.code: row.parent for row in rows}

    columns = (Area.code, Area.parent, Area.valid_from)
    rows = session.execute(select(*columns).where(areas_in_force(day))).all()

    became: dict[str, list[str]] = defaultdict(list)
    absorbed: dict[str, str] = {}
    for each in session.scalars(select(AreaLineage).where(AreaLineage.ended)):
        share = each.area_m2 / each.predecessor_m2
        if share >= FOLLOWED_SHARE:
            became[each.predecessor].append(each.successor)
        if share >= ABSORBED_SHARE and each.valid_from <= day:
            absorbed[each.predecessor] = each.successor
    places = read(standing_areas(day))
    return AreaHierarchy(
        {row.code: row.parent for row in rows},
        places=places,
        rights=places if day == today else read(standing_areas(today)),
        absorbed=absorbed,
        became=became,
        begun={row.code: row.valid_from for row in rows if row.valid_from is not None},
        day=day,
    )


def planning_day(session: Session, area_code: str | None) -> date:
    """Return the day whose areas a plan of an area is drawn for: today, or its first if it is to come."""
    today = date.today()
    coming = select(Area.valid_from).where(
        Area.code == area_code, standing_areas(today), Area.valid_from > today
    )
    return session.scalar(coming) or today


def read_area_geometries(
    session: Session, codes: Collection[str], on: date | None = None
) -> gpd.GeoDataFrame:
    """Return areas in force on a day by their codes, in EPSG:4326 with code and geometry, sorted by code."""
    chosen = select(Area.code, raw_geometry(session, Area.geometry)).where(
        Area.code.in_(sorted(codes)), areas_in_force(on)
    )
    rows = session.execute(chosen.order_by(Area.code)).all()
    return gpd.GeoDataFrame(
        {"code": [row[0] for row in rows]},
        geometry=decode_geometries(session, [row[1] for row in rows]),
        crs=LONLAT,
    )
