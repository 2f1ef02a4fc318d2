"""Random histories of plans and entities against a naive model: every question about every day."""

from collections.abc import Callable
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gis.errors import ConflictError
from layers.db.database import Database
from layers.models import Entity, EntityVersion
from layers.plans.assignments import assign_entities, assignment_history, update_assignments
from layers.plans.cells import cells_as_of, plan_cells
from layers.plans.publish import publish
from layers.plans.schemes import create_scheme
from tests.layers.squares import (
    COLUMNS,
    COUNTY,
    EAST_TOWN,
    ROWS,
    SQUARES,
    SQUARES_OF,
    WEST_TOWN,
    add_areas,
    add_entity,
    by_square,
    draft,
    owner_on,
    spot,
)

Square = tuple[int, int]
Owners = dict[Square, str]

DAYS = [date(2026, 1, 1) + timedelta(days=day) for day in range(6)]
NOWHERE = (COLUMNS + 3, ROWS)
CODES = ["a", "b", "c", "d", "e", "f"]

squares = st.sampled_from([*sorted(SQUARES), NOWHERE])
days = st.sampled_from(DAYS)


class NaiveHistory:
    """What should be: every plan ever published, and where every entity was on every day."""

    def __init__(self) -> None:
        self.plans: list[tuple[date, str | None, Owners]] = []
        self.places: dict[int, dict[date, Square | None]] = {}

    def cells(self, on: date, count: int | None = None) -> Owners:
        """Return the cells of a day by playing all plans, or only the first ones, in the order of their days.

        Of plans of one day the one published last decides.
        """
        state: Owners = {}
        for start, _area, owners in sorted(self.plans[:count], key=lambda plan: plan[0]):
            if start <= on:
                state.update(owners)
        return state

    def refuses(self, start: date, area: str | None, owners: Owners) -> bool:
        """Return whether a plan must be refused."""
        ground = set(owners)
        present = self.cells(start)
        beside = {code for square, code in present.items() if square not in ground}
        if area is not None and any(present[square] in beside for square in ground & present.keys()):
            return True
        for day, _area, other in self.plans:
            # A cell that reaches beyond a plan that follows on some of its ground would end in part.
            outside = {code for square, code in owners.items() if square not in other}
            if day > start and any(code in outside for square, code in owners.items() if square in other):
                return True
        later = [day for day in DAYS if day >= start]
        beside |= {code for day in later for square, code in self.cells(day).items() if square not in ground}
        if beside & set(owners.values()) or self._doubles(start, area, owners):
            return True
        held = {code for day in later for code in self.cells(day).values()}
        return any(self._ended(code, start, ground) for code in set(owners.values()) - held)

    def _doubles(self, start: date, area: str | None, owners: Owners) -> bool:
        """Return whether with this plan a code would be of cells of two plans on one day."""
        plans = [*self.plans, (start, area, owners)]
        for today in DAYS:
            origins: dict[Square, tuple[int, str]] = {}
            for number, (day, _area, drawn) in sorted(enumerate(plans), key=lambda plan: plan[1][0]):
                if day <= today:
                    origins |= {square: (number, code) for square, code in drawn.items()}
            pairs = set(origins.values())
            if len(pairs) > len({code for _, code in pairs}):
                return True
        return False

    def _ended(self, code: str, start: date, ground: set[Square]) -> bool:
        """Return whether a code belonged to a cell that has ended, or to another one until this very day."""
        ends: list[tuple[date, set[Square]]] = []

        def look(day: date, before: Owners, after: Owners) -> None:
            held = {square for square, other in before.items() if other == code}
            if held and code not in after.values() and day <= start:
                ends.append((day, held))

        for yesterday, today in pairwise(DAYS):
            look(today, self.cells(yesterday), self.cells(today))
        # What was published for a day and replaced on it.
        for count, (day, _area, _owners) in enumerate(self.plans, 1):
            look(day, self.cells(day, count - 1), self.cells(day, count))
        last = max((day for day, _ in ends), default=None)
        return last is not None and not (
            last == start and all(held <= ground for day, held in ends if day == last)
        )


class Histories(RuleBasedStateMachine):
    """Publish, publish again, divide a town alone, move and end entities; then ask."""

    make: ClassVar[Callable[[], Database]]

    def __init__(self) -> None:
        super().__init__()
        self.database = type(self).make()
        self.model = NaiveHistory()
        self.plan_numbers: list[tuple[int, Owners]] = []
        with self.database.write() as session:
            add_areas(session)
            self.scheme = create_scheme(session, "community", "社区").id

    def teardown(self) -> None:
        self.database.close()

    @initialize()
    def first_plan(self) -> None:
        """Begin with a plan more often than not."""
        owners = {square: "a" if square[0] < 2 else "b" for square in SQUARES}
        self._publish(DAYS[0], None, owners, None)

    @rule(
        start=days,
        area=st.sampled_from([None, COUNTY, WEST_TOWN, EAST_TOWN]),
        codes=st.lists(st.sampled_from(CODES), min_size=1, max_size=8),
        across=st.booleans(),
    )
    def publish(self, start: date, area: str | None, codes: list[str], across: bool) -> None:
        ground = SQUARES_OF[area or COUNTY]
        owners = {square: codes[place % len(codes)] for place, square in enumerate(ground)}
        if not across or area not in (None, COUNTY):
            # A code belongs to one town, unless cells may lie across towns.
            owners = {
                square: code if (square[0] < 2) == (code in CODES[:3]) else CODES[(CODES.index(code) + 3) % 6]
                for square, code in owners.items()
            }
            across = False
        self._publish(start, area, owners, COUNTY if across else None)

    @precondition(lambda self: self.model.plans)
    @rule(start=days, square=st.sampled_from(sorted(SQUARES)), code=st.sampled_from(CODES))
    def move_border(self, start: date, square: Square, code: str) -> None:
        """Publish what is in force with one square given to another cell."""
        self._publish(start, None, {**self.model.cells(start), square: code}, COUNTY)

    def _publish(self, start: date, area: str | None, owners: Owners, parent: str | None) -> None:
        if set(owners) != set(SQUARES_OF[area or COUNTY]):
            return
        refused = self.model.refuses(start, area, owners)
        with self.database.write() as session:
            plan = draft(session, self.scheme, owners, area_code=area, parent=parent).id
        if refused:
            with pytest.raises(ConflictError), self.database.write() as session:
                publish(session, plan, start)
            return
        with self.database.write() as session:
            publish(session, plan, start)
        self.model.plans.append((start, area, owners))
        self.plan_numbers.append((plan, owners))

    @rule(start=days, square=squares)
    def add(self, start: date, square: Square) -> None:
        with self.database.write() as session:
            entity = add_entity(session, str(len(self.model.places)), spot(square), start).id
            update_assignments(session, start, [entity])
        self.model.places[entity] = {day: square if day >= start else None for day in DAYS}

    @precondition(lambda self: self.model.places)
    @rule(data=st.data(), on=days, square=st.one_of(st.none(), squares))
    def move_or_end(self, data: Any, on: date, square: Square | None) -> None:
        number = data.draw(st.sampled_from(sorted(self.model.places)))
        with self.database.write() as session:
            entity = session.get_one(Entity, number)
            if entity.valid_to is not None or on < entity.valid_from:
                return
            if square is None:
                entity.valid_to = on
            else:
                session.add(
                    EntityVersion(
                        entity_id=number,
                        attributes={},
                        personal={},
                        valid_from=entity.valid_from,
                        valid_to=on,
                        version=entity.version,
                        geometry=entity.geometry,
                    )
                )
                entity.valid_from, entity.geometry = on, spot(square)
                entity.version += 1
            update_assignments(session, on, [number])
        for day in DAYS:
            if day >= on:
                self.model.places[number][day] = square

    @rule(on=days)
    def ask(self, on: date) -> None:
        expected = self.model.cells(on)
        with self.database.read() as session:
            for number, places in self.model.places.items():
                owner = owner_on(session, number, self.scheme, on)
                place = places[on]
                if place is None or not expected:
                    assert owner is None
                else:
                    assert owner is not None
                    assert owner.cell_code == expected.get(place)

    @rule(on=days)
    def assigning_again_changes_nothing(self, on: date) -> None:
        with self.database.write() as session:
            assert assign_entities(session, self.scheme, on) == (0, 0)

    @invariant()
    def every_day_has_its_answer(self) -> None:
        with self.database.read() as session:
            for day in DAYS:
                expected = self.model.cells(day)
                assert by_square(cells_as_of(session, self.scheme, day)) == expected
            for number, places in self.model.places.items():
                rows = assignment_history(session, number, self.scheme)
                for day in DAYS:
                    expected = self.model.cells(day)
                    held = [
                        row.cell_code for row in rows if row.valid_from <= day < (row.valid_to or date.max)
                    ]
                    place = places[day]
                    assert held == ([] if place is None or not expected else [expected.get(place)])
            for plan, owners in self.plan_numbers:
                assert by_square(plan_cells(session, plan)) == owners


@pytest.mark.hypothesis
def test_histories_follow_the_naive_model(make_database: Callable[[], Database]) -> None:
    class Here(Histories):
        make = staticmethod(make_database)

    case = Here.TestCase
    case.settings = settings(
        max_examples=12,
        stateful_step_count=12,
        deadline=None,
        # Shrinking a history takes minutes, and a dozen steps can be read.
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    case().runTest()
