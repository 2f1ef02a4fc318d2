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
def workplace(folder: Path, prefix: str, name: str) -> Iterator[Path]:
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
    _clear(folder, prefix, name)
    while True:
        made = Path(tempfile.mkdtemp(prefix=prefix, dir=folder))
        with _held(made) as ours:
            # Between its making and our hold on it another may have taken it for one that was left.
            if not ours:
                continue
            try:
                yield made / name
            finally:
                shutil.rmtree(made, ignore_errors=True)
            return


def _clear(folder: Path, prefix: str, name: str) -> None:
    """Remove what killed processes have left."""
    for left in folder.iterdir():
        if left.name.startswith(prefix) and left.is_dir() and not left.is_symlink():
            with _held(left) as ours:
                if ours and all(each.name.startswith(name) for each in left.iterdir()):
                    shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _held(folder: Path) -> Iterator[bool]:
    """Hold a folder, until the block or this process ends; tell whether it is there and no other holds it."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        yield False
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            held = folder.stat().st_ino == os.fstat(handle).st_ino
        except OSError:
            held = False
        yield held
    finally:
        os.close(handle)
