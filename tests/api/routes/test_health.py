"""Whether the service can answer: while plans cannot be followed, and while the database is away."""

import time
from collections.abc import Callable

import httpx
import pytest
from sqlalchemy import create_engine, text

from layers.db.database import Database
from tests.api.routes.conftest import Client
from tests.layers.snapshot.published import DAYS, coded, lattice, note_publishing, publish

HERE = "/v1/locate?lon=114.0001&lat=22.5001"
TOWNS = ("440305001", "440305002")


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def ready(service: str) -> int:
    return httpx.get(f"{service}/readyz", trust_env=False).status_code


def test_not_ready_while_a_publishing_cannot_be_followed(
    ground: Database, service: str, client: Client
) -> None:
    publish(ground, "community", coded(lattice(2, 1)), DAYS[0], areas=TOWNS)
    caller = client("viewer")
    until(lambda: caller.get(HERE).json()["owners"] != [])
    assert ready(service) == 200
    with ground.write() as session:
        session.execute(text("UPDATE cells SET code = '', id = id + 1000 WHERE code = '001'"))
        note_publishing(session)
    until(lambda: ready(service) == 503)
    answer = httpx.get(f"{service}/readyz", trust_env=False)
    assert answer.headers["Retry-After"] == "2"
    assert answer.json()["detail"] == "The published plans have changed and could not be read again."
    # What was published before is still answered.
    assert caller.get(HERE).json()["owners"][0]["cell"]["code"] == "001"
    with ground.write() as session:
        session.execute(text("UPDATE cells SET code = '001' WHERE code = ''"))
    until(lambda: ready(service) == 200)


@pytest.mark.parametrize("copy_of", ["postgresql"], indirect=True)
def test_a_database_that_is_gone_is_said_and_nobody_is_believed(
    ground: Database, service: str, client: Client, postgresql_url: str
) -> None:
    caller = client("viewer")
    assert caller.get(HERE).status_code == 200
    name = ground.url.database
    server = create_engine(f"{postgresql_url}/postgres", isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
        connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"),
            {"name": name},
        )
        until(lambda: caller.get(HERE).status_code == 503)
        answer = caller.get("/v1/areas")
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "2"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.json()["detail"] == "The database cannot be used at the moment; try again."
        assert ready(service) == 503
        assert httpx.get(f"{service}/healthz", trust_env=False).status_code == 200
        connection.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true"))
    server.dispose()
    until(lambda: ready(service) == 200)
    until(lambda: caller.get(HERE).status_code == 200)
