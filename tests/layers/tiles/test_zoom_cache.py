"""What is made for a zoom is made once, and nobody waits for what belongs to another."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

from layers.tiles.zoom_cache import Zooms

PATIENCE_S = 60


def test_a_zoom_is_made_once_however_many_ask() -> None:
    together, made = Barrier(4), list[int]()

    def make(zoom: int) -> object:
        made.append(zoom)
        return object()

    zooms = Zooms[object]()
    assert not zooms.ready(3)

    def ask(zoom: int) -> object:
        together.wait(PATIENCE_S)
        return zooms.at(zoom, make)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(ask, [3] * 4))
    assert made == [3]
    assert len(set(map(id, found))) == 1
    assert zooms.ready(3)
    assert not zooms.ready(4)


def test_nobody_waits_for_another_zoom() -> None:
    begun, go_on = Event(), Event()

    def make(zoom: int) -> int:
        if zoom == 3:
            begun.set()
            assert go_on.wait(PATIENCE_S)
        return zoom

    zooms = Zooms[int]()
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(zooms.at, 3, make)
        assert begun.wait(PATIENCE_S)
        assert zooms.at(4, make) == 4
        go_on.set()
        assert slow.result() == 3


def test_what_could_not_be_made_is_tried_again() -> None:
    attempts = []

    def make(zoom: int) -> int:
        attempts.append(zoom)
        if len(attempts) == 1:
            raise MemoryError
        return zoom

    zooms = Zooms[int]()
    with ThreadPoolExecutor(1) as pool:
        assert isinstance(pool.submit(zooms.at, 5, make).exception(), MemoryError)
    assert not zooms.ready(5)
    assert zooms.at(5, make) == 5
