"""A write is kept or its request is given up, never both."""

import asyncio
from collections.abc import Callable
from threading import Event
from typing import Any

import pytest
from fastapi import FastAPI, Request
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.idempotency import IdempotentWrite, WriteResult
from api.http.middleware import RequestContextMiddleware
from api.security.caller import set_principal
from api.security.principal import SYSTEM
from gis.errors import ConflictError
from layers.db.database import Database, bump_revision

LIMIT_S = 1.0


async def ask(app: ASGIApp, database: Database) -> tuple[int, bytes]:
    """Send a request that writes; return the status and the body of its answer."""
    served = FastAPI()
    served.state.database = database
    scope = {"type": "http", "method": "POST", "path": "/v1/schemes", "headers": [], "app": served}
    set_principal(scope, SYSTEM)
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await RequestContextMiddleware(app, LIMIT_S)(scope, receive, send)
    return sent[0]["status"], sent[1]["body"]


def writing(scope: Scope, meanwhile: Callable[[], Any]) -> None:
    """Count the revision up as a route would; `meanwhile` is called when that is written and not yet kept."""

    def deed(session: Session) -> WriteResult:
        bump_revision(session)
        meanwhile()
        return WriteResult({})

    IdempotentWrite(Request(scope), None)(None, deed)


def test_a_write_that_was_given_up_is_not_kept(database: Database) -> None:
    given_up, refused = Event(), Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        def write() -> None:
            with pytest.raises(ConflictError, match="given up"):
                writing(scope, lambda: given_up.wait(60))
            refused.set()

        await run_in_threadpool(write)

    async def asking() -> tuple[int, bytes]:
        answer = await ask(app, database)
        given_up.set()
        assert await run_in_threadpool(refused.wait, 60)
        return answer

    status, body = asyncio.run(asking())
    assert (status, b"nothing is kept" in body) == (503, True)
    assert database.read_revision() == 0


def test_a_write_that_is_kept_is_answered_however_late(database: Database) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await run_in_threadpool(writing, scope, lambda: None)
        await asyncio.sleep(1.3 * LIMIT_S)
        await JSONResponse({})(scope, receive, send)

    assert asyncio.run(ask(app, database)) == (200, b"{}")
    assert database.read_revision() == 1
