"""Counting in plain numbers and publishing them tells what the library tells that counts one by one."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.parser import text_string_to_metric_families

from api.metrics import RequestMetrics, render_metrics

BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

WORKER = """
import sys
from api.metrics import RequestMetrics
metrics = RequestMetrics()
for seconds in (0.002, 0.2):
    metrics.start_request()
    metrics.finish_request("GET", "/ours", 200, seconds)
metrics.start_request()
metrics.flush()
print("written", flush=True)
sys.stdin.read()
"""


def told(registry: CollectorRegistry, name: str) -> dict[Any, float]:
    """What a scrape tells of a metric, without the moments of creation."""
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if metric.name == name and not sample.name.endswith("_created")
    }


def registry_of(metrics: RequestMetrics) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(metrics)
    return registry


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["GET", "POST"]),
            st.sampled_from([200, 503]),
            st.one_of(st.sampled_from([0.0, *BOUNDS]), st.floats(0, 100)),
            st.booleans(),
        ),
        max_size=20,
    )
)
def test_what_is_published_is_what_the_library_counts(
    requests: list[tuple[str, int, float, bool]],
) -> None:
    library = CollectorRegistry()
    counter = Counter("wangge_requests", "", ("method", "route", "status"), registry=library)
    histogram = Histogram("wangge_request_seconds", "", ("method", "route"), buckets=BOUNDS, registry=library)
    metrics = RequestMetrics()
    for method, status, seconds, at_once in requests:
        metrics.start_request()
        metrics.finish_request(method, "/route", status, seconds)
        if at_once:
            metrics.flush()
        counter.labels(method, "/route", status).inc()
        histogram.labels(method, "/route").observe(seconds)
    metrics.flush()
    metrics.flush()
    for name in ("wangge_requests", "wangge_request_seconds"):
        ours, theirs = told(registry_of(metrics), name), told(library, name)
        assert ours.keys() == theirs.keys()
        for key, value in theirs.items():
            assert abs(ours[key] - value) <= 1e-9 * value, key


def test_requests_under_way_are_told() -> None:
    metrics = RequestMetrics()
    registry = registry_of(metrics)
    metrics.start_request()
    metrics.start_request()
    assert registry.get_sample_value("wangge_requests_running") == 0
    metrics.flush()
    assert registry.get_sample_value("wangge_requests_running") == 2
    metrics.finish_request("GET", "/ours", 200, 0.1)
    metrics.finish_request("GET", "/ours", 200, 0.1)
    metrics.flush()
    assert registry.get_sample_value("wangge_requests_running") == 0


def test_any_worker_tells_of_all_and_what_a_dead_one_has_answered_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))

    def scrape() -> dict[str, float]:
        families = text_string_to_metric_families(render_metrics().decode())
        return {sample.name: sample.value for family in families for sample in family.samples}

    assert scrape() == {"wangge_requests_running": 0}
    command = [sys.executable, "-c", WORKER]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as one,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as two,
    ):
        for worker in (one, two):
            assert worker.stdout is not None
            assert worker.stdout.readline() == b"written\n"
        both = scrape()
        assert both["wangge_requests_total"] == both["wangge_request_seconds_count"] == 4
        assert both["wangge_request_seconds_sum"] == pytest.approx(0.404)
        assert both["wangge_requests_running"] == 2
        one.kill()
        one.wait()
        assert scrape() == {**both, "wangge_requests_running": 1}
    assert scrape() == {**both, "wangge_requests_running": 0}
