"""Connections of which nothing comes: closed when the head of a request takes too long."""

from asyncio import TimerHandle, Transport
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class ImpatientProtocol(HttpToolsProtocol):
    """The protocol of uvicorn, with a limit of time for a request line and its headers.

    By itself it closes only what is silent after an answer, and keeps for ever a connection that never says
    anything or sends a header a minute. How long a body may take is limited by `RequestContextMiddleware`.

    Parameters
    ----------
    header_s
        Seconds until the head of a request must have come.
    arguments
        Those of uvicorn.
    """

    def __init__(self, *, header_s: float, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._header_s = header_s
        self._head_timer: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """Read on; what comes after an answer has as long as the first request."""
        if self._head_timer is None and (self.cycle is None or self.cycle.response_complete):
            self._expect_head()
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """Wait no longer: the request has begun."""
        self._stop_waiting()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer: nobody is there."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        self._head_timer = self.loop.call_later(self._header_s, self.timeout_keep_alive_handler)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
