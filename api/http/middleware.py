"""What surrounds every request: an id, one line of log, metrics, and a limit of time.

It is plain ASGI and knows no route; who may call, and how large a body may be, is for `api.security`.
"""

import asyncio
import itertools
import re
import secrets
import time
from collections.abc import Collection
from threading import Lock

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import logs
from api.messages import set_caller_headers
from api.metrics import REQUEST_METRICS
from api.problems import failure_response, log_error, problem_response
from gis.errors import ConflictError

_REQUEST_ID_PATTERN = re.compile(r"[0-9A-Za-z._-]{8,64}\Z")

_KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestContextMiddleware:
    """Gives each request an id and a limit of time, logs it, and counts it.

    Parameters
    ----------
    app
        The application within.
    request_s
        Seconds until the answer must have begun.
    slow_paths
        Paths, or how they end, of what takes long by its nature, for which it is twenty times as long.
    """

    def __init__(self, app: ASGIApp, request_s: float, slow_paths: Collection[str] = ()) -> None:
        self._app = app
        self._request_s = request_s
        self._slow_paths = tuple(slow_paths)
        # Ids need to differ and not to be secret: a process makes them from its own beginning on.
        self._counter = itertools.count()
        self._id_prefix = secrets.token_hex(5)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        request_id = _client_request_id(scope) or f"{self._id_prefix}{next(self._counter):06x}"
        scope["wangge.request_id"] = request_id
        set_caller_headers(scope["headers"])
        limit = self._request_s * (20 if scope["path"].endswith(self._slow_paths) else 1)
        deadline = _Deadline(limit)
        scope["wangge.begin_commit"] = deadline.begin_commit
        status = 500
        started = False

        async def send_with_request_id(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                deadline.disarm()
                status = message["status"]
                started = True
                message.setdefault("headers", [])
                message["headers"].append((b"x-request-id", request_id.encode()))
            await send(message)

        REQUEST_METRICS.start_request()
        context_token = logs.REQUEST_ID.set(request_id)
        try:
            await self._app(scope, receive, send_with_request_id)
        except asyncio.CancelledError:
            if started:
                raise
            timed_out = deadline.expired()
            # The thread of a write goes on meanwhile, but keeps nothing unless it has begun to.
            detail = (
                f"The answer took longer than {limit:g} s; nothing is kept. Ask for less, or through a job."
                if timed_out
                else "The service is being stopped; nothing of this is kept. Ask again later."
                if deadline.try_abandon()
                else "The service is being stopped; ask again later, and look first at what has been done."
            )
            response = problem_response(503, detail, request_id=request_id, headers={"Retry-After": "5"})
            await response(scope, receive, send_with_request_id)
            if not timed_out:
                raise
        except Exception as error:
            if started:
                log_error(error)
                raise
            await failure_response(error, request_id)(scope, receive, send_with_request_id)
        finally:
            deadline.disarm()
            logs.REQUEST_ID.reset(context_token)
            _record_request(scope, request_id, status, time.perf_counter() - began)


class _Deadline:
    """Cancels the present task after a time, as `asyncio.timeout` does, at a quarter of its price.

    A request is either given up or what it writes is kept, whichever comes first.
    """

    __slots__ = ("_cancelling_before", "_expired", "_outcome_lock", "_task", "_timer")

    def __init__(self, seconds: float) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._cancelling_before = task.cancelling()
        self._expired = False
        # Whoever takes it decides how the request ends; it is never released.
        self._outcome_lock = Lock()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._expire)

    def _expire(self) -> None:
        if self.try_abandon():
            self._expired = True
            self._task.cancel()

    def try_abandon(self) -> bool:
        """Let nothing be kept from now on; return False if that comes too late."""
        return self._outcome_lock.acquire(blocking=False)

    def begin_commit(self) -> None:
        """Begin to keep what the request has written, in any thread; it is not given up any more.

        Raises
        ------
        ConflictError
            If it has been given up.
        """
        if not self.try_abandon():
            raise ConflictError("The request was given up before it was done; nothing of it is kept.")

    def disarm(self) -> None:
        """Let the task go on for as long as it likes."""
        self._timer.cancel()

    def expired(self) -> bool:
        """Return whether it alone cancelled the task, and if so take the cancellation back."""
        return self._expired and self._task.uncancel() <= self._cancelling_before


def _record_request(scope: Scope, request_id: str, status: int, seconds: float) -> None:
    method = scope["method"] if scope["method"] in _KNOWN_METHODS else "other"
    route = scope.get("wangge.route") or getattr(scope.get("route"), "path", None) or "other"
    REQUEST_METRICS.finish_request(method, route, status, seconds)
    logs.log_request(request_id, method, route, status, seconds)


def _client_request_id(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            request_id: str = value.decode("latin-1")
            if _REQUEST_ID_PATTERN.match(request_id):
                return request_id
    return None
