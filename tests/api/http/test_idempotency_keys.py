"""Idempotency-Key: the same request is answered again for two days, another is refused."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import pytest
from fastapi import FastAPI, Request
from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.http import idempotency
from api.http.idempotency import IdempotentWrite, WriteResult
from api.security.caller import set_principal
from api.security.principal import SYSTEM
from gis.errors import InputError
from layers.db.database import Database, bump_revision
from layers.models import IdempotencyKey

MOMENT = datetime(2026, 3, 1, 12, tzinfo=UTC)
TICK = timedelta(milliseconds=1)


class Body(BaseModel):
    name: str


def write(database: Database, key: str | None, name: str = "a", **headers: str) -> Any:
    """Send a write that counts the revision up."""
    served = FastAPI()
    served.state.database = database
    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": "/v1/schemes",
        "headers": [(field.encode(), value.encode()) for field, value in headers.items()],
        "app": served,
        "wangge.begin_commit": lambda: None,
    }
    set_principal(scope, SYSTEM)

    def deed(session: Session) -> WriteResult:
        return WriteResult({"revision": bump_revision(session)}, 201, version=7, location="/v1/schemes/7")

    return IdempotentWrite(Request(scope), key)(Body(name=name), deed)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """What the clock shows: its only element."""
    shown = [MOMENT]

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Clock":
            return cls.fromtimestamp(shown[0].timestamp(), tz)

    monkeypatch.setattr(idempotency, "datetime", Clock)
    return shown


def test_a_repeated_request_is_answered_again_for_two_days(database: Database, now: list[datetime]) -> None:
    first = write(database, "k")
    now[0] = MOMENT + timedelta(days=2) - TICK
    again = write(database, "k")
    assert (again.body, again.status_code) == (first.body, 201) == (b'{"revision":1}', 201)
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    for answer in (first, again):
        # After the version stands which database it is of.
        assert answer.headers["etag"].startswith('"7-')
        assert answer.headers["location"] == "/v1/schemes/7"
    now[0] = MOMENT + timedelta(days=2)
    assert write(database, "k").body == b'{"revision":2}'


def test_what_is_over_is_cleared_away_by_the_next_new_key(database: Database, now: list[datetime]) -> None:
    write(database, "old")
    now[0] += TICK
    write(database, "new")
    now[0] = MOMENT + timedelta(days=2)
    write(database, "another")
    with database.read() as session:
        assert sorted(session.scalars(select(IdempotencyKey.key))) == ["another", "new"]


def test_a_key_belongs_to_one_request(database: Database) -> None:
    write(database, "k")
    for other in ({"name": "b"}, {"if-match": '"1"'}):
        with pytest.raises(InputError, match="used for another request"):
            write(database, "k", **other)
    assert database.read_revision() == 1


def test_without_a_key_each_request_is_a_deed(database: Database) -> None:
    assert [write(database, None).body for _ in range(2)] == [b'{"revision":1}', b'{"revision":2}']
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(IdempotencyKey)) == 0
