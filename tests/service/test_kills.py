"""kill -9 of the real processes during imports, publishing and restores: all of the old or all of the new."""

import math
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import date
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from sqlalchemy import inspect, text

from layers.db.database import Database
from layers.jobs.queue import enqueue, find_job
from tests.plain_http import NO_CERTIFICATES
from tests.service import dataset
from tests.service.consistency import check_edition, check_owners
from tests.service.dataset import EVEN_SPLIT, ODD_SPLIT, draft_plan, nth_day, owners_on, publish_plan
from tests.service.processes import Server, run_wangge, start_wangge, wait_for_job

IMPORTS, PUBLICATIONS, PUBLICATION_JOBS, RESTORES = 10, 10, 4, 5
ENTITIES = 3_000
CLEANED_S = 120.0
"""Seconds that a server has to remove the files of those who were killed."""

PUBLISHED = 100
"""The day from which plans are published, after those on which entities were loaded."""

Show = Callable[[str], None]
MakeUrl = Callable[[str], str]


class Service:
    """A service on one database that is killed and started again."""

    def __init__(self, folder: Path, url: str, show: Show) -> None:
        self.folder, self.url, self._show = folder, url, show
        self._random = random.Random(1)
        self.database = Database(url)
        self.kills = Counter[str]()
        self.token = dataset.prepare_database(url, dataset.county_and_towns())
        self.start()

    @property
    def client(self) -> httpx.Client:
        """A client of the server that runs at present."""
        return self.server.client

    def start(self) -> None:
        """Start a server in the place of the one that is gone."""
        self.server = Server(self.folder, self.url, self.token)

    def close(self) -> None:
        """End it in any way."""
        self.server.process.kill()
        self.server.process.join()
        self.client.close()
        self.database.close()

    def wait(self, first: float, last: float) -> float:
        """Wait until a random moment between two, in seconds from now, and return which."""
        chosen = self._random.uniform(first, last)
        time.sleep(chosen)
        return chosen

    def tell(self, what: str, after: float, *, new: bool, more: str = "") -> None:
        """Show what a kill left."""
        self.kills[what] += 1
        kind, state = "SQLite" if self.database.embedded else "PostGIS", "new" if new else "old"
        self._show(f"{kind}: kill -9 {self.kills[what]:2} of {what}, after {after:.2f} s: all {state}{more}")

    def settle(self) -> None:
        """Wait until PostgreSQL has noticed that one was killed; what it sent may yet be committed."""
        with self.database.engine.connect() as connection:
            if self.database.embedded:
                assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
                return
            others = text(
                "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'"
                " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
            while connection.execute(others).first():
                connection.rollback()
                time.sleep(0.01)

    def state_of(self, job: dict[str, Any]) -> str:
        """Return the state of a job as the database holds it."""
        with self.database.read() as session:
            return find_job(session, job["id"]).state

    def age(self) -> None:
        """Make hours pass for jobs that ran and for files: a job is lost, or a file left, after some time."""
        with self.database.write() as session:
            session.execute(text("UPDATE jobs SET heartbeat_at = '2026-01-01' WHERE state = 'running'"))
        for each in self.uploads():
            os.utime(each, (0, 0))

    def uploads(self) -> list[Path]:
        """Return the uploaded files that are kept."""
        return list((self.folder / "uploads").iterdir())


def import_edition(service: Service, edition: int) -> dict[str, Any]:
    """Ask for the import of an edition of the entities."""
    path = dataset.write_entities(service.folder / "edition.csv", ENTITIES, edition)
    with path.open("rb") as file:
        files, given = {"file": ("edition.csv", file)}, {"on": str(nth_day(edition))}
        sent = service.client.post("/v1/imports", files=files, data=given)
    job: dict[str, Any] = sent.raise_for_status().json()
    return job


def kill_during_imports(service: Service) -> int:
    """Return the edition that is left after all kills."""
    # How long it lasts on a service that has just started, as it does after each kill;
    # the first time it may last longer.
    lasts = math.inf
    for edition in (1, 2):
        service.server.kill()
        service.start()
        began = time.monotonic()
        assert wait_for_job(service.client, import_edition(service, edition))["state"] == "done"
        lasts = min(lasts, time.monotonic() - began)
    assert check_edition(service.database, ENTITIES) == edition
    for _ in range(IMPORTS):
        job = import_edition(service, edition + 1)
        # Until then the process of the job only begins.
        after = service.wait(lasts / 3, 1.1 * lasts)
        service.server.kill()
        service.settle()
        found, left = check_edition(service.database, ENTITIES), service.state_of(job)
        assert found == edition + (left == "done")
        service.age()
        service.start()
        # A job that had not begun is done now, and one that had is lost.
        ended = wait_for_job(service.client, job)["state"]
        assert (left, ended) in {("done", "done"), ("queued", "done"), ("running", "failed")}
        service.tell("import", after, new=found > edition, more=f"; its job {left}, then {ended}")
        edition = check_edition(service.database, ENTITIES)
        assert edition == found + (left == "queued")
    began = time.monotonic()
    while service.uploads():
        assert time.monotonic() - began < CLEANED_S
        time.sleep(0.05)
    return edition


def ask_to_publish(client: httpx.Client, plan: dict[str, Any], on: date) -> None:
    """Publish, unless the server is killed before it has answered."""
    with client, suppress(httpx.TransportError):
        publish_plan(client, plan, on).raise_for_status()


def kill_during_publishing(service: Service, edition: int) -> None:
    """Publish plans for one day after the other."""
    plan = draft_plan(service.client, ODD_SPLIT)
    began = time.monotonic()
    publish_plan(service.client, plan, nth_day(PUBLISHED)).raise_for_status()
    lasts = time.monotonic() - began
    history = [ODD_SPLIT]
    for _ in range(PUBLICATIONS):
        following, on = (ODD_SPLIT, EVEN_SPLIT)[len(history) % 2], nth_day(PUBLISHED + len(history))
        # Its own client, which outlives that of the server.
        asking = httpx.Client(
            base_url=service.server.address,
            headers=service.client.headers,
            timeout=None,
            verify=NO_CERTIFICATES,
        )
        request = Thread(target=ask_to_publish, args=(asking, draft_plan(service.client, following), on))
        request.start()
        after = service.wait(0, 1.2 * lasts)
        service.server.kill()
        request.join()
        service.settle()
        found = check_owners(service.database, on, ENTITIES, edition)
        assert found in (history[-1], following)
        service.start()
        service.tell("publishing", after, new=found == following)
        assert owners_on(service.client, on) == found
        if found == following:
            history.append(following)
        # What has been stays as it was.
        for number, owners in enumerate(history):
            assert check_owners(service.database, nth_day(PUBLISHED + number), ENTITIES, edition) == owners


def kill_during_publication_jobs(service: Service, edition: int) -> None:
    """Publish plans by jobs, as large ones are."""
    before = owners_on(service.client, nth_day(PUBLISHED + PUBLICATIONS))
    lasts = math.inf
    for number in range(PUBLICATION_JOBS + 1):
        on = nth_day(PUBLISHED + PUBLICATIONS + 1 + number)
        following = EVEN_SPLIT if before == ODD_SPLIT else ODD_SPLIT
        plan = draft_plan(service.client, following)
        given = {
            "plan": plan["id"],
            "on": str(on),
            "version": plan["version"],
            "role": "admin",
            "confirm": True,
        }
        with service.database.write() as session:
            job = {"id": enqueue(session, "publish", given, created_by="test", area_code=None).id}
        if math.isinf(lasts):
            began = time.monotonic()
            assert wait_for_job(service.client, job)["state"] == "done"
            lasts, before = time.monotonic() - began, following
            continue
        after = service.wait(0, 1.1 * lasts)
        service.server.kill()
        service.settle()
        found, left = check_owners(service.database, on, ENTITIES, edition), service.state_of(job)
        assert found == (following if left == "done" else before)
        service.age()
        service.start()
        ended = wait_for_job(service.client, job)["state"]
        assert (left, ended) in {("done", "done"), ("queued", "done"), ("running", "failed")}
        service.tell(
            "a publication by a job", after, new=found == following, more=f"; its job {left}, then {ended}"
        )
        before = check_owners(service.database, on, ENTITIES, edition)
        assert before == (following if ended == "done" else found)


def kill_during_restores(service: Service, make_url: MakeUrl) -> None:
    """Restore a backup, and serve what was restored."""
    backup = service.folder / "backup.gpkg"
    run_wangge(service.folder, "backup", backup, "--database", service.url)
    began = time.monotonic()
    run_wangge(service.folder, "restore", backup, "--database", make_url("empty"))
    lasts = time.monotonic() - began
    url = make_url("empty")
    for _ in range(RESTORES):
        process = start_wangge(service.folder, "restore", backup, "--database", url)
        # Until then the program only begins.
        after = service.wait(lasts / 2, 1.1 * lasts)
        process.kill()
        process.join()
        there = holds_tables(url)
        service.tell("restore", after, new=there)
        if there:
            assert_same(service, url)
            url = make_url("empty")
    run_wangge(service.folder, "restore", backup, "--database", url)
    assert_same(service, url)


def holds_tables(url: str) -> bool:
    """Return whether there are tables in a database, or the database at all."""
    with closing(Database(url)) as database:
        if database.embedded and not Path(str(database.url.database)).exists():
            return False
        with database.engine.connect() as connection:
            return inspect(connection).has_table("entities")


def assert_same(service: Service, url: str) -> None:
    """Fail if what was restored does not answer the same."""
    again = Server(service.folder, url, service.token)
    try:
        for number in (0, PUBLISHED, PUBLISHED + PUBLICATIONS):
            assert owners_on(again.client, nth_day(number)) == owners_on(service.client, nth_day(number))
        for path in ("/v1/plans", "/v1/entities", "/v1/areas"):
            assert again.client.get(path).json() == service.client.get(path).json()
    finally:
        assert again.stop() == 0


@pytest.fixture
def service(copy_of: MakeUrl, tmp_path: Path, show: Show) -> Iterator[Service]:
    """A service with a plan in force since the first day, and the first edition of the entities."""
    with closing(Service(tmp_path, copy_of("empty"), show)) as made:
        made.client.post("/v1/schemes", json={"code": "community", "name": "社区"}).raise_for_status()
        publish_plan(made.client, draft_plan(made.client, EVEN_SPLIT), nth_day(0)).raise_for_status()
        entities = dataset.write_entities(tmp_path / "first.csv", ENTITIES, 0)
        dataset.load_entities(made.url, entities, nth_day(0))
        yield made


class Kills:
    """The test; a class for each database, so that two processes of pytest share the work."""

    def test_a_kill_at_any_moment_leaves_the_old_state_or_the_new(
        self, service: Service, copy_of: MakeUrl
    ) -> None:
        edition = kill_during_imports(service)
        kill_during_publishing(service, edition)
        kill_during_publication_jobs(service, edition)
        kill_during_restores(service, copy_of)


@pytest.mark.parametrize("copy_of", ["sqlite"], indirect=True)
class TestKillsOnSQLite(Kills):
    """29 kills."""


@pytest.mark.parametrize("copy_of", ["postgresql"], indirect=True)
class TestKillsOnPostGIS(Kills):
    """29 kills."""
