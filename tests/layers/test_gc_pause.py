"""The collector rests while anybody wants it to."""

import gc
from collections.abc import Iterator

import pytest

from layers.gc_pause import paused_gc


@pytest.fixture(autouse=True)
def collecting() -> Iterator[None]:
    assert gc.isenabled()
    yield
    gc.enable()


def test_the_collector_rests_until_the_last_has_left() -> None:
    with paused_gc():
        with paused_gc():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_failure_wakes_it() -> None:
    with pytest.raises(ValueError, match="broken"), paused_gc():
        raise ValueError("broken")
    assert gc.isenabled()
