"""Why a file cannot be written, in plain words: asked of the disk, for libraries say it in many ways."""

import errno
import os
import re
import tempfile
from pathlib import Path

from gis.errors import InputError

_PROBE_BYTES = 1 << 20
_REASONS = {
    errno.ENOSPC: "no space is left on the disk",
    errno.EDQUOT: "your quota of the disk is used up",
    errno.EFBIG: "no file may be that large here",
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "you may not write there",
    errno.EPERM: "you may not write there",
    errno.ENOENT: "its folder is gone",
    errno.EIO: "the disk does not work",
}
_NUMBER = re.compile(r"\[errno (\d+)\]", re.IGNORECASE)
# GDAL and SQLite say this when the disk is full, and free the space before they do.
_DISK_FULL = re.compile(r"no space left|disk is full|cannot rollback", re.IGNORECASE)
_TOO_MANY_FIELDS = re.compile(r"limit of \d+ columns|header length limit|too many", re.IGNORECASE)
_GEOMETRY_TYPE = re.compile(r"geometry type of '([\w ]+)' not supported", re.IGNORECASE)


def os_reason(error: OSError) -> str:
    """Return in words why the system refuses to write."""
    number = error.errno
    # Arrow tells the number within its text.
    if number is None and (found := _NUMBER.search(str(error))) is not None:
        number = int(found[1])
    if number in _REASONS:
        return _REASONS[number]
    text = error.strerror or ("" if number is None else os.strerror(number))
    return text[:1].lower() + text[1:] if text else "the disk refuses it"


def write_failure(path: Path, target: Path, format_name: str, error: Exception) -> InputError:
    """Return the error of a file that a library has failed to write.

    Parameters
    ----------
    path
        As the user calls it.
    target
        Where it was being written.
    format_name
        Of its format.
    error
        What the library says, by which the cause is not known where the disk is sound.
    """
    reason = _probe_disk(target)
    if reason is None and _DISK_FULL.search(str(error)):
        reason = _REASONS[errno.ENOSPC]
    if reason is not None:
        return InputError(f"{path} cannot be written: {reason}.")
    if _TOO_MANY_FIELDS.search(str(error)):
        return InputError(f"{path} cannot be written: {format_name} does not hold so many fields.")
    if (kind := _GEOMETRY_TYPE.search(str(error))) is not None:
        return InputError(
            f"{path} cannot be written: {format_name} holds no {kind[1]}; choose another format."
        )
    return InputError(
        f"{path} cannot be written: {format_name} cannot hold a value, a geometry or a name of a field of "
        "these records; choose another format."
    )


def _probe_disk(target: Path) -> str | None:
    """Write a little more beside a file, and return why that fails; None if it does not."""
    try:
        size = target.stat().st_size if target.exists() else 0
        with tempfile.TemporaryFile(dir=target.parent) as probe:
            probe.write(bytes(_PROBE_BYTES))
            probe.seek(size + _PROBE_BYTES)
            probe.write(b"\0")
            probe.flush()
    except OSError as failure:
        return os_reason(failure)
    return None
