"""A cache by zoom: a value is built once for each zoom, by the first thread that needs it."""

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

Built = TypeVar("Built")


class ZoomCache(Generic[Built]):
    """Values by zoom; safe in many threads at once."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._locks: dict[int, Lock] = {}
        self._built: dict[int, Built] = {}

    def is_ready(self, zoom: int) -> bool:
        """Return whether the value of a zoom is built."""
        return zoom in self._built

    def get_or_build(self, zoom: int, make: Callable[[int], Built]) -> Built:
        """Return the value of a zoom, built now if it is missing.

        Parameters
        ----------
        zoom
            The zoom.
        make
            Builds the value, equal each time. No reference to it is kept: a layer in a reference cycle would
            wait for the garbage collector, which rarely visits old objects, and every publication would leave
            one in memory.
        """
        with self._lock:
            making = self._locks.setdefault(zoom, Lock())
        with making:
            if zoom not in self._built:
                self._built[zoom] = make(zoom)
        return self._built[zoom]
