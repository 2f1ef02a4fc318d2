"""Redraw a plan of many cells, on which there are many entities: one transfer of ground after another.

In the engine an edit is computed and applied to the cells in memory. In a database, where the plan is
checked, published and copied first, an edit of the copy is computed, checked and written durably with its
step, and the entities on its ground are assigned before and after; over HTTP a server does the same.
`--postgresql URL` adds an empty database there. Beside the time that passes stands what the process took of
the processors (over HTTP the server), which a busy machine changes less; PostgreSQL's own is not in it.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import httpx
import numpy as np
import shapely
from pyproj import CRS

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

WEST, SOUTH = 113.90, 22.40
METRES = CRS.from_epsg(4547)
STEP = 0.001


def plan_of(count: int) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return communities, and their division into about `count` square cells of 100 m."""
    from gis.divide import divide_square

    # Of 29 by 29 squares and the remnants at their borders, so that three digits number them.
    column, row = np.divmod(np.arange(max(1, round(count / 935))), 7)
    wide = 29 * STEP * 0.973
    codes = [f"440305{1 + r:03d}{1 + c:03d}" for c, r in zip(column, row, strict=True)]
    areas = gpd.GeoDataFrame(
        {"code": codes, "name": codes, "level": "village", "parent": None},
        geometry=shapely.box(
            WEST + column * wide, SOUTH + row * wide, WEST + (column + 1) * wide, SOUTH + (row + 1) * wide
        ),
        crs=4326,
    )
    return areas, divide_square(areas, size_m=100, crs=METRES)


def transfers(cells: gpd.GeoDataFrame, count: int, seed: int = 1) -> Iterator[tuple[str, shapely.Geometry]]:
    """Give random cells a circle of ground around them, drawn with 33 vertices."""
    rng = np.random.default_rng(seed)
    for row in rng.integers(0, len(cells), count).tolist():
        centre = cells.geometry.iloc[row].centroid
        yield str(cells["code"].iloc[row]), shapely.buffer(centre, STEP * rng.uniform(0.6, 0.9), quad_segs=8)


def report(
    what: str,
    edit: Callable[[str, shapely.Geometry], bool],
    given: list[tuple[str, shapely.Geometry]],
    clock: Callable[[], float] = time.process_time,
) -> None:
    """Time edits one by one, each of which tells whether it was done, and print what they took."""
    passed, spent, refused = [], [], 0
    for code, region in given:
        begin, before = time.perf_counter(), clock()
        if not edit(code, region):
            refused += 1
            continue
        passed.append((time.perf_counter() - begin) * 1e3)
        spent.append((clock() - before) * 1e3)
    texts = [
        "{:.0f}, {:.0f}, {:.0f} ms".format(*np.percentile(each, [5, 50, 95])) for each in (passed, spent)
    ]
    print(
        f"{what:16} {len(passed)} edits, {refused} refused: {texts[0]} (5, 50, 95 %), processor {texts[1]}",
        flush=True,
    )


def timed(what: str, work: Callable[[], Any]) -> Any:
    """Print the seconds that work takes, and return what it does."""
    begin, before = time.perf_counter(), time.process_time()
    result = work()
    spent = time.process_time() - before
    print(f"{what:16} {time.perf_counter() - begin:.1f} s, processor {spent:.1f} s", flush=True)
    return result


def measure_engine(cells: gpd.GeoDataFrame, edits: int) -> None:
    """Edit the cells in memory."""
    from gis.errors import RefusedError
    from gis.redraw import CellSet, Transfer

    current = CellSet.from_frame(cells, crs=METRES)

    def edit(code: str, region: shapely.Geometry) -> bool:
        nonlocal current
        try:
            current = Transfer(region, code).edit(current).apply(current)
        except RefusedError:
            return False
        return True

    report("engine", edit, list(transfers(cells, edits)))


def fill_database(url: str, areas: gpd.GeoDataFrame, cells: gpd.GeoDataFrame, entities: int) -> int:
    """Put the cells in force in a new database, with entities, and return a copy of the plan to be edited."""
    from layers.db.database import Database
    from layers.formats import write_layer
    from layers.imports.areas import import_areas
    from layers.imports.entities import import_entities
    from layers.plans.check import check_plan
    from layers.plans.copies import copy_plan
    from layers.plans.drafts import create_draft
    from layers.plans.publish import publish
    from layers.plans.schemes import create_scheme

    with closing(Database(url)) as database:
        kind = database.engine.dialect.name
        database.migrate()
        import_areas(database, areas, on=date(2026, 1, 1))
        rng = np.random.default_rng(2)
        west, south, east, north = areas.total_bounds
        points = shapely.points(rng.uniform(west, east, entities), rng.uniform(south, north, entities))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "households.parquet"
            write_layer(
                path, gpd.GeoDataFrame({"id": [f"H{k}" for k in range(entities)]}, geometry=points, crs=4326)
            )
            import_entities(database, path, kind="household", on=date(2026, 1, 1))

        def draft() -> int:
            with database.write() as session:
                scheme = create_scheme(session, "community", "community", working_crs="EPSG:4547")
                return create_draft(session, scheme.id, cells, name="plan", created_by="bench").id

        def check() -> None:
            with database.write() as session:
                check_plan(session, plan, on=date(2026, 1, 1))

        def put_in_force() -> None:
            with database.write() as session:
                publish(session, plan, date(2026, 1, 1), confirmed=True)

        def copy() -> int:
            with database.write() as session:
                return copy_plan(session, plan, name="copy").id

        plan = timed(f"{kind} draft", draft)
        timed(f"{kind} check", check)
        timed(f"{kind} publish", put_in_force)
        return int(timed(f"{kind} copy", copy))


def measure_database(url: str, plan: int, cells: gpd.GeoDataFrame, edits: int) -> None:
    """Edit the cells of a draft in a database."""
    from gis.errors import RefusedError
    from gis.redraw import Transfer
    from layers.db.database import Database
    from layers.models import Plan
    from layers.plans.edit_effects import count_effects
    from layers.plans.edits import edit_plan

    database = Database(url)
    with database.read() as session:
        version = session.get_one(Plan, plan).version

    def edit(code: str, region: shapely.Geometry) -> bool:
        nonlocal version
        try:
            with database.write() as session:
                done = edit_plan(session, plan, Transfer(region, code), version=version, author="bench")
                count_effects(session, plan, done.drawn.edit)
        except RefusedError:
            return False
        version = done.plan.version
        return True

    report(database.engine.dialect.name, edit, list(transfers(cells, edits)))
    database.close()


def measure_http(url: str, plan: int, cells: gpd.GeoDataFrame, edits: int) -> None:
    """Edit the cells of a draft through a server."""
    kind = "sqlite" if url.startswith("sqlite") else "postgresql"
    with serving(url) as (client, process):

        def edit(code: str, region: shapely.Geometry) -> bool:
            nonlocal tag
            body = {"command": "transfer", "to": code, "region": shapely.geometry.mapping(region)}
            done = client.post(f"/v1/plans/{plan}/edits", json=body, headers={"If-Match": tag})
            if done.status_code == 409:
                return False
            tag = done.raise_for_status().headers["ETag"]
            return True

        def spent() -> float:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")

        tag = client.get(f"/v1/plans/{plan}").raise_for_status().headers["ETag"]
        # Other ground than that which the edits before have given away already.
        report(f"{kind} HTTP", edit, list(transfers(cells, edits, seed=2)), spent)


@contextmanager
def serving(url: str) -> Iterator[tuple[httpx.Client, int]]:
    """Run a server until the block ends; give a client of it and the number of its process."""
    run = [sys.executable, "-c", "from api.cli import main; main()"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    named = ["token", "create", "bench", "--role", "admin", "--everywhere", "--database", url]
    made = subprocess.run([*run, *named], check=True, capture_output=True, text=True, env=environment)
    with tempfile.TemporaryFile("w+") as log:
        server = subprocess.Popen(
            [*run, "serve", "--port", "0", "--database", url], stdout=log, stderr=log, env=environment
        )
        try:
            address = None
            while address is None and server.poll() is None:
                time.sleep(0.1)
                log.seek(0)
                address = re.search(r"http://\S+:\d+", log.read())
            if address is None:
                log.seek(0)
                raise RuntimeError(f"the server ended with {server.returncode}: {log.read()[-500:]}")
            headers = {"Authorization": f"Bearer {made.stdout.strip()}"}
            with httpx.Client(base_url=address[0], headers=headers, timeout=120, trust_env=False) as client:
                while not is_ready(client):
                    time.sleep(0.1)
                yield client, server.pid
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(120)


def is_ready(client: httpx.Client) -> bool:
    """Return whether a server answers."""
    try:
        return client.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


def main() -> None:
    """Measure the engine and each database."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=50_000)
    parser.add_argument("--entities", type=int, default=1_000_000)
    parser.add_argument("--edits", type=int, default=200)
    parser.add_argument("--postgresql", help="URL of an empty database")
    options = parser.parse_args()
    areas, cells = plan_of(options.cells)
    print(f"{len(cells):,} cells, {options.entities:,} entities, load {os.getloadavg()[0]:.1f}", flush=True)
    measure_engine(cells, options.edits)
    with tempfile.TemporaryDirectory() as folder:
        urls = [f"sqlite:///{folder}/wangge.gpkg", *([options.postgresql] if options.postgresql else [])]
        for url in urls:
            plan = fill_database(url, areas, cells, options.entities)
            measure_database(url, plan, cells, options.edits)
            measure_http(url, plan, cells, options.edits)


if __name__ == "__main__":
    main()
