"""A year of a district against a naive day-by-day model: whose is a place, and who answers there.

Plans are drawn from those in force, edited, published for days past and to come, taken back and gone back to;
officers are appointed and leave. The model keeps what was done, and plays it again for each question.
"""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from pyproj import CRS
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from gis.antimeridian import project_joined
from gis.crs import LONLAT
from gis.errors import ConflictError
from gis.redraw import CellSet, why_disabled
from layers.db.database import Database
from layers.models import Officer, Plan, Post
from layers.plans.cells import cells_as_of, plan_cells
from layers.plans.check import check_plan, stored_check
from layers.plans.copies import copy_in_force, revert_to_plan
from layers.plans.edits import edit_plan, undo
from layers.plans.publish import publish
from layers.plans.review import withdraw_plan
from layers.plans.schemes import create_scheme
from layers.staff.officers import appoint_officer, create_officer, end_officer
from tests.gis.redraw.towns import random_command
from tests.layers.squares import (
    COLUMNS,
    COUNTY,
    ROWS,
    SIZE,
    SOUTH,
    SQUARES_OF,
    WEST,
    add_areas,
    add_entity,
    draft,
)

REPEATABLE = settings().derandomize
DATABASES = ["sqlite"] if REPEATABLE else ["sqlite", "postgresql"]
"""The suite lives a few months on one database; `make fuzz` years on both."""

SCHEME = "community"
CRS_M = CRS.from_epsg(4547)
_TODAY = date.today()
DAYS = [_TODAY + timedelta(days=26 * number) for number in range(-7, 8)]
"""A year around today, in which these are the days on which something changes."""

MOST_CELLS = 12
PLACES = 30
HOUSEHOLDS = 12
OFFICERS = "ABCDEFGH"

Point = tuple[float, float]
Drawn = dict[str, Any]
"""The polygon of each cell by its code."""

Held = dict[str, set[str]]
"""By the code of a cell who answers for it."""


class Event(NamedTuple):
    """Something that was done: a plan put in force, an officer appointed or gone."""

    on: date
    plan: int = 0
    drawn: Drawn | None = None
    officer: str = ""
    cell: str | None = None


class NaiveYear:
    """All that was done, and what follows from it for each day."""

    def __init__(self, places: list[Point], households: list[Point]) -> None:
        self._places, self._households = places, households
        self.events: list[Event] = []
        self._owned: dict[tuple[int, str], tuple[set[int], set[int]]] = {}

    def play(self) -> tuple[dict[date, Drawn], dict[date, Held]]:
        """Return the cells and who answers for them on each day."""
        drawn: dict[date, Drawn] = {day: {} for day in DAYS}
        held: dict[date, Held] = {day: {} for day in DAYS}
        published: list[date] = []
        for event in self.events:
            later = min((day for day in published if day > event.on), default=date.max)
            if event.drawn is not None:
                published.append(event.on)
                source = self._sources(drawn[event.on], event.drawn)
                for day in DAYS:
                    if event.on <= day < later:
                        held[day] = {
                            code: set(held[day].get(source.get(code, ""), ())) for code in event.drawn
                        }
                        drawn[day] = event.drawn
                continue
            for day in DAYS:
                if day >= event.on and event.cell is None:
                    for officers in held[day].values():
                        officers.discard(event.officer)
                elif day >= event.on and event.cell in drawn[day]:
                    held[day].setdefault(str(event.cell), set()).add(event.officer)
        return drawn, held

    def _sources(self, before: Drawn, after: Drawn) -> dict[str, str]:
        """Return for each cell the one of before whose officers it takes over."""
        found = {}
        for code, polygon in after.items():
            if code in before and before[code].equals_exact(polygon, 0, normalize=True):
                found[code] = code
                continue
            weights = {}
            for former, other in before.items():
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


def _metres(polygon: Any) -> Any:
    one = np.empty(1, dtype=object)
    one[0] = polygon
    return project_joined(one, LONLAT, CRS_M)[0]


class Year(RuleBasedStateMachine):
    """Draw, edit, publish, take back, go back, appoint and let go; then ask about every day."""

    make: ClassVar[Callable[[], Database]]
    reached: ClassVar[set[str]]

    def __init__(self) -> None:
        super().__init__()
        self.database = type(self).make()
        rng = np.random.default_rng(1)
        extent = (COLUMNS * SIZE, ROWS * SIZE)
        places, households = (
            [(WEST + x, SOUTH + y) for x, y in (rng.uniform(0, 1, (count, 2)) * extent).tolist()]
            for count in (PLACES, HOUSEHOLDS)
        )
        self.places = places
        self.model = NaiveYear(places, households)
        self.drafts: list[int] = []
        self._judged: list[Event] = []
        self.present = set(OFFICERS)
        with self.database.write() as session:
            add_areas(session)
            self.scheme = create_scheme(session, SCHEME, "社区网格", working_crs="EPSG:4547").id
            for number, point in enumerate(households):
                add_entity(session, str(number), shapely.Point(point), DAYS[0]).kind = "household"
            self.officers = {
                name: create_officer(
                    session, name, area_code=None, personal={}, attributes={}, on=DAYS[0], confirmed=True
                ).id
                for name in OFFICERS
            }

    def teardown(self) -> None:
        self.database.close()

    @initialize(seed=st.integers(0, 2**32 - 1))
    def first_plans(self, seed: int) -> None:
        owners = {square: "abcd"[square[0]] for square in SQUARES_OF[COUNTY]}
        with self.database.write() as session:
            plan = draft(session, self.scheme, owners).id
        self._publish(plan, DAYS[0])
        for code in "abcd":
            self._appoint(code.upper(), code, DAYS[0])
        self.draw(DAYS[0], seed, 2)
        self._publish(self.drafts[-1], DAYS[4])

    def _published(self) -> list[Event]:
        return [event for event in self.model.events if event.drawn is not None]

    @rule(of=st.sampled_from(DAYS), seed=st.integers(0, 2**32 - 1), edits=st.integers(1, 3))
    def draw(self, of: date, seed: int, edits: int) -> None:
        """Make a draft of what is in force on a day, and edit it; one edit is undone."""
        with self.database.write() as session:
            plan = copy_in_force(session, SCHEME, name=str(seed), on=of)
            self._edit(session, plan, seed, edits)
            undo(session, plan.id, version=plan.version, author="ben")
            self._edit(session, plan, seed + 1, 1)
            self.drafts.append(plan.id)

    def _edit(self, session: Any, plan: Plan, seed: int, count: int) -> None:
        rng = np.random.default_rng(seed)
        done = 0
        while done < count:
            cells = CellSet.from_frame(plan_cells(session, plan.id), crs=CRS_M)
            command = random_command(cells, rng, size=SIZE)
            if len(cells) > MOST_CELLS and command.name != "merge":
                continue
            if why_disabled(command, cells) is None:
                edit_plan(session, plan.id, command, version=plan.version, author="anna")
                done += 1

    @precondition(lambda self: self.drafts)
    @rule(on=st.sampled_from(DAYS))
    def publish(self, on: date) -> None:
        """Publish the draft that was made last."""
        # What is published twice for one day is for the tests of histories.
        if on not in {event.on for event in self._published()}:
            self._publish(self.drafts[-1], on)

    def _publish(self, plan: int, on: date) -> None:
        with self.database.write() as session:
            check_plan(session, plan, on=on)
            hindrances = stored_check(session.get_one(Plan, plan)).hindrances
            drawn = _by_code(plan_cells(session, plan))
            if hindrances:
                # Other cells have its codes by now.
                assert all(each.startswith("The code ") for each in hindrances)
                with pytest.raises(ConflictError, match="The code"), session.begin_nested():
                    publish(session, plan, on, confirmed=True)
                return
            publish(session, plan, on, confirmed=True)
        self.drafts = [each for each in self.drafts if each != plan]
        self.model.events.append(Event(on, plan=plan, drawn=drawn))

    @precondition(lambda self: self._published()[-1].on > _TODAY)
    @rule()
    def take_back(self) -> None:
        """Take back what was published last, for a day to come."""
        *built_upon, last = self._published()
        with self.database.write() as session:
            for event in built_upon:
                with pytest.raises(ConflictError), session.begin_nested():
                    withdraw_plan(session, event.plan)
            withdraw_plan(session, last.plan)
        self.model.events.remove(last)
        self.drafts.append(last.plan)
        type(self).reached.add("taken back")

    @precondition(lambda self: any(event.on <= _TODAY for event in self._published()[1:]))
    @rule(data=st.data(), on=st.sampled_from(DAYS))
    def go_back(self, data: Any, on: date) -> None:
        """Publish a former plan again."""
        drawn, _ = self.model.play()
        past = [each for each in self._published() if each.on <= _TODAY and each.drawn is not drawn[_TODAY]]
        event = data.draw(st.sampled_from(past))
        with self.database.write() as session:
            plan = revert_to_plan(session, event.plan).id
        self.drafts.append(plan)
        self.publish(on)
        type(self).reached.add("gone back")

    @rule(data=st.data(), on=st.sampled_from(DAYS))
    def appoint(self, data: Any, on: date) -> None:
        """Appoint somebody in a cell that lasts from a day on."""
        drawn, held = self.model.play()
        later = [day for day in DAYS if day >= on]
        lasting = sorted(code for code in drawn[on] if all(code in drawn[day] for day in later))
        if not lasting or not self.present:
            return
        cell, officer = data.draw(st.sampled_from(lasting)), data.draw(st.sampled_from(sorted(self.present)))
        if not any(officer in held[day].get(cell, ()) for day in later):
            self._appoint(officer, cell, on)

    def _appoint(self, officer: str, cell: str, on: date) -> None:
        with self.database.write() as session:
            appoint_officer(
                session,
                self.officers[officer],
                scheme=SCHEME,
                cell_code=cell,
                duty="leader",
                rank="A",
                on=on,
                confirmed=True,
            )
        self.model.events.append(Event(on, officer=officer, cell=cell))

    @precondition(lambda self: len(self.present) > 5)
    @rule(data=st.data())
    def leave(self, data: Any) -> None:
        """Let somebody go today."""
        officer = data.draw(st.sampled_from(sorted(self.present)))
        with self.database.write() as session:
            end_officer(session, self.officers[officer], 1)
        self.present.remove(officer)
        self.model.events.append(Event(_TODAY, officer=officer))

    @invariant()
    def every_day_has_its_answer(self) -> None:
        if self.model.events == self._judged:
            return
        self._judged = list(self.model.events)
        drawn, held = self.model.play()
        with self.database.read() as session:
            for day in DAYS:
                cells = _by_code(cells_as_of(session, self.scheme, day))
                assert _owners(cells, self.places) == _owners(drawn[day], self.places), day
                assert cells.keys() == drawn[day].keys(), day
                assert self._answering(session, day) == {
                    code: who for code, who in held[day].items() if who
                }, day

    def _answering(self, session: Session, day: date) -> Held:
        """Return who answers for cells on a day, also for such as are not in force."""
        lasting = or_(Post.valid_to.is_(None), Post.valid_to > day)
        chosen = select(Post.cell_code, Officer.external_id).join(Officer, Officer.id == Post.officer_id)
        found: Held = {}
        for code, officer in session.execute(chosen.where(Post.valid_from <= day, lasting)):
            found.setdefault(code, set()).add(officer)
        return found


def _by_code(cells: Any) -> Drawn:
    return dict(zip(cells["code"], cells.geometry, strict=True))


def _owners(cells: Drawn, places: list[Point]) -> list[list[str]]:
    return [
        [code for code, polygon in cells.items() if shapely.intersects_xy(polygon, *point)]
        for point in places
    ]


@pytest.mark.hypothesis
@pytest.mark.parametrize("copy_of", DATABASES, indirect=True)
def test_any_day_is_as_the_naive_model_says(make_database: Callable[[], Database]) -> None:
    class Here(Year):
        make = staticmethod(make_database)
        reached: ClassVar[set[str]] = set()

    case = Here.TestCase
    case.settings = settings(
        max_examples=3 if REPEATABLE else 20,
        stateful_step_count=12 if REPEATABLE else 40,
        deadline=None,
        # Shrinking a year takes minutes, and its steps can be read.
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    case().runTest()
    assert Here.reached == {"taken back", "gone back"}
