"""The progress bar: on a terminal one line that moves, and nothing when the output is piped."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from gis.progress import Progress


@contextmanager
def progress_bar(title: str) -> Iterator[Progress | None]:
    """Give a function (done, total) that moves the bar, or None when standard error is no terminal."""
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
