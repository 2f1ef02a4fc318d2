"""How many of one thing each caller may have going on at once in a process."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from gis.errors import BusyError

_RETRY_AFTER_S = 5.0


class CallerSlots:
    """Counts what each caller has going on.

    Parameters
    ----------
    per_caller
        The most of it that one caller may have.
    refusal
        What to tell a caller who has as many.
    """

    def __init__(self, per_caller: int, refusal: str) -> None:
        self._per_caller = per_caller
        self._refusal = refusal
        self._taken: Counter[str] = Counter()
        # Threads of requests ask too, not the event loop alone.
        self._lock = Lock()

    @contextmanager
    def take(self, caller: str) -> Iterator[None]:
        """Count one more of a caller while the block lasts.

        Raises
        ------
        BusyError
            If the caller has as many as one may have.
        """
        with self._lock:
            if self._taken[caller] >= self._per_caller:
                raise BusyError(self._refusal, _RETRY_AFTER_S)
            self._taken[caller] += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken[caller] -= 1
                if not self._taken[caller]:
                    del self._taken[caller]
