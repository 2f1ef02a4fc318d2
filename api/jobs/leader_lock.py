"""The leader lock: of the processes of one service that share a folder of uploads, one takes jobs."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

POLL_INTERVAL_S = 0.4
"""Seconds between two looks whether the process that took jobs is no more."""


@contextmanager
def leader_lock(folder: Path, stop: Event) -> Iterator[None]:
    """Wait until no other process takes the jobs of a folder; others wait as long as the block lasts.

    What a job needs is thus loaded once for all of them. The lock is the system's and goes with its process,
    however that ends.

    Parameters
    ----------
    folder
        Is there. Where its file system knows no locks, every process takes jobs.
    stop
        Ends the waiting.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            while not _try_lock(descriptor) and not stop.wait(POLL_INTERVAL_S):
                pass
        yield
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
