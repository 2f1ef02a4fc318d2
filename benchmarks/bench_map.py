"""Bring areas into a service, divide and publish them, and look at the map in a real browser.

The demonstration's district by default; other areas with `--areas FILE --code-field FIELD --size METRES`. It
measures the whole way, and what to read in its table stands in README.md.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyogrio
import shapely

sys.path.insert(0, str(Path(__file__).parent))
from map_browser import browse
from map_service import Service, Table, tile_rows

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--areas", type=Path, help="a file of areas; the sample district when not given")
    parser.add_argument("--code-field", default="code")
    parser.add_argument("--size", type=float, default=100.0, help="metres of a square")
    parser.add_argument("--entities", type=int, default=100_000, help="random households to load")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="keep the database here, and use the one that is here")
    parser.add_argument("--no-browser", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wangge-bench-map-") as temporary:
        folder = chosen.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        measure(chosen, folder.resolve(), Table())


def measure(chosen: argparse.Namespace, folder: Path, table: Table) -> None:
    """Do it all in a folder."""
    kept = (folder / "wangge.gpkg").exists()
    service = Service(folder, chosen.workers)
    if not kept:
        fill(chosen, service, table)
    with service.serving(table):
        if not kept:
            publish(service, chosen.size, table)
        with table.step("tiles of every worker", service.spent):
            service.wait_for_tiles()
        tile_rows(service, table)
        if not chosen.no_browser:
            browse(service, table)
    table.print()


def fill(chosen: argparse.Namespace, service: Service, table: Table) -> None:
    """Make the database: areas, households at random places, a token and an account."""
    areas, field, base = chosen.areas, chosen.code_field, None
    if areas is None:
        from layers.sample import make_sample

        sample = service.folder / "sample"
        make_sample(sample, tables=ROOT / "data")
        areas, field, base = sample / "areas.gpkg", "code", sample / "district.gpkg"
    service.wangge("migrate")
    with table.step("load areas", service.spent):
        service.wangge("load", "areas", areas, "--code-field", field, "--on", "2026-01-01")
    if base is not None:
        with table.step("load the base map", service.spent):
            service.wangge("load", "base", base)
    places = service.folder / "households.csv"
    scatter(areas, chosen.entities, places)
    with table.step(f"load {chosen.entities:,} households", service.spent):
        service.wangge("load", "entities", places, "--kind", "household", "--on", "2026-01-01")
    token = service.wangge("token", "create", "bench", "--role", "admin", "--everywhere")
    (service.folder / "token").write_text(token.split()[-1], encoding="utf-8")
    service.wangge(
        *("account", "create", "bench", "--role", "viewer", "--everywhere", "--password-stdin"),
        given="a long enough password\n",
    )


def scatter(areas: Path, count: int, places: Path) -> None:
    """Write households at random places within the areas."""
    ground = shapely.union_all(pyogrio.read_dataframe(areas).to_crs(4326).geometry.to_numpy())
    shapely.prepare(ground)
    west, south, east, north = ground.bounds
    chance = np.random.default_rng(7)
    found: list[tuple[float, float]] = []
    while len(found) < count:
        lon, lat = chance.uniform(west, east, count), chance.uniform(south, north, count)
        inside = shapely.contains_xy(ground, lon, lat)
        found.extend(zip(lon[inside].tolist(), lat[inside].tolist(), strict=True))
    lines = (f"H{row},{lon:.6f},{lat:.6f}" for row, (lon, lat) in enumerate(found[:count]))
    places.write_text("id,longitude,latitude\n" + "\n".join(lines) + "\n", encoding="utf-8")


def finish(client: httpx.Client, accepted: httpx.Response) -> dict[str, Any]:
    """Wait until a job is done, and return it."""
    job: dict[str, Any] = accepted.json()
    while job["state"] in {"queued", "running"}:
        time.sleep(0.1)
        job = client.get(f"/v1/jobs/{job['id']}").raise_for_status().json()
    if job["state"] != "done":
        raise SystemExit(f"{job['kind']}: {job}")
    return job


def publish(service: Service, size: float, table: Table) -> None:
    """Divide through the service, check, publish, and wait until all workers know."""
    client = service.client()
    client.post("/v1/schemes", json={"code": "unit", "name": "单元网格"}).raise_for_status()
    with table.step("divide (job)", service.spent):
        given = {"scheme": "unit", "name": "first", "size_m": size}
        job = finish(client, client.post("/v1/divisions", json=given).raise_for_status())
    print(job["result"], file=sys.stderr)
    plan = f"/v1/plans/{job['result']['plan']}"
    for what, body in (("check", None), ("publish", {"on": "2026-01-01"})):
        held = client.get(plan).raise_for_status()
        with table.step(what, service.spent), service.locating(table, f"locate during {what}"):
            done = client.post(f"{plan}/{what}", json=body, headers={"If-Match": held.headers["etag"]})
            if done.status_code >= 400:
                raise SystemExit(f"{what}: {done.status_code} {done.text[:400]}")
            # A large plan is checked and published by a job.
            told = finish(client, done) if done.status_code == 202 else done.json()
        print(what, str(told)[:300], file=sys.stderr)
    with table.step("publish to every worker's answer", service.spent):
        service.wait_for_cells()


if __name__ == "__main__":
    main()
