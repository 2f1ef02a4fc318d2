"""The names of areas on a day: the chain from an area up to the top, and where cells of ended ones lie."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from weakref import WeakKeyDictionary

import shapely

from layers.snapshot.cells import CellsInForce


@dataclass(frozen=True, slots=True)
class AreaLabel:
    """An area as answers describe it."""

    code: str
    name: str
    level: str


class AreaTree:
    """The chains of a set of areas, immutable.

    Parameters
    ----------
    rows
        Code, name, level and the parent's code (None at the top) of each area.
    """

    def __init__(self, rows: Iterable[tuple[str, str, str, str | None]]) -> None:
        listed = list(rows)
        self._areas = {code: AreaLabel(code, name, level) for code, name, level, _ in listed}
        self._parents = {code: parent for code, _, _, parent in listed}
        self._chains = {code: self._build_chain(code) for code in self._areas}

    def __len__(self) -> int:
        """Return the number of areas."""
        return len(self._areas)

    def chain(self, code: str | None) -> tuple[AreaLabel, ...]:
        """Return an area and all above it, the lowest first; empty where the code is unknown or None."""
        return self._chains.get(code, ()) if code is not None else ()

    def _build_chain(self, code: str) -> tuple[AreaLabel, ...]:
        chain: list[AreaLabel] = []
        seen: set[str] = set()
        above: str | None = code
        while above in self._areas and above not in seen:
            seen.add(above)
            chain.append(self._areas[above])
            above = self._parents[above]
        return tuple(chain)


class AreaVersion(NamedTuple):
    """The names of an area from a day to a day; None stands for no bound."""

    code: str
    name: str
    level: str
    parent: str | None
    valid_from: date | None
    valid_to: date | None


class AreaTimeline:
    """The areas of all days; safe in many threads at once.

    Parameters
    ----------
    versions
        In any order, those of one code apart in time.
    became
        For each area those that took a part of its ground, the one that took most first.
    shapes
        The polygons of versions by code and first day, in which cells of an area that ended are sought where
        its ground is that of several.
    """

    def __init__(
        self,
        versions: Iterable[AreaVersion],
        became: Mapping[str, Sequence[str]],
        shapes: Mapping[tuple[str, date | None], shapely.Geometry],
    ) -> None:
        self._versions = list(versions)
        self._became = became
        self._shapes = shapes
        bounds = {day for each in self._versions for day in (each.valid_from, each.valid_to)}
        self._change_days = sorted(day for day in bounds if day is not None)
        self._trees: dict[int, AreaTree] = {}
        # Cells live as long as the snapshot they are of, or the memory of former ones.
        self._placed: WeakKeyDictionary[CellsInForce, dict[int, CellsInForce | None]] = WeakKeyDictionary()

    def period_index(self, day: date) -> int:
        """Return the number of the period a day is in: 0 before the first change."""
        return bisect_right(self._change_days, day)

    def on(self, day: date) -> AreaTree:
        """Return the areas of a day."""
        period = self.period_index(day)
        tree = self._trees.get(period)
        if tree is None:
            tree = AreaTree(
                (each.code, each.name, each.level, each.parent)
                for each in self._versions
                if _holds(each, day)
            )
            self._trees[period] = tree
        return tree

    def first_day(self, day: date) -> date:
        """Return the day since which the areas have been as they are on a day; the first of all if always."""
        period = self.period_index(day)
        return self._change_days[period - 1] if period else date.min

    def chain(self, code: str | None, geometry: shapely.Geometry, day: date) -> tuple[AreaLabel, ...]:
        """Return the areas of a day in which something lies that names an area, the lowest first."""
        tree = self.on(day)
        chain = tree.chain(code)
        if chain or code is None:
            return chain
        return tree.chain(self._follow(code, shapely.point_on_surface(geometry), day, tree))

    def place(self, cells: CellsInForce, day: date) -> CellsInForce:
        """Return cells with the areas in which they lie on a day.

        A cell that names an area which is no more lies in the one that this became, there.
        """
        if not self._became:
            return cells
        period = self.period_index(day)
        by_period = self._placed.setdefault(cells, {})
        if period not in by_period:
            by_period[period] = self._find_places(cells, day)
        placed = by_period[period]
        return cells if placed is None else placed

    def _find_places(self, cells: CellsInForce, day: date) -> CellsInForce | None:
        tree = self.on(day)
        absent = [
            row
            for row, code in enumerate(cells.area_codes.tolist())
            if code is not None and code in self._became and not tree.chain(code)
        ]
        if not absent:
            return None
        codes = cells.area_codes.copy()
        points = shapely.point_on_surface(cells.locator.geometries[absent])
        for row, point in zip(absent, points, strict=True):
            codes[row] = self._follow(codes[row], point, day, tree)
        return cells.with_area_codes(codes)

    def _follow(self, code: str, point: shapely.Geometry, day: date, tree: AreaTree) -> str:
        """Return the area of a day that an area became where a point is; the area itself if there is none."""
        found = [each for each in followers_of(code, self._became) if tree.chain(each)]
        if len(found) > 1:
            shapes = {
                each.code: self._shapes[each.code, each.valid_from]
                for each in self._versions
                if each.code in found and _holds(each, day) and (each.code, each.valid_from) in self._shapes
            }
            found = [
                each for each in found if each in shapes and shapely.intersects(shapes[each], point)
            ] or found
        return found[0] if found else code


def followers_of(code: str, became: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the areas that have a part of the ground of an area since, those of the fewest steps first.

    One that took a part before the area ended is among them, and one to which a follower that goes on gave
    a part.
    """
    found = [code]
    for each in found:
        found += [successor for successor in became.get(each, ()) if successor not in found]
    return found[1:]


def _holds(version: AreaVersion, day: date) -> bool:
    return (version.valid_from is None or version.valid_from <= day) and (
        version.valid_to is None or version.valid_to > day
    )
