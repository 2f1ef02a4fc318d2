"""What is counted of requests for Prometheus: plain numbers, published a few times a second."""

import asyncio
import math
import os
import secrets
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import orjson
import structlog
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

FLUSH_INTERVAL_S = 0.25
"""Seconds that a number may wait to be published."""

BUCKET_BOUNDS_S = (
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1,
    2.5,
    5,
    10,
    30,
    math.inf,
)
"""Upper bounds of the buckets of the time of an answer, in seconds."""

_BOUND_LABELS = [str(floatToGoString(bound)) for bound in BUCKET_BOUNDS_S]  # type: ignore[no-untyped-call]
_FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_RETRY_INTERVAL_S = 10.0

log = structlog.get_logger("wangge.metrics")


class _RouteCounts:
    """The requests of a method and route with one status."""

    __slots__ = ("buckets", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * len(BUCKET_BOUNDS_S)
        self.seconds = 0.0

    def add(self, seconds: float) -> None:
        self.seconds += seconds
        self.buckets[bisect_left(BUCKET_BOUNDS_S, seconds)] += 1


class _RouteTotals(NamedTuple):
    method: str
    route: str
    status: int
    seconds: float
    buckets: list[int]


class _Totals(NamedTuple):
    """What one process has counted until it published."""

    running: int
    routes: list[_RouteTotals]


class RequestMetrics(Collector):
    """Counts the requests of one process, and tells Prometheus those of all processes of the service.

    Counting is for the event loop, not for threads; collecting is for any thread. Where several processes
    serve, each writes its totals into a file of a folder that they share: at every request, that would take
    longer than finding the owner of a place.
    """

    def __init__(self) -> None:
        self._running = 0
        # No more than routes have ways to answer.
        self._routes: defaultdict[tuple[str, str, int], _RouteCounts] = defaultdict(_RouteCounts)
        self._changed = False
        self._published = _Totals(0, [])
        self._file: Path | None = None

    def start_request(self) -> None:
        """Count a request that begins."""
        self._running += 1
        self._changed = True

    def finish_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered, after so many seconds."""
        self._running -= 1
        self._changed = True
        self._routes[method, route, status].add(seconds)

    def flush(self) -> None:
        """Publish what was counted.

        Raises
        ------
        OSError
            If the file of this process cannot be written; the next flush tries again.
        """
        if not self._changed:
            return
        totals = _Totals(
            self._running,
            [
                _RouteTotals(*key, counts.seconds, counts.buckets.copy())
                for key, counts in self._routes.items()
            ],
        )
        folder = os.environ.get(_FOLDER_VARIABLE)
        if folder is not None:
            self._write_totals(Path(folder), totals)
        self._published, self._changed = totals, False

    async def flush_periodically(self) -> None:
        """Publish every `FLUSH_INTERVAL_S` seconds until cancelled, and once more then."""
        try:
            while True:
                await asyncio.sleep(FLUSH_INTERVAL_S)
                try:
                    self.flush()
                except OSError as error:
                    log.warning("metrics not written", error=type(error).__name__)
                    await asyncio.sleep(_RETRY_INTERVAL_S)
        finally:
            self.flush()

    def collect(self) -> Iterator[Metric]:
        """Give the metrics of all processes, as each has published them last."""
        folder = os.environ.get(_FOLDER_VARIABLE)
        published = [self._published] if folder is None else _read_totals(Path(folder))
        return _metric_families(published)

    def _write_totals(self, folder: Path, totals: _Totals) -> None:
        if self._file is None:
            # A number of a process may come again; what the former one counted stays.
            self._file = folder / f"{os.getpid()}-{secrets.token_hex(4)}.json"
        # Replaced whole: a reader sees one state or the other.
        draft = self._file.with_suffix(".draft")
        draft.write_bytes(orjson.dumps((totals.running, [tuple(each) for each in totals.routes])))
        draft.replace(self._file)


def _read_totals(folder: Path) -> Iterator[_Totals]:
    """Read what each process has published; one that has ended has no requests under way."""
    for file in folder.glob("*.json"):
        running, routes = orjson.loads(file.read_bytes())
        alive = _is_alive(int(file.name.partition("-")[0]))
        yield _Totals(running if alive else 0, [_RouteTotals(*each) for each in routes])


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # It runs under another account.
        return True
    return True


def _metric_families(published: Iterable[_Totals]) -> Iterator[Metric]:
    running = 0
    requests: dict[tuple[str, str, int], int] = defaultdict(int)
    seconds: dict[tuple[str, str], float] = defaultdict(float)
    buckets: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * len(BUCKET_BOUNDS_S))
    for totals in published:
        running += totals.running
        for each in totals.routes:
            route = each.method, each.route
            requests[*route, each.status] += sum(each.buckets)
            seconds[route] += each.seconds
            buckets[route] = [a + b for a, b in zip(buckets[route], each.buckets, strict=True)]

    counter = CounterMetricFamily(
        "wangge_requests", "Requests answered.", labels=("method", "route", "status")
    )
    for (method, path, status), count in requests.items():
        counter.add_metric((method, path, str(status)), count)
    yield counter
    histogram = HistogramMetricFamily(
        "wangge_request_seconds", "Time from a request to the end of its answer.", labels=("method", "route")
    )
    for route, counts in buckets.items():
        total, cumulative = 0, []
        for label, count in zip(_BOUND_LABELS, counts, strict=True):
            total += count
            cumulative.append((label, total))
        histogram.add_metric(route, cumulative, sum_value=seconds[route])
    yield histogram
    yield GaugeMetricFamily("wangge_requests_running", "Requests being answered.", value=running)


def render_metrics() -> bytes:
    """Return the metrics in the text format of Prometheus.

    One process tells of itself too, how much memory it uses and the like; of several, each would tell of
    the one that happens to answer.
    """
    if _FOLDER_VARIABLE not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    registry.register(REQUEST_METRICS)
    return generate_latest(registry)


REQUEST_METRICS = RequestMetrics()
"""The requests of this process."""

REGISTRY.register(REQUEST_METRICS)
