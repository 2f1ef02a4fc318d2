"""The progress bar, shown only on a terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from gis.progress import Progress


@contextmanager
def progress_bar(title: str) -> Iterator[Progress | None]:
    """Yield a function (done, total) that moves the bar, or None if standard error is not a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as RichProgress

    with RichProgress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)

        def update(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield update
