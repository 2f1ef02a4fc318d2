"""The server-sent events of a job: one for each change, until the job or the stream ends."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
from sqlalchemy.exc import DBAPIError
from starlette.concurrency import run_in_threadpool

from api.problems import failure_response, is_database_unavailable
from layers.models import JobState

MAX_STREAM_S = 600.0
"""How long a stream lasts; a browser asks for the next by itself."""

MAX_OUTAGE_S = 5.0
"""How long the database may be away before a stream ends for it."""

UNFINISHED = frozenset({JobState.queued, JobState.running})
"""The states of a job that has not ended."""

_POLL_S = 0.3
_KEEP_ALIVE_S = 15.0


async def job_events(
    load: Callable[[], tuple[int, dict[str, Any]]],
    first: tuple[int, dict[str, Any]],
    request_id: str | None,
) -> AsyncIterator[bytes]:
    """Yield the events of a job.

    Parameters
    ----------
    load
        Reads the version of the job and its record; called in a thread.
    first
        What it returned at first.
    request_id
        Of the request, for a problem that ends the stream.
    """
    began = last_sent = last_read = time.monotonic()
    version, record = first
    yield _event("job", orjson.dumps(record))
    while record["state"] in UNFINISHED and time.monotonic() - began < MAX_STREAM_S:
        await asyncio.sleep(_POLL_S)
        try:
            present, record = await run_in_threadpool(load)
        except DBAPIError as error:
            if is_database_unavailable(error) and time.monotonic() - last_read < MAX_OUTAGE_S:
                continue
            # The status is sent already.
            yield _event("problem", bytes(failure_response(error, request_id).body))
            return
        last_read = time.monotonic()
        if present != version:
            version, last_sent = present, time.monotonic()
            yield _event("job", orjson.dumps(record))
        elif time.monotonic() - last_sent > _KEEP_ALIVE_S:
            last_sent = time.monotonic()
            yield b": still there\n\n"


def _event(name: str, data: bytes) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"
