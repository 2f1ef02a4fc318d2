"""What the system tells of processes, of which any may end while it is asked.

It owns reading what is told; whom to ask, and what follows, is the tests' own.
"""

from pathlib import Path


def read_proc(process: int | str, file: str) -> str:
    """Return what is told of a process, nothing of one that has ended; `file` is as in proc(5)."""
    return _read(Path(f"/proc/{process}/{file}"))


def children(process: int | str) -> set[int]:
    """Return the processes that one has started, "self" that of the tests."""
    listed = Path(f"/proc/{process}/task").glob("*/children")
    return {int(number) for each in listed for number in _read(each).split()}


def descendants(process: int) -> set[int]:
    """Return the processes that one has started, and those that they have."""
    own = children(process)
    return own.union(*map(descendants, own))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
