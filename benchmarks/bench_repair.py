"""Repair the zones of Shenzhen and a damaged lattice, beside shapely.coverage_clean.

It measures each way in a process of its own and counts what each kept or lost; how to read it stands in
README.md.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import shapely

ROOT = Path(__file__).parents[1]
ZONES = ROOT.parent / "shared" / "data" / "shenzhen" / "traffic_zones.shp"
METRES = 4547
SIDE = 150
sys.path.insert(0, str(ROOT))


def shenzhen() -> gpd.GeoDataFrame:
    """Read the published zones: 518 overlaps, 671 blanks."""
    zones = pyogrio.read_dataframe(ZONES).to_crs(METRES)
    return gpd.GeoDataFrame(
        {"code": zones["TAZID"].astype(int).astype(str)}, geometry=zones.geometry.array, crs=METRES
    )


def lattice() -> gpd.GeoDataFrame:
    """Make 22,500 cells of 100 m, one in thirty of them moved by up to 3 m."""
    rng = np.random.default_rng(1)
    x, y = (v.ravel() * 100.0 + 500_000 for v in np.meshgrid(np.arange(SIDE), np.arange(SIDE)))
    y = y + 2_000_000
    moved = np.where(rng.uniform(size=len(x)) < 1 / 30, 3.0, 0.0)
    x, y = x + moved * rng.uniform(-1, 1, len(x)), y + moved * rng.uniform(-1, 1, len(x))
    boxes = shapely.segmentize(shapely.box(x, y, x + 100, y + 100), 20)
    return gpd.GeoDataFrame({"code": np.arange(len(x)).astype(str)}, geometry=boxes, crs=METRES)


LAYERS: dict[str, Callable[[], gpd.GeoDataFrame]] = {"shenzhen": shenzhen, "lattice": lattice}


def measure(way: str, layer: str) -> dict[str, float | bool]:
    """Run one way in this process and judge what it made."""
    from gis.topology import repair_topology

    cells = LAYERS[layer]()
    before = shapely.get_num_geometries(cells.geometry.array)
    start = time.perf_counter()
    if way == "wangge":
        made = repair_topology(cells).cells.to_crs(METRES).geometry.array
    else:
        made = shapely.coverage_clean(np.asarray(cells.geometry.array), gap_width=100)
    seconds = time.perf_counter() - start
    made = np.asarray(made)
    change = np.abs(shapely.area(made) / cells.area.to_numpy() - 1)
    lonlat = gpd.GeoSeries(made, crs=METRES).to_crs(4326)
    return {
        "seconds": seconds,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "vanished": int(shapely.is_empty(made).sum()),
        "split": int((shapely.get_num_geometries(made) > before).sum()),
        "largest_change": float(change.max()),
        "valid_metres": bool(shapely.coverage_is_valid(made)),
        "valid_lonlat": bool(shapely.coverage_is_valid(np.asarray(lonlat.array))),
    }


def main() -> None:
    """Measure both ways on both layers and print them side by side."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        print(json.dumps(measure(*options.only)))
        return
    for layer in LAYERS:
        if layer == "shenzhen" and not ZONES.exists():
            print(f"Not measured: {ZONES} is absent.")
            continue
        results = {}
        for way in ("wangge", "coverage_clean"):
            command = [sys.executable, __file__, "--only", way, layer]
            results[way] = json.loads(
                subprocess.run(command, check=True, capture_output=True, text=True).stdout
            )
        print(f"{layer:16}{'wangge':>16}{'coverage_clean':>16}")
        for key in results["wangge"]:
            shown = (results[way][key] for way in results)
            print(
                f"{key:16}" + "".join(f"{v:16.3f}" if isinstance(v, float) else f"{v!s:>16}" for v in shown)
            )
        ratio = results["wangge"]["seconds"] / results["coverage_clean"]["seconds"]
        print(f"wangge takes {ratio:.2f} times the seconds of shapely.coverage_clean\n")


if __name__ == "__main__":
    main()
