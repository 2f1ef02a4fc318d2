"""Progress and notes: how a long computation tells how far it is, and what it assumed."""

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with the steps done and their number."""


def no_progress(_done: int, _total: int) -> None:
    """Take a step that nobody asks about."""


Note = Callable[[str], None]
"""Called with a sentence about what was assumed or mended on the way."""


def no_note(_sentence: str) -> None:
    """Take a sentence that nobody asks for."""
