"""Cancel flags: how the worker learns that a job which holds the SQLite file is cancelled."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def set_cancel_flag(uploads: Path, job_id: int) -> Iterator[None]:
    """Flag a job as cancelled while a block cancels it in the database."""
    flag = _flag_path(uploads, job_id)
    # On a full disk the job still hears it when it lets others write.
    with suppress(OSError):
        flag.touch()
    try:
        yield
    finally:
        flag.unlink(missing_ok=True)


def has_cancel_flag(uploads: Path, job_id: int) -> bool:
    """Return whether a job is being cancelled."""
    return _flag_path(uploads, job_id).exists()


def _flag_path(uploads: Path, job_id: int) -> Path:
    return uploads / f"cancel-{job_id}"
