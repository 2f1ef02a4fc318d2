"""Connections to PostgreSQL that notice when the server has fallen silent."""

import time
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.abc import RV, PQGen
from sqlalchemy import Engine, create_engine, event

PROBE_AFTER_S = 3.0
"""Seconds after which a statement that waits asks whether the server still answers anybody."""

_PROBE_TIMEOUT_S = 3
_RETRY_AFTER_S = 2.0
# How long after it was found silent no one connects: each would wait as long to learn the same.

_CONNECT_ARGS = {
    "connect_timeout": 5,
    # A way that is cut tells nothing, and the patience of TCP is a quarter of an hour or none.
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
}


class ServerHealth:
    """What the connections of one engine know of their server: when it was found silent last."""

    def __init__(self) -> None:
        self._unavailable_until = 0.0

    def connect(self, arguments: Any, parameters: Any) -> "WatchedConnection":
        """Connect, or raise psycopg's OperationalError: at once if the server was silent a moment ago."""
        if time.monotonic() < self._unavailable_until:
            raise psycopg.OperationalError("the server does not answer")
        try:
            connection = WatchedConnection.connect(*arguments, **parameters)
        except psycopg.errors.ConnectionTimeout:
            self._unavailable_until = time.monotonic() + _RETRY_AFTER_S
            raise
        connection.probe = lambda: self._probe(arguments, parameters)
        return connection

    def _probe(self, arguments: Any, parameters: Any) -> bool:
        """Return whether the server answers who connects, if only to refuse."""
        # Not by PQping, for which psycopg keeps all other threads waiting.
        try:
            self.connect(arguments, {**parameters, "connect_timeout": _PROBE_TIMEOUT_S}).close()
        except psycopg.Error:
            return time.monotonic() >= self._unavailable_until
        return True


class WatchedConnection(psycopg.Connection[Any]):
    """A connection whose statements may take long, as long as the server answers others."""

    probe: Callable[[], bool] | None = None

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Wait as psycopg does; raise its OperationalError and end the connection if the server is silent."""
        if self.probe is not None and timeout is None:
            gen = self._watch(gen, self.probe)
        return super().wait(gen, interval, timeout)

    def _watch(self, waiting: PQGen[RV], probe: Callable[[], bool]) -> PQGen[RV]:
        last_heard = time.monotonic()
        try:
            wanted_state = next(waiting)
            while True:
                ready = yield wanted_state
                if ready:
                    last_heard = time.monotonic()
                elif time.monotonic() - last_heard > PROBE_AFTER_S:
                    if not probe():
                        self.pgconn.finish()
                        raise psycopg.OperationalError("the server does not answer")
                    last_heard = time.monotonic()
                wanted_state = waiting.send(ready)
        except StopIteration as end:
            result: RV = end.value
            return result


def make_engine(url: str, **options: Any) -> Engine:
    """Return an engine of watched connections; options are those of `sqlalchemy.create_engine`."""
    # A caller who gets no connection is answered before a proxy in front gives up.
    engine = create_engine(url, connect_args=_CONNECT_ARGS, pool_pre_ping=True, pool_timeout=10, **options)
    server = ServerHealth()

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, arguments: Any, parameters: Any) -> WatchedConnection:
        return server.connect(arguments, parameters)

    return engine
