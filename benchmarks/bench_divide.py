"""Divide Shenzhen into 100 m squares, beside the usual way: a grid of boxes clipped by geopandas.overlay.

It measures each way in a process of its own, so that peaks of memory do not mix; what is measured and
how to read it stands in README.md.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import shapely

ROOT = Path(__file__).parents[1]
ZONES = ROOT.parent / "shared" / "data" / "shenzhen" / "traffic_zones.shp"
METRES = 4547
sys.path.insert(0, str(ROOT))


def areas() -> gpd.GeoDataFrame:
    """Read the zones as an areas frame that is a coverage (the published file is none)."""
    zones = pyogrio.read_dataframe(ZONES).to_crs(METRES)
    clean = shapely.coverage_clean(np.asarray(zones.geometry.array), snapping_distance=0, gap_width=200)
    code = zones["TAZID"].astype(int).astype(str)
    return gpd.GeoDataFrame(
        {"code": code, "name": code, "level": "", "parent": None}, geometry=clean, crs=METRES
    ).to_crs(4326)


def wangge(zones: gpd.GeoDataFrame, size: float) -> gpd.GeoDataFrame:
    """Divide with `gis.divide`."""
    from gis.divide import divide_square

    return divide_square(zones, size_m=size)


def overlay(zones: gpd.GeoDataFrame, size: float) -> gpd.GeoDataFrame:
    """Lay boxes over the bounds, clip them by the zones, and split what fell apart; remnants stay."""
    plane = zones.to_crs(METRES)
    west, south, east, north = np.floor(plane.total_bounds / size)
    column, row = (v.ravel() for v in np.meshgrid(np.arange(west, east + 1), np.arange(south, north + 1)))
    boxes = shapely.box(column * size, row * size, (column + 1) * size, (row + 1) * size)
    grid = gpd.GeoDataFrame(geometry=boxes, crs=METRES)
    pieces = gpd.overlay(grid, plane[["code", "geometry"]], how="intersection", keep_geom_type=True)
    return pieces.explode(ignore_index=True).rename(columns={"code": "area_code"}).to_crs(4326)


WAYS = {"wangge": wangge, "overlay": overlay}


def measure(way: str, size: float) -> dict[str, float | bool]:
    """Run one way in this process and judge what it made."""
    zones = areas()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    cells = WAYS[way](zones, size)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    plane = cells.to_crs(METRES)
    loss = plane.area.groupby(plane["area_code"]).sum() - zones.to_crs(METRES).set_index("code").area
    return {
        "seconds": seconds,
        "before_mib": before / 1024,
        "peak_mib": peak / 1024,
        "cells": len(cells),
        "below_quarter": int((plane.area < 0.25 * size**2).sum()),
        "valid_lonlat": bool(shapely.coverage_is_valid(np.asarray(cells.geometry.array))),
        "valid_metres": bool(shapely.coverage_is_valid(np.asarray(plane.geometry.array))),
        "largest_loss_m2": float(loss.abs().max()),
    }


def main() -> None:
    """Measure both ways and print them side by side."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=float, default=100, help="side of a square in metres")
    parser.add_argument("--only", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not ZONES.exists():
        print(f"Not measured: {ZONES} is absent.")
        return
    if options.only:
        print(json.dumps(measure(options.only, options.size)))
        return
    results = {}
    for way in WAYS:
        command = [sys.executable, __file__, "--only", way, "--size", str(options.size)]
        results[way] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(f"Shenzhen, 491 zones, squares of {options.size:g} m")
    print(f"{'':16}" + "".join(f"{way:>14}" for way in WAYS))
    for key in results["wangge"]:
        shown = (results[way][key] for way in WAYS)
        print(f"{key:16}" + "".join(f"{v:14.3f}" if isinstance(v, float) else f"{v!s:>14}" for v in shown))
    ratio = results["wangge"]["seconds"] / results["overlay"]["seconds"]
    print(f"wangge takes {ratio:.2f} times the seconds of geopandas.overlay")


if __name__ == "__main__":
    main()
