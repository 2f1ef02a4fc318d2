"""Ask `/v1/locate` over HTTP with wrk, beside endpoints that do nothing, on the same server.

It publishes a square district into a new SQLite file, serves it by `wangge serve`, and asks singly, singly
while another plan is published halfway, and in bulk; every answer is 200 or counted as an error. The last
column is the share of the requests a second that the endpoint that does nothing answers.
"""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from threading import Thread
from typing import Any

import geopandas as gpd
import httpx
import numpy as np
import pyarrow as pa
import shapely
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

ROOT = Path(__file__).parents[1]
WANGGE = str(Path(sys.executable).with_name("wangge"))
sys.path.insert(0, str(ROOT))

WEST, SOUTH = 113.90, 22.48
_ANSWER = b'{"lon":114.0,"lat":22.5,"at":"2024-07-01","revision":1,"owners":[]}'


async def _constant(_request: Request) -> Response:
    return Response(_ANSWER, media_type="application/json")


starlette = Starlette(routes=[Route("/v1/locate", _constant)])
"""A route of Starlette without any middleware that answers with constant JSON."""


async def noop(_scope: Any, _receive: Any, send: Any) -> None:
    """Answer with constant JSON: what the server, the machine and wrk leave to an application."""
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(_ANSWER)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": _ANSWER})


def district(side_degrees: float) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return one area, and its division in squares of 100 m."""
    from gis.divide import divide_square

    ground = shapely.box(WEST, SOUTH, WEST + side_degrees, SOUTH + side_degrees)
    columns = {"code": ["440305"], "name": ["南山区"], "level": ["district"], "parent": [None]}
    areas = gpd.GeoDataFrame(columns, geometry=[ground], crs=4326)
    return areas, divide_square(areas, size_m=100)


def draft(url: str, cells: gpd.GeoDataFrame, name: str) -> int:
    """Store a plan that could be published, and return its id."""
    from layers.db.database import current_revision
    from layers.plans.check import check_plan
    from layers.plans.drafts import create_draft
    from layers.plans.schemes import create_scheme, find_scheme

    with opened(url) as database, database.write() as session:
        if not current_revision(session):
            create_scheme(session, "community", "社区网格")
        scheme = find_scheme(session, "community")
        plan = create_draft(session, scheme.id, cells.assign(name=name), name=name, created_by="bench")
        check_plan(session, plan.id)
        return plan.id


def put_in_force(url: str, plan_id: int) -> float:
    """Publish a plan for today and return the seconds it takes."""
    from layers.plans.publish import publish

    with opened(url) as database:
        began = time.perf_counter()
        with database.write() as session:
            publish(session, plan_id, date.today())
        return time.perf_counter() - began


@contextmanager
def opened(url: str) -> Iterator[Any]:
    """Open a database until the block ends."""
    from layers.db.database import Database

    with closing(Database(url)) as database:
        yield database


def prepare(folder: Path, side_degrees: float) -> tuple[str, gpd.GeoDataFrame, str]:
    """Make a database with a published plan; return its URL, the cells and a token."""
    from layers.models import Area

    url = f"sqlite:///{folder / 'wangge.gpkg'}"
    areas, cells = district(side_degrees)
    row = areas.iloc[0]
    with opened(url) as database:
        database.migrate()
        with database.write() as session:
            session.add(
                Area(code=row["code"], name=row["name"], level="district", parent=None, geometry=row.geometry)
            )
    put_in_force(url, draft(url, cells, "first"))
    made = subprocess.run(
        [WANGGE, "token", "create", "bench", "--role", "integrator", "--everywhere", "--database", url],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    return url, cells, made.stdout.strip()


@contextmanager
def running(command: list[str], port: int, path: str, environment: dict[str, str]) -> Iterator[str]:
    """Run a server until the block ends, and give its address once it answers."""
    server = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            if server.poll() is not None:
                raise RuntimeError(f"the server ended with {server.returncode}: {' '.join(command)}")
            try:
                if httpx.get(address + path, trust_env=False).status_code == 200:
                    break
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        # Every worker answers by now, not only the first.
        time.sleep(1.5)
        yield address
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(20)


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def single_script(token: str, side_degrees: float) -> str:
    """Ask for another location each time."""
    return f"""
math.randomseed(os.time())
wrk.headers["Authorization"] = "Bearer {token}"
request = function()
  local lon = {WEST} + math.random() * {side_degrees}
  local lat = {SOUTH} + math.random() * {side_degrees}
  return wrk.format("GET", string.format("/v1/locate?lon=%.7f&lat=%.7f", lon, lat))
end
"""


def bulk_script(token: str, side_degrees: float, points: int, folder: Path, *, arrow: bool) -> str:
    """Send columns of random points, as JSON or as an Arrow stream."""
    random = np.random.default_rng(1)
    lon = (WEST + random.random(points) * side_degrees).round(7)
    lat = (SOUTH + random.random(points) * side_degrees).round(7)
    if arrow:
        kind, sink = "application/vnd.apache.arrow.stream", pa.BufferOutputStream()
        table = pa.table({"lon": lon, "lat": lat})
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        body = sink.getvalue().to_pybytes()
    else:
        kind = "application/json"
        body = json.dumps({"lon": lon.tolist(), "lat": lat.tolist()}, separators=(",", ":")).encode()
    file = folder / "body"
    file.write_bytes(body)
    return f"""
wrk.method = "POST"
wrk.path = "/v1/locate?scheme=community"
wrk.headers["Authorization"] = "Bearer {token}"
wrk.headers["Content-Type"] = "{kind}"
wrk.body = io.open("{file}", "rb"):read("*a")
"""


def measure(address: str, script: str, folder: Path, seconds: float, connections: int) -> dict[str, Any]:
    """Run wrk and return requests a second, the 99th percentile and the number of errors."""
    path = folder / "wrk.lua"
    path.write_text(script)
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "30s", "--latency", "-s"]
    told = subprocess.run([*command, str(path), address], check=True, capture_output=True, text=True).stdout
    errors = sum(int(number) for number in re.findall(r"(?:connect|read|write|timeout) (\d+)", told))
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", told)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", told)
    assert rate is not None
    assert p99 is not None
    scale = {"us": 1e-3, "ms": 1.0, "s": 1e3}[p99[2]]
    return {
        "requests_s": float(rate[1]),
        "p99_ms": float(p99[1]) * scale,
        "errors": errors + (int(bad[1]) if bad else 0),
    }


def main() -> None:
    """Print a line for each way and number of workers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="seconds of each measurement")
    parser.add_argument("--side", type=float, default=0.1, help="degrees of the side of the district")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--connections", type=int, default=32)
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        print("wrk is not installed (apt-get install wrk): nothing measured")
        return
    with tempfile.TemporaryDirectory(prefix="wangge-bench-locate-") as name:
        folder = Path(name)
        url, cells, token = prepare(folder, options.side)
        print(f"{len(cells):,} cells of 100 m, {options.connections} connections, {options.seconds:g} s each")
        print(f"{'workers':>7} {'way':<30} {'requests/s':>10} {'points/s':>10} {'p99 ms':>8} {'errors':>6} ×")
        for workers in options.workers:
            compare(workers, url, cells, token, folder, options)


def compare(
    workers: int,
    url: str,
    cells: gpd.GeoDataFrame,
    token: str,
    folder: Path,
    options: argparse.Namespace,
) -> None:
    """Measure all ways with a number of workers."""

    def ask(address: str, way: str, script: str, points: int, ceiling: float | None) -> float:
        told = measure(address, script, folder, options.seconds, options.connections)
        rate: float = told["requests_s"]
        share = f"{rate / ceiling:.2f}" if ceiling else ""
        print(
            f"{workers:>7} {way:<30} {rate:>10,.0f} {rate * points:>10,.0f} {told['p99_ms']:>8.1f} "
            f"{told['errors']:>6} {share}",
            flush=True,
        )
        return rate

    uvicorn = [sys.executable, "-m", "uvicorn", "--app-dir", str(ROOT / "benchmarks"), "--no-access-log"]
    uvicorn += ["--workers", str(workers), "--log-level", "error", "--lifespan", "off"]
    ceiling: float | None = None
    single = single_script(token, options.side)
    for way, endpoint in (("no-op", "noop"), ("constant route of Starlette", "starlette")):
        port = free_port()
        bare = [*uvicorn, "--port", str(port), f"bench_locate_http:{endpoint}"]
        with running(bare, port, "/v1/locate", {}) as address:
            rate = ask(address, way, single, 1, ceiling)
            ceiling = ceiling or rate
    port = free_port()
    serve = [WANGGE, "serve", "--port", str(port), "--workers", str(workers)]
    with running([*serve, "--database", url], port, "/readyz", {}) as address:
        ask(address, "one location", single, 1, ceiling)
        plan_id = draft(url, cells, f"of {time.time():.0f}")
        took: list[float] = []

        def halfway() -> None:
            time.sleep(options.seconds / 2)
            before = revision(address, token)
            took.append(put_in_force(url, plan_id))
            done = time.perf_counter()
            while revision(address, token) == before:
                time.sleep(0.01)
            took.append(time.perf_counter() - done)

        other = Thread(target=halfway)
        other.start()
        ask(address, "one location, while publishing", single, 1, ceiling)
        other.join()
        print(f"        (published in {took[0]:.1f} s, answered from {took[1]:.2f} s later)")
        for points in (1_000, 10_000):
            for arrow in (False, True):
                script = bulk_script(token, options.side, points, folder, arrow=arrow)
                ask(address, f"{points:,} points, {'Arrow' if arrow else 'JSON'}", script, points, None)


def revision(address: str, token: str) -> int:
    """Return the number of the state from which a server answers."""
    answer = httpx.get(
        f"{address}/v1/locate?lon={WEST}&lat={SOUTH}",
        headers={"Authorization": f"Bearer {token}"},
        trust_env=False,
    )
    number: int = answer.raise_for_status().json()["revision"]
    return number


if __name__ == "__main__":
    main()
