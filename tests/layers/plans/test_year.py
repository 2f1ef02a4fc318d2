"""A year of a district against a naive day-by-day model: whose is a place, and who answers at each level.

Plans are drawn from those in force, edited, published for days past and to come, taken back and gone back to;
areas are merged and parted, and that is undone; officers are appointed at cells, groups and areas, are away
and leave.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from random import Random
from typing import Any, ClassVar

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gis.errors import ConflictError, RefusedError
from gis.redraw import CellSet, why_disabled
from layers.areas.queries import area_codes
from layers.db.database import Database
from layers.imports.area_undo import undo_adjustment
from layers.imports.areas import import_areas
from layers.models import Plan, Scheme
from layers.plans.cells import cells_as_of, plan_cells
from layers.plans.check import check_plan, stored_check
from layers.plans.copies import copy_in_force, revert_to_plan
from layers.plans.drafts import create_draft
from layers.plans.edits import edit_plan, undo
from layers.plans.publish import publish
from layers.plans.review import withdraw_plan
from layers.plans.schemes import create_scheme
from layers.snapshot.read import read_area_timeline
from layers.staff.absences import add_absence
from layers.staff.groups import create_group
from layers.staff.officers import appoint_officer, create_officer, end_officer, find_officer
from layers.staff.responsible import read_responsibility
from tests.gis.redraw.towns import random_command
from tests.layers.plans.naive_year import (
    CRS_M,
    Adjusted,
    Appointed,
    Away,
    Drawn,
    Event,
    Grouped,
    Left,
    NaiveYear,
    Place,
    Published,
)
from tests.layers.plans.year_answers import answering_at, drawn_cells, owners_of, read_held
from tests.layers.plans.year_areas import AREAS, COMMUNITY_OF, SQUARES, draw_changes, frame_of
from tests.layers.squares import (
    COLUMNS,
    COUNTY,
    ROWS,
    SIZE,
    SOUTH,
    WEST,
    WEST_TOWN,
    add_entity,
    cells,
    join,
)

REPEATABLE = settings().derandomize
DATABASES = ["sqlite"] if REPEATABLE else ["sqlite", "postgresql"]
"""The suite lives a few months on one database; `make fuzz` years on both."""

SCHEME = "community"
_TODAY = date.today()
DAYS = [_TODAY + timedelta(days=26 * number) for number in range(-7, 8)]
"""A year around today, in which these are the days on which something changes."""

MOST_CELLS = 12
PLACES = 30
HOUSEHOLDS = 12
OFFICERS = "ABCDEFGH"
PART = {"cell": "cell_code", "group": "group", "area": "area_code"}


class Year(RuleBasedStateMachine):
    """Do what is done in a year; then ask about every day."""

    make: ClassVar[Callable[[], Database]]
    reached: ClassVar[set[str]]

    def __init__(self) -> None:
        super().__init__()
        self.database = type(self).make()
        rng = np.random.default_rng(1)
        extent = (COLUMNS * SIZE, ROWS * SIZE)
        self.places, households = (
            [(WEST + x, SOUTH + y) for x, y in (rng.uniform(0, 1, (count, 2)) * extent).tolist()]
            for count in (PLACES, HOUSEHOLDS)
        )
        self.model = NaiveYear(DAYS, AREAS, households)
        self.days = self.model.play()
        self.drafts: list[tuple[int, date]] = []
        self.present = set(OFFICERS)
        self._judged: list[Event] = []
        self._founded = 0
        import_areas(self.database, frame_of(dict(AREAS)))
        with self.database.write() as session:
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

    def _done(self, event: Event) -> None:
        self.model.events.append(event)
        self.days = self.model.play()

    @initialize(seed=st.integers(0, 2**32 - 1))
    def first_plans(self, seed: int) -> None:
        drawn = cells({square: "abcd"[square[0]] for square in SQUARES})
        drawn["area_code"] = sorted(set(COMMUNITY_OF.values()))
        with self.database.write() as session:
            plan = create_draft(session, self.scheme, drawn, name="first", created_by="test").id
        self._publish(plan, DAYS[0])
        with self.database.write() as session:
            scheme = session.get_one(Scheme, self.scheme)
            for code, members in (("p", "ab"), ("q", "c")):
                create_group(session, scheme, code, "片", list(members), on=DAYS[0], confirmed=True)
                self._done(Grouped(DAYS[0], code, frozenset(members)))
        for code in "abcd":
            self._appoint(Appointed(DAYS[0], date.max, code.upper(), "A", ("cell", code)))
        for place, officer in ((("group", "p"), "E"), (("area", WEST_TOWN), "F"), (("area", COUNTY), "G")):
            self._appoint(Appointed(DAYS[0], date.max, officer, "A", place))
        for number, code in enumerate(sorted(set(COMMUNITY_OF.values()))):
            self._appoint(Appointed(DAYS[0], date.max, OFFICERS[number], "AB"[number % 2], ("area", code)))
        for day in (DAYS[4], DAYS[10]):
            self.draw(day, seed, 2)
            self.publish(None)

    def _published(self) -> list[Published]:
        return [event for event in self.model.events if isinstance(event, Published)]

    @rule(of=st.sampled_from(DAYS), seed=st.integers(0, 2**32 - 1), edits=st.integers(1, 3))
    def draw(self, of: date, seed: int, edits: int) -> None:
        """Make a draft of what is in force on a day, and edit it; one edit is undone."""
        with self.database.write() as session:
            plan = copy_in_force(session, SCHEME, name=str(seed), on=of)
            self._edit(session, plan, seed, edits)
            undo(session, plan.id, version=plan.version, author="ben")
            self._edit(session, plan, seed + 1, 1)
            self.drafts.append((plan.id, of))

    def _edit(self, session: Any, plan: Plan, seed: int, count: int) -> None:
        rng = np.random.default_rng(seed)
        done = 0
        while done < count:
            drawn = CellSet.from_frame(plan_cells(session, plan.id), crs=CRS_M)
            command = random_command(drawn, rng, size=SIZE)
            if len(drawn) > MOST_CELLS and command.name not in {"merge", "update"}:
                continue
            if why_disabled(command, drawn) is not None:
                continue
            # A code that was drawn may have been another cell's.
            with suppress(RefusedError), session.begin_nested():
                edit_plan(session, plan.id, command, version=plan.version, author="anna")
                done += 1

    @precondition(lambda self: self.drafts)
    @rule(on=st.none() | st.sampled_from(DAYS))
    def publish(self, on: date | None) -> None:
        """Publish the draft that was made last, for the day of which it was drawn or another."""
        plan, of = self.drafts[-1]
        # What is published twice for one day is for the tests of histories.
        if (on or of) not in {event.on for event in self._published()}:
            self._publish(plan, on or of)

    def _publish(self, plan: int, on: date) -> None:
        with self.database.write() as session:
            check_plan(session, plan, on=on)
            check = stored_check(session.get_one(Plan, plan))
            drawn = drawn_cells(plan_cells(session, plan))
            if not check.publishable:
                with pytest.raises(ConflictError), session.begin_nested():
                    publish(session, plan, on, confirmed=True)
                assert check.valid or self._areas_differ(drawn, on)
                # Other cells have its codes by now, or the areas of that day are others.
                codes = [each for each in check.hindrances if not each.startswith("The code ")]
                assert all("which is not in force on" in each for each in codes), codes
                return
            publish(session, plan, on, confirmed=True)
        self.drafts = [each for each in self.drafts if each[0] != plan]
        self._done(Published(on, plan, drawn))

    def _areas_differ(self, drawn: dict[str, Drawn], on: date) -> bool:
        """Return whether some cell does not lie in the area of a day that it names."""
        areas = self.days[on].areas
        return any(
            cell.area not in areas
            or not join(sorted(areas[cell.area].squares)).buffer(1e-9).covers(cell.polygon)
            for cell in drawn.values()
        )

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
        self.days = self.model.play()
        self.drafts.append((last.plan, last.on))
        type(self).reached.add("taken back")

    @precondition(lambda self: any(event.on <= _TODAY for event in self._published()[1:]))
    @rule(data=st.data(), on=st.sampled_from(DAYS))
    def go_back(self, data: Any, on: date) -> None:
        """Publish a former plan again."""
        past = [
            each
            for each in self._published()
            if each.on <= _TODAY and each.cells is not self.days[_TODAY].cells
        ]
        event = data.draw(st.sampled_from(past))
        with self.database.write() as session:
            plan = revert_to_plan(session, event.plan).id
        self.drafts.append((plan, on))
        self.publish(on)
        type(self).reached.add("gone back")

    @rule(data=st.data(), on=st.sampled_from(DAYS), rank=st.sampled_from("AB"))
    def appoint(self, data: Any, on: date, rank: str) -> None:
        """Appoint somebody in a cell or group that lasts, or at an area as long as it does."""
        later = [day for day in DAYS if day >= on]
        lasting = [code for code in self.days[on].cells if all(code in self.days[day].cells for day in later)]
        places: list[Place] = [("cell", code) for code in sorted(lasting)] + [("group", "p"), ("group", "q")]
        places += [("area", code) for code in sorted(self.days[on].areas)]
        kind, code = data.draw(st.sampled_from(places))
        officer = data.draw(st.sampled_from(sorted(self.present)))
        until = date.max
        if kind == "area":
            until = next((day for day in later if code not in self.days[day].areas), date.max)
        held = [self.days[day].held.get((kind, code), set()) for day in later if day < until]
        if not any((officer, rank) in each for each in held):
            self._appoint(Appointed(on, until, officer, rank, (kind, code)))

    def _appoint(self, event: Appointed) -> None:
        kind, code = event.place
        details: Any = {PART[kind]: code, "scheme": None if kind == "area" else SCHEME}
        with self.database.write() as session:

            def give(until: date | None) -> None:
                appoint_officer(
                    session,
                    self.officers[event.officer],
                    duty="leader",
                    rank=event.rank,  # type: ignore[arg-type]
                    on=event.on,
                    until=until,
                    confirmed=True,
                    **details,
                )

            if event.until != date.max:
                with pytest.raises(ConflictError, match=f"ends on {event.until}"), session.begin_nested():
                    give(None)
                type(self).reached.add("appointed at an area that ends")
            give(None if event.until == date.max else event.until)
        self._done(event)

    @precondition(lambda self: len(self.present) > 5)
    @rule(data=st.data())
    def leave(self, data: Any) -> None:
        """Let somebody go today."""
        officer = data.draw(st.sampled_from(sorted(self.present)))
        with self.database.write() as session:
            end_officer(session, self.officers[officer], 1)
        self.present.remove(officer)
        self._done(Left(_TODAY, officer))

    @rule(data=st.data(), first=st.integers(0, len(DAYS) - 2), length=st.integers(1, 6))
    def go_away(self, data: Any, first: int, length: int) -> None:
        """Let somebody be away for some time."""
        officer = data.draw(st.sampled_from(sorted(self.present)))
        since, until = DAYS[first], DAYS[min(first + length, len(DAYS) - 1)]
        if any(officer in self.days[day].away for day in DAYS if since <= day < until):
            return
        with self.database.write() as session:
            holder = find_officer(session, self.officers[officer])
            add_absence(
                session, holder, since=since, until=until, reason="ill", author="test", confirmed=True
            )
        self._done(Away(since, until, officer))

    @rule(on=st.sampled_from(DAYS[1:]), seed=st.integers(0, 2**32 - 1))
    def adjust(self, on: date, seed: int) -> None:
        """Merge or part areas on a day."""
        self._founded += 1
        changes = draw_changes(self.days[on].areas, Random(seed), f"44030499{self._founded:04}")
        if not changes:
            return
        kept = {code: now for code, now in changes.items() if now is not None}
        try:
            done = import_areas(self.database, frame_of(kept), on=on, confirmed=True)
        except ConflictError:
            # It changes on a later day already.
            later = [self.days[day].areas for day in DAYS if day > on]
            now = self.days[on].areas
            assert any(each.get(code) != now.get(code) for each in later for code in changes)
            return
        assert done.adjustment is not None
        self._done(Adjusted(on, done.adjustment, changes))
        type(self).reached.add("adjusted")

    @precondition(lambda self: any(isinstance(event, Adjusted) for event in self.model.events))
    @rule(data=st.data())
    def undo_adjustment(self, data: Any) -> None:
        """Take back what was changed of areas, unless something is built upon it."""
        taken = [event for event in self.model.events if isinstance(event, Adjusted)]
        event = data.draw(st.sampled_from(taken))
        try:
            with self.database.write() as session:
                undo_adjustment(session, event.number, author="test")
        except ConflictError as error:
            type(self).reached.add("built upon" if "built upon" in str(error) else str(error).split()[0])
            return
        self.model.events.remove(event)
        self.days = self.model.play()
        type(self).reached.add("undone")

    @invariant()
    def every_day_has_its_answer(self) -> None:
        if self.model.events == self._judged:
            return
        self._judged = list(self.model.events)
        with self.database.read() as session:
            timeline = read_area_timeline(session)
            for day in DAYS:
                expected = self.days[day]
                found = cells_as_of(session, self.scheme, day)
                drawn = drawn_cells(found)
                assert drawn.keys() == expected.cells.keys(), day
                assert owners_of(drawn, self.places) == owners_of(expected.cells, self.places), day
                assert area_codes(session, day) == expected.areas.keys(), day
                held = {place: who for place, who in expected.held.items() if who}
                assert read_held(session, day) == held, day
                chains = {code: timeline.chain(cell.area, cell.polygon, day) for code, cell in drawn.items()}
                codes = {area.code for chain in chains.values() for area in chain}
                told = read_responsibility(session, self.scheme, list(drawn), codes, day)
                for code, chain in chains.items():
                    levels = told.levels((code, code), chain)
                    assert answering_at(levels) == expected.levels(code), (day, code)


@pytest.mark.hypothesis
@pytest.mark.parametrize("copy_of", DATABASES, indirect=True)
def test_any_day_is_as_the_naive_model_says(make_database: Callable[[], Database]) -> None:
    class Here(Year):
        make = staticmethod(make_database)
        reached: ClassVar[set[str]] = set()

    case = Here.TestCase
    case.settings = settings(
        max_examples=3 if REPEATABLE else 20,
        stateful_step_count=8 if REPEATABLE else 40,
        deadline=None,
        # Shrinking a year takes minutes, and its steps can be read.
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    case().runTest()
    assert Here.reached >= {"taken back", "gone back", "adjusted", "undone"}
