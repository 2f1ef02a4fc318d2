"""The queue of jobs: as many run as are allowed, the lost are buried, the cancelled told."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from gis.errors import ConflictError
from layers.db.database import Database
from layers.jobs.queue import (
    STALE_AFTER,
    cancel,
    claim,
    complete,
    enqueue,
    fail_stale,
    find_job,
    finish,
    heartbeat,
)
from layers.models import Job, JobState


def queued(database: Database) -> int:
    with database.write() as session:
        return enqueue(session, "divide", {}, created_by="test", area_code=None).id


def test_one_job_runs_at_a_time_in_the_order_of_the_queue(database: Database) -> None:
    first, second = queued(database), queued(database)
    with database.write() as session:
        taken = claim(session)
        assert taken is not None
        assert taken.id == first
    with database.write() as session:
        assert claim(session) is None
    with database.write() as session:
        assert heartbeat(session, first, 5, 10)
        finish(session, first, JobState.done, result={"plan": 1}, error=None)
    with database.write() as session:
        taken = claim(session)
        assert taken is not None
        assert taken.id == second
        assert (find_job(session, first).done, find_job(session, first).state) == (5, JobState.done)


@pytest.mark.parametrize(
    "heard", [-STALE_AFTER - timedelta(seconds=1), timedelta(hours=1)], ids=["long ago", "later"]
)
def test_a_job_without_a_sign_of_life_has_failed(database: Database, heard: timedelta) -> None:
    number = queued(database)
    with database.write() as session:
        taken = claim(session)
        assert taken is not None
        assert fail_stale(session) == []
        taken.heartbeat_at = datetime.now(UTC) + heard
    with database.write() as session:
        assert fail_stale(session) == [number]
        assert not heartbeat(session, number, 6, 10)
    with database.read() as session:
        assert find_job(session, number).state == JobState.failed


def test_a_cancelled_job_ends_at_once_or_is_told(database: Database) -> None:
    first, second = queued(database), queued(database)
    with database.write() as session:
        claim(session)
    with database.write() as session:
        assert cancel(session, second).state == JobState.cancelled
        assert cancel(session, first).state == JobState.running
        assert not heartbeat(session, first, 0, None)
        with pytest.raises(ConflictError, match="already"):
            cancel(session, second)


def test_a_settled_job_stays_done_however_it_is_ended(database: Database) -> None:
    for state in (JobState.cancelled, JobState.failed):
        number = queued(database)
        with database.write() as session:
            claim(session)
            complete(session, number, {"plan": 1})
            assert finish(session, number, state, result=None, error="stopped") == JobState.done
        with database.read() as session:
            job = find_job(session, number)
        assert (job.state, job.result, job.error) == (JobState.done, {"plan": 1}, None)
        with database.write() as session, pytest.raises(ConflictError, match="already"):
            cancel(session, number)


def test_the_deed_of_a_cancelled_job_is_undone(database: Database) -> None:
    number, other = queued(database), queued(database)
    with database.write() as session:
        claim(session)
        cancel(session, number)
    with pytest.raises(ConflictError, match="nothing of it is kept"), database.write() as session:  # noqa: PT012
        find_job(session, other).kind = "changed"
        session.flush()
        complete(session, number, {})
    with database.write() as session:
        assert finish(session, number, JobState.failed, result=None, error="nothing") == JobState.cancelled
        assert find_job(session, number).error is None
        assert find_job(session, other).kind == "divide"


def test_one_area_with_many_jobs_does_not_hold_up_another(database: Database) -> None:
    with database.write() as session:
        for area in ("440305001", "440305001", "440305001", "440305002", None):
            enqueue(session, "gaps", {}, created_by=f"token of {area}", area_code=area)
    order = []
    for _ in range(5):
        with database.write() as session:
            job = claim(session)
            assert job is not None
            order.append(job.area_code)
            complete(session, job.id, {})
    assert order == ["440305001", "440305002", None, "440305001", "440305001"]


def test_so_many_jobs_run_at_once_as_are_allowed(database: Database) -> None:
    for _ in range(4):
        queued(database)
    with database.write() as session:
        taken = [claim(session, at_once=3) for _ in range(4)]
    assert [each is not None for each in taken] == [True, True, True, False]


def test_a_job_that_its_worker_watches_is_not_lost(database: Database) -> None:
    first, second = queued(database), queued(database)
    with database.write() as session:
        for _ in range(2):
            claim(session, at_once=2)
        session.execute(update(Job).values(heartbeat_at=datetime.now(UTC) - 2 * STALE_AFTER))
    with database.write() as session:
        assert fail_stale(session, [first]) == [second]
