"""Whose turn it is: of the processes of one service that share a folder of uploads, one takes jobs."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

LOOK_S = 0.4
"""Seconds between two looks whether the process that took jobs is no more."""


@contextmanager
def turn(folder: Path, stop: Event) -> Iterator[None]:
    """Wait until no other process takes the jobs of a folder; others wait as long as the block lasts.

    What a job needs is thus loaded once for all of them. The lock is the system's and goes with its process,
    however that ends.

    Parameters
    ----------
    folder
        Is there. Where its file system knows no locks, every process has its turn.
    stop
        Ends the waiting.
    """
    opened = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            while not _locked(opened) and not stop.wait(LOOK_S):
                pass
        yield
    finally:
        os.close(opened)


def _locked(opened: int) -> bool:
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
