"""Divide a city of streets into blocks, beside momepy's enclosures.

The city is a grid of bent streets: each tenth is a dual carriageway, one side street in twelve is a dead
end, and 25 areas share it. Each way is measured in a process of its own, so that peaks of memory do not mix;
what is measured and how to read it stands in README.md.
"""

import argparse
import importlib
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

ROOT = Path(__file__).parents[1]
METRES = 32633
ORIGIN = np.array([400_000.0, 4_900_000.0])
STEP_M = 100.0
AREAS = 5
sys.path.insert(0, str(ROOT))


def streets(segments: int) -> gpd.GeoDataFrame:
    """Make about so many streets from crossing to crossing, each of four vertices, in EPSG:4326."""
    side = round((segments / 2) ** 0.5)
    rng = np.random.default_rng(5)
    x, y = np.meshgrid(np.arange(side + 1) * STEP_M, np.arange(side + 1) * STEP_M)
    crossings = np.stack([x, y], axis=-1) + rng.uniform(-0.2, 0.2, (side + 1, side + 1, 2)) * STEP_M
    found, classes = [], []
    for turned in (crossings, crossings.swapaxes(0, 1)):
        start, end = turned[:, :-1], turned[:, 1:]
        along = np.linspace(0, 1, 4)[:, None]
        lines = start[:, :, None] * (1 - along) + end[:, :, None] * along
        lines[:, :, 1:3] += rng.uniform(-4, 4, lines[:, :, 1:3].shape)
        main = np.zeros(lines.shape[:2], dtype=bool)
        main[::10] = True
        dead = ~main & (rng.random(main.shape) < 1 / 12)
        lines[dead, 3] = lines[dead, 2]
        shift = np.zeros_like(lines)
        shift[main] = 5.0
        found += [lines + shift, lines[main] - 5.0]
        classes += [np.where(main, "primary", "residential").ravel(), np.full(main.sum(), "primary")]
    xy = np.concatenate([each.reshape(-1, 4, 2) for each in found])
    return gpd.GeoDataFrame(
        {"highway": np.concatenate(classes)}, geometry=shapely.linestrings(xy + ORIGIN), crs=METRES
    ).to_crs(4326)


def areas(segments: int) -> gpd.GeoDataFrame:
    """Make the areas of the city."""
    side = round((segments / 2) ** 0.5) * STEP_M
    at = np.linspace(STEP_M / 2, side - STEP_M / 2, AREAS + 1)
    boxes = [shapely.box(at[i], at[j], at[i + 1], at[j + 1]) for j in range(AREAS) for i in range(AREAS)]
    moved = shapely.transform(np.array(boxes), lambda xy: xy + ORIGIN)
    codes = [f"A{k}" for k in range(len(boxes))]
    data = {"code": codes, "name": codes, "level": "", "parent": None}
    return gpd.GeoDataFrame(data, geometry=moved, crs=METRES).to_crs(4326)


def faces(ground: gpd.GeoDataFrame, lines: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Cut the areas into faces and join slivers; no grouping, no subdivision."""
    from gis.divide import divide_blocks

    return divide_blocks(ground, lines, target_area_m2=None).cells


def blocks(ground: gpd.GeoDataFrame, lines: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Divide with `gis.divide` towards 20,000 m²: small faces are grouped, large ones cut."""
    from gis.divide import divide_blocks

    return divide_blocks(ground, lines, target_area_m2=20_000).cells


def enclosures(ground: gpd.GeoDataFrame, lines: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Enclose with momepy, with the areas' borders among the lines; slivers stay."""
    momepy = importlib.import_module("momepy")
    limit = ground.to_crs(METRES)
    barriers = pd.concat([lines.to_crs(METRES).geometry, limit.geometry.boundary], ignore_index=True)
    return momepy.enclosures(barriers, limit=limit.dissolve().geometry).to_crs(4326)


WAYS = {"faces": faces, "blocks": blocks, "enclosures": enclosures}


def measure(way: str, segments: int) -> dict[str, float | bool]:
    """Run one way in this process and judge what it made."""
    ground, lines = areas(segments), streets(segments)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start, processor = time.perf_counter(), time.process_time()
    cells = WAYS[way](ground, lines)
    seconds, spent = time.perf_counter() - start, time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    plane = cells.to_crs(METRES)
    excess = plane.area.sum() - ground.to_crs(METRES).area.sum()
    return {
        "segments": len(lines),
        "seconds": seconds,
        "processor_s": spent,
        "before_mib": before / 1024,
        "peak_mib": peak / 1024,
        "cells": len(cells),
        "below_500_m2": int((plane.area < 500).sum()),
        "median_m2": float(plane.area.median()),
        "excess_m2": float(excess),
        "valid_lonlat": bool(shapely.coverage_is_valid(np.asarray(cells.geometry.array))),
        "valid_metres": bool(shapely.coverage_is_valid(np.asarray(plane.geometry.array))),
    }


def main() -> None:
    """Measure all ways and print them side by side."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--segments", type=int, default=500_000, help="streets from crossing to crossing")
    parser.add_argument("--only", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        print(json.dumps(measure(options.only, options.segments)))
        return
    peers = os.environ.get("WANGGE_PEERS_PYTHON")
    programs = {"faces": sys.executable, "blocks": sys.executable} | ({"enclosures": peers} if peers else {})
    results = {}
    print(f"load of the machine: {os.getloadavg()[0]:.1f}")
    for way, program in programs.items():
        command = [program, __file__, "--only", way, "--segments", str(options.segments)]
        results[way] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(f"load of the machine: {os.getloadavg()[0]:.1f}")
    print(f"{'':16}" + "".join(f"{way:>14}" for way in results))
    for key in results["faces"]:
        shown = (result[key] for result in results.values())
        print(f"{key:16}" + "".join(f"{v:14.3f}" if isinstance(v, float) else f"{v!s:>14}" for v in shown))
    if peers:
        for way in ("faces", "blocks"):
            ratio = results[way]["seconds"] / results["enclosures"]["seconds"]
            print(f"{way} take {ratio:.2f} times the seconds of momepy's enclosures")
    else:
        print("momepy is absent: WANGGE_PEERS_PYTHON names no Python that has it.")


if __name__ == "__main__":
    main()
