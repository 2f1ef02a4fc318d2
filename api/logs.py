"""Logs: JSON lines on standard error, each with the id of its request."""

import logging
import sys
from collections.abc import MutableMapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the current request, which every line logged meanwhile has."""

_JSON_LINE_OPTIONS = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z


def _add_request_id(_logger: Any, _name: str, record: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    request_id = REQUEST_ID.get()
    if request_id is not None:
        record.setdefault("request_id", request_id)
    return record


_SHARED_PROCESSORS: tuple[Any, ...] = (
    structlog.contextvars.merge_contextvars,
    _add_request_id,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def _dumps(record: Any, **_options: Any) -> str:
    return orjson.dumps(record, default=str).decode()


def _drop_exception_text(
    _logger: Any, _name: str, record: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Replace an exception by its class: its text may hold personal data."""
    raised = record.pop("exc_info", None)
    record.pop("exc_text", None)
    if isinstance(raised, tuple) and raised[0] is not None:
        record["error"] = raised[0].__name__
        record["event"] = str(record["event"]).splitlines()[0]
    return record


def log_request(request_id: str, method: str, route: str, status: int, seconds: float) -> None:
    """Log a request that has been answered.

    There is a line for every request, so it bypasses structlog, which would take longer than finding the
    owner of a location.

    Parameters
    ----------
    request_id
        Its id.
    method, route, status
        The request, without values, and the status of its answer.
    seconds
        From the request to the end of its answer.
    """
    line = orjson.dumps(
        {
            "event": "request",
            "method": method,
            "route": route,
            "status": status,
            "ms": round(seconds * 1000, 2),
            "request_id": request_id,
            "level": "info",
            "logger": "wangge.requests",
            "timestamp": datetime.now(UTC),
        },
        option=_JSON_LINE_OPTIONS,
    )
    try:
        sys.stderr.write(line.decode())
    except (OSError, ValueError):
        # The log is not read any more, which is no reason to refuse an answer.
        return


def configure(level: int = logging.INFO) -> None:
    """Send the logs of this process, including those of libraries, to standard error as JSON lines."""
    structlog.configure(
        processors=[*_SHARED_PROCESSORS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED_PROCESSORS,
            processors=[
                _drop_exception_text,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(_dumps),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    for name in ("wangge", "uvicorn.error"):
        logging.getLogger(name).setLevel(level)
    # Each request is logged once, without its query string.
    logging.getLogger("uvicorn.access").disabled = True
