"""A backup taken while the service answers and writes; what is restored from it answers the same."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from layers.db.database import Database
from tests.plain_http import NO_CERTIFICATES
from tests.service import dataset
from tests.service.consistency import check_owners
from tests.service.dataset import EVEN_SPLIT, ODD_SPLIT, Owners, draft_plan, nth_day, publish_plan
from tests.service.processes import Server, run_wangge, serving

ENTITIES = 500
LOCATIONS = 2_000
BACKUPS = 2


class Writer:
    """Publishes plans for one day after another, and moves an entity to and fro, until it is to end."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._stop = threading.Event()
        self._failures: list[BaseException] = []
        self.history: list[Owners] = [EVEN_SPLIT]

    @contextmanager
    def working(self) -> Iterator[None]:
        """Write while the block runs."""
        thread = threading.Thread(target=self._work)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()
        assert not self._failures

    def _work(self) -> None:
        headers = {**self._server.client.headers}
        with httpx.Client(
            base_url=self._server.address, headers=headers, timeout=60, verify=NO_CERTIFICATES
        ) as client:
            try:
                while not self._stop.is_set():
                    following = (EVEN_SPLIT, ODD_SPLIT)[len(self.history) % 2]
                    plan = draft_plan(client, following)
                    publish_plan(client, plan, nth_day(len(self.history))).raise_for_status()
                    self.history.append(following)
            except BaseException as error:
                self._failures.append(error)


def answers(client: httpx.Client, days: int) -> dict[str, Any]:
    """Ask for everything: owners of many locations on many days, plans, cells, areas, entities, histories."""
    places = np.random.default_rng(1).uniform((114.0495, 22.5395), (114.0545, 22.5425), (LOCATIONS, 2))
    asked = {"lon": places[:, 0].tolist(), "lat": places[:, 1].tolist()}
    found: dict[str, Any] = {}
    for number in range(0, days, max(1, days // 5)):
        query = {"scheme": "community", "at": str(nth_day(number))}
        owners = client.post("/v1/locate", params=query, json=asked).raise_for_status().json()
        found[f"owners on {nth_day(number)}"] = owners
        cells = client.get(
            "/v1/schemes/community/cells", params={"at": str(nth_day(number))}
        ).raise_for_status()
        found[f"cells on {nth_day(number)}"] = cells.json()
    for path in ("/v1/areas", "/v1/schemes", "/v1/plans", "/v1/entities", "/v1/jobs", "/v1/officers"):
        found[path] = client.get(path, params={"limit": 1000}).raise_for_status().json()
    for entity in found["/v1/entities"]["items"][:5]:
        for part in ("owners", "history"):
            path = f"/v1/entities/{entity['id']}/{part}"
            found[path] = client.get(path).raise_for_status().json()
    return found


def test_a_restored_service_answers_the_same(
    copy_of: Callable[[str], str], tmp_path: Path, show: Callable[[str], None]
) -> None:
    url = copy_of("migrated")
    token = dataset.prepare_database(url, dataset.county_and_towns())
    dataset.load_entities(url, dataset.write_entities(tmp_path / "entities.csv", ENTITIES, 0), nth_day(0))
    with serving(tmp_path, url, token) as server:
        server.client.post("/v1/schemes", json={"code": "community", "name": "社区"}).raise_for_status()
        publish_plan(server.client, draft_plan(server.client, EVEN_SPLIT), nth_day(0)).raise_for_status()
        writer = Writer(server)
        states = []
        with writer.working():
            for number in range(BACKUPS):
                begun = len(writer.history)
                run_wangge(tmp_path, "backup", f"{number}.gpkg", "--database", url)
                states.append((begun, len(writer.history) + 1))
        run_wangge(tmp_path, "backup", "last.gpkg", "--database", url)
        expected = answers(server.client, len(writer.history))
        # While it was written, the copy is one state between the beginning and the end.
        for number, (first, last) in enumerate(states):
            at = f"sqlite:///{tmp_path}/restored-{number}.gpkg"
            run_wangge(tmp_path, "restore", f"{number}.gpkg", "--database", at)
            with closing(Database(at)) as database, database.read() as session:
                plans = session.connection().exec_driver_sql(
                    "SELECT count(*) FROM plans WHERE published_at IS NOT NULL"
                )
                published = int(plans.scalar_one())
                assert first <= published <= last
            with closing(Database(at)) as database:
                for passed, owners in enumerate(writer.history[:published]):
                    assert check_owners(database, nth_day(passed), ENTITIES, 0) == owners
        again = copy_of("empty")
        run_wangge(tmp_path, "restore", "last.gpkg", "--database", again)
        with serving(tmp_path, again, token) as restored:
            found = answers(restored.client, len(writer.history))
            assert list(found) == list(expected)
            for asked, answer in expected.items():
                assert found[asked] == answer, asked
    kind = "SQLite" if url.startswith("sqlite") else "PostGIS"
    show(
        f"{kind}: {BACKUPS} backups during {len(writer.history)} publications are each one state; "
        f"a restored service gives the same {len(expected)} answers"
    )
