"""Progress and notes: how a long computation tells how far it is, and what it assumed."""

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with the steps done and their number."""


def no_progress(_done: int, _total: int) -> None:
    """Take a step that nobody asks about."""


def portion(progress: Progress, before: int, size: int, total: int) -> Progress:
    """Return the progress of a part of a computation that counts as `size` of `total` after `before`."""
    return lambda done, steps: progress(before + size * done // max(steps, 1), total)


Note = Callable[[str], None]
"""Called with a sentence about what was assumed or mended on the way."""


def no_note(_sentence: str) -> None:
    """Take a sentence that nobody asks for."""
