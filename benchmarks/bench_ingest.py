"""Import households into both databases: seconds, peak memory, and a second import that changes nothing.

Run with the number of households (default 1,000,000) and, for PostgreSQL, the URL of an empty database.
"""

import argparse
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis.crs import LONLAT
from layers.db.database import Database
from layers.formats import write_layer
from layers.imports.areas import import_areas
from layers.imports.entities import import_entities

_SIDE = 20
_WEST, _SOUTH, _STEP = 113.8, 22.4, 0.01


def communities() -> gpd.GeoDataFrame:
    """Return 400 square communities."""
    column, row = (part.ravel() for part in np.meshgrid(np.arange(_SIDE), np.arange(_SIDE)))
    west, south = _WEST + _STEP * column, _SOUTH + _STEP * row
    codes = [f"440305{1 + r:03d}{1 + c:03d}" for c, r in zip(column, row, strict=True)]
    return gpd.GeoDataFrame(
        {"code": codes, "name": codes, "level": "village", "parent": None},
        geometry=shapely.box(west, south, west + _STEP, south + _STEP),
        crs=LONLAT,
    )


def households(path: Path, count: int) -> None:
    """Write households with names, phones and three attributes at random places."""
    random = np.random.default_rng(1)
    numbers = pd.Series(np.arange(count))
    frame = gpd.GeoDataFrame(
        {
            "id": "H" + numbers.astype(str).str.zfill(8),
            "姓名": "张" + (numbers % 9973).astype(str),
            "联系电话": (13_000_000_000 + numbers).astype(str),
            "address": "海湾路" + (numbers % 977).astype(str) + "号",
            "persons": random.integers(1, 7, count),
            "floor": random.integers(1, 33, count),
        },
        geometry=shapely.points(
            _WEST + _SIDE * _STEP * random.random(count), _SOUTH + _SIDE * _STEP * random.random(count)
        ),
        crs=LONLAT,
    )
    write_layer(path, frame)


def measure(url: str, path: Path) -> None:
    """Import twice in this process and print what it took."""
    database = Database(url)
    database.migrate()
    import_areas(database, communities())
    for name in ("first", "again"):
        begin = time.perf_counter()
        summary = import_entities(database, path, kind="household")
        seconds = time.perf_counter() - begin
        # Unlike ru_maxrss this does not begin with the memory of the process that started this one.
        status = Path("/proc/self/status").read_text(encoding="ascii")
        peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
        print(
            f"{database.engine.dialect.name:10} {path.suffix:8} {name}: {seconds:6.1f} s, "
            f"peak {peak:,.0f} MiB, {summary.inserted:,} inserted, {summary.unchanged:,} unchanged",
            flush=True,
        )
    database.close()


def main() -> None:
    """Measure each database in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--postgresql", help="URL of an empty database")
    parser.add_argument("--format", default=".parquet", help="extension of the file")
    arguments = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"households{arguments.format}"
        households(path, arguments.count)
        urls = [f"sqlite:///{folder}/wangge.gpkg"]
        urls += [arguments.postgresql] if arguments.postgresql else []
        for url in urls:
            process = spawn.Process(target=measure, args=(url, path))
            process.start()
            process.join()
            if process.exitcode:
                sys.exit(process.exitcode)


if __name__ == "__main__":
    main()
