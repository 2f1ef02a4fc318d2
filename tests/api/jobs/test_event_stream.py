"""The streams of jobs: who may go on following, how many at once, and what they cost the database."""

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import event, update

from api.jobs.event_stream import JobStreams, job_events
from api.security.accounts import create_account, create_token, disable_account, revoke_token
from api.security.principal import SYSTEM, Role
from api.settings import ServiceSettings
from gis.errors import BusyError, ForbiddenError
from layers.db.database import Database
from layers.jobs.queue import enqueue
from layers.models import Job, JobState, Token
from tests.api.routes.conftest import ground, serving

__all__ = ["ground"]

pytestmark = pytest.mark.parametrize("copy_of", ["sqlite"], indirect=True)
PASSWORD = "correct horse battery"


@pytest.fixture
def running(ground: Database) -> int:
    """The number of a job that runs on and on."""
    with ground.write() as session:
        job = enqueue(session, "divide", {}, created_by="test", area_code="440305001")
        job.state = JobState.running
        # It counts as lost half a minute later.
        job.heartbeat_at = datetime.now(UTC) + timedelta(seconds=29)
        session.flush()
        return job.id


@pytest.fixture
def new_token(ground: Database) -> Callable[..., str]:
    def make(area_code: str | None = None) -> str:
        with ground.write() as session:
            return create_token(session, SYSTEM, "t", Role.viewer, area_code, timedelta(hours=1))[1]

    return make


def end_of_stream(
    client: httpx.Client, path: str, after_first: Callable[[], None]
) -> tuple[dict[str, Any], float]:
    """Follow a job, do something after its first event, and return the last event and how long it took."""
    events: list[str] = []
    began = 0.0
    with client.stream("GET", path) as stream:
        assert stream.status_code == 200
        for line in stream.iter_lines():
            events.append(line)
            if line.startswith("data: ") and not began:
                after_first()
                began = time.monotonic()
    assert [line for line in events if line][-2] == "event: problem", events
    return json.loads([line for line in events if line][-1][6:]), time.monotonic() - began


@pytest.mark.parametrize("deed", ["revoke", "expire", "disable", "sign out", "leave the area"])
def test_a_stream_ends_within_two_seconds_of_the_access_to_it(
    ground: Database, running: int, new_token: Callable[..., str], deed: str
) -> None:
    token = new_token("440305001")
    with ground.write() as session:
        create_account(session, SYSTEM, "li", Role.viewer, None, PASSWORD)
    url = ground.url.render_as_string(hide_password=False)

    with (
        serving(ServiceSettings(database=url)) as address,
        httpx.Client(base_url=address, timeout=30) as client,
        httpx.Client(base_url=address, timeout=30) as again,
    ):
        if deed in {"disable", "sign out"}:
            csrf = client.post("/v1/session", json={"name": "li", "password": PASSWORD}).json()["csrf_token"]
            again.cookies.update(client.cookies)
        else:
            client.headers["Authorization"] = again.headers["Authorization"] = f"Bearer {token}"

        def end() -> None:
            if deed == "sign out":
                again.delete("/v1/session", headers={"X-CSRF-Token": csrf}).raise_for_status()
                return
            with ground.write() as session:
                if deed == "revoke":
                    revoke_token(session, SYSTEM, "1")
                elif deed == "expire":
                    session.execute(update(Token).values(expires_at=Token.created_at))
                elif deed == "disable":
                    disable_account(session, SYSTEM, "li")
                else:
                    session.execute(update(Token).values(area_code="440305002"))

        problem, took = end_of_stream(client, f"/v1/jobs/{running}/stream", end)
        assert problem["status"] == (404 if deed == "leave the area" else 401)
        assert took < 2
        assert again.get(f"/v1/jobs/{running}/stream").status_code == problem["status"]


def test_a_caller_has_so_many_streams_and_others_have_theirs(
    ground: Database, running: int, new_token: Callable[..., str]
) -> None:
    one, other = ({"Authorization": f"Bearer {new_token()}"} for _ in range(2))
    path = f"/v1/jobs/{running}/stream"
    url = ground.url.render_as_string(hide_password=False)
    with serving(ServiceSettings(database=url, streams=3)) as address:
        client = httpx.Client(base_url=address, timeout=30)
        asked = client.build_request("GET", path, headers=one)
        followed = [client.send(asked, stream=True) for _ in range(3)]
        assert [each.status_code for each in followed] == [200, 200, 200]
        refused = client.get(path, headers=one)
        assert (refused.status_code, refused.headers["content-type"]) == (429, "application/problem+json")
        assert int(refused.headers["retry-after"]) > 0
        assert client.get(f"/v1/jobs/{running}", headers=one).status_code == 200
        with client.stream("GET", path, headers=other) as stream:
            assert stream.status_code == 200
        # Whoever goes away, however, makes room.
        followed[0].close()
        for _ in range(200):
            answer = client.send(asked, stream=True)
            if answer.status_code == 200:
                break
            answer.close()
            time.sleep(0.05)
        assert answer.status_code == 200
        for each in (answer, *followed):
            each.close()
        client.close()


def test_many_streams_of_a_job_read_it_once(ground: Database, running: int) -> None:
    streams = JobStreams(ground, per_caller=300)
    queries: list[str] = []
    event.listen(ground.engine, "before_cursor_execute", lambda *given: queries.append(given[2]))

    async def allow(_record: dict[str, Any]) -> None:
        return None

    async def follow() -> list[bytes]:
        return [each async for each in job_events(lambda: streams.read(running), allow, None)]

    async def follow_all() -> list[list[bytes]]:
        followers = [asyncio.create_task(follow()) for _ in range(300)]
        await asyncio.sleep(1.0)
        with ground.write() as session:
            session.execute(update(Job).values(state=JobState.done, version=2))
        return await asyncio.gather(*followers)

    began = time.monotonic()
    seen = asyncio.run(follow_all())
    took = time.monotonic() - began
    assert [len(each) for each in seen] == [2] * 300
    assert {each[-1] for each in seen} == {seen[0][-1]}
    assert b'"state":"done"' in seen[0][-1]
    assert len([each for each in queries if each.startswith("SELECT jobs.")]) <= took / 0.3 + 2


def test_a_stream_counts_until_it_has_ended_however_it_does(ground: Database) -> None:
    streams = JobStreams(ground, per_caller=1)
    for _ in range(3):
        with suppress(ForbiddenError), streams.slots.take("li"):
            with pytest.raises(BusyError):
                streams.slots.take("li").__enter__()
            raise ForbiddenError("gone")
    with streams.slots.take("li"), streams.slots.take("wang"):
        pass
