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

_malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
_lock = Lock()
_pauses = 0


@contextmanager
def paused_gc() -> Iterator[None]:
    """Let the collector rest as long as anybody is within, in any thread; what is not cyclic goes as ever.

    The last to leave gives free memory back, which the allocator of Linux would keep for itself.
    """
    global _pauses
    with _lock:
        _pauses += 1
        gc.disable()
    try:
        yield
    finally:
        with _lock:
            _pauses -= 1
            last = not _pauses
            if last:
                gc.enable()
        if last and _malloc_trim is not None:
            _malloc_trim(0)
