"""Counting in plain numbers and handing them over gives what the library counts one by one."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from api.metrics import REQUEST_SECONDS, REQUESTS, REQUESTS_RUNNING, MetricsBuffer

BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]


def told(route: str) -> dict[Any, float]:
    """What a scrape tells of a route, without the moments of creation and the route's name."""
    return {
        (
            sample.name,
            *sorted((key, value) for key, value in sample.labels.items() if key != "route"),
        ): sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.labels.get("route") == route and not sample.name.endswith("_created")
    }


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
def test_what_is_handed_over_is_what_the_library_counts(
    requests: list[tuple[str, int, float, bool]],
) -> None:
    for metric in (REQUESTS, REQUEST_SECONDS):
        metric.clear()
    tally = MetricsBuffer()
    for method, status, seconds, at_once in requests:
        tally.start_request()
        tally.finish_request(method, "/ours", status, seconds)
        if at_once:
            tally.flush()
        REQUESTS.labels(method, "/theirs", status).inc()
        REQUEST_SECONDS.labels(method, "/theirs").observe(seconds)
    tally.flush()
    tally.flush()
    ours, theirs = told("/ours"), told("/theirs")
    assert ours.keys() == theirs.keys()
    for key, value in theirs.items():
        assert abs(ours[key] - value) <= 1e-9 * value, key


def test_requests_under_way_are_told() -> None:
    tally = MetricsBuffer()
    tally.start_request()
    tally.start_request()
    tally.flush()
    assert REQUESTS_RUNNING._value.get() == 2
    tally.finish_request("GET", "/ours", 200, 0.1)
    tally.finish_request("GET", "/ours", 200, 0.1)
    tally.flush()
    assert REQUESTS_RUNNING._value.get() == 0
