"""What is made for a zoom is made once, and nobody waits for what belongs to another."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

from layers.tiles.zoom_cache import ZoomCache

PATIENCE_S = 60


def test_a_zoom_is_made_once_however_many_ask() -> None:
    together, made = Barrier(4), list[int]()

    def make(zoom: int) -> object:
        made.append(zoom)
        return object()

    zooms = ZoomCache[object]()
    assert not zooms.is_ready(3)

    def ask(zoom: int) -> object:
        together.wait(PATIENCE_S)
        return zooms.get_or_build(zoom, make)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(ask, [3] * 4))
    assert made == [3]
    assert len(set(map(id, found))) == 1
    assert zooms.is_ready(3)
    assert not zooms.is_ready(4)


def test_nobody_waits_for_another_zoom() -> None:
    begun, go_on = Event(), Event()

    def make(zoom: int) -> int:
        if zoom == 3:
            begun.set()
            assert go_on.wait(PATIENCE_S)
        return zoom

    zooms = ZoomCache[int]()
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(zooms.get_or_build, 3, make)
        assert begun.wait(PATIENCE_S)
        assert zooms.get_or_build(4, make) == 4
        go_on.set()
        assert slow.result() == 3


def test_what_could_not_be_made_is_tried_again() -> None:
    attempts = []

    def make(zoom: int) -> int:
        attempts.append(zoom)
        if len(attempts) == 1:
            raise MemoryError
        return zoom

    zooms = ZoomCache[int]()
    with ThreadPoolExecutor(1) as pool:
        assert isinstance(pool.submit(zooms.get_or_build, 5, make).exception(), MemoryError)
    assert not zooms.is_ready(5)
    assert zooms.get_or_build(5, make) == 5
