"""kill -9 of the real processes during imports, publishing and restores: all of the old or all of the new."""

import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from sqlalchemy import func, inspect, select, text

from layers.storage.database import Database
from layers.storage.history import cells_as_of
from layers.storage.jobs import find_job
from layers.storage.models import Assignment, Entity, EntityVersion, Plan, State
from layers.storage.schemes import find_scheme
from tests.layers.storage.ground import by_square
from tests.service import ground
from tests.service.ground import EVEN, ODD, day, draft, owners_on, place_of, publish
from tests.service.processes import Server, finished, start, wangge

IMPORTS, PUBLICATIONS, RESTORES = 10, 10, 5
ENTITIES = 3_000

Show = Callable[[str], None]


class Killed:
    """A service on one database that is killed and started again, and what must hold each time."""

    def __init__(self, folder: Path, url: str, show: Show) -> None:
        self.folder, self.url, self._show = folder, url, show
        self._random = random.Random(len(url))
        self.database = Database(url)
        self.kills = Counter[str]()
        self.token = ground.prepare(folder, url)
        self.server = self.start()
        self.client.post("/v1/schemes", json={"code": "community", "name": "社区"}).raise_for_status()

    @property
    def client(self) -> httpx.Client:
        return self.server.client

    def start(self) -> Server:
        return Server(self.folder, self.url, self.token)

    def close(self) -> None:
        self.server.process.kill()
        self.server.process.wait()
        self.server.client.close()
        self.database.close()

    def moment(self, first: float, last: float) -> float:
        """Wait until a random moment between two, in seconds from now, and return which."""
        chosen = self._random.uniform(first, last)
        time.sleep(chosen)
        return chosen

    def told(self, what: str, after: float, outcome: str, more: str = "") -> None:
        """Show one kill."""
        self.kills[outcome] += 1
        kind = "SQLite" if self.database.embedded else "PostGIS"
        number = self.kills.total()
        self._show(
            f"kill -9 {number:2} during {what} on {kind} after {after:.2f} s: {outcome} state whole{more}"
        )

    def settled(self) -> None:
        """Wait until PostgreSQL has noticed that one was killed; what it sent may yet be committed."""
        if self.database.embedded:
            with self.database.engine.connect() as connection:
                assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
            return
        others = text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        while True:
            with self.database.engine.connect() as connection:
                if not connection.execute(others).scalar_one():
                    return
            time.sleep(0.01)

    def edition(self) -> int:
        """Return the edition of the entities; fail if they, their past or their owners mix several."""
        with self.database.read() as session:
            current = {
                int(row.external_id): (row.attributes["edition"], row.geometry)
                for row in session.scalars(select(Entity))
            }
            editions = {told for told, _ in current.values()}
            assert len(editions) == 1
            edition = int(editions.pop().removeprefix("edition "))
            assert set(current) == set(range(ENTITIES))
            for number, (_, place) in current.items():
                assert place.equals(ground.spot(place_of(number, edition)))
            former = Counter(
                row.attributes["edition"] for row in session.execute(select(EntityVersion.attributes))
            )
            assert former == {f"edition {number}": ENTITIES for number in range(edition)}
            lasting = select(Assignment.cell_code, Entity.external_id).join(Entity)
            owners = session.execute(lasting.where(Assignment.valid_to.is_(None))).all()
            assert {int(row.external_id): row.cell_code for row in owners} == {
                number: EVEN[place_of(number, edition)] for number in range(ENTITIES)
            }
            assert len(owners) == ENTITIES
        return edition

    def in_force(self, on: date) -> dict[tuple[int, int], str]:
        """Return the owners of the squares on a day; fail if entities' differ or two plans are in force."""
        with self.database.read() as session:
            scheme = find_scheme(session, "community").id
            owners = by_square(cells_as_of(session, scheme, on))
            held = (
                select(Assignment.cell_code, Entity.external_id)
                .join(Entity)
                .where(
                    Assignment.valid_from <= on, Assignment.valid_to.is_(None) | (Assignment.valid_to > on)
                )
            )
            rows = session.execute(held).all()
            assert len(rows) == ENTITIES
            for row in rows:
                assert row.cell_code == owners[place_of(int(row.external_id), 0)]
            published = select(func.count()).select_from(Plan).where(Plan.state == State.published)
            assert session.scalar(published) == 1
        return owners

    def state_of(self, job: dict[str, Any]) -> str:
        """Return the state of a job as the database holds it."""
        with self.database.read() as session:
            return find_job(session, job["id"]).state

    def forget_heartbeats(self) -> None:
        """Make half a minute pass for the jobs: one whose worker was killed counts as lost after it."""
        with self.database.write() as session:
            session.execute(
                text("UPDATE jobs SET heartbeat_at = '2026-01-01' WHERE heartbeat_at IS NOT NULL")
            )


@pytest.fixture
def killed(copy_of: Callable[[str], str], tmp_path: Path, show: Show) -> Any:
    """A service with a plan in force since the first day, and the first edition of the entities."""
    service = Killed(tmp_path, copy_of("empty"), show)
    with closing(service):
        publish(service.client, draft(service.client, EVEN), day(0)).raise_for_status()
        entities = ground.write_entities(tmp_path / "0.csv", ENTITIES, 0)
        wangge(tmp_path, "load", "entities", entities, "--on", day(0), "--database", service.url)
        yield service


def import_edition(service: Killed, edition: int) -> dict[str, Any]:
    path = ground.write_entities(service.folder / "edition.csv", ENTITIES, edition)
    with path.open("rb") as file:
        sent = service.client.post(
            "/v1/imports", files={"file": ("edition.csv", file)}, data={"on": str(day(edition))}
        )
    job: dict[str, Any] = sent.raise_for_status().json()
    return job


def kill_during_imports(service: Killed) -> None:
    began = time.monotonic()
    assert finished(service.client, import_edition(service, 1))["state"] == "done"
    lasts = time.monotonic() - began
    edition = service.edition()
    assert edition == 1
    for _ in range(IMPORTS):
        job = import_edition(service, edition + 1)
        # A third of the time passes before the process of the job has begun.
        after = service.moment(lasts / 3, 1.1 * lasts)
        service.server.kill()
        service.settled()
        found = service.edition()
        assert found in (edition, edition + 1)
        left = service.state_of(job)
        assert (left == "done") == (found > edition)
        service.forget_heartbeats()
        service.server = service.start()
        # A job that had not begun is done now; one that had is lost.
        ended = finished(service.client, job)["state"]
        assert (left, ended) in {("done", "done"), ("queued", "done"), ("running", "failed")}
        service.told("import", after, "new" if found > edition else "old", f"; job {left}, then {ended}")
        edition = service.edition()
        assert edition == found + (left == "queued")


def kill_during_publishing(service: Killed) -> None:
    began = time.monotonic()
    publish(service.client, draft(service.client, ODD), day(1)).raise_for_status()
    lasts = time.monotonic() - began
    history = [EVEN, ODD]
    for _ in range(PUBLICATIONS):
        following, on = (EVEN, ODD)[len(history) % 2], day(len(history))
        plan = draft(service.client, following)

        def ask(client: httpx.Client = service.client, plan: dict[str, Any] = plan, on: date = on) -> None:
            try:
                publish(client, plan, on)
            except httpx.TransportError:
                return

        request = Thread(target=ask)
        request.start()
        after = service.moment(0, 1.1 * lasts)
        service.server.kill()
        request.join()
        service.settled()
        found = service.in_force(on)
        assert found in (history[-1], following)
        service.server = service.start()
        if found == following:
            history.append(following)
        service.told("publishing", after, "new" if found == following else "old")
        for number, owners in enumerate(history):
            assert owners_on(service.client, day(number)) == owners
        assert owners_on(service.client, on) == found


def kill_during_restores(service: Killed, copy_of: Callable[[str], str]) -> None:
    backup = service.folder / "backup.gpkg"
    wangge(service.folder, "backup", backup, "--database", service.url)
    began = time.monotonic()
    wangge(service.folder, "restore", backup, "--database", copy_of("empty"))
    lasts = time.monotonic() - began
    url = copy_of("empty")
    for _ in range(RESTORES):
        process = start(service.folder, "restore", backup, "--database", url)
        # Most of the time the program only starts.
        after = service.moment(lasts / 2, 1.1 * lasts)
        process.kill()
        process.wait()
        whole = is_there(url)
        service.told("restore", after, "new" if whole else "old")
        if whole:
            same_answers(service, url)
            url = copy_of("empty")
    wangge(service.folder, "restore", backup, "--database", url)
    same_answers(service, url)


def is_there(url: str) -> bool:
    with closing(Database(url)) as database:
        if database.embedded and not Path(str(database.url.database)).exists():
            return False
        with database.engine.connect() as connection:
            return inspect(connection).has_table("entities")


def same_answers(service: Killed, url: str) -> None:
    """Fail if what was restored does not serve the same owners."""
    again = Server(service.folder, url, service.token)
    try:
        assert owners_on(again.client, day(0)) == owners_on(service.client, day(0)) == EVEN
        for path in ("/v1/plans", "/v1/entities", "/v1/areas"):
            assert again.client.get(path).json() == service.client.get(path).json()
    finally:
        again.stop()


class Kills:
    """The test of one database; two classes, so that two processes share the work."""

    def test_a_killed_server_has_imported_all_or_nothing(self, killed: Killed) -> None:
        kill_during_imports(killed)

    def test_a_killed_server_has_published_all_or_nothing(self, killed: Killed) -> None:
        kill_during_publishing(killed)

    def test_a_killed_restore_has_restored_all_or_nothing(
        self, killed: Killed, copy_of: Callable[[str], str]
    ) -> None:
        kill_during_restores(killed, copy_of)


@pytest.mark.parametrize("copy_of", ["sqlite"], indirect=True)
class TestKillsOnSQLite(Kills):
    pass


@pytest.mark.parametrize("copy_of", ["postgresql"], indirect=True)
class TestKillsOnPostGIS(Kills):
    pass
