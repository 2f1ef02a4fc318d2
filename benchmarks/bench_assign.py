"""Assign 5,000,000 random points to the 100 m squares of Shenzhen, beside geopandas.sjoin.

It measures each way in a process of its own and compares the owner of every point; a point of the peer on
several cells goes to the lowest code. The cells are divided once and kept in the folder for temporary files.
"""

import argparse
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

ROOT = Path(__file__).parents[1]
ZONES = ROOT.parent / "shared" / "data" / "shenzhen" / "traffic_zones.shp"
CACHE = Path(tempfile.gettempdir()) / "wangge-bench-assign"
SEED = 20_240_601
sys.path.insert(0, str(ROOT))


def shenzhen_cells(size: float) -> Path:
    """Divide the repaired zones, unless done before, and return the file of cells."""
    from gis.divide import divide_square
    from gis.topology import repair_topology

    path = CACHE / f"cells-{size:g}.parquet"
    if not path.exists():
        CACHE.mkdir(exist_ok=True)
        zones = gpd.read_file(ZONES)
        zones["code"] = zones["TAZID"].astype(int).astype(str)
        mended = repair_topology(zones[["code", "geometry"]]).cells
        areas = mended.assign(name=mended["code"], level="", parent=None).to_crs(4326)
        divide_square(areas, size_m=size)[["code", "geometry"]].to_parquet(path)
    return path


def random_points(cells: gpd.GeoDataFrame, count: int, spread: str) -> np.ndarray:
    """Return points over the extent or in the boxes of the cells; one in a hundred is a corner."""
    random = np.random.default_rng(SEED)
    west, south, east, north = cells.total_bounds
    points = random.uniform((west, south), (east, north), (count, 2))
    if spread == "cells":
        boxes = shapely.bounds(np.asarray(cells.geometry.array))[random.integers(len(cells), size=count)]
        points = random.uniform(boxes[:, :2], boxes[:, 2:])
    corners = shapely.get_coordinates(cells.geometry)
    few = random.integers(count, size=count // 100)
    points[few] = corners[random.integers(len(corners), size=len(few))]
    return points


def point_frame(points: np.ndarray) -> gpd.GeoDataFrame:
    """Return points as the frame that sjoin and assign start from."""
    return gpd.GeoDataFrame(geometry=gpd.points_from_xy(points[:, 0], points[:, 1], crs=4326))


def peak_mib() -> float:
    """Return the largest memory this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run(way: str, cells: gpd.GeoDataFrame, points: np.ndarray) -> Callable[[], np.ndarray]:
    """Prepare the input of one way; what is returned runs it and gives its owners in its own terms."""
    from gis.assign import assign_to_cells
    from gis.locate import PointLocator

    if way == "locate":
        return lambda: PointLocator(cells).find_owners(points[:, 0], points[:, 1])
    frame = point_frame(points)
    if way == "assign":
        return lambda: assign_to_cells(frame, cells).frame["cell_code"].to_numpy()
    return lambda: gpd.sjoin(frame, cells, predicate="intersects")["index_right"]


def owner_ranks(way: str, found: Any, cells: gpd.GeoDataFrame, count: int) -> np.ndarray:
    """Return for each point the rank of its owner's code, -1 for none."""
    codes = pd.Index(np.sort(cells["code"].to_numpy(dtype=object)))
    if way == "locate":
        return found
    if way == "assign":
        return codes.get_indexer(found)
    owners = np.full(count, len(codes), dtype=np.int64)
    np.minimum.at(owners, found.index.to_numpy(), codes.get_indexer(cells["code"])[found.to_numpy()])
    return np.where(owners == len(codes), -1, owners)


def measure(way: str, path: Path, count: int, spread: str) -> dict[str, float | str]:
    """Measure one way in this process."""
    cells = gpd.read_parquet(path)
    points = random_points(cells, count, spread)
    work = run(way, cells, points)
    before = peak_mib()
    start, start_cpu = time.perf_counter(), time.process_time()
    found = work()
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - start_cpu
    peak = peak_mib()
    owners = owner_ranks(way, found, cells, count)
    return {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "before_mib": before,
        "peak_mib": peak,
        "cells": len(cells),
        "owned": int((owners >= 0).sum()),
        "owners": hashlib.sha256(owners.astype(np.int64).tobytes()).hexdigest()[:12],
    }


WAYS = ("locate", "assign", "sjoin")


def main() -> None:
    """Measure all ways and print them side by side."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=5_000_000)
    parser.add_argument("--size", type=float, default=100, help="side of a square in metres")
    parser.add_argument("--spread", choices=("extent", "cells"), default="cells")
    parser.add_argument("--only", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not ZONES.exists():
        print(f"Not measured: {ZONES} is absent.")
        return
    path = shenzhen_cells(options.size)
    if options.only:
        print(json.dumps(measure(options.only, path, options.points, options.spread)))
        return
    results = {}
    for way in WAYS:
        command = [sys.executable, __file__, "--only", way, "--points", str(options.points)]
        command += ["--size", str(options.size), "--spread", options.spread]
        results[way] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(f"{options.points:,} points over the {options.spread} of Shenzhen in squares of {options.size:g} m")
    print(f"{'':12}" + "".join(f"{way:>16}" for way in WAYS))
    for key in results["sjoin"]:
        shown = (results[way][key] for way in WAYS)
        print(f"{key:12}" + "".join(f"{v:16.2f}" if isinstance(v, float) else f"{v!s:>16}" for v in shown))
    for way in ("locate", "assign"):
        ratio = results[way]["seconds"] / results["sjoin"]["seconds"]
        print(f"{way} takes {ratio:.2f} times the seconds of geopandas.sjoin")
    if len({result["owners"] for result in results.values()}) > 1:
        sys.exit("The ways disagree about owners.")
    print("All ways name the same owner for every point.")


if __name__ == "__main__":
    main()
