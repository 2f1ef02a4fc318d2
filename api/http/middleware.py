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
from api.metrics import TALLY
from api.problems import failure, problem, report
from gis.errors import ConflictError

_ID = re.compile(r"[0-9A-Za-z._-]{8,64}\Z")

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Surroundings:
    """Gives each request an id and a limit of time, logs it, and counts it.

    Parameters
    ----------
    app
        The application within.
    request_s
        Seconds until the answer must have begun.
    patient
        Paths, or how they end, of what takes long by its nature, for which it is twenty times as long.
    """

    def __init__(self, app: ASGIApp, request_s: float, patient: Collection[str] = ()) -> None:
        self._app = app
        self._request_s = request_s
        self._patient = tuple(patient)
        # Ids need to differ and not to be secret: a process makes them from its own beginning on.
        self._made = itertools.count()
        self._first = secrets.token_hex(5)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        request_id = _given_id(scope) or f"{self._first}{next(self._made):06x}"
        scope["wangge.request_id"] = request_id
        limit = self._request_s * (20 if scope["path"].endswith(self._patient) else 1)
        deadline = _Deadline(limit)
        scope["wangge.keep"] = deadline.keep
        status = 500
        started = False

        async def sending(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                deadline.lift()
                status = message["status"]
                started = True
                message.setdefault("headers", [])
                message["headers"].append((b"x-request-id", request_id.encode()))
            await send(message)

        TALLY.begin()
        known = logs.REQUEST_ID.set(request_id)
        try:
            await self._app(scope, receive, sending)
        except asyncio.CancelledError:
            if started:
                raise
            late = deadline.was_it()
            # The thread of a write goes on meanwhile, but keeps nothing unless it has begun to.
            said = (
                f"The answer took longer than {limit:g} s; nothing is kept. Ask for less, or through a job."
                if late
                else "The service is being stopped; nothing of this is kept. Ask again later."
                if deadline.give_up()
                else "The service is being stopped; ask again later, and look first at what has been done."
            )
            answer = problem(503, said, request_id=request_id, headers={"Retry-After": "5"})
            await answer(scope, receive, sending)
            if not late:
                raise
        except Exception as error:
            if started:
                report(error)
                raise
            await failure(error, request_id)(scope, receive, sending)
        finally:
            deadline.lift()
            logs.REQUEST_ID.reset(known)
            _note(scope, request_id, status, time.perf_counter() - began)


class _Deadline:
    """Cancels the present task after a time, as `asyncio.timeout` does, at a quarter of its price.

    A request is either given up or what it writes is kept, whichever comes first.
    """

    __slots__ = ("_before", "_decided", "_expired", "_task", "_timer")

    def __init__(self, seconds: float) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._before = task.cancelling()
        self._expired = False
        # Whoever takes it decides how the request ends; it is never released.
        self._decided = Lock()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._expire)

    def _expire(self) -> None:
        if self.give_up():
            self._expired = True
            self._task.cancel()

    def give_up(self) -> bool:
        """Let nothing be kept from now on; return False if that comes too late."""
        return self._decided.acquire(blocking=False)

    def keep(self) -> None:
        """Begin to keep what the request has written, in any thread; it is not given up any more.

        Raises
        ------
        ConflictError
            If it has been given up.
        """
        if not self.give_up():
            raise ConflictError("The request was given up before it was done; nothing of it is kept.")

    def lift(self) -> None:
        """Let the task go on for as long as it likes."""
        self._timer.cancel()

    def was_it(self) -> bool:
        """Tell whether it alone cancelled the task, which is then cancelled no more."""
        return self._expired and self._task.uncancel() <= self._before


def _note(scope: Scope, request_id: str, status: int, seconds: float) -> None:
    method = scope["method"] if scope["method"] in _METHODS else "other"
    route = scope.get("wangge.route") or getattr(scope.get("route"), "path", None) or "other"
    TALLY.end(method, route, status, seconds)
    logs.note_request(request_id, method, route, status, seconds)


def _given_id(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            given: str = value.decode("latin-1")
            if _ID.match(given):
                return given
    return None
