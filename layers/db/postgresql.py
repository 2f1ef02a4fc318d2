"""Connections to PostgreSQL that notice when the server has fallen silent, so that nobody waits for ever."""

import time
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.abc import RV, PQGen
from sqlalchemy import Engine, create_engine, event

SILENCE_S = 3.0
"""Seconds after which a statement that waits asks whether the server still answers anybody."""

_ASKED_S = 3
_AWAY_S = 2.0
# For so long after it was found silent nobody connects: each would wait as long to learn the same.

_CONNECTION = {
    "connect_timeout": 5,
    # A way that is cut tells nothing, and the patience of TCP is a quarter of an hour or none.
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
}


class Server:
    """What the connections of one engine know of their server: when it was found silent last."""

    def __init__(self) -> None:
        self._silent_until = 0.0

    def connect(self, arguments: Any, parameters: Any) -> "Watched":
        """Connect, or raise psycopg's OperationalError: at once if the server was silent a moment ago."""
        if time.monotonic() < self._silent_until:
            raise psycopg.OperationalError("the server does not answer")
        try:
            made = Watched.connect(*arguments, **parameters)
        except psycopg.errors.ConnectionTimeout:
            self._silent_until = time.monotonic() + _AWAY_S
            raise
        made.answers = lambda: self._answers(arguments, parameters)
        return made

    def _answers(self, arguments: Any, parameters: Any) -> bool:
        """Tell whether the server answers who connects, if only to refuse."""
        # Not by PQping, for which psycopg keeps all other threads waiting.
        try:
            self.connect(arguments, {**parameters, "connect_timeout": _ASKED_S}).close()
        except psycopg.Error:
            return time.monotonic() >= self._silent_until
        return True


class Watched(psycopg.Connection[Any]):
    """A connection whose statements may take long, as long as the server answers others."""

    answers: Callable[[], bool] | None = None

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Wait as psycopg does; raise its OperationalError and end the connection if the server is silent."""
        if self.answers is not None and timeout is None:
            gen = self._watching(gen, self.answers)
        return super().wait(gen, interval, timeout)

    def _watching(self, waiting: PQGen[RV], answers: Callable[[], bool]) -> PQGen[RV]:
        heard = time.monotonic()
        try:
            asks = next(waiting)
            while True:
                ready = yield asks
                if ready:
                    heard = time.monotonic()
                elif time.monotonic() - heard > SILENCE_S:
                    if not answers():
                        self.pgconn.finish()
                        raise psycopg.OperationalError("the server does not answer")
                    heard = time.monotonic()
                asks = waiting.send(ready)
        except StopIteration as end:
            result: RV = end.value
            return result


def make_engine(url: str, **options: Any) -> Engine:
    """Return an engine of watched connections; options are those of `sqlalchemy.create_engine`."""
    # Whoever gets no connection is answered before a proxy in front gives up.
    engine = create_engine(url, connect_args=_CONNECTION, pool_pre_ping=True, pool_timeout=10, **options)
    server = Server()

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, arguments: Any, parameters: Any) -> Watched:
        return server.connect(arguments, parameters)

    return engine
