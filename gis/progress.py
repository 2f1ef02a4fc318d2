"""Progress: how a long computation tells how far it is."""

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with the steps done and their number."""


def no_progress(_done: int, _total: int) -> None:
    """Take a step that nobody asks about."""
