"""A running service to be measured: its processes, their memory, its answers and its tiles.

It owns starting, asking and watching; what is loaded is `bench_map.py`'s, the browser `map_browser.py`'s.
"""

import math
import os
import re
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[1]
_PROGRAM = (sys.executable, "-c", "from api.cli import main; main()")
_CONNECTIONS = 12
"""Fresh connections that must all tell the same: each goes to any worker."""


class Table:
    """What was measured, in rows of text."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, str]] = []

    def add(self, what: str, told: str) -> None:
        """Keep a row, and show it at once."""
        self._rows.append((what, told))
        print(f"{what}: {told}", file=sys.stderr, flush=True)

    @contextmanager
    def step(self, what: str, spent: Callable[[], float]) -> Iterator[None]:
        """Time a step, and what all processors `spent` on it, which a busy machine changes less."""
        began, before = time.perf_counter(), spent()
        yield
        self.add(what, f"{time.perf_counter() - began:.1f} s, {spent() - before:.1f} s of processors")

    def print(self) -> None:
        """Print all rows."""
        width = max(len(what) for what, _ in self._rows)
        for what, told in self._rows:
            print(f"{what:<{width}}  {told}")


class Service:
    """`wangge` on a database in a folder.

    Parameters
    ----------
    folder
        Where the database is.
    workers
        Processes that serve.
    """

    def __init__(self, folder: Path, workers: int) -> None:
        self.folder = folder
        self.address = ""
        self._workers = workers
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        database = f"sqlite:///{folder / 'wangge.gpkg'}"
        self._environment = {**os.environ, "PYTHONPATH": path, "WANGGE_DATABASE": database}
        self._peaks: dict[str, float] = {}
        self._now: dict[str, float] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def wangge(self, *arguments: object, given: str | None = None) -> str:
        """Run a command and return what it prints."""
        done = subprocess.run(
            [*_PROGRAM, *map(str, arguments)],
            check=False,
            capture_output=True,
            text=True,
            input=given,
            cwd=self.folder,
            env=self._environment,
        )
        if done.returncode:
            raise SystemExit(f"wangge {' '.join(map(str, arguments))}: {done.stderr}")
        return done.stdout.strip()

    def client(self) -> httpx.Client:
        """Return a client on a connection of its own."""
        token = (self.folder / "token").read_text(encoding="utf-8")
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=self.address, headers=headers, timeout=600)

    def spent(self) -> float:
        """Return the seconds of processors that the service and its commands have taken."""
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        total = used.ru_utime + used.ru_stime
        for pid in _below(self._process.pid) if self._process is not None else ():
            try:
                times = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
            except OSError:
                continue
            # What the process has taken, and those of its own that have ended.
            total += sum(map(int, times[11:15])) / os.sysconf("SC_CLK_TCK")
        return total

    def link(self) -> str:
        """Return an address that signs in once."""
        told = self.wangge("account", "link", "bench", "--address", self.address)
        return told.splitlines()[0]

    @contextmanager
    def serving(self, table: Table) -> Iterator[None]:
        """Serve, and tell the peaks of memory afterwards."""
        log = self.folder / "serve.log"
        with table.step("start until the first answer", self.spent), log.open("wb") as written:
            command = [*_PROGRAM, "serve", "--port", "0", "--workers", str(self._workers)]
            self._process = process = subprocess.Popen(
                command, cwd=self.folder, env=self._environment, stdout=written, stderr=written
            )
            while not (found := re.search(r"http://\S+:\d+", log.read_text(encoding="utf-8"))):
                time.sleep(0.05)
                if process.poll() is not None:
                    raise SystemExit(log.read_text(encoding="utf-8"))
            self.address = found[0]
            while not self._ready():
                time.sleep(0.05)
        stop = threading.Event()
        watch = threading.Thread(target=self._watch, args=(process.pid, stop))
        watch.start()
        try:
            yield
        finally:
            for what, most in sorted(self._peaks.items()):
                table.add(
                    f"memory, {what}",
                    f"{most / 1024:.0f} MiB at most, {self._now.get(what, 0) / 1024:.0f} at the end",
                )
            stop.set()
            watch.join()
            process.terminate()
            process.wait()
            self._process = None

    def _ready(self) -> bool:
        try:
            return httpx.get(f"{self.address}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def _watch(self, root: int, stop: threading.Event) -> None:
        """Keep the peaks of the resident memory of the processes below one."""
        while not stop.wait(0.1):
            now: dict[str, float] = {}
            for pid in _below(root):
                try:
                    command = Path(f"/proc/{pid}/cmdline").read_bytes().decode()
                    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
                except OSError:
                    continue
                found = re.search(r"VmRSS:\s+(\d+)", status)
                kind = "job" if "api.jobs.fork_server" in command else "worker"
                if found is not None:
                    now[kind] = max(now.get(kind, 0.0), float(found[1]))
            self._now = now
            for kind, size in now.items():
                self._peaks[kind] = max(self._peaks.get(kind, 0.0), size)

    @contextmanager
    def locating(self, table: Table, what: str) -> Iterator[None]:
        """Locate all the while, one at a time, and tell how long it took."""
        stop, taken = threading.Event(), list[float]()
        lon, lat = self.middle()

        def ask() -> None:
            with self.client() as client:
                while not stop.wait(0.02):
                    began = time.perf_counter()
                    client.get("/v1/locate", params={"lon": lon, "lat": lat}).raise_for_status()
                    taken.append(time.perf_counter() - began)

        thread = threading.Thread(target=ask)
        thread.start()
        yield
        stop.set()
        thread.join()
        taken.sort()
        table.add(what, f"{_ms(statistics.median(taken))} median, {_ms(taken[-1])} at most of {len(taken)}")

    def wait_for_cells(self) -> None:
        """Wait until every worker answers with cells."""
        lon, lat = self.middle()
        self._all(
            lambda client: client.get("/v1/locate", params={"lon": lon, "lat": lat, "scheme": "unit"}), _owned
        )

    def wait_for_tiles(self) -> None:
        """Wait until every worker draws cells."""
        address = tile_at(14, *self.middle())
        self._all(
            lambda client: client.get(f"/tiles/cells/{address}.mvt?scheme=unit"),
            lambda answer: len(answer.content) > 0,
        )

    def _all(self, ask: Any, good: Any) -> None:
        while True:
            for _ in range(_CONNECTIONS):
                with self.client() as client:
                    answer = ask(client)
                    # Just started, on a busy machine, a process may ask for patience.
                    if answer.status_code == 503 or not good(answer.raise_for_status()):
                        break
            else:
                return
            time.sleep(0.02)

    def middle(self) -> tuple[float, float]:
        """Return a place within an area, in degrees."""
        with self.client() as client:
            listed = client.get("/v1/areas", params={"limit": 1}).json()["items"]
            code = listed[0]["code"]
            import shapely.geometry

            found = client.get(f"/v1/areas/{code}").json()
            spot = shapely.geometry.shape(found["geometry"]).representative_point()
            return spot.x, spot.y


def _owned(answer: httpx.Response) -> bool:
    return '"code"' in answer.text and '"cell":null' not in answer.text


def _below(root: int) -> list[int]:
    """Return a process and all below it."""
    found = [root]
    for pid in found:
        try:
            found.extend(
                map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split())
            )
        except OSError:
            continue
    return found


def tile_at(zoom: int, lon: float, lat: float) -> str:
    """Return the address of the tile around a place."""
    side = 1 << zoom
    down = 0.5 - math.asinh(math.tan(math.radians(lat))) / (2 * math.pi)
    return f"{zoom}/{int((lon / 360 + 0.5) * side)}/{int(down * side)}"


def tile_rows(service: Service, table: Table) -> None:
    """Ask for the tiles of each zoom twice, and tell their times and sizes."""
    import random

    chance = random.Random(7)
    with service.client() as client:
        for layer, query in (("cells", "?scheme=unit"), ("areas", ""), ("entities", "")):
            told = client.get(f"/tiles/{layer}.json{query}").raise_for_status().json()
            west, south, east, north = told["bounds"]
            for zoom in range(8, 17):
                x0, y0 = map(int, tile_at(zoom, west, north).split("/")[1:])
                x1, y1 = map(int, tile_at(zoom, east, south).split("/")[1:])
                every = [(x, y) for x in range(x0, x1 + 1) for y in range(y0, y1 + 1)]
                chosen = chance.sample(every, min(len(every), 40))
                cold, warm, sizes = list[float](), list[float](), list[int]()
                for times in (cold, warm):
                    for x, y in chosen:
                        began = time.perf_counter()
                        answer = client.get(f"/tiles/{layer}/{zoom}/{x}/{y}.mvt{query}")
                        times.append(time.perf_counter() - began)
                        answer.raise_for_status()
                        sizes.append(int(answer.headers.get("content-length", 0)))
                table.add(
                    f"tiles of {layer}, zoom {zoom}",
                    f"first {_ms(cold[0])}, {_ms(statistics.median(cold))} median, "
                    f"{_ms(max(cold[1:], default=0))} most after it; warm {_ms(statistics.median(warm))}; "
                    f"{statistics.median(sizes) / 1000:.0f} kB median, {max(sizes) / 1000:.0f} most",
                )


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.1f} ms"
