"""Real processes of `wangge`: commands that end, and servers that are stopped or killed.

It owns starting and ending them; what is asked of them is the tests' own. They are forked from a process that
has loaded the program, which spares each seconds; the tests of the command line start it as a user does.
"""

import itertools
import json
import os
import re
import signal
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import httpx

from tests.forkserver import forkserver, run_program
from tests.plain_http import NO_CERTIFICATES
from tests.procfs import descendants, read_proc

_TIMEOUT_S = 180.0
_run_numbers = itertools.count()


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of a process whose uploads outlive it, as a service's should."""
    uploads = folder / "uploads"
    uploads.mkdir(exist_ok=True)
    path = os.pathsep.join(filter(None, sys.path))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WANGGE_")}
    return {**kept, "PYTHONPATH": path, "WANGGE_UPLOADS": str(uploads)}


def run_wangge(
    folder: Path, *arguments: object, codes: Collection[int] = (0,), logs: Path | None = None
) -> Any:
    """Run a command in a process of its own and return the JSON it prints, or its text.

    Parameters
    ----------
    folder
        Where it runs.
    arguments
        Of the command line.
    codes
        The exit codes with which it may end.
    logs
        Where what it prints is kept, if not in the folder.
    """
    process, output = _spawn(folder, *arguments, logs=logs)
    process.join(_TIMEOUT_S)
    assert process.exitcode in codes, _read_output(output, ".err")
    out = _read_output(output, ".out")
    return json.loads(out) if "--json" in arguments else out.strip()


def start_wangge(folder: Path, *arguments: object) -> ForkServerProcess:
    """Begin a command, to be killed before it ends."""
    return _spawn(folder, *arguments)[0]


def _spawn(folder: Path, *arguments: object, logs: Path | None = None) -> tuple[ForkServerProcess, Path]:
    """Begin a command; return also where it writes."""
    output = (logs or folder) / f"wangge-{next(_run_numbers)}"
    process_args = tuple(map(str, arguments)), folder, environment(output.parent), output
    process = forkserver.Process(target=run_program, args=process_args)
    process.start()
    return process, output


def _read_output(output: Path, suffix: str) -> str:
    path = output.with_suffix(suffix)
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


class Server:
    """A `wangge serve` on a free port, and a client of it.

    Parameters
    ----------
    folder
        Where it runs and logs.
    database
        The URL of its database.
    token
        What the client sends.
    workers
        Its processes.
    port
        Where it listens; 0 takes a free one.
    """

    def __init__(self, folder: Path, database: str, token: str, *, workers: int = 1, port: int = 0) -> None:
        options = ("--port", port, "--workers", workers, "--database", database)
        self.process, self._output = _spawn(folder, "serve", *options)
        self.token = token
        began = time.monotonic()
        try:
            self.address = self._wait_for_address()
            headers = {"Authorization": f"Bearer {token}"}
            self.client = httpx.Client(
                base_url=self.address, headers=headers, timeout=_TIMEOUT_S, verify=NO_CERTIFICATES
            )
            self._wait_until_ready()
        except BaseException:
            self.process.kill()
            self.process.join()
            raise
        self.started_s = time.monotonic() - began

    @property
    def log(self) -> str:
        """What it has logged until now."""
        return _read_output(self._output, ".out") + _read_output(self._output, ".err")

    def _wait_for_address(self) -> str:
        for _ in range(int(_TIMEOUT_S / 0.02)):
            if found := re.search(r"http://\S+:\d+", self.log):
                return found[0]
            assert self.process.exitcode is None, self.log
            time.sleep(0.02)
        raise AssertionError(f"the server does not start: {self.log}")

    def _wait_until_ready(self) -> None:
        for _ in range(int(_TIMEOUT_S / 0.02)):
            try:
                if self.client.get("/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                assert self.process.exitcode is None, self.log
            time.sleep(0.02)
        raise AssertionError(f"the server does not get ready: {self.log}")

    def kill(self) -> None:
        """End it as kill -9 does, and wait until the processes it had started have ended by themselves."""
        began = self.descendants()
        self.process.kill()
        self.process.join()
        assert self.process.exitcode == -signal.SIGKILL
        self.client.close()
        for _ in range(int(_TIMEOUT_S / 0.01)):
            if not any(map(_is_running, began)):
                return
            time.sleep(0.01)
        raise AssertionError("what a killed server had started goes on without it")

    def descendants(self) -> set[int]:
        """Return the processes that it has started, and those that they have."""
        assert self.process.pid is not None
        return descendants(self.process.pid)

    def stop(self) -> int | None:
        """Ask it to end, as a service manager does, and return its exit code."""
        self.client.close()
        self.process.terminate()
        self.process.join(_TIMEOUT_S)
        return self.process.exitcode


@contextmanager
def serving(folder: Path, database: str, token: str, *, workers: int = 1, port: int = 0) -> Iterator[Server]:
    """Give a server that is stopped afterwards, and has stopped well if the test has not ended it itself."""
    server = Server(folder, database, token, workers=workers, port=port)
    try:
        yield server
        if server.process.is_alive():
            assert server.stop() == 0, server.log
        assert "Traceback" not in server.log, server.log
    finally:
        server.process.kill()
        server.process.join()
        server.client.close()


def wait_for_job(client: httpx.Client, job: dict[str, Any]) -> dict[str, Any]:
    """Wait until a job has ended, and return it."""
    for _ in range(int(_TIMEOUT_S / 0.02)):
        job = client.get(f"/v1/jobs/{job['id']}").raise_for_status().json()
        if job["state"] not in {"queued", "running"}:
            return job
        time.sleep(0.02)
    raise AssertionError(f"the job does not end: {job}")


def _is_running(pid: int) -> bool:
    # Nobody may be there to collect an orphan's exit code.
    return read_proc(pid, "stat").rpartition(")")[2][:2].strip() not in ("", "Z")
