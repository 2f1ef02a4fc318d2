"""Python's collector of cyclic garbage, at rest while very many objects are made that shall last.

It would walk all of them again and again, and everybody waits meanwhile. Afterwards memory that was needed on
the way is given back to the system.
"""

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
_lock = Lock()
_resting = 0


@contextmanager
def at_rest() -> Iterator[None]:
    """Let the collector rest as long as anybody is within, in any thread; what is not cyclic goes as ever.

    The last to leave gives free memory back, which the allocator of Linux would keep for itself.
    """
    global _resting
    with _lock:
        _resting += 1
        gc.disable()
    try:
        yield
    finally:
        with _lock:
            _resting -= 1
            last = not _resting
            if last:
                gc.enable()
        if last and _trim is not None:
            _trim(0)
