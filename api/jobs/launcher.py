"""The launcher: keeps processes that have loaded what jobs need, so that a job begins at once."""

import atexit
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

_KILL_TIMEOUT_S = 5.0


class TaskProcess:
    """A task in a process of its own.

    Attributes
    ----------
    reported
        What the process has reported: of ``pid``, ``done`` and ``total``, ``result`` or ``error``, ``where``
        and ``code`` what is known until now.
    """

    def __init__(self, process: subprocess.Popen[str], task: str) -> None:
        self.reported: dict[str, Any] = {}
        self._process = process
        self._reader = threading.Thread(target=self._read_output, daemon=True)
        self._reader.start()
        self._send(task)

    @property
    def is_alive(self) -> bool:
        """Whether the process goes on, or has reported something that is not read yet."""
        return self._reader.is_alive()

    def _send(self, line: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()

    def _read_output(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with contextlib.suppress(ValueError):
                self.reported.update(json.loads(line))
            if "code" in self.reported:
                break

    def terminate(self) -> bool:
        """End the process if it goes on; return whether the one it was forked from can be used again."""
        if "code" not in self.reported and "pid" in self.reported and self._process.poll() is None:
            os.kill(self.reported["pid"], signal.SIGKILL)
            self._reader.join(_KILL_TIMEOUT_S)
        if "code" in self.reported:
            self._reader.join()
            self._send("")
            return True
        _kill(self._process)
        # What it reads from is closed only when it has come to the end.
        self._reader.join()
        _close_pipes(self._process)
        return False


class Launcher:
    """Gives each task a process; keeps those they are forked from, as many as have run at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle_processes: list[subprocess.Popen[str]] = []

    def preload(self) -> None:
        """Let the next task begin at once; returns before that is so."""
        with self._lock:
            for process in [each for each in self._idle_processes if each.poll() is not None]:
                self._discard(process)
            if not self._idle_processes:
                self._idle_processes.append(_start_fork_server())

    @contextmanager
    def launch(self, task: str) -> Iterator[TaskProcess]:
        """Give a process to a task, a line of JSON; it is no more when the block ends."""
        self.preload()
        with self._lock:
            process = self._idle_processes.pop() if self._idle_processes else _start_fork_server()
        running = TaskProcess(process, task)
        try:
            yield running
        finally:
            if running.terminate():
                with self._lock:
                    self._idle_processes.append(process)

    def close(self) -> None:
        """End the processes that are kept."""
        with self._lock:
            for process in list(self._idle_processes):
                self._discard(process)

    def _discard(self, process: subprocess.Popen[str]) -> None:
        self._idle_processes.remove(process)
        _kill(process)
        _close_pipes(process)


@cache
def shared_launcher() -> Launcher:
    """Return the launcher of this process: all databases and workers in it can share one."""
    made = Launcher()
    atexit.register(made.close)
    return made


def _start_fork_server() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "api.jobs.fork_server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        # A group of its own, with all that it forks.
        start_new_session=True,
    )


def _kill(process: subprocess.Popen[str]) -> None:
    # A process that has been waited for has given its number back.
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _close_pipes(process: subprocess.Popen[str]) -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(BrokenPipeError):
                stream.close()
