"""The worker on real jobs: cancelled at any moment, killed, stopped, and the database held by another."""

import contextlib
import os
import random
import secrets
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from api.jobs.cancel_flag import set_cancel_flag
from api.jobs.worker import Worker
from api.settings import ServiceSettings
from gis.errors import ConflictError
from layers.db.database import Database, bump_revision
from layers.jobs.queue import cancel, enqueue, find_job
from layers.models import Entity, Job, JobState
from tests.procfs import children, read_proc

RECORDS, CANCELS = 15_000, 5
ENDED = {JobState.done, JobState.failed, JobState.cancelled}
Start = Callable[..., Worker]


def sensors(path: Path, records: int) -> Path:
    """Write a table of sensors."""
    rows = (f"s{number},sensor,{114 + number / 1e6:.6f},22.5" for number in range(records))
    path.write_text("\n".join(["id,kind,lon,lat", *rows]), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table whose import takes a moment."""
    return sensors(tmp_path_factory.mktemp("table") / "sensors.csv", RECORDS)


@pytest.fixture(scope="module")
def long_table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table whose import tells of itself while it runs."""
    return sensors(tmp_path_factory.mktemp("table") / "sensors.csv", 12 * RECORDS)


@pytest.fixture
def start(database: Database, tmp_path: Path) -> Iterator[Start]:
    """Start workers; they are stopped in the end."""
    started: list[Worker] = []
    url = database.url.render_as_string(hide_password=False)

    def begin(**settings: float) -> Worker:
        started.append(Worker(database, ServiceSettings(database=url, **settings), tmp_path))
        started[-1].start()
        return started[-1]

    yield begin
    for worker in started:
        worker.stop()


def ask(database: Database, table: Path, folder: Path) -> int:
    """Queue an import of the table."""
    # The worker removes the file of a job after its end, and may do so late.
    name = f"{secrets.token_hex(4)}.csv"
    shutil.copy(table, folder / name)
    with database.write() as session:
        given = {"file": name}
        return enqueue(session, "import-entities", given, created_by="test", area_code=None).id


def wait_for(database: Database, number: int, reached: Callable[[Job], bool]) -> Job:
    """Look at a job until it has come so far."""
    for _ in range(1200):
        with database.read() as session:
            job = find_job(session, number)
        if reached(job):
            return job
        time.sleep(0.05)
    raise AssertionError(f"job {number} is {job.state} at {job.done}")


def ended(job: Job) -> bool:
    return job.state in ENDED


def reading(job: Job) -> bool:
    return job.done > 0 or ended(job)


def entities(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(Entity)) or 0


def doing() -> list[int]:
    """Return the processes that do jobs of this one."""
    kept = [each for each in children("self") if "api.jobs.fork_server" in read_proc(each, "cmdline")]
    return [each for process in kept for each in children(process)]


def test_a_job_reads_done_if_and_only_if_its_deed_is_kept(
    database: Database, table: Path, long_table: Path, tmp_path: Path, start: Start
) -> None:
    random.seed(2)
    start()
    # The first waits for a process, the second finds one.
    for _ in range(2):
        done = wait_for(database, ask(database, table, tmp_path), ended)
    assert done.started_at is not None
    assert done.ended_at is not None
    longest = (done.ended_at - done.started_at).total_seconds()
    assert (done.state, entities(database)) == (JobState.done, RECORDS)
    for attempt in range(CANCELS):
        with database.write() as session:
            session.execute(Entity.__table__.delete())
        number = ask(database, table if attempt else long_table, tmp_path)
        wait_for(database, number, lambda job: job.state != JobState.queued)
        if attempt:
            # The last moments are those in which the deed is kept.
            time.sleep(longest * (random.uniform(0, 0.9) if attempt % 2 else random.uniform(0.9, 1.05)))
        with contextlib.suppress(ConflictError), database.write() as session:
            cancel(session, number)
        job = wait_for(database, number, ended)
        assert job.state in ({JobState.done, JobState.cancelled} if attempt else {JobState.cancelled})
        assert entities(database) == (RECORDS if job.state == JobState.done else 0), job.state
        assert (job.state == JobState.done) == (job.result is not None)


@pytest.mark.parametrize("copy_of", ["sqlite"], indirect=True)
def test_a_job_hears_that_it_is_to_end_while_nobody_can_write(
    database: Database, long_table: Path, tmp_path: Path, start: Start
) -> None:
    start()
    number = ask(database, long_table, tmp_path)
    wait_for(database, number, reading)
    # As the job itself does in its last seconds, this keeps the file from all others.
    with database.write() as session, set_cancel_flag(tmp_path, number):
        bump_revision(session)
        for _ in range(1200):
            if not doing():
                break
            time.sleep(0.05)
        assert not doing()
    assert wait_for(database, number, ended).state == JobState.cancelled
    assert entities(database) == 0


def test_an_import_that_is_killed_has_failed_and_left_nothing(
    database: Database, table: Path, long_table: Path, tmp_path: Path, start: Start
) -> None:
    start()
    number = ask(database, long_table, tmp_path)
    job = wait_for(database, number, reading)
    assert job.state == JobState.running
    (process,) = doing()
    os.kill(process, signal.SIGKILL)
    job = wait_for(database, number, ended)
    assert (job.state, entities(database)) == (JobState.failed, 0)
    assert "ended early" in str(job.error)
    assert wait_for(database, ask(database, table, tmp_path), ended).state == JobState.done
    assert len(list(tmp_path.glob("*.csv"))) <= 1


def test_a_worker_that_stops_ends_its_job_and_leaves_nothing(
    database: Database, table: Path, long_table: Path, tmp_path: Path, start: Start
) -> None:
    worker = start()
    number = ask(database, long_table, tmp_path)
    assert wait_for(database, number, reading).state == JobState.running
    worker.stop()
    with database.read() as session:
        job = find_job(session, number)
    assert (job.state, entities(database), doing()) == (JobState.failed, 0, [])
    assert "stopped" in str(job.error)
    start()
    assert wait_for(database, ask(database, table, tmp_path), ended).state == JobState.done


def test_a_job_goes_on_while_another_writes(
    database: Database, table: Path, tmp_path: Path, start: Start
) -> None:
    start()
    number = ask(database, table, tmp_path)
    wait_for(database, number, lambda job: job.state == JobState.running)
    with database.write() as session:
        # Longer than a beat waits; on PostgreSQL it does not wait at all.
        session.execute(select(Entity.id))
        time.sleep(3)
    assert wait_for(database, number, ended).state == JobState.done
    assert entities(database) == RECORDS


def test_an_error_of_the_program_is_told_by_its_kind_and_logged_with_its_place(
    database: Database, start: Start, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with database.write() as session:
        number = enqueue(session, "import-entities", {}, created_by="test", area_code=None).id
    start()
    job = wait_for(database, number, ended)
    assert (job.state, job.error) == (
        JobState.failed,
        "An error of the program, not of yours: KeyError.",
    )
    # Where a log goes depends on whether a service was started in this process before.
    assert "tasks.py" in capsys.readouterr().out + caplog.text


def test_a_job_whose_database_goes_away_is_not_called_an_error_of_the_program(
    database: Database, long_table: Path, tmp_path: Path, start: Start
) -> None:
    if database.embedded:
        pytest.skip("a file does not go away")
    start()
    number = ask(database, long_table, tmp_path)
    wait_for(database, number, lambda job: job.state == JobState.running and job.done > 0)
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    with database.write() as session:
        session.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))
    job = wait_for(database, number, ended)
    assert job.state == JobState.failed
    assert str(job.error).startswith("The database could not be used")
    assert entities(database) == 0


def test_an_error_is_no_longer_than_a_list_of_jobs_can_bear(
    database: Database, tmp_path: Path, start: Start
) -> None:
    table = tmp_path / "wide.csv"
    table.write_text(",".join(f"column{number}" for number in range(2000)) + "\n1\n", encoding="utf-8")
    start()
    job = wait_for(database, ask(database, table, tmp_path), ended)
    assert job.state == JobState.failed
    assert "no coordinates" in str(job.error)
    assert len(str(job.error)) < 1100
