"""Withdrawals: how a job that keeps a SQLite file to itself hears that it is to end."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def set_cancel_flag(uploads: Path, job_id: int) -> Iterator[None]:
    """Have a job ended, whoever does it, for the time of a block in which it is cancelled."""
    flag = _flag_path(uploads, job_id)
    # On a full disk the job still hears it when it lets others write.
    with suppress(OSError):
        flag.touch()
    try:
        yield
    finally:
        flag.unlink(missing_ok=True)


def has_cancel_flag(uploads: Path, job_id: int) -> bool:
    """Tell whether a job is being cancelled."""
    return _flag_path(uploads, job_id).exists()


def _flag_path(uploads: Path, job_id: int) -> Path:
    return uploads / f"cancel-{job_id}"
