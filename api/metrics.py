"""What is counted of requests for Prometheus: plain numbers, handed over a few times a second."""

import asyncio
from bisect import bisect_left

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("wangge_requests", "Requests answered.", ("method", "route", "status"))
REQUEST_SECONDS = Histogram(
    "wangge_request_seconds",
    "Time from a request to the end of its answer.",
    ("method", "route"),
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
REQUESTS_RUNNING = Gauge("wangge_requests_running", "Requests being answered.", multiprocess_mode="livesum")

FLUSH_INTERVAL_S = 0.25
"""Seconds that a number may wait to be handed over."""


class _RouteBuffer:
    """The requests of a method and route with one status, since the last handing over."""

    __slots__ = ("_bounds", "_buckets", "_count", "_requests", "_seconds", "_total")

    def __init__(self, method: str, route: str, status: int) -> None:
        self._requests = REQUESTS.labels(method, route, status)
        self._seconds = REQUEST_SECONDS.labels(method, route)
        self._bounds = self._seconds._upper_bounds
        self._reset()

    def _reset(self) -> None:
        self._count, self._total = 0, 0.0
        self._buckets = [0] * len(self._bounds)

    def add(self, seconds: float) -> None:
        self._count += 1
        self._total += seconds
        self._buckets[bisect_left(self._bounds, seconds)] += 1

    def flush(self) -> None:
        if self._count == 0:
            return
        self._requests.inc(self._count)
        # As `observe` does for each, which takes no number of them.
        self._seconds._sum.inc(self._total)
        for bucket, count in zip(self._seconds._buckets, self._buckets, strict=True):
            if count:
                bucket.inc(count)
        self._reset()


class MetricsBuffer:
    """Counts the requests of one process; for its event loop, not for threads.

    Where several processes serve, each number of the library lies in a file that they share: writing there at
    every request would take longer than finding the owner of a place.
    """

    def __init__(self) -> None:
        self._running = 0
        # No more than routes have ways to answer.
        self._routes: dict[tuple[str, str, int], _RouteBuffer] = {}

    def start_request(self) -> None:
        """Count a request that begins."""
        self._running += 1

    def finish_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered, after so many seconds."""
        self._running -= 1
        key = method, route, status
        route_buffer = self._routes.get(key)
        if route_buffer is None:
            route_buffer = self._routes[key] = _RouteBuffer(method, route, status)
        route_buffer.add(seconds)

    def flush(self) -> None:
        """Give Prometheus what was counted since the last time."""
        REQUESTS_RUNNING.set(self._running)
        for each in self._routes.values():
            each.flush()

    async def flush_periodically(self) -> None:
        """Hand over every `FLUSH_INTERVAL_S` seconds until cancelled, and once more then."""
        try:
            while True:
                await asyncio.sleep(FLUSH_INTERVAL_S)
                self.flush()
        finally:
            self.flush()


METRICS_BUFFER = MetricsBuffer()
"""The requests of this process."""
