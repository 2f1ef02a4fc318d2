"""Publishing that is killed, or meets another: the old plan or the new one, whole, and never half."""

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from itertools import pairwise
from multiprocessing.connection import Connection

import pytest
from sqlalchemy import func, insert, select

from gis.errors import ConflictError
from layers.db.database import Database
from layers.models import Assignment, Entity, Plan, PlanCell, PlanState
from layers.plans.assignments import assign_entities, assignment_history, update_assignments
from layers.plans.cells import cells_as_of
from layers.plans.check import check_plan
from layers.plans.drafts import create_draft
from layers.plans.publish import publish
from layers.plans.schemes import create_scheme
from tests.forkserver import forkserver
from tests.layers.squares import COUNTY, SQUARES, add_areas, by_square, draft, spot

MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)
OLD = {square: "a" if square[0] < 2 else "b" for square in SQUARES}
NEW = {square: "a" if square[0] < 1 else "c" if square[0] < 3 else "b" for square in SQUARES}
ENTITIES, KILLS = 1_200, 10


def _publish(url: str, plan: int, told: Connection) -> None:
    """Publish for April in a process of its own."""
    database = Database(url)
    with database.read() as session:
        session.get_one(Plan, plan)
    told.send("ready")
    with database.write() as session:
        publish(session, plan, APRIL)
    told.send("done")


@pytest.fixture
def scheme(database: Database) -> int:
    """A scheme whose old plan is in force since March, with entities."""
    with database.write() as session:
        add_areas(session)
        scheme = create_scheme(session, "community", "社区").id
        places = [spot(square) for square in SQUARES]
        session.execute(
            insert(Entity),
            [
                {
                    "kind": "household",
                    "external_id": str(number),
                    "attributes": {},
                    "personal": {},
                    "valid_from": MARCH,
                    "version": 1,
                    "geometry": places[number % len(places)],
                }
                for number in range(ENTITIES)
            ],
        )
        publish(session, draft(session, scheme, OLD, parent=COUNTY).id, MARCH)
        # A level above, which each publication of the new cells carries through.
        above = create_scheme(session, "above", "上级", unit_scheme="community").id
        plan = create_draft(
            session, above, None, name="above", created_by="test", units={"a": "A", "b": "B"}, units_on=MARCH
        )
        check_plan(session, plan.id, on=MARCH)
        publish(session, plan.id, MARCH)
    return scheme


def is_whole(database: Database, scheme: int, expected: dict[tuple[int, int], str]) -> bool:
    """Return whether April's cells are the expected ones; fail if anything else differs."""
    squares = list(SQUARES)
    with database.read() as session:
        cells = by_square(cells_as_of(session, scheme, APRIL))
        rows = select(Assignment.entity_id, Assignment.cell_code).where(Assignment.valid_to.is_(None))
        rows = rows.where(Assignment.scheme_id == scheme)
        lasting = {row.entity_id: row.cell_code for row in session.execute(rows)}
        first = min(lasting)
        assert lasting == {first + n: cells[squares[n % len(squares)]] for n in range(ENTITIES)}
        assert by_square(cells_as_of(session, scheme, MARCH)) == OLD
        ours = select(Plan.state).where(Plan.state == PlanState.published, Plan.scheme_id == scheme)
        assert len(session.scalars(ours).all()) == 1
        sizes = session.execute(
            select(PlanCell.plan_id, func.count())
            .join(Plan)
            .where(Plan.scheme_id == scheme)
            .group_by(PlanCell.plan_id)
        )
        carried = session.scalars(select(Plan.carried_from_id).where(Plan.carried_from_id.is_not(None)))
        assert sorted(carried) == sorted(plan for plan, size in sizes if size == len(set(NEW.values())))
    return cells == expected


def test_a_killed_publication_leaves_the_old_plan_or_the_new(database: Database, scheme: int) -> None:
    random.seed(1)
    url = database.url.render_as_string(hide_password=False)
    present, following = OLD, NEW
    longest, old, new = 0.0, 0, 0
    for kill in range(KILLS + 1):
        with database.write() as session:
            plan = draft(session, scheme, following, parent=COUNTY).id
        here, there = forkserver.Pipe(duplex=False)
        process = forkserver.Process(target=_publish, args=(url, plan, there))
        process.start()
        assert here.recv() == "ready"
        begun = time.monotonic()
        if kill == 0:
            assert here.recv() == "done"
            longest = time.monotonic() - begun
        elif kill > 1:
            time.sleep(random.uniform(0, 1.2 * longest))
        process.kill()
        process.join()
        if is_whole(database, scheme, following):
            present, following = following, present
            new += 1
        else:
            assert is_whole(database, scheme, present)
            old += 1
    assert old
    assert new
    with database.write() as session:
        publish(session, draft(session, scheme, following, parent=COUNTY).id, APRIL)
    assert is_whole(database, scheme, following)


def test_one_plan_is_published_once(database: Database, scheme: int) -> None:
    with database.write() as session:
        plan = draft(session, scheme, NEW, parent=COUNTY).id
    outcomes: list[str] = []

    def work() -> None:
        try:
            with database.write() as session:
                publish(session, plan, APRIL)
            outcomes.append("published")
        except ConflictError:
            outcomes.append("refused")

    together(work, work)
    assert sorted(outcomes) == ["published", "refused"]
    assert is_whole(database, scheme, NEW)


def test_entities_move_while_plans_are_published(database: Database, scheme: int) -> None:
    with database.write() as session:
        numbers = list(session.scalars(select(Entity.id).order_by(Entity.id).limit(8)))

    def move(seed: int) -> None:
        choice = random.Random(seed)
        for _ in range(12):
            with database.write() as session:
                # Two movers meet at the same entities, and at publishing.
                number = choice.choice(numbers)
                entity = session.get_one(Entity, number, with_for_update={"key_share": True})
                entity.geometry = spot(choice.choice(list(SQUARES)))
                entity.version += 1
                update_assignments(session, MARCH, [number])

    def work() -> None:
        for owners in (NEW, OLD, NEW):
            with database.write() as session:
                publish(session, draft(session, scheme, owners, parent=COUNTY).id, APRIL)

    together(work, lambda: move(1), lambda: move(2))
    with database.write() as session:
        assert assign_entities(session, scheme, MARCH) == (0, 0)
        for number in numbers:
            rows = assignment_history(session, number, scheme)
            assert rows[0].valid_from == MARCH
            assert rows[-1].valid_to is None
            assert all(row.valid_to == following.valid_from for row, following in pairwise(rows))


def together(*works: Callable[[], None]) -> None:
    """Run functions in threads at once and raise what one of them raises."""
    with ThreadPoolExecutor(len(works)) as pool:
        for done in [pool.submit(work) for work in works]:
            done.result()
