"""Posts by a table: what officers are to hold in a scheme, begun, kept and ended so that it is so."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from gis.errors import InputError
from layers.areas.versions import area_ends
from layers.db.bulk import insert_rows
from layers.db.locks import lock_scheme
from layers.models import Cell, CellGroup, Entity, Officer, Post, Scheme
from layers.plans.cells import cells_in_force
from layers.plans.schemes import find_scheme
from layers.staff.places import PLACE_COLUMNS, level_of
from layers.staff.posts import end_on

PlaceKey = tuple[str, str | int]
"""The level of a place, and what the column of the level has."""


class Appointment(NamedTuple):
    """A duty of an officer at places; without a duty or places none is to be held.

    What is published, part-time, and the days are those of the posts; None leaves the days to the import.
    """

    officer: Officer
    duty: str | None
    rank: str
    places: Sequence[PlaceKey]
    part_time: bool = False
    published_name: str | None = None
    published_phone: str | None = None
    begins: date | None = None
    ends: date | None = None


class PostChanges(NamedTuple):
    """How many posts began, changed, ended and stayed; how many appointments are at an area without cells."""

    begun: int
    changed: int
    ended: int
    kept: int
    without_cells: int


class SchemePlaces:
    """The places of a scheme on a day, as tables name them.

    Parameters
    ----------
    session
        Of `Database.write`. The scheme's lock is taken.
    scheme_code
        Code of the scheme.
    on
        The day.

    Raises
    ------
    InputError
        If the scheme has no cells in force on the day.
    NotFoundError
        If there is no such scheme.
    """

    def __init__(self, session: Session, scheme_code: str, on: date) -> None:
        self.scheme: Scheme = find_scheme(session, scheme_code)
        # Publishing decides which cells are in force: one of the two waits for the other.
        lock_scheme(session, self.scheme.id, shared=True)
        self._session = session
        self._cells: dict[str | None, list[str]] = defaultdict(list)
        self.ends: dict[str, date | None] = {}
        """The day on which each cell ends for a plan that is published for then."""
        chosen = select(Cell.area_code, Cell.code, Cell.valid_to).where(cells_in_force(self.scheme.id, on))
        for area_code, code, end in session.execute(chosen.order_by(Cell.code)):
            self._cells[area_code].append(code)
            self.ends[code] = end
        if not self._cells:
            raise InputError(
                f"The scheme '{scheme_code}' has no cells in force on {on}; publish a plan first."
            )
        groups = select(CellGroup.code, CellGroup.id).where(
            CellGroup.scheme_id == self.scheme.id, or_(CellGroup.valid_to.is_(None), CellGroup.valid_to > on)
        )
        self._groups = dict(iter(session.execute(groups)))
        self._area_ends = area_ends(session, on)

    def of_area(self, area_code: str) -> list[PlaceKey]:
        """Return the cells of exactly an area; the area itself if there are none and it is in force."""
        return [("cell", code) for code in self._cells.get(area_code, ())] or self.area(area_code)

    def cell(self, code: str) -> list[PlaceKey]:
        """Return a cell in force, none if there is no such."""
        return [("cell", code)] if code in self.ends else []

    def group(self, code: str) -> list[PlaceKey]:
        """Return a group that lasts, none if there is no such."""
        return [("group", self._groups[code])] if code in self._groups else []

    def area(self, code: str) -> list[PlaceKey]:
        """Return an area itself that is in force, none if there is no such."""
        return [("area", code)] if code in self._area_ends else []

    def end_of(self, level: str, key: str | int) -> date | None:
        """Return the day on which a cell or an area ends, if it does."""
        ends = {"cell": self.ends, "area": self._area_ends}.get(level, {})
        return ends.get(str(key))

    def entity(self, kind: str, external_id: str) -> list[PlaceKey]:
        """Return an entity that lasts, none if there is no such."""
        chosen = select(Entity.id).where(
            Entity.kind == kind, Entity.external_id == external_id, Entity.valid_to.is_(None)
        )
        return [("entity", number) for number in self._session.scalars(chosen)]


_Key = tuple[str, str | int, str, str]


def appoint(
    session: Session,
    places: SchemePlaces,
    appointments: Collection[Appointment],
    on: date,
    levels: Collection[str],
) -> PostChanges:
    """Give officers the posts of a table in a scheme, and end what else they hold in it.

    Parameters
    ----------
    session
        Of `Database.write`.
    places
        Those of the scheme on the day.
    appointments
        The officers concerned, whose posts these are; posts of others stay.
    on
        The day from which it holds.
    levels
        Of what places the table tells; posts at others stay.
    """
    held, followed = _read_held(
        session, places.scheme, {each.officer.id for each in appointments}, on, levels
    )
    expected: dict[int, dict[_Key, Appointment]] = {each.officer.id: {} for each in appointments}
    without_cells = 0
    for each in appointments:
        if each.duty is not None:
            without_cells += any(level == "area" for level, _ in each.places)
            expected[each.officer.id] |= {(*place, each.duty, each.rank): each for place in each.places}
    changed = ended = kept = 0
    begun: list[dict[str, Any]] = []
    for officer_id, wanted in expected.items():
        current = held[officer_id]
        for key in current.keys() & wanted.keys():
            if _update(current[key], wanted[key], places.end_of(*key[:2])):
                changed += 1
            else:
                kept += 1
        for key in current.keys() - wanted.keys():
            for post in (current[key], *followed[current[key].id]):
                end_on(post, on)
            ended += 1
        new = sorted(wanted.keys() - current.keys(), key=str)
        begun += [_row(places, key, wanted[key], on) for key in new]
    session.flush()
    insert_rows(session, Post.metadata.tables["posts"], begun)
    return PostChanges(len(begun), changed, ended, kept, without_cells)


def _read_held(
    session: Session, scheme: Scheme, officer_ids: Collection[int], on: date, levels: Collection[str]
) -> tuple[dict[int, dict[_Key, Post]], dict[int, list[Post]]]:
    """Return the lasting posts of officers in a scheme, and by what they continue those of plans to come."""
    held: dict[int, dict[_Key, Post]] = defaultdict(dict)
    followed: dict[int, list[Post]] = defaultdict(list)
    lasting = or_(Post.valid_to.is_(None), (Post.valid_to > on) & (Post.valid_to > Post.valid_from))
    for post in session.scalars(select(Post).where(Post.scheme_id == scheme.id, lasting).order_by(Post.id)):
        if post.carried_from_id is not None and post.valid_from > on:
            # It begins with a plan to come, and goes with the post that it continues.
            followed[post.carried_from_id].append(post)
        elif post.officer_id in officer_ids and (level := level_of(post)) in levels:
            held[post.officer_id][level, getattr(post, PLACE_COLUMNS[level]), post.duty, post.rank] = post
    return held, followed


def _published(appointment: Appointment) -> dict[str, Any]:
    names = ("part_time", "published_name", "published_phone")
    return {name: getattr(appointment, name) for name in names}


def _update(post: Post, appointment: Appointment, last: date | None) -> bool:
    """Give a post what the table says of it; return whether that is something else."""
    values: Mapping[str, Any] = _published(appointment)
    # A plan decides when a post at a cell that it ends does.
    if appointment.ends is not None and post.ended_by_plan_id is None:
        end = appointment.ends if last is None else min(appointment.ends, last)
        values = {**values, "valid_to": max(end, post.valid_from)}
    differing = {name: value for name, value in values.items() if getattr(post, name) != value}
    for name, value in differing.items():
        setattr(post, name, value)
    post.version += bool(differing)
    return bool(differing)


def _row(places: SchemePlaces, key: _Key, appointment: Appointment, on: date) -> dict[str, Any]:
    level, place, duty, rank = key
    begins = appointment.begins or on
    last = places.end_of(level, place)
    ends = [end for end in (appointment.ends, last) if end is not None]
    return {
        "officer_id": appointment.officer.id,
        "scheme_id": places.scheme.id,
        **dict.fromkeys(PLACE_COLUMNS.values()),
        PLACE_COLUMNS[level]: place,
        "duty": duty,
        "rank": rank,
        **_published(appointment),
        "held_since": begins,
        "valid_from": begins,
        "valid_to": min(ends, default=None),
        "version": 1,
        "carried_from_id": None,
        "ended_by_plan_id": None,
    }
