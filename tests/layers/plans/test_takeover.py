"""Plans put in force before others that are published for later days, and what forbids publishing."""

from datetime import date

import pytest

from gis.errors import ConflictError, InputError
from layers.db.database import Database
from layers.models import Plan, PlanState
from layers.plans.cells import cells_as_of, plan_cells
from layers.plans.check import check_plan, stored_check
from layers.plans.publish import publish
from layers.plans.schemes import create_scheme
from layers.plans.states import has_state, is_in_force, state_on
from layers.staff.officers import create_officer
from layers.staff.posts import add_post
from layers.staff.vacancies import count_unstaffed, count_unstaffed_on
from tests.layers.squares import (
    COUNTY,
    EAST_TOWN,
    SQUARES_OF,
    WEST_TOWN,
    add_areas,
    add_entity,
    by_square,
    draft,
    owner_on,
    spot,
)

MARCH, APRIL, MAY, JUNE = (date(2026, month, 1) for month in (3, 4, 5, 6))

COUNTY_ABCD = {square: "abcd"[square[0]] for square in SQUARES_OF[COUNTY]}
WEST_AB = {square: "ab"[square[0]] for square in SQUARES_OF[WEST_TOWN]}
WEST_A = dict.fromkeys(SQUARES_OF[WEST_TOWN], "a")
EAST_C = dict.fromkeys(SQUARES_OF[EAST_TOWN], "c")
EAST_NEW = dict.fromkeys(SQUARES_OF[EAST_TOWN], "e")
Step = tuple[date, str | None, dict[tuple[int, int], str]]


@pytest.fixture
def scheme(database: Database) -> int:
    with database.write() as session:
        add_areas(session)
        return create_scheme(session, "community", "社区网格").id


def owners_on(steps: list[Step], day: date) -> dict[tuple[int, int], str]:
    """Who owns each square on a day, one plan after the other: by its day, then by when it was published."""
    owners: dict[tuple[int, int], str] = {}
    for _, _, drawn in sorted((step for step in steps if step[0] <= day), key=lambda step: step[0]):
        owners |= drawn
    return owners


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param(
            [(MARCH, None, COUNTY_ABCD), (MAY, None, COUNTY_ABCD), (APRIL, None, WEST_A | EAST_C)],
            id="what the later plan had kept comes back with it",
        ),
        pytest.param(
            [(MARCH, None, COUNTY_ABCD), (MAY, EAST_TOWN, EAST_C), (APRIL, None, WEST_A | EAST_NEW)],
            id="the later plan takes over its own ground",
        ),
        pytest.param(
            [(MARCH, None, COUNTY_ABCD), (JUNE, None, COUNTY_ABCD), (MAY, WEST_TOWN, WEST_A),
             (APRIL, WEST_TOWN, WEST_A)],
            id="one after the other",
        ),
        pytest.param(
            [(MAY, None, COUNTY_ABCD), (MARCH, EAST_TOWN, EAST_C), (APRIL, EAST_TOWN, EAST_NEW)],
            id="before the first",
        ),
        pytest.param(
            [(MARCH, None, COUNTY_ABCD), (JUNE, None, WEST_A | EAST_C), (APRIL, None, COUNTY_ABCD)],
            id="nothing changes in between",
        ),
    ],
)  # fmt: skip
def test_each_day_has_the_plan_of_its_day(database: Database, scheme: int, steps: list[Step]) -> None:
    plans = []
    with database.write() as session:
        places = {square: add_entity(session, str(square), spot(square), MARCH).id for square in COUNTY_ABCD}
    for on, area, drawn in steps:
        with database.write() as session:
            plan = draft(session, scheme, drawn, area_code=area)
            publish(session, plan.id, on)
            plans.append(plan.id)
    with database.read() as session:
        for day in (MARCH, date(2026, 3, 31), APRIL, date(2026, 4, 30), MAY, date(2026, 5, 31), JUNE):
            expected = owners_on(steps, day)
            frame = cells_as_of(session, scheme, day)
            assert by_square(frame) == expected, day
            assert frame["code"].is_unique
            for square, number in places.items():
                found = owner_on(session, number, scheme, day)
                assert (None if found is None else found.cell_code) == expected.get(square), (day, square)
        # Every plan still has the cells that it was drawn with.
        for plan_id, (_, _, drawn) in zip(plans, steps, strict=True):
            assert by_square(plan_cells(session, plan_id)) == drawn


def test_a_plan_is_in_force_until_the_day_that_others_are(database: Database, scheme: int) -> None:
    with database.write() as session:
        first = draft(session, scheme, COUNTY_ABCD)
        publish(session, first.id, MARCH)
        last = draft(session, scheme, COUNTY_ABCD)
        assert publish(session, last.id, JUNE).superseded == (first.id,)
        between = draft(session, scheme, WEST_A | EAST_C)
        assert publish(session, between.id, MAY).superseded == (first.id,)
        assert [(each.valid_from, each.valid_to) for each in (first, between, last)] == [
            (MARCH, MAY), (MAY, JUNE), (JUNE, None),
        ]  # fmt: skip
        for day, states, in_force in (
            (APRIL, ("published", "published", "published"), (True, False, False)),
            (MAY, ("superseded", "published", "published"), (False, True, False)),
            (JUNE, ("superseded", "superseded", "published"), (False, False, True)),
        ):
            plans = (first, between, last)
            assert tuple(state_on(each, day) for each in plans) == states
            assert tuple(is_in_force(each, day) for each in plans) == in_force
            for state in PlanState:
                found = {each.id for each in session.query(Plan).where(has_state(state, day))}
                assert found == {each.id for each in plans if state_on(each, day) == state}


def test_a_cell_across_the_border_of_a_later_plan_is_refused_and_checked(
    database: Database, scheme: int
) -> None:
    with database.write() as session:
        publish(session, draft(session, scheme, COUNTY_ABCD).id, MARCH)
        publish(session, draft(session, scheme, EAST_C, area_code=EAST_TOWN).id, MAY)
        across = draft(session, scheme, dict.fromkeys(SQUARES_OF[COUNTY], "a"), parent=COUNTY)
        for day in (APRIL, MARCH):
            check_plan(session, across.id, on=day)
            told = stored_check(across)
            assert (told.valid, told.publishable, told.on) == (True, False, str(day))
            assert "Cell a reaches beyond area 440304002" in told.hindrances[0]
            with pytest.raises(ConflictError, match="reaches beyond area 440304002"):
                publish(session, across.id, day)
        check_plan(session, across.id, on=MAY)
        assert stored_check(across).publishable
        assert publish(session, across.id, MAY).begun == 1


def test_check_says_what_publish_would_refuse(database: Database, scheme: int) -> None:
    with database.write() as session:
        publish(session, draft(session, scheme, COUNTY_ABCD).id, MARCH)
        publish(session, draft(session, scheme, WEST_A, area_code=WEST_TOWN).id, APRIL)
        # The same ground may have its code again; this is another's.
        plan = draft(session, scheme, COUNTY_ABCD | {(0, 0): "b", (0, 1): "b", (1, 0): "a", (1, 1): "a"})
        check_plan(session, plan.id, on=MAY)
        (hindrance,) = stored_check(plan).hindrances
        assert (
            hindrance == "The code b belonged to a cell that ended on 2026-04-01; codes are not used again."
        )
        with pytest.raises(ConflictError, match="b belonged"):
            publish(session, plan.id, MAY)
        # What begins only later, and elsewhere, is in nobody's way but is not another cell's either.
        publish(session, draft(session, scheme, EAST_NEW, area_code=EAST_TOWN).id, JUNE)
        taken = draft(session, scheme, dict.fromkeys(SQUARES_OF[WEST_TOWN], "e"), area_code=WEST_TOWN)
        check_plan(session, taken.id, on=MAY)
        # Who sees the plan of one town alone is not told of the other's cells.
        assert stored_check(taken).hindrances == [
            "The code e is taken in this scheme; give the cell another."
        ]
        for scope, words in ((WEST_TOWN, "taken in this scheme"), (None, "begins on 2026-06-01 outside")):
            with pytest.raises(ConflictError, match=words):
                publish(session, taken.id, MAY, scope=scope)
        check_plan(session, taken.id, on=date(2226, 1, 1))
        assert "199 years from now" in stored_check(taken).hindrances[0]


def test_a_day_far_away_is_questioned(database: Database, scheme: int) -> None:
    with database.write() as session:
        plan = draft(session, scheme, COUNTY_ABCD)
        for day in (date(2226, 1, 1), date(1026, 1, 1)):
            with pytest.raises(InputError, match="confirm it if it is meant"):
                publish(session, plan.id, day)
        assert publish(session, plan.id, date(2226, 1, 1), confirmed=True).begun == 4
        # The slip does not freeze the scheme.
        assert publish(session, draft(session, scheme, WEST_A | EAST_C).id, MARCH).begun == 2
        assert by_square(cells_as_of(session, scheme, MAY)) == WEST_A | EAST_C
        assert by_square(cells_as_of(session, scheme, date(2226, 1, 1))) == COUNTY_ABCD


def test_cells_without_an_officer_are_counted(database: Database, scheme: int) -> None:
    with database.write() as session:
        first = draft(session, scheme, COUNTY_ABCD)
        publish(session, first.id, MARCH)
        assert count_unstaffed(session, first, MARCH) == count_unstaffed_on(session, scheme, MARCH, None) == 4
        officer = create_officer(session, "o", area_code=COUNTY, personal={}, attributes={}, on=MARCH)
        add_post(
            session, officer, scheme="community", cell_code="a", duty="leader", rank="A", on=MARCH, scope=None
        )
        second = draft(session, scheme, WEST_A | EAST_C)
        publish(session, second.id, APRIL)
        assert (
            count_unstaffed(session, second, APRIL) == count_unstaffed_on(session, scheme, APRIL, None) == 1
        )
