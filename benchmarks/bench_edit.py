"""Redraw a plan of many cells, on which there are many entities: one transfer of ground after another.

In the engine an edit is computed and applied to the cells in memory; in the database it is checked, written
durably with its step, and the entities on its ground are counted before and after. `--postgresql URL` adds an
empty database there. Times are milliseconds of one edit, cold plans are read once before.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import geopandas as gpd
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


def transfers(cells: gpd.GeoDataFrame, count: int) -> Iterator[tuple[str, shapely.Geometry]]:
    """Give random cells a circle of ground around them, drawn with 33 vertices."""
    rng = np.random.default_rng(1)
    for row in rng.integers(0, len(cells), count).tolist():
        centre = cells.geometry.iloc[row].centroid
        yield str(cells["code"].iloc[row]), shapely.buffer(centre, STEP * rng.uniform(0.6, 0.9), quad_segs=8)


def report(
    what: str, edit: Callable[[str, shapely.Geometry], None], given: list[tuple[str, shapely.Geometry]]
) -> None:
    """Time edits one by one and print what they took."""
    from gis.errors import RefusedError

    taken, refused = [], 0
    for code, region in given:
        begin = time.perf_counter()
        try:
            edit(code, region)
        except RefusedError:
            refused += 1
            continue
        taken.append((time.perf_counter() - begin) * 1e3)
    low, middle, high = np.percentile(taken, [5, 50, 95])
    spread = f"{low:.0f}, {middle:.0f}, {high:.0f} ms (5, 50, 95 %)"
    print(f"{what:12} {len(taken)} edits, {refused} refused: {spread}", flush=True)


def measure_engine(cells: gpd.GeoDataFrame, edits: int) -> None:
    """Edit the cells in memory."""
    from gis.redraw import CellSet, Transfer

    current = CellSet.from_frame(cells, crs=METRES)

    def edit(code: str, region: shapely.Geometry) -> None:
        nonlocal current
        current = Transfer(region, code).edit(current).apply(current)

    report("engine", edit, list(transfers(cells, edits)))


def measure_database(
    url: str, areas: gpd.GeoDataFrame, cells: gpd.GeoDataFrame, entities: int, edits: int
) -> None:
    """Edit the cells of a draft in a database."""
    from gis.redraw import Transfer
    from layers.db.database import Database
    from layers.formats import write_layer
    from layers.imports.areas import import_areas
    from layers.imports.entities import import_entities
    from layers.plans.drafts import create_draft
    from layers.plans.edit_effects import count_effects
    from layers.plans.edits import edit_plan
    from layers.plans.schemes import create_scheme

    database = Database(url)
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
        import_entities(database, path, kind="household")
    with database.write() as session:
        scheme = create_scheme(session, "community", "community", working_crs="EPSG:4547")
        plan = create_draft(session, scheme.id, cells, name="plan", created_by="bench").id
    version = 1

    def edit(code: str, region: shapely.Geometry) -> None:
        nonlocal version
        with database.write() as session:
            done = edit_plan(session, plan, Transfer(region, code), version=version, author="bench")
            count_effects(session, plan, done.drawn.edit)
            version = done.plan.version

    report(database.engine.dialect.name, edit, list(transfers(cells, edits)))
    database.close()


def main() -> None:
    """Measure the engine and each database."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=50_000)
    parser.add_argument("--entities", type=int, default=1_000_000)
    parser.add_argument("--edits", type=int, default=200)
    parser.add_argument("--postgresql", help="URL of an empty database")
    options = parser.parse_args()
    areas, cells = plan_of(options.cells)
    print(f"{len(cells):,} cells, {options.entities:,} entities, load {os.getloadavg()[0]:.1f}")
    measure_engine(cells, options.edits)
    with tempfile.TemporaryDirectory() as folder:
        urls = [f"sqlite:///{folder}/wangge.gpkg", *([options.postgresql] if options.postgresql else [])]
        for url in urls:
            measure_database(url, areas, cells, options.entities, options.edits)


if __name__ == "__main__":
    main()
