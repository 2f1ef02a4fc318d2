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
from typing import IO, Any, Protocol

_KILL_TIMEOUT_S = 5.0


class ForkServer(Protocol):
    """The process that tasks are forked from, as `subprocess.Popen` or as a fork of this one."""

    pid: int
    stdin: IO[str] | None
    stdout: IO[str] | None
    returncode: int | None

    def poll(self) -> int | None:
        """Return the exit code, None while it runs."""

    def wait(self) -> int:
        """Wait until it has ended; return the exit code."""


class _ForkedServer:
    """A fork server that has loaded all that this process has."""

    def __init__(self, pid: int, stdin: IO[str], stdout: IO[str]) -> None:
        self.pid = pid
        self.stdin: IO[str] | None = stdin
        self.stdout: IO[str] | None = stdout
        self.returncode: int | None = None

    def poll(self) -> int | None:
        return self._wait(os.WNOHANG)

    def wait(self) -> int:
        code = self._wait(0)
        assert code is not None
        return code

    def _wait(self, options: int) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, options)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


class TaskProcess:
    """A task in a process of its own.

    Attributes
    ----------
    reported
        What the process has reported: of ``pid``, ``done`` and ``total``, ``result`` or ``error``, ``where``
        and ``code`` what is known until now.
    """

    def __init__(self, process: ForkServer, task: str) -> None:
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
        self._idle_processes: list[ForkServer] = []

    def preload(self) -> None:
        """Let the next task begin at once; returns before that is so."""
        with self._lock:
            for process in [each for each in self._idle_processes if each.poll() is not None]:
                self._discard(process)
            if not self._idle_processes:
                self._idle_processes.append(_start_fork_server())

    def fork(self) -> None:
        """Fork what tasks will be forked from off this process, which must not have begun a thread.

        It spares the seconds and the memory of loading the program once more. One that dies is replaced by a
        process of its own.
        """
        with self._lock:
            self._idle_processes.append(_fork_server())

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

    def _discard(self, process: ForkServer) -> None:
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


def _fork_server() -> ForkServer:
    # Loaded before, so that both share it.
    from api.jobs.fork_server import main

    tasks, write_tasks = os.pipe()
    read_reports, reports = os.pipe()
    process = os.fork()
    if process == 0:
        # A group of its own, with all that it forks.
        os.setsid()
        # Whatever it was may close its file as soon as it is replaced.
        sys.stdin = None
        nothing = os.open(os.devnull, os.O_WRONLY)
        for old, new in ((tasks, 0), (reports, 1), (nothing, 2)):
            os.dup2(old, new)
        for each in {tasks, write_tasks, read_reports, reports, nothing} - {0, 1, 2}:
            os.close(each)
        sys.stdin = os.fdopen(0)
        try:
            main()
        finally:
            os._exit(0)
    os.close(tasks)
    os.close(reports)
    return _ForkedServer(process, os.fdopen(write_tasks, "w"), os.fdopen(read_reports))


def _kill(process: ForkServer) -> None:
    # A process that has been waited for has given its number back.
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _close_pipes(process: ForkServer) -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(BrokenPipeError):
                stream.close()
