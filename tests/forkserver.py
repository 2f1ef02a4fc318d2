"""Processes of tests, forked from one that has loaded the program: none begins with seconds of imports.

It owns what is loaded and how the program is run in one; what else one does is the tests' own.
"""

import multiprocessing
import os
import sys
from collections.abc import Mapping
from pathlib import Path

forkserver = multiprocessing.get_context("forkserver")
"""Where such processes, and pipes to them, come from."""

forkserver.set_forkserver_preload(
    ["api.app", "api.cli", "api.jobs.fork_server", "uvicorn.protocols.http.auto", "uvloop"]
)


def run_program(
    arguments: tuple[str, ...], folder: Path, environment: Mapping[str, str], output: Path
) -> None:
    """Be the program `wangge`; what it writes goes to files with the suffixes ``.out`` and ``.err``."""
    from api.cli import main

    # Where every program has it: the service hands it on to its workers by number.
    os.dup2(sys.stdin.fileno(), 0)
    sys.stdin = os.fdopen(0)
    for descriptor, suffix in ((1, ".out"), (2, ".err")):
        with output.with_suffix(suffix).open("wb") as file:
            os.dup2(file.fileno(), descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["wangge", *arguments]
    main()
