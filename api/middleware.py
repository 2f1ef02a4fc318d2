"""What surrounds every request: an id, one line of log, metrics, and a limit of time.

It is plain ASGI and knows no route; who may call, and how large a body may be, is for `api.security`.
"""

import asyncio
import re
import secrets
import time
from collections.abc import Collection

import structlog
from prometheus_client import Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem, report

_ID = re.compile(r"[0-9A-Za-z._-]{8,64}\Z")

REQUESTS = Counter("wangge_requests", "Requests answered.", ("method", "route", "status"))
SECONDS = Histogram(
    "wangge_request_seconds",
    "Time from a request to the end of its answer.",
    ("method", "route"),
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
RUNNING = Gauge("wangge_requests_running", "Requests being answered.", multiprocess_mode="livesum")

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

log = structlog.get_logger("wangge.requests")


class Surroundings:
    """Gives each request an id and a limit of time, logs it, and counts it.

    Parameters
    ----------
    app
        The application within.
    request_s
        Seconds until the answer must have begun.
    patient
        Paths that take files, for which it is twenty times as long.
    """

    def __init__(self, app: ASGIApp, request_s: float, patient: Collection[str] = ()) -> None:
        self._app = app
        self._request_s = request_s
        self._patient = frozenset(patient)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope["wangge.request_id"] = request_id
        limit = self._request_s * (20 if scope["path"] in self._patient else 1)
        began = time.perf_counter()
        status = 500
        started = False

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                deadline.reschedule(None)
            await telling(message)

        async def telling(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                status = message["status"]
                started = True
                message.setdefault("headers", [])
                message["headers"].append((b"x-request-id", request_id.encode()))
            await send(message)

        RUNNING.inc()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                async with asyncio.timeout(limit) as deadline:
                    await self._app(scope, receive, sending)
            except TimeoutError:
                if not deadline.expired() or started:
                    raise
                late = problem(
                    503,
                    f"The answer took longer than {limit:g} s; ask for less, or through a job.",
                    request_id=request_id,
                    headers={"Retry-After": "5"},
                )
                await late(scope, receive, telling)
            except Exception as error:
                report(error)
                if started:
                    raise
                failed = problem(
                    500,
                    "An error of the program, not of yours; give its request_id to who runs the service.",
                    request_id=request_id,
                )
                await failed(scope, receive, telling)
            finally:
                RUNNING.dec()
                self._note(scope, status, time.perf_counter() - began)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = getattr(scope.get("route"), "path", None) or "other"
        REQUESTS.labels(method, route, status).inc()
        SECONDS.labels(method, route).observe(seconds)
        log.info("request", method=method, route=route, status=status, ms=round(seconds * 1000, 2))


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            given: str = value.decode("latin-1")
            if _ID.match(given):
                return given
    return secrets.token_hex(8)
