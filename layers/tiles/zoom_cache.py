"""What is made of a layer once for each zoom, by the first who asks for it."""

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

Built = TypeVar("Built")


class ZoomCache(Generic[Built]):
    """What is kept for each zoom; safe in many threads at once."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._locks: dict[int, Lock] = {}
        self._built: dict[int, Built] = {}

    def is_ready(self, zoom: int) -> bool:
        """Tell whether nobody would wait for a zoom."""
        return zoom in self._built

    def get_or_build(self, zoom: int, make: Callable[[int], Built]) -> Built:
        """Return what belongs to a zoom, made now where it is not there.

        Parameters
        ----------
        zoom
            The zoom.
        make
            Makes what belongs to it, the same each time. It is not kept: a layer that is let go of must not
            wait for the collector, which passes over all that has lived long.
        """
        with self._lock:
            making = self._locks.setdefault(zoom, Lock())
        with making:
            if zoom not in self._built:
                self._built[zoom] = make(zoom)
        return self._built[zoom]
