"""Publishing: what goes on, ends and begins, and what is refused."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from threading import Event

import pytest
from sqlalchemy.orm import Session

from gis.errors import ConflictError, StaleError
from layers.db.database import Database
from layers.db.locks import lock_scheme
from layers.models import Plan, PlanState, Scheme
from layers.plans.assignments import assign_entities, assignment_history
from layers.plans.cell_queries import cell_versions
from layers.plans.cells import cells_as_of, plan_cells
from layers.plans.check import check_plan
from layers.plans.drafts import create_draft
from layers.plans.publish import publish
from layers.plans.schemes import create_scheme
from tests.layers.squares import (
    COUNTY,
    EAST_TOWN,
    SQUARES_OF,
    WEST_TOWN,
    add_areas,
    add_entity,
    by_square,
    cells,
    draft,
    owner_on,
    spot,
)

MARCH, APRIL, MAY = date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)


@pytest.fixture
def scheme(database: Database) -> int:
    with database.write() as session:
        add_areas(session)
        return create_scheme(session, "community", "社区网格").id


def halves(area: str, west: str, east: str, columns: int = 1) -> dict[tuple[int, int], str]:
    """Divide an area into a western cell of some columns and an eastern one."""
    first = SQUARES_OF[area][0][0]
    return {square: west if square[0] - first < columns else east for square in SQUARES_OF[area]}


def intervals(session: Session, scheme: int, code: str) -> list[tuple[date | None, date | None]]:
    """Return from when to when each version of a cell was in force."""
    versions = cell_versions(session, session.get_one(Scheme, scheme), code)
    return [(version.valid_from, version.valid_to) for version in versions]


def test_three_dates_have_three_answers(database: Database, scheme: int) -> None:
    plans = [
        (MARCH, {**halves(WEST_TOWN, "a", "b"), **halves(EAST_TOWN, "c", "d")}),
        (APRIL, {**dict.fromkeys(SQUARES_OF[WEST_TOWN], "a"), **halves(EAST_TOWN, "c", "d")}),
        (MAY, {**dict.fromkeys(SQUARES_OF[WEST_TOWN], "a"), **dict.fromkeys(SQUARES_OF[EAST_TOWN], "d")}),
    ]
    with database.write() as session:
        entity = add_entity(session, "s", spot((1, 0)), MARCH).id
    for on, owners in plans:
        with database.write() as session:
            publish(session, draft(session, scheme, owners).id, on)
    with database.read() as session:
        for on, owners in plans:
            assert by_square(cells_as_of(session, scheme, on)) == owners
        assert by_square(cells_as_of(session, scheme, date(2026, 3, 31))) == plans[0][1]
        assert cells_as_of(session, scheme, date(2026, 2, 28)).empty
        history = [
            (row.cell_code, row.valid_from, row.valid_to) for row in assignment_history(session, entity)
        ]
        assert history == [("b", MARCH, APRIL), ("a", APRIL, None)]
        assert owner_on(session, entity, scheme, date(2026, 2, 1)) is None


def test_only_what_changes_is_written(database: Database, scheme: int) -> None:
    before = {**halves(WEST_TOWN, "a", "b"), **halves(EAST_TOWN, "c", "d")}
    after = {**dict.fromkeys(SQUARES_OF[WEST_TOWN], "a"), **halves(EAST_TOWN, "c", "d")}
    with database.write() as session:
        for square in SQUARES_OF[COUNTY]:
            add_entity(session, str(square), spot(square), MARCH)
        first = publish(session, draft(session, scheme, before).id, MARCH)
        assert (first.kept, first.ended, first.begun) == (0, 0, 4)
        assert first.assignments == (0, 8)
    with database.write() as session:
        plan = draft(session, scheme, after)
        second = publish(session, plan.id, APRIL)
        assert (second.kept, second.ended, second.begun) == (2, 2, 1)
        assert second.assignments == (2, 2)
        assert second.revision == first.revision + 1
    with database.write() as session:
        again = publish(session, draft(session, scheme, after).id, MAY)
        assert (again.kept, again.ended, again.begun) == (3, 0, 0)
        assert again.assignments == (0, 0)
        assert again.superseded == (plan.id,)
        assert assign_entities(session, scheme, MARCH) == (0, 0)
    with database.read() as session:
        assert intervals(session, scheme, "c") == [(MARCH, None)]
        assert by_square(plan_cells(session, plan.id)) == after
        states = {plan.id: (plan.state, plan.valid_to) for plan in session.query(Plan).order_by(Plan.id)}
        assert list(states.values()) == [
            (PlanState.superseded, APRIL),
            (PlanState.superseded, MAY),
            (PlanState.published, None),
        ]


@pytest.mark.parametrize(("field", "document"), [("grade", "attributes"), ("leader", "personal")])
def test_changed_attributes_are_another_version(
    database: Database, scheme: int, field: str, document: str
) -> None:
    owners = halves(COUNTY, "a", "b", 2)
    with database.write() as session:
        publish(session, draft(session, scheme, owners, **{field: ["甲", "乙"]}).id, MARCH)
        done = publish(session, draft(session, scheme, owners, **{field: ["甲", "丙"]}).id, APRIL)
        assert (done.kept, done.ended, done.begun) == (1, 1, 1)
        versions = cell_versions(session, session.get_one(Scheme, scheme), "b")
        assert [getattr(version, document)[field] for version in versions] == ["乙", "丙"]


@pytest.mark.parametrize("column", ["name", "kind", "parent"])
def test_a_cell_that_changes_in_one_column_is_another_version(
    database: Database, scheme: int, column: str
) -> None:
    with database.write() as session:
        add_entity(session, "s", spot((3, 0)), MARCH)
        for on, value in ((MARCH, "y"), (APRIL, "z")):
            drawn = cells(halves(COUNTY, "a", "b", 2)).assign(**{column: ["x", value]})
            plan = create_draft(session, scheme, drawn, name="p", created_by="t")
            assert check_plan(session, plan.id).is_valid
            done = publish(session, plan.id, on)
    assert (done.kept, done.ended, done.begun, done.assignments) == (1, 1, 1, (0, 0))
    with database.read() as session:
        assert intervals(session, scheme, "a") == [(MARCH, None)]
        assert intervals(session, scheme, "b") == [(MARCH, APRIL), (APRIL, None)]
        for on, value in ((MARCH, "y"), (APRIL, "z")):
            assert list(cells_as_of(session, scheme, on)[column]) == ["x", value]


def test_publishing_twice_for_a_day_replaces_and_leaves_a_trace(database: Database, scheme: int) -> None:
    with database.write() as session:
        entity = add_entity(session, "s", spot((1, 0)), MARCH).id
        publish(session, draft(session, scheme, halves(COUNTY, "a", "b", 1), parent=COUNTY).id, MARCH)
        wrong = draft(session, scheme, halves(COUNTY, "a", "c", 3), parent=COUNTY)
        publish(session, wrong.id, APRIL)
        publish(session, draft(session, scheme, halves(COUNTY, "a", "b", 1), parent=COUNTY).id, APRIL)
    with database.read() as session:
        assert by_square(cells_as_of(session, scheme, APRIL)) == halves(COUNTY, "a", "b", 1)
        assert by_square(plan_cells(session, wrong.id)) == halves(COUNTY, "a", "c", 3)
        assert intervals(session, scheme, "c") == [(APRIL, APRIL)]
        history = [
            (row.cell_code, row.valid_from, row.valid_to) for row in assignment_history(session, entity)
        ]
        assert history == [("b", MARCH, APRIL), ("b", APRIL, None)]


def test_an_area_beneath_is_replaced_alone(database: Database, scheme: int) -> None:
    whole = {**halves(WEST_TOWN, "a", "b"), **halves(EAST_TOWN, "c", "d")}
    with database.write() as session:
        first = draft(session, scheme, whole)
        publish(session, first.id, MARCH)
        town = dict.fromkeys(SQUARES_OF[EAST_TOWN], "c")
        done = publish(session, draft(session, scheme, town, area_code=EAST_TOWN).id, APRIL)
        assert (done.kept, done.ended, done.begun, done.superseded) == (0, 2, 1, ())
        assert by_square(cells_as_of(session, scheme, APRIL)) == {**whole, **town}
        assert list(cells_as_of(session, scheme, APRIL, area_code=WEST_TOWN)["code"]) == ["a", "b"]
        west = draft(session, scheme, halves(WEST_TOWN, "a", "b"), area_code=WEST_TOWN)
        assert publish(session, west.id, MAY).superseded == (first.id,)


def test_codes_do_not_come_back_for_other_cells(database: Database, scheme: int) -> None:
    whole = {**halves(WEST_TOWN, "a", "b"), **halves(EAST_TOWN, "c", "d")}
    with database.write() as session:
        publish(session, draft(session, scheme, whole).id, MARCH)
        one = dict.fromkeys(SQUARES_OF[WEST_TOWN], "a")
        publish(session, draft(session, scheme, one, area_code=WEST_TOWN).id, APRIL)
        # A plan that means the same ground by it would go back; this one means another cell.
        moved = whole | {(0, 0): "b", (0, 1): "b", (1, 0): "a", (1, 1): "a"}
        with pytest.raises(ConflictError, match="b belonged to a cell that ended on 2026-04-01"):
            publish(session, draft(session, scheme, moved).id, MAY)
        ended = draft(session, scheme, halves(EAST_TOWN, "b", "d"), area_code=EAST_TOWN)
        with pytest.raises(ConflictError, match="b belonged"):
            publish(session, ended.id, APRIL)
        elsewhere = draft(session, scheme, halves(EAST_TOWN, "a", "d"), area_code=EAST_TOWN)
        with pytest.raises(ConflictError, match="in force outside"):
            publish(session, elsewhere.id, APRIL)


def test_a_cell_across_the_border_of_the_plan_is_refused(database: Database, scheme: int) -> None:
    with database.write() as session:
        across = halves(COUNTY, "a", "b", 3)
        publish(session, draft(session, scheme, across, parent=COUNTY).id, MARCH)
        town = dict.fromkeys(SQUARES_OF[EAST_TOWN], "c")
        with pytest.raises(ConflictError, match="Cell a in force reaches into area 440304002"):
            publish(session, draft(session, scheme, town, area_code=EAST_TOWN).id, APRIL)


def test_what_lies_elsewhere_is_not_named_to_a_caller_of_one_town(database: Database, scheme: int) -> None:
    def refusal(owners: dict[tuple[int, int], str], on: date, scope: str | None = EAST_TOWN) -> str:
        plan = draft(session, scheme, owners, area_code=EAST_TOWN).id
        with pytest.raises(ConflictError) as refused, session.begin_nested():
            publish(session, plan, on, scope=scope)
        return str(refused.value)

    whole = {**halves(WEST_TOWN, "a", "b"), **halves(EAST_TOWN, "c", "d")}
    with database.write() as session:
        wide = publish(session, draft(session, scheme, whole, area_code=COUNTY).id, MARCH)
        assert wide.superseded == ()
        one = dict.fromkeys(SQUARES_OF[WEST_TOWN], "a")
        publish(session, draft(session, scheme, one, area_code=WEST_TOWN).id, APRIL)
        # In force there, ended there: the same is said of both.
        in_force = refusal(halves(EAST_TOWN, "a", "d"), APRIL)
        ended = refusal(halves(EAST_TOWN, "b", "d"), MAY)
        assert in_force.replace("code a", "code b") == ended
        assert "taken in this scheme" in ended
        assert "2026" not in ended
        assert "in force outside" in refusal(halves(EAST_TOWN, "a", "d"), APRIL, scope=COUNTY)
        # Before the county's plan nothing stands in the way; it takes over on its day.
        before = draft(session, scheme, dict.fromkeys(SQUARES_OF[EAST_TOWN], "c"), area_code=EAST_TOWN)
        assert publish(session, before.id, date(2026, 2, 1), scope=EAST_TOWN).superseded == ()
        assert before.valid_to == MARCH
        # The plan of the county has nothing in force any more, which is not for a town to know.
        town = draft(session, scheme, halves(EAST_TOWN, "c", "d"), area_code=EAST_TOWN)
        assert publish(session, town.id, MAY, scope=EAST_TOWN).superseded == ()


def test_a_cell_of_a_wider_area_is_not_named_either(database: Database, scheme: int) -> None:
    with database.write() as session:
        across = halves(COUNTY, "a", "b", 3)
        publish(session, draft(session, scheme, across, parent=COUNTY).id, MARCH)
        town = dict.fromkeys(SQUARES_OF[EAST_TOWN], "c")
        plan = draft(session, scheme, town, area_code=EAST_TOWN).id
        with pytest.raises(
            ConflictError, match=r"^A cell of a wider area in force reaches into area 440304002"
        ):
            publish(session, plan, APRIL, scope=EAST_TOWN)


def test_only_a_plan_found_valid_is_published(database: Database, scheme: int) -> None:
    owners = halves(COUNTY, "a", "b", 2)
    with database.write() as session:
        plan = create_draft(session, scheme, cells(owners), name="p", created_by="t")
        with pytest.raises(ConflictError, match="not been checked"):
            publish(session, plan.id, MARCH)
        holed = draft(session, scheme, {square: owners[square] for square in list(owners)[1:]})
        with pytest.raises(ConflictError, match="not valid"):
            publish(session, holed.id, MARCH)
        good = draft(session, scheme, owners)
        publish(session, good.id, MARCH)
        with pytest.raises(ConflictError, match="published already"):
            publish(session, good.id, APRIL)


def test_the_version_is_compared_under_the_lock(database: Database, scheme: int) -> None:
    before = {**halves(WEST_TOWN, "a", "b"), **halves(EAST_TOWN, "c", "d")}
    with database.write() as session:
        made = draft(session, scheme, before)
        plan, seen = made.id, made.version
    checking, asked = Event(), Event()

    def check_again() -> None:
        with database.write() as session:
            lock_scheme(session, scheme)
            checking.set()
            check_plan(session, plan)
            # On PostgreSQL the other has read the plan by now, and waits for the lock.
            asked.wait(1)

    def put_in_force() -> None:
        checking.wait()
        with database.write() as session:
            session.get_one(Plan, plan)
            asked.set()
            publish(session, plan, MARCH, version=seen)

    with ThreadPoolExecutor(2) as pool:
        checked, published = pool.submit(check_again), pool.submit(put_in_force)
        checked.result()
        with pytest.raises(StaleError, match=f"not {seen}"):
            published.result()
    with database.write() as session:
        present = session.get_one(Plan, plan).version
        assert publish(session, plan, MARCH, version=present).begun == 4


def test_another_scheme_may_have_the_same_codes(database: Database, scheme: int) -> None:
    owners = {**halves(WEST_TOWN, "a", "b"), **halves(EAST_TOWN, "c", "d")}
    with database.write() as session:
        other = create_scheme(session, "safety", "安全").id
        publish(session, draft(session, other, owners).id, MARCH)
        plan = draft(session, other, dict.fromkeys(SQUARES_OF[COUNTY], "a"))
        publish(session, plan.id, APRIL)
        # There "b" has ended; here it has never been.
        assert publish(session, draft(session, scheme, owners).id, APRIL).begun == 4
        assert by_square(cells_as_of(session, scheme, APRIL)) == owners


def test_the_last_published_of_a_day_counts_even_if_the_clock_went_back(
    database: Database, scheme: int
) -> None:
    owners = {**halves(WEST_TOWN, "a", "b"), **halves(EAST_TOWN, "c", "d")}
    with database.write() as session:
        first, second = draft(session, scheme, owners), draft(session, scheme, owners)
        publish(session, first.id, MARCH)
        first.published_at = datetime(2100, 1, 1, tzinfo=UTC)
        session.flush()
        assert publish(session, second.id, MARCH).superseded == (first.id,)
        assert second.published_at is not None
        assert second.published_at > first.published_at
        assert (first.state, second.state) == (PlanState.superseded, PlanState.published)


def test_a_superseded_plan_that_ends_earlier_has_a_new_version(database: Database, scheme: int) -> None:
    owners = {**halves(WEST_TOWN, "a", "b"), **halves(EAST_TOWN, "c", "d")}
    with database.write() as session:
        first, later, between = (draft(session, scheme, owners) for _ in range(3))
        publish(session, first.id, MARCH)
        publish(session, later.id, MAY)
        assert (first.state, first.valid_to) == (PlanState.superseded, MAY)
        version = first.version
        steps: list[tuple[int, int]] = []
        publish(session, between.id, APRIL, progress=lambda *step: steps.append(step))
        assert (first.state, first.valid_to, first.version) == (PlanState.superseded, APRIL, version + 1)
        assert steps == [(step, 5) for step in range(1, 6)]
