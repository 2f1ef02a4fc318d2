"""When a job counts as one that has lost its worker."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from layers.db.database import Database
from layers.jobs.queue import STALE_AFTER, claim, enqueue, is_stale
from layers.models import Job

HEARD = datetime(2026, 3, 1, 12, tzinfo=UTC)
TICK = timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("passed", "stale"),
    [
        (STALE_AFTER, False),
        (STALE_AFTER + TICK, True),
        (-STALE_AFTER, False),
        (-STALE_AFTER - TICK, True),
    ],
)
def test_a_job_is_stale_after_its_time_and_not_at_it(
    database: Database, passed: timedelta, stale: bool
) -> None:
    with database.write() as session:
        running = enqueue(session, "divide", {}, created_by="test", area_code=None).id
        claim(session)
        enqueue(session, "divide", {}, created_by="test", area_code=None)
        session.execute(update(Job).values(heartbeat_at=HEARD))
    with database.read() as session:
        found = list(session.scalars(select(Job.id).where(is_stale(HEARD + passed))))
    assert found == ([running] if stale else [])
