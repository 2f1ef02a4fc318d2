"""A naive model of a year of a district: all that was done, played again day by day for each question."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import shapely
from pyproj import CRS

from gis.antimeridian import project_joined
from gis.crs import LONLAT
from tests.layers.squares import SIZE, SOUTH, WEST

CRS_M = CRS.from_epsg(4547)

Point = tuple[float, float]
Square = tuple[int, int]
Place = tuple[str, str]
"""What it is (cell, group, area), and its code."""

Held = set[tuple[str, str]]
"""Who answers at a place: officer and rank."""

Answering = set[tuple[str, str, bool]]
"""Who of these is there, and whether they act."""


class Ground(NamedTuple):
    """An area on a day."""

    level: str
    parent: str | None
    squares: frozenset[Square]


class Drawn(NamedTuple):
    """A cell on a day: its polygon, and the area that it names."""

    polygon: Any
    area: str


class Published(NamedTuple):
    """A plan put in force."""

    on: date
    plan: int
    cells: Mapping[str, Drawn]


class Adjusted(NamedTuple):
    """Areas that are others from a day on; None for those that end."""

    on: date
    number: int
    changes: Mapping[str, Ground | None]


class Grouped(NamedTuple):
    """A group made of cells."""

    on: date
    code: str
    cells: frozenset[str]


class Appointed(NamedTuple):
    """Somebody given a post."""

    on: date
    until: date
    officer: str
    rank: str
    place: Place


class Left(NamedTuple):
    """Somebody who has left."""

    on: date
    officer: str


class Away(NamedTuple):
    """Days on which somebody is away."""

    on: date
    until: date
    officer: str


Event = Published | Adjusted | Grouped | Appointed | Left | Away


@dataclass
class Day:
    """What holds on a day."""

    on: date
    areas: dict[str, Ground]
    cells: Mapping[str, Drawn] = field(default_factory=dict)
    group_of: dict[str, str] = field(default_factory=dict)
    held: dict[Place, Held] = field(default_factory=dict)
    away: set[str] = field(default_factory=set)

    def answering(self, place: Place) -> Answering:
        """Return who of those who hold posts at a place is there, and who acts."""
        held = self.held.get(place, set())
        acts = any(officer in self.away and rank == "A" for officer, rank in held)
        return {(officer, rank, acts and rank == "B") for officer, rank in held if officer not in self.away}

    def community(self, point: Point) -> str:
        """Return the lowest area in which a place lies."""
        square = int((point[0] - WEST) // SIZE), int((point[1] - SOUTH) // SIZE)
        return next(
            code for code, each in self.areas.items() if each.level == "village" and square in each.squares
        )

    def chain(self, code: str) -> list[str]:
        """Return the areas above a cell, the lowest first.

        Where the one that it names is no more they are those of its middle.
        """
        cell = self.cells[code]
        above: str | None = cell.area
        if above not in self.areas:
            middle = shapely.point_on_surface(cell.polygon)
            above = self.community((middle.x, middle.y))
        found = []
        while above is not None:
            found.append(above)
            above = self.areas[above].parent
        return found

    def levels(self, code: str) -> dict[Place, Answering]:
        """Return who answers for a cell, its group and the areas above it."""
        places = [("cell", code), *(("area", each) for each in self.chain(code))]
        if code in self.group_of:
            places.append(("group", self.group_of[code]))
        return {place: self.answering(place) for place in places}


class NaiveYear:
    """All that was done, and what follows from it for each day."""

    def __init__(self, days: Iterable[date], areas: Mapping[str, Ground], households: list[Point]) -> None:
        self._days, self._areas, self._households = list(days), areas, households
        self.events: list[Event] = []

    def play(self) -> dict[date, Day]:
        """Return what holds on each day."""
        played = {on: Day(on, dict(self._areas)) for on in self._days}
        published: list[date] = []
        for event in self.events:
            lasting = [day for day in played.values() if day.on >= event.on]
            if isinstance(event, Published):
                later = min((on for on in published if on > event.on), default=date.max)
                published.append(event.on)
                source = self._sources(played[event.on].cells, event.cells)
                for day in lasting:
                    if day.on < later:
                        _put_in_force(day, event.cells, source)
            else:
                for day in lasting:
                    _PLAYED[type(event)](day, event)
        return played

    def _sources(self, before: Mapping[str, Drawn], after: Mapping[str, Drawn]) -> dict[str, str]:
        """Return for each cell the one of before whose officers it takes over."""
        found = {}
        for code, (polygon, _) in after.items():
            if code in before and before[code].polygon.equals_exact(polygon, 0, normalize=True):
                found[code] = code
                continue
            weights = {}
            for former, (other, _) in before.items():
                shared = shapely.intersection(_metres(polygon), _metres(other)).area
                if shared > 1:
                    both = shapely.intersection(polygon, other)
                    households = sum(shapely.intersects_xy(both, *point) for point in self._households)
                    weights[former] = (households, shared, former == code)
            if weights:
                largest = max(shared for _, shared, _ in weights.values())
                found[code] = min(
                    weights,
                    key=lambda each: (
                        -weights[each][0], -round(weights[each][1] / largest, 3), not weights[each][2], each,
                    ),
                )  # fmt: skip
        return found


def _put_in_force(day: Day, cells: Mapping[str, Drawn], source: Mapping[str, str]) -> None:
    day.cells = cells
    day.group_of = {code: day.group_of[source[code]] for code in cells if source.get(code) in day.group_of}
    held = {place: who for place, who in day.held.items() if place[0] != "cell"}
    for code in cells:
        held["cell", code] = set(day.held.get(("cell", source.get(code, "")), ()))
    day.held = held


def _adjust(day: Day, event: Adjusted) -> None:
    """Let areas begin and end; posts at one that ends go where more than half of it went."""
    ended = {code: day.areas.pop(code) for code, now in event.changes.items() if now is None}
    day.areas |= {code: now for code, now in event.changes.items() if now is not None}
    for code, former in ended.items():
        held = day.held.pop(("area", code), set())
        for heir, now in day.areas.items():
            if now.level == former.level and 2 * len(now.squares & former.squares) > len(former.squares):
                day.held.setdefault(("area", heir), set()).update(held)


def _group(day: Day, event: Grouped) -> None:
    day.group_of |= {code: event.code for code in event.cells if code in day.cells}


def _appoint(day: Day, event: Appointed) -> None:
    if day.on < event.until and _is_there(day, event.place):
        day.held.setdefault(event.place, set()).add((event.officer, event.rank))


def _leave(day: Day, event: Left) -> None:
    for held in day.held.values():
        held -= {(event.officer, rank) for rank in "AB"}


def _go_away(day: Day, event: Away) -> None:
    if day.on < event.until:
        day.away.add(event.officer)


_PLAYED: dict[type, Callable[[Day, Any], None]] = {
    Adjusted: _adjust,
    Grouped: _group,
    Appointed: _appoint,
    Left: _leave,
    Away: _go_away,
}


def _is_there(day: Day, place: Place) -> bool:
    kind, code = place
    return kind == "group" or code in (day.cells if kind == "cell" else day.areas)


def _metres(polygon: Any) -> Any:
    one = np.empty(1, dtype=object)
    one[0] = polygon
    return project_joined(one, LONLAT, CRS_M)[0]
