"""Jobs that check and publish plans: their progress, what they refuse, and what a kill leaves."""

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from api.jobs.job_context import ProgressReporter, Task
from api.jobs.tasks import run_job
from api.jobs.worker import Worker
from api.settings import ServiceSettings
from gis.errors import ConflictError, NotFoundError, StaleError
from layers.db.database import Database
from layers.jobs.queue import cancel, claim, enqueue, find_job
from layers.models import Assignment, AuditEntry, Entity, JobState, Plan
from layers.plans.cells import cells_as_of
from layers.plans.drafts import create_draft
from layers.plans.publish import publish
from layers.plans.schemes import create_scheme
from tests.api.jobs.test_worker import doing, ended, wait_for
from tests.layers.squares import COUNTY, SQUARES, WEST_TOWN, add_areas, by_square, cells, draft, spot

MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)
OLD = {square: "a" if square[0] < 2 else "b" for square in SQUARES}
NEW = {square: "a" if square[0] < 1 else "c" if square[0] < 3 else "b" for square in SQUARES}
ENTITIES, KILLS = 1_200, 5


@pytest.fixture
def scheme(database: Database) -> int:
    """A scheme whose old plan is in force since March, with entities."""
    with database.write() as session:
        add_areas(session)
        scheme = create_scheme(session, "community", "社区").id
        places = [spot(square) for square in SQUARES]
        common = {"kind": "household", "attributes": {}, "personal": {}, "valid_from": MARCH, "version": 1}
        session.execute(
            insert(Entity),
            [
                {**common, "external_id": str(number), "geometry": places[number % len(places)]}
                for number in range(ENTITIES)
            ],
        )
        publish(session, draft(session, scheme, OLD, parent=COUNTY).id, MARCH)
    return scheme


def new_plan(database: Database, scheme: int, owners: dict[tuple[int, int], str] = NEW) -> Plan:
    """Draw and check a plan of the county."""
    with database.write() as session:
        return draft(session, scheme, owners, parent=COUNTY)


def publication(plan: Plan, **changes: Any) -> dict[str, Any]:
    """Return the parameters of a job that publishes a plan for April."""
    return {"plan": plan.id, "on": str(APRIL), "version": plan.version, "role": "publisher", **changes}


def begin(database: Database, kind: str, parameters: dict[str, Any], area_code: str | None = None) -> Task:
    """Queue a job and take it."""
    with database.write() as session:
        enqueue(session, kind, parameters, created_by="account 7 li", area_code=area_code)
        job = claim(session)
        assert job is not None
    return Task(
        database=database.url.render_as_string(hide_password=False),
        id=job.id,
        kind=kind,
        parameters=parameters,
        created_by=job.created_by,
        area_code=area_code,
        uploads=Path(),
        seconds=60,
        memory=1 << 32,
        vertices=1_000,
        unpacked=1_000,
        wait_s=60,
        kept_s=60,
    )


def run(database: Database, task: Task) -> tuple[dict[str, Any], ProgressReporter]:
    """Do a job in this process; return its result, and how far it got."""
    progress = ProgressReporter(lambda done, total: None)
    return run_job(database, task, progress), progress


def owners_on(database: Database, scheme: int, on: date) -> dict[tuple[int, int], str]:
    """Return the owner of each square; fail if the entities belong to other cells."""
    squares = list(SQUARES)
    with database.read() as session:
        owners = by_square(cells_as_of(session, scheme, on))
        rows = select(Assignment.entity_id, Assignment.cell_code).where(Assignment.valid_to.is_(None))
        lasting = {row.entity_id: row.cell_code for row in session.execute(rows)}
    first = min(lasting)
    assert lasting == {first + n: owners[squares[n % len(squares)]] for n in range(ENTITIES)}
    return owners


def test_a_publication_is_done_and_audited_with_its_plan(database: Database, scheme: int) -> None:
    plan = new_plan(database, scheme)
    task = begin(database, "publish", publication(plan))
    result, progress = run(database, task)
    assert (result["plan"], result["kept"], result["ended"], result["begun"]) == (plan.id, 0, 2, 3)
    assert progress.done == progress.total
    assert owners_on(database, scheme, APRIL) == NEW
    with database.read() as session:
        job = find_job(session, task.id)
        assert (job.state, job.result, job.done) == (JobState.done, result, progress.done)
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
        assert (entry.action, entry.actor, entry.role) == ("plan published", "account 7 li", "publisher")
        assert (entry.subject, entry.details) == (f"plan {plan.id}", {"on": str(APRIL)})


def test_a_publication_of_a_former_version_or_out_of_the_area_is_refused(
    database: Database, scheme: int
) -> None:
    plan = new_plan(database, scheme)
    task = begin(database, "publish", publication(plan, version=plan.version - 1))
    with pytest.raises(StaleError, match=f"not {plan.version - 1}"):
        run(database, task)
    with pytest.raises(NotFoundError, match=f"no plan number {plan.id}"):
        run(database, task.model_copy(update={"area_code": WEST_TOWN}))
    with database.read() as session:
        assert session.get_one(Plan, plan.id).state == "draft"
        assert find_job(session, task.id).state == JobState.running
    assert owners_on(database, scheme, APRIL) == OLD


@pytest.mark.parametrize("kind", ["check", "publish"])
def test_a_cancelled_job_keeps_nothing(database: Database, scheme: int, kind: str) -> None:
    plan = new_plan(database, scheme)
    task = begin(database, kind, publication(plan))
    with database.write() as session:
        cancel(session, task.id)
    with pytest.raises(ConflictError, match="nothing of it is kept"):
        run(database, task)
    with database.read() as session:
        found = session.get_one(Plan, plan.id)
        assert (found.state, found.version) == ("draft", plan.version)
    assert owners_on(database, scheme, APRIL) == OLD


def test_a_check_stores_what_it_finds_and_tells_its_steps(database: Database, scheme: int) -> None:
    holed = {square: code for square, code in NEW.items() if square != (0, 0)}
    with database.write() as session:
        plan = create_draft(session, scheme, cells(holed, parent=COUNTY), name="p", created_by="t").id
    result, progress = run(database, begin(database, "check", {"plan": plan}))
    assert (result["plan"], result["valid"]) == (plan, False)
    assert result["summary"]["blank"]["count"] == 1
    assert progress.total is not None
    assert progress.done == progress.total > 1
    with database.read() as session:
        found = session.get_one(Plan, plan)
        assert found.findings is not None
        assert found.findings["summary"] == result["summary"]
        assert (found.version, found.checked_at is None) == (2, False)


@contextmanager
def working(database: Database, folder: Path) -> Iterator[None]:
    """A worker that takes jobs meanwhile."""
    url = database.url.render_as_string(hide_password=False)
    worker = Worker(database, ServiceSettings(database=url), folder)
    worker.start()
    try:
        yield
    finally:
        worker.stop()


def test_a_killed_publication_leaves_the_old_plan_or_the_new(
    database: Database, scheme: int, tmp_path: Path
) -> None:
    random.seed(3)
    present, following, lasts = OLD, NEW, 0.0
    with working(database, tmp_path):
        for kill in range(KILLS + 2):
            parameters = publication(new_plan(database, scheme, following))
            with database.write() as session:
                number = enqueue(session, "publish", parameters, created_by="t", area_code=None).id
            wait_for(database, number, lambda job: job.state != JobState.queued)
            if kill > 1:
                time.sleep(random.uniform(0, 1.2 * lasts))
                for process in doing():
                    with suppress(ProcessLookupError):
                        os.kill(process, signal.SIGKILL)
            job = wait_for(database, number, ended)
            assert kill > 1 or job.state == JobState.done
            if job.started_at is not None and job.ended_at is not None and kill <= 1:
                # The first waits for a process, the second finds one.
                lasts = (job.ended_at - job.started_at).total_seconds()
            is_new = job.state == JobState.done
            assert owners_on(database, scheme, APRIL) == (following if is_new else present)
            with database.read() as session:
                states = session.scalars(select(Plan.state).where(Plan.state == "published")).all()
            assert len(states) == 1
            if is_new:
                present, following = following, present
