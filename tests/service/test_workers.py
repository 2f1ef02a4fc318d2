"""The processes of a service: those that answer and the one that jobs are forked from; any may be killed."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.procfs import children, read_proc
from tests.service import dataset
from tests.service.processes import Server, serving, wait_for_job

PATIENCE_S = 180.0


def workers(server: Server) -> set[int]:
    """Return the processes that answer."""
    return {pid for pid in server.descendants() if "spawn_main" in read_proc(pid, "cmdline")}


def wait_for_workers(server: Server, count: int, *, without: frozenset[int] = frozenset()) -> set[int]:
    """Wait until so many processes answer, none of them among those that were killed."""
    began = time.monotonic()
    while server.log.count("Application startup complete") < count + len(without):
        assert time.monotonic() - began < PATIENCE_S, server.log
        time.sleep(0.05)
    found = workers(server)
    assert len(found) == count
    assert not found & without
    return found


@pytest.mark.parametrize("copy_of", ["sqlite"], indirect=True)
def test_a_killed_process_leaves_a_service_that_goes_on_or_that_can_be_started_again(
    copy_of: Callable[[str], str], tmp_path: Path
) -> None:
    url = copy_of("migrated")
    token = dataset.prepare_database(url, dataset.county_and_towns())
    with serving(tmp_path, url, token, workers=2) as server:
        killed = min(wait_for_workers(server, 2))
        os.kill(killed, signal.SIGKILL)
        wait_for_workers(server, 2, without=frozenset({killed}))
        assert server.client.get("/v1/areas").raise_for_status().json()["items"]
        # Whoever watches over the workers is killed: they must end, or they would keep the port.
        server.kill()
        port = int(server.address.rpartition(":")[2])
        with serving(tmp_path, url, token, workers=2, port=port) as again:
            assert again.client.get("/v1/areas").raise_for_status().json()["items"]


def import_one(server: Server, folder: Path, number: int) -> str:
    """Import an entity by a job; return how the job ended."""
    path = folder / f"{number}.csv"
    path.write_text(f"id,kind,lon,lat\nS{number},sensor,114.05,22.54\n", encoding="utf-8")
    with path.open("rb") as file:
        sent = server.client.post("/v1/imports", files={"file": (path.name, file)}).raise_for_status()
    return str(wait_for_job(server.client, sent.json())["state"])


@pytest.mark.parametrize("copy_of", ["sqlite"], indirect=True)
def test_jobs_are_forked_from_the_service_itself_until_that_process_is_killed(
    copy_of: Callable[[str], str], tmp_path: Path
) -> None:
    url = copy_of("migrated")
    token = dataset.prepare_database(url, dataset.county_and_towns())
    with serving(tmp_path, url, token) as server:
        assert server.process.pid is not None
        (forked,) = children(server.process.pid)
        assert import_one(server, tmp_path, 1) == "done"
        assert children(server.process.pid) == {forked}
        os.kill(forked, signal.SIGKILL)
        assert import_one(server, tmp_path, 2) == "done"
        (loaded,) = children(server.process.pid)
        assert loaded != forked
        assert "api.jobs.fork_server" in read_proc(loaded, "cmdline")
