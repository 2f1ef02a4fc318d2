"""Python's collector of cyclic garbage, at rest while very many objects are made that shall last.

It would walk all of them again and again, and everybody waits meanwhile.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_lock = Lock()
_resting = 0


@contextmanager
def at_rest() -> Iterator[None]:
    """Let the collector rest as long as anybody is within, in any thread; what is not cyclic goes as ever."""
    global _resting
    with _lock:
        _resting += 1
        gc.disable()
    try:
        yield
    finally:
        with _lock:
            _resting -= 1
            if not _resting:
                gc.enable()
