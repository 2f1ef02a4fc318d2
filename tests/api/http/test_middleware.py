"""What surrounds a request: its limit of time, its id, its line of log, and answers when something fails."""

import asyncio
import json
import sqlite3
from typing import Any

import psycopg
import pytest
import structlog
from prometheus_client import REGISTRY
from sqlalchemy import exc
from starlette.types import Message, Receive, Scope, Send

from api import logs
from api.http.middleware import RequestContextMiddleware
from api.metrics import REQUEST_METRICS
from api.security.limits import SecurityHeadersMiddleware
from gis.errors import InputError

SCOPE = {"type": "http", "method": "GET", "path": "/v1/thing", "scheme": "http", "query_string": b"secret=1"}
ENDLESS = 3600.0


class Call:
    """One request to an application within the surroundings."""

    def __init__(self, app: Any, limit: float = ENDLESS, **scope: Any) -> None:
        self.sent: list[Message] = []
        self._app = SecurityHeadersMiddleware(RequestContextMiddleware(app, limit, ["/v1/files", "/weigh"]))
        self._scope = {**SCOPE, "headers": [], **scope}

    async def run(self) -> "Call":
        await self._app(self._scope, self._receive, self._send)
        return self

    async def _receive(self) -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def _send(self, message: Message) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int:
        found: int = self.sent[0]["status"]
        return found

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def problem(self) -> Any:
        return json.loads(b"".join(message.get("body", b"") for message in self.sent[1:]))


def answering(seconds: float = 0.0, then: float = 0.0) -> Any:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(seconds)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(then)
        await send({"type": "http.response.body", "body": b"done"})

    return app


def raising(error: Exception, *, started: bool = False) -> Any:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if started:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        raise error

    return app


def wrapped(error: type[exc.DBAPIError], orig: BaseException, *, lost: bool = False) -> exc.DBAPIError:
    return error("SELECT name", {"name": "张三"}, orig, connection_invalidated=lost)


def sqlite_error(statement: str) -> sqlite3.OperationalError:
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute(statement)
    except sqlite3.OperationalError as error:
        return error
    finally:
        connection.close()
    raise AssertionError


def locked() -> sqlite3.OperationalError:
    one = sqlite3.connect("file:locked?mode=memory&cache=shared", uri=True, timeout=0)
    two = sqlite3.connect("file:locked?mode=memory&cache=shared", uri=True, timeout=0)
    try:
        one.execute("BEGIN EXCLUSIVE")
        two.execute("CREATE TABLE a (b)")
    except sqlite3.OperationalError as error:
        return error
    finally:
        one.close()
        two.close()
    raise AssertionError


def test_what_is_late_is_given_up() -> None:
    call = asyncio.run(Call(answering(ENDLESS), 0.05).run())
    assert call.status == 503
    assert call.headers["retry-after"] == "5"
    assert call.headers["x-content-type-options"] == "nosniff"
    assert call.problem["detail"].startswith("The answer took longer than 0.05 s")
    assert call.problem["request_id"] == call.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/v1/files", "/v1/things/12/weigh"])
def test_what_takes_long_by_its_nature_has_more_time(path: str) -> None:
    assert asyncio.run(Call(answering(0.1), 0.05, path=path).run()).status == 200


def test_an_answer_that_has_begun_may_take_its_time() -> None:
    call = asyncio.run(Call(answering(then=0.6), 0.3).run())
    assert [call.status, call.sent[1]["body"]] == [200, b"done"]


@pytest.mark.parametrize("limit", [ENDLESS, 0.01])
def test_a_server_that_stops_says_so_and_is_not_kept_from_it(limit: float) -> None:
    async def stop() -> Call:
        call = Call(answering(ENDLESS), limit)
        task = asyncio.create_task(call.run())
        asyncio.get_running_loop().call_later(0.01, task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await task
        return call

    call = asyncio.run(stop())
    assert call.status == 503
    assert call.headers["retry-after"] == "5"
    assert call.problem["detail"].startswith("The service is being stopped")


def test_a_task_is_whole_after_its_time_ended() -> None:
    async def again() -> tuple[int, int, int]:
        first = await Call(answering(ENDLESS), 0.01).run()
        second = await Call(answering(0.02), ENDLESS).run()
        task = asyncio.current_task()
        assert task is not None
        return first.status, second.status, task.cancelling()

    assert asyncio.run(again()) == (503, 200, 0)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (wrapped(exc.OperationalError, locked()), 503),
        (wrapped(exc.OperationalError, psycopg.OperationalError("connection failed")), 503),
        (wrapped(exc.OperationalError, psycopg.errors.QueryCanceled("too long")), 503),
        (wrapped(exc.InterfaceError, psycopg.InterfaceError("closed"), lost=True), 503),
        (exc.TimeoutError("no connection free"), 503),
        (wrapped(exc.OperationalError, sqlite_error("SELECT nothing")), 500),
        (wrapped(exc.ProgrammingError, psycopg.ProgrammingError("no such column")), 500),
        (wrapped(exc.InterfaceError, psycopg.InterfaceError("misused")), 500),
        (wrapped(exc.IntegrityError, sqlite3.IntegrityError("UNIQUE")), 500),
        (ValueError("张三"), 500),
        (InputError("不该到这里"), 500),
    ],
)
def test_a_database_that_is_away_is_no_error_of_the_program(
    error: Exception, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure()
    call = asyncio.run(Call(raising(error)).run())
    assert call.status == status
    assert ("retry-after" in call.headers) == (status == 503)
    assert call.headers["content-type"] == "application/problem+json"
    assert call.headers["cache-control"] == "no-store"
    said = capsys.readouterr().err
    assert type(error).__name__ in said
    for text in (said, json.dumps(call.problem, ensure_ascii=False)):
        assert "张三" not in text
        assert "SELECT" not in text


@pytest.mark.parametrize(
    ("orig", "code"),
    [(locked(), "SQLITE_LOCKED_SHAREDCACHE"), (psycopg.errors.DiskFull("no space for 张三"), "53100")],
)
def test_the_log_tells_by_its_code_what_ails_the_database(
    orig: Exception, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure()
    asyncio.run(Call(raising(wrapped(exc.OperationalError, orig))).run())
    (told,) = (json.loads(line) for line in capsys.readouterr().err.splitlines() if '"error"' in line)
    assert (told["event"], told["code"]) == ("the database cannot be used", code)


def test_what_fails_halfway_is_raised_for_the_server_to_break_off() -> None:
    call = Call(raising(ValueError("late"), started=True))
    with pytest.raises(ValueError, match="late"):
        asyncio.run(call.run())
    assert len(call.sent) == 1


def test_each_request_is_one_line_with_its_id_and_without_its_query(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        structlog.get_logger("wangge.test").info("within")
        scope["wangge.route"] = "/v1/{thing}"
        await answering()(scope, receive, send)

    def answered() -> float:
        labels = {"method": "GET", "route": "/v1/{thing}", "status": "200"}
        return REGISTRY.get_sample_value("wangge_requests_total", labels) or 0

    before = answered()
    asyncio.run(Call(app, headers=[(b"x-request-id", b"given-by-caller")]).run())
    call = asyncio.run(Call(app, headers=[(b"x-request-id", b"bad id\n")]).run())
    REQUEST_METRICS.flush()
    assert answered() == before + 2
    assert REGISTRY.get_sample_value("wangge_requests_running") == 0
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in lines] == ["within", "request"] * 2
    assert [line["request_id"] for line in lines[:2]] == ["given-by-caller"] * 2
    assert lines[2]["request_id"] == lines[3]["request_id"] == call.headers["x-request-id"] != "bad id\n"
    assert {key: lines[1][key] for key in ("method", "route", "status", "level", "logger")} == {
        "method": "GET",
        "route": "/v1/{thing}",
        "status": 200,
        "level": "info",
        "logger": "wangge.requests",
    }
    assert lines[1]["ms"] >= 0
    assert lines[1]["timestamp"].endswith("Z")
    assert "secret" not in json.dumps(lines)
    assert logs.REQUEST_ID.get() is None
