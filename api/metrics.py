"""What is counted of requests for Prometheus: plain numbers, handed over a few times a second."""

import asyncio
from bisect import bisect_left

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("wangge_requests", "Requests answered.", ("method", "route", "status"))
SECONDS = Histogram(
    "wangge_request_seconds",
    "Time from a request to the end of its answer.",
    ("method", "route"),
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
RUNNING = Gauge("wangge_requests_running", "Requests being answered.", multiprocess_mode="livesum")

HAND_OVER_S = 0.25
"""Seconds that a number may wait to be handed over."""


class _Route:
    """The requests of a method and route with one status, since the last handing over."""

    __slots__ = ("_answered", "_bounds", "_buckets", "_count", "_total", "_tried")

    def __init__(self, method: str, route: str, status: int) -> None:
        self._answered = REQUESTS.labels(method, route, status)
        self._tried = SECONDS.labels(method, route)
        self._bounds = self._tried._upper_bounds
        self._clear()

    def _clear(self) -> None:
        self._count, self._total = 0, 0.0
        self._buckets = [0] * len(self._bounds)

    def add(self, seconds: float) -> None:
        self._count += 1
        self._total += seconds
        self._buckets[bisect_left(self._bounds, seconds)] += 1

    def hand_over(self) -> None:
        if self._count == 0:
            return
        self._answered.inc(self._count)
        # As `observe` does for each, which takes no number of them.
        self._tried._sum.inc(self._total)
        for bucket, count in zip(self._tried._buckets, self._buckets, strict=True):
            if count:
                bucket.inc(count)
        self._clear()


class Tally:
    """Counts the requests of one process; for its event loop, not for threads.

    Where several processes serve, each number of the library lies in a file that they share: writing there at
    every request would take longer than finding the owner of a place.
    """

    def __init__(self) -> None:
        self._running = 0
        # No more than routes have ways to answer.
        self._routes: dict[tuple[str, str, int], _Route] = {}

    def begin(self) -> None:
        """Count a request that begins."""
        self._running += 1

    def end(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered, after so many seconds."""
        self._running -= 1
        key = method, route, status
        counted = self._routes.get(key)
        if counted is None:
            counted = self._routes[key] = _Route(method, route, status)
        counted.add(seconds)

    def hand_over(self) -> None:
        """Give Prometheus what was counted since the last time."""
        RUNNING.set(self._running)
        for each in self._routes.values():
            each.hand_over()

    async def keep_handing_over(self) -> None:
        """Hand over every `HAND_OVER_S` seconds until cancelled, and once more then."""
        try:
            while True:
                await asyncio.sleep(HAND_OVER_S)
                self.hand_over()
        finally:
            self.hand_over()


TALLY = Tally()
"""The requests of this process."""
