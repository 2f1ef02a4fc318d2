"""What protects every request: headers, hosts, and the limit of bodies."""

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import Message, Receive, Scope, Send

from api.http.request_scope import CALLER_KEY
from api.security.limits import (
    DATA_CSP,
    PAGE_CSP,
    BodyLimitMiddleware,
    SecurityHeadersMiddleware,
    TrustedHostMiddleware,
)
from api.security.principal import SYSTEM, Role
from tests.api.security.conftest import Client, MakeClient, Token, bearer


def call(app: Any, bodies: list[bytes] | None = None, **scope: Any) -> tuple[int, dict[str, str], bytes]:
    """Send a request to a plain ASGI application in pieces."""
    pieces: Iterator[bytes] = iter(bodies or [b""])
    left = len(bodies or [b""])
    sent: list[Message] = []

    async def receive() -> Message:
        nonlocal left
        left -= 1
        return {"type": "http.request", "body": next(pieces), "more_body": left > 0}

    async def send(message: Message) -> None:
        sent.append(message)

    asked = {"type": "http", "method": "POST", "path": "/", "scheme": "http", "headers": [], **scope}
    asked.setdefault(CALLER_KEY, SYSTEM)
    asyncio.run(app(asked, receive, send))
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    assert sum(message["type"] == "http.response.start" for message in sent) == 1
    return sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:])


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(str(len(await Request(scope, receive).body())))(scope, receive, send)


async def slurp(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that takes whatever happens while reading for a fault of the request."""
    try:
        await echo(scope, receive, send)
    except Exception:
        await PlainTextResponse("bad", 400)(scope, receive, send)


def test_every_answer_carries_the_headers(client: Client, token: Token) -> None:
    for answer in (
        client.get("/v1/healthz"),
        client.get("/v1/areas"),
        client.get("/v1/areas", headers=bearer(token(Role.viewer))),
        client.get("/none", headers=bearer(token(Role.viewer))),
        client.post("/v1/session", content=b"x" * 2000),
        client.get("/v1/areas", headers={"Host": "evil.example"}),
    ):
        assert answer.headers["content-security-policy"] == DATA_CSP
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "strict-transport-security" not in answer.headers


def test_https_is_kept_to(make_client: MakeClient) -> None:
    headers = make_client(base_url="https://localhost").get("/v1/healthz").headers
    assert headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize(
    ("answer", "policy", "cached"),
    [
        (HTMLResponse("page"), PAGE_CSP, "no-store"),
        (Response("x", headers={"Content-Security-Policy": "sandbox"}), "sandbox", "no-store"),
        (Response("x", headers={"Cache-Control": "private, no-cache"}), DATA_CSP, "private, no-cache"),
    ],
)
def test_a_page_loads_its_own_and_an_answer_keeps_its_own(answer: Response, policy: str, cached: str) -> None:
    _, headers, _ = call(SecurityHeadersMiddleware(answer))
    assert headers["content-security-policy"] == policy
    assert headers["cache-control"] == cached
    assert "'unsafe-inline'" not in policy
    assert "'unsafe-eval'" not in policy


@pytest.mark.parametrize(
    ("hosts", "status"),
    [
        ([b"localhost"], 200), ([b"LOCALHOST:8000"], 200), ([b"[::1]:8000"], 200), ([b"127.0.0.1"], 200),
        ([], 400), ([b""], 400), ([b"evil.example"], 400), ([b"localhost.evil.example"], 400),
        ([b"localhost", b"evil.example"], 400), ([b"localhost@evil.example"], 400),
        ([b"localhost:8000@evil.example"], 400), ([b"localhost:x"], 400), ([b"[::1]evil"], 400),
    ],
)  # fmt: skip
def test_only_known_hosts_are_answered(hosts: list[bytes], status: int) -> None:
    app = TrustedHostMiddleware(echo, ["localhost", "127.0.0.1", "[::1]"])
    assert call(app, headers=[(b"host", host) for host in hosts])[0] == status
    assert call(app, path="/healthz")[0] == 200
    assert call(TrustedHostMiddleware(echo, ["*"]), headers=[(b"host", host) for host in hosts])[0] == 200


@pytest.mark.parametrize("inner", [echo, slurp])
@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize(("size", "status"), [(0, 200), (1000, 200), (1001, 413), (50_000, 413)])
def test_a_body_too_large_is_refused_whether_told_or_not(
    inner: Any, told: bool, size: int, status: int
) -> None:
    bodies = [b"x" * min(400, size - start) for start in range(0, size, 400)] or [b""]
    headers = [(b"content-length", str(size).encode())] if told else []
    found, _, body = call(BodyLimitMiddleware(inner, 1000, 5000), bodies, headers=headers)
    assert found == status
    assert body == str(size).encode() if status == 200 else b"1,000 bytes" in body


@pytest.mark.parametrize("length", [b"-1", b"1e3", b"ten", b"99999999999999999999"])
def test_a_length_that_is_none_is_refused(length: bytes) -> None:
    assert call(BodyLimitMiddleware(echo, 1000, 5000), headers=[(b"content-length", length)])[0] == 413


def test_an_upload_may_be_larger() -> None:
    app = BodyLimitMiddleware(echo, 1000, 5000, ["/v1/imports"])
    assert call(app, [b"x" * 5000], path="/v1/imports")[0] == 200
    assert call(app, [b"x" * 5001], path="/v1/imports")[0] == 413
    assert call(app, [b"x" * 1001], path="/v1/imports/1")[0] == 413


def test_a_caller_sends_so_many_files_at_once() -> None:
    other = SimpleNamespace(label="another")

    async def run() -> list[int]:
        arrived, go_on = 0, asyncio.Event()

        async def receive() -> Message:
            nonlocal arrived
            arrived += 1
            await go_on.wait()
            return {"type": "http.request", "body": b"x", "more_body": False}

        async def ask(caller: Any, path: str) -> int:
            sent: list[Message] = []

            async def send(message: Message) -> None:
                sent.append(message)

            scope = {"type": "http", "method": "POST", "path": path, "headers": [], CALLER_KEY: caller}
            await app(scope, receive, send)
            status: int = sent[0]["status"]
            return status

        app = BodyLimitMiddleware(echo, 10, 20, ["/v1/imports"], uploads_at_once=2)
        first = [asyncio.create_task(ask(SYSTEM, "/v1/imports")) for _ in range(2)]
        while arrived < 2:
            await asyncio.sleep(0)
        refused = await ask(SYSTEM, "/v1/imports")
        others = [
            asyncio.create_task(ask(*each)) for each in ((other, "/v1/imports"), (SYSTEM, "/v1/locate"))
        ]
        while arrived < 4:
            await asyncio.sleep(0)
        go_on.set()
        answered = await asyncio.gather(*first, *others)
        return [refused, *answered, await ask(SYSTEM, "/v1/imports")]

    assert asyncio.run(run()) == [429, 200, 200, 200, 200, 200]
