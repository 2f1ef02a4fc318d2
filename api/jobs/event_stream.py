"""The server-sent events of a job: one for each change, until the job, the stream or access to it ends."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple

import orjson
from sqlalchemy.exc import DBAPIError
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from api.http.caller_slots import CallerSlots
from api.problems import failure_response, is_database_unavailable, problem_response, status_of
from api.schemas.jobs import job_record
from gis.errors import WanggeError
from layers.db.database import Database
from layers.jobs.queue import find_job
from layers.models import JobState

MAX_STREAM_S = 600.0
"""How long a stream lasts; a browser asks for the next by itself."""

MAX_OUTAGE_S = 5.0
"""How long the database may be away before a stream ends for it."""

UNFINISHED = frozenset({JobState.queued, JobState.running})
"""The states of a job that has not ended."""

_POLL_S = 0.3
_KEEP_ALIVE_S = 15.0

JobVersion = tuple[int, dict[str, Any]]
"""The version of a job, and its record."""


class JobStreams:
    """The streams of one process: each job is read once for all of them, and no caller has too many.

    Parameters
    ----------
    database
        Where the jobs are.
    per_caller
        The most streams that one caller may have.
    """

    def __init__(self, database: Database, per_caller: int) -> None:
        self._database = database
        self.slots = CallerSlots(
            per_caller, f"You follow {per_caller} jobs already; close one of these streams first."
        )
        self._reads: dict[int, _SharedRead] = {}

    async def read(self, job_id: int) -> JobVersion:
        """Return a job as it was a moment ago at most, read by whoever asks first."""
        now = time.monotonic()
        found = self._reads.get(job_id)
        if found is None or (found.task.done() and now - found.began >= _POLL_S):
            self._reads = {
                number: read
                for number, read in self._reads.items()
                if not read.task.done() or now - read.began < _POLL_S
            }
            found = _SharedRead(asyncio.ensure_future(run_in_threadpool(self._load, job_id)), now)
            self._reads[job_id] = found
        # One who goes away does not take the answer from the others.
        return await asyncio.shield(found.task)

    def _load(self, job_id: int) -> JobVersion:
        with self._database.read() as session:
            job = find_job(session, job_id)
            return job.version, job_record(job)


class JobStream(StreamingResponse):
    """A stream that counts as its caller's until it has ended, however it does."""

    def __init__(self, streams: JobStreams, caller: str, events: AsyncIterator[bytes]) -> None:
        super().__init__(events, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
        self._streams, self._caller = streams, caller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events."""
        with self._streams.slots.take(self._caller):
            await super().__call__(scope, receive, send)


class _SharedRead(NamedTuple):
    task: asyncio.Future[JobVersion]
    began: float


async def job_events(
    read: Callable[[], Awaitable[JobVersion]],
    require_access: Callable[[dict[str, Any]], Awaitable[None]],
    request_id: str | None,
) -> AsyncIterator[bytes]:
    """Yield the events of a job.

    Parameters
    ----------
    read
        Returns the version of the job and its record.
    require_access
        Raises an error when the caller may not see the record any more; asked before each event.
    request_id
        Of the request, for a problem that ends the stream.
    """
    began = last_sent = last_read = time.monotonic()
    version: int | None = None
    while True:
        try:
            present, record = await read()
            await require_access(record)
        except WanggeError as error:
            yield _event("problem", bytes(problem_response(status_of(error), str(error)).body))
            return
        except DBAPIError as error:
            if is_database_unavailable(error) and time.monotonic() - last_read < MAX_OUTAGE_S:
                await asyncio.sleep(_POLL_S)
                continue
            # The status is sent already.
            yield _event("problem", bytes(failure_response(error, request_id).body))
            return
        last_read = time.monotonic()
        if present != version:
            version, last_sent = present, last_read
            yield _event("job", orjson.dumps(record))
        elif last_read - last_sent > _KEEP_ALIVE_S:
            last_sent = last_read
            yield b": still there\n\n"
        if record["state"] not in UNFINISHED or last_read - began >= MAX_STREAM_S:
            return
        await asyncio.sleep(_POLL_S)


def _event(name: str, data: bytes) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"
