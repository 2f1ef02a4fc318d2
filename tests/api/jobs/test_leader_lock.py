"""Turns: one process at a time takes jobs, and another follows however it ends."""

import subprocess
import sys
import time
from pathlib import Path
from threading import Event, Thread

import pytest

from api.jobs.leader_lock import leader_lock

HOLD = "import sys, threading; from pathlib import Path; from api.jobs.leader_lock import leader_lock\n"
HOLD += (
    "with leader_lock(Path(sys.argv[1]), threading.Event()): print('mine', flush=True); sys.stdin.read()\n"
)


def test_another_has_its_turn_when_the_process_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    had, stop = Event(), Event()

    def wait() -> None:
        with leader_lock(tmp_path, stop):
            had.set()

    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"mine\n"
        thread = Thread(target=wait)
        thread.start()
        assert not had.wait(0.6)
        other.kill()
    assert had.wait(30)
    thread.join()


def test_waiting_ends_with_the_service(tmp_path: Path) -> None:
    stop = Event()

    def wait() -> None:
        with leader_lock(tmp_path, stop):
            pass

    with leader_lock(tmp_path, Event()):
        thread = Thread(target=wait)
        thread.start()
        time.sleep(0.1)
        assert thread.is_alive()
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def test_a_turn_that_is_over_is_another_s(tmp_path: Path) -> None:
    for _ in range(2):
        with leader_lock(tmp_path, Event()):
            pass
    with pytest.raises(FileNotFoundError), leader_lock(tmp_path / "none", Event()):
        pass
