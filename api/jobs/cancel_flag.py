"""Withdrawals: how a job that keeps a SQLite file to itself hears that it is to end."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def withdrawing(uploads: Path, job_id: int) -> Iterator[None]:
    """Have a job ended, whoever does it, for the time of a block in which it is cancelled."""
    sign = _sign(uploads, job_id)
    # On a full disk the job still hears it when it lets others write.
    with suppress(OSError):
        sign.touch()
    try:
        yield
    finally:
        sign.unlink(missing_ok=True)


def withdrawn(uploads: Path, job_id: int) -> bool:
    """Tell whether a job is being cancelled."""
    return _sign(uploads, job_id).exists()


def _sign(uploads: Path, job_id: int) -> Path:
    return uploads / f"withdrawn-{job_id}"
