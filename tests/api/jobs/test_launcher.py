"""The launcher on real processes: one for each task, all forked from one that is kept."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.jobs.job_context import Task
from api.jobs.launcher import Launcher
from tests.procfs import children, read_proc


@pytest.fixture
def launcher() -> Iterator[Launcher]:
    """A launcher that is closed in the end."""
    made = Launcher()
    yield made
    made.close()


def task(folder: Path, kind: str = "none", memory: int = 4 << 30) -> str:
    """A task, which fails as soon as it is read if there is no such kind."""
    given: dict[str, Any] = {
        "database": f"sqlite:///{folder}/none.gpkg",
        "id": 1,
        "kind": kind,
        "parameters": {"file": "e.csv"},
        "created_by": "test",
        "area_code": None,
        "uploads": folder,
        "seconds": 60,
        "memory": memory,
        "vertices": 1,
        "unpacked": 1,
        "wait_s": 1,
        "kept_s": 1,
    }
    return Task(**given).model_dump_json()


def said(launcher: Launcher, line: str) -> dict[str, Any]:
    with launcher.launch(line) as running:
        while running.is_alive:
            time.sleep(0.01)
        return running.reported


def kept() -> set[int]:
    """Return the processes that this one keeps for jobs."""
    return {each for each in children("self") if "api.jobs.fork_server" in read_proc(each, "cmdline")}


FAILED = "An error of the program, not of yours: KeyError."
READ = "The file has more than 1 vertices."


def test_tasks_are_forked_from_one_process(launcher: Launcher, tmp_path: Path) -> None:
    before = kept()
    first = said(launcher, task(tmp_path))
    assert (first["error"], first["code"]) == (FAILED, 0)
    (process,) = kept() - before
    assert said(launcher, task(tmp_path))["error"] == FAILED
    assert kept() - before == {process}
    launcher.close()
    assert kept() <= before


def test_limits_hold_for_one_task_alone(launcher: Launcher, tmp_path: Path) -> None:
    before = kept()
    said(launcher, task(tmp_path))
    (process,) = kept() - before
    limited = read_proc(process, "limits")
    rows = (f"e{number},sensor,114,22" for number in range(20_000))
    (tmp_path / "e.csv").write_text("\n".join(["id,kind,lon,lat", *rows]), encoding="utf-8")
    short = said(launcher, task(tmp_path, "import-areas", memory=1 << 20))
    assert kept() - before == {process}
    assert read_proc(process, "limits") == limited
    # With memory enough the file is read, and found too long.
    assert said(launcher, task(tmp_path, "import-areas"))["error"] == READ != short.get("error")


def test_a_process_that_has_died_is_replaced(launcher: Launcher, tmp_path: Path) -> None:
    before = kept()
    said(launcher, task(tmp_path))
    (process,) = kept() - before
    os.kill(process, signal.SIGKILL)
    os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
    assert said(launcher, task(tmp_path))["error"] == FAILED


def test_a_task_that_is_ended_leaves_no_process(launcher: Launcher, tmp_path: Path) -> None:
    before = kept()
    with launcher.launch(task(tmp_path)):
        # Before there is a process of its own: the one it would be forked from goes too.
        pass
    assert kept() <= before
    assert said(launcher, task(tmp_path))["error"] == FAILED


def test_ending_a_task_keeps_the_process_it_was_forked_from(launcher: Launcher, tmp_path: Path) -> None:
    before = kept()
    said(launcher, task(tmp_path))
    (process,) = kept() - before
    # Reading from a pipe that nobody writes to takes as long as it is let.
    os.mkfifo(tmp_path / "e.csv")
    with launcher.launch(task(tmp_path, "import-areas")) as running:
        while "pid" not in running.reported:
            time.sleep(0.01)
        assert running.is_alive
        assert children(process) == {running.reported["pid"]}
    assert running.reported["code"] == -signal.SIGKILL
    assert kept() - before == {process}
    assert said(launcher, task(tmp_path))["error"] == FAILED
    began = time.monotonic()
    while children(process):
        assert time.monotonic() - began < 30
        time.sleep(0.01)
