"""Folders in which a file is made before it is moved to its place, and which are gone afterwards.

It also removes those that a killed process has left, never one in which another is at work.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def temporary_path(folder: Path, prefix: str, name: str) -> Iterator[Path]:
    """Give the path of a file to be made in a new folder.

    Parameters
    ----------
    folder
        Where the new folder lies.
    prefix
        Of its name. What was left under this prefix is removed if it holds nothing but such files.
    name
        Of the file; others beside it may have names that begin so.
    """
    _remove_stale(folder, prefix, name)
    while True:
        directory = Path(tempfile.mkdtemp(prefix=prefix, dir=folder))
        with _try_lock(directory) as is_locked:
            # Between its making and our hold on it another may have taken it for one that was left.
            if not is_locked:
                continue
            try:
                yield directory / name
            finally:
                shutil.rmtree(directory, ignore_errors=True)
            return


def _remove_stale(folder: Path, prefix: str, name: str) -> None:
    """Remove what killed processes have left."""
    for stale in folder.iterdir():
        if stale.name.startswith(prefix) and stale.is_dir() and not stale.is_symlink():
            with _try_lock(stale) as is_locked:
                if is_locked and all(each.name.startswith(name) for each in stale.iterdir()):
                    shutil.rmtree(stale, ignore_errors=True)


@contextmanager
def _try_lock(folder: Path) -> Iterator[bool]:
    """Hold a folder, until the block or this process ends; return whether it is there and free."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        yield False
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_locked = folder.stat().st_ino == os.fstat(handle).st_ino
        except OSError:
            is_locked = False
        yield is_locked
    finally:
        os.close(handle)
