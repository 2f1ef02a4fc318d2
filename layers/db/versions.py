"""Versions of records: a change names the version it is based on, and is refused where that has passed."""

from gis.errors import StaleError


def require_version(current: int, expected: int) -> None:
    """Refuse a write that is based on another version.

    Raises
    ------
    StaleError
        If it is.
    """
    if current != expected:
        raise StaleError(f"This has changed since: it has version {current}, not {expected}; read it again.")
