"""Divide lattices of uneven units, and rebalance a drifted plan, beside pymetis, flips and GerryChain.

Each row is a way, each way runs in a process of its own with one thread. Seconds are the processor's, which
others on the machine change least, in multiples of pymetis' plain k-way partition, measured before and after
in the same process. How to read it stands in README.md.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import pymetis

from gis.balance import partition, rebalance
from gis.graph import NeighbourGraph

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
SIDE_M = 100.0
SIZES = {"10,000 to 100": (100, 100), "99,856 to 1,000": (316, 1000)}
SEEDS = (0, 1, 2)
PEERS = os.environ.get("WANGGE_BALANCE_PEERS")
"""The Python of an environment with gerrychain, which is no dependency of Wangge."""

Zones = np.ndarray


class Lattice:
    """Squares of 100 m whose loads are lognormal with sigma 1, independent of each other."""

    def __init__(self, side: int, seed: int, load_count: int = 1) -> None:
        number = np.arange(side * side).reshape(side, side)
        i = np.concatenate((number[:, :-1].ravel(), number[:-1].ravel()))
        j = np.concatenate((number[:, 1:].ravel(), number[1:].ravel()))
        self.side, self.count = side, side * side
        self.graph = NeighbourGraph.from_pairs(self.count, i, j, np.full(len(i), SIDE_M))
        self.loads = np.random.default_rng(seed).lognormal(0, 1, (self.count, load_count))
        self.area_m2 = np.full(self.count, SIDE_M**2)
        inner = np.bincount(self.graph.rows(), weights=self.graph.length, minlength=self.count)
        self.exterior_m = 4 * SIDE_M - inner

    def judge(self, zones: Zones) -> dict[str, float]:
        """Return greatest deviation, mean Polsby-Popper and broken zones, counted from the units alone."""
        count = int(zones.max()) + 1
        sums = np.stack([np.bincount(zones, weights=load, minlength=count) for load in self.loads.T])
        rows = self.graph.rows()
        crossing = zones[rows] != zones[self.graph.neighbours]
        perimeter = np.bincount(zones[rows[crossing]], weights=self.graph.length[crossing], minlength=count)
        perimeter += np.bincount(zones, weights=self.exterior_m, minlength=count)
        area = np.bincount(zones, weights=self.area_m2, minlength=count)
        parts = len(np.unique(self.graph.select(~crossing).components()))
        return {
            "deviation": float(np.abs(sums / sums.mean(axis=1, keepdims=True) - 1).max()),
            "compactness": float((4 * math.pi * area / perimeter**2).mean()),
            "broken": parts - len(np.unique(zones)),
        }


def metis(lattice: Lattice, count: int, seed: int) -> Zones:
    """Cut with pymetis' k-way partition, contiguous, by the first load."""
    weights = np.maximum(np.rint(lattice.loads[:, 0] * (1e8 / lattice.loads[:, 0].sum())), 1).astype(np.int32)
    adjacency = pymetis.CSRAdjacency(
        lattice.graph.offsets.astype(np.int32), lattice.graph.neighbours.astype(np.int32)
    )
    options = pymetis.Options(contig=1, seed=seed)
    _, zones = pymetis.part_graph(
        count, adjacency=adjacency, vweights=weights, recursive=False, options=options
    )
    return np.asarray(zones, dtype=np.int64)


def flip(lattice: Lattice, zones: Zones, tolerance: float, rounds: int = 20) -> Zones:
    """Move units from heavier zones to lighter ones beside them in plain Python, zones staying connected."""
    zones, beside = zones.copy(), lattice.graph.adjacency_lists()
    weight = lattice.loads[:, 0].tolist()
    sums = np.bincount(zones, weights=lattice.loads[:, 0])
    ideal = sums.mean()

    def connected_without(unit: int, zone: int) -> bool:
        own = [other for other in beside[unit] if zones[other] == zone]
        if len(own) <= 1:
            return bool(own)
        seen, front, missing = {unit, own[0]}, [own[0]], set(own[1:])
        while front and missing:
            for other in beside[front.pop()]:
                if other not in seen and zones[other] == zone:
                    seen.add(other)
                    missing.discard(other)
                    front.append(other)
        return not missing

    for _ in range(rounds):
        moved = 0
        rows = lattice.graph.rows()
        border = np.unique(rows[zones[rows] != zones[lattice.graph.neighbours]])
        for unit in border.tolist():
            zone = int(zones[unit])
            targets = {int(zones[other]) for other in beside[unit]} - {zone}
            target = min(targets, key=lambda each: sums[each], default=zone)
            better = sums[zone] - weight[unit] >= sums[target] and sums[zone] > ideal
            if target != zone and better and connected_without(unit, zone):
                zones[unit] = target
                sums[zone] -= weight[unit]
                sums[target] += weight[unit]
                moved += 1
        if not moved or np.abs(sums / ideal - 1).max() <= tolerance:
            break
    return zones


def metis_flips(lattice: Lattice, count: int, seed: int, tolerance: float) -> Zones:
    """Cut with pymetis, then flip."""
    return flip(lattice, metis(lattice, count, seed), tolerance)


def wangge(lattice: Lattice, count: int, seed: int, tolerance: float, effort: str) -> Zones:
    """Divide with gis.balance."""
    return partition(
        lattice.graph,
        lattice.loads,
        count,
        tolerance=[tolerance] * lattice.loads.shape[1],
        area_m2=lattice.area_m2,
        exterior_m=lattice.exterior_m,
        seed=seed,
        effort=effort,
    )


def drift(lattice: Lattice, zones: Zones, seed: int) -> None:
    """Let the load grow or shrink around one place for each four zones until the worst zone is 50 % off.

    Around each place load changes by a bell with a radius of 0.7 sides of a zone; half of the places grow,
    the others shrink by 0.6 as much. All bells are scaled alike until the greatest deviation is 50 %.
    """
    rng, count = np.random.default_rng(1000 + seed), int(zones.max()) + 1
    y, x = np.divmod(np.arange(lattice.count), lattice.side)
    change, radius = np.zeros(lattice.count), 0.7 * lattice.side / math.sqrt(count)
    for _ in range(count // 4):
        cx, cy = rng.uniform(0, lattice.side, 2)
        bell = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * radius**2))
        change += rng.choice((-0.6, 1.0)) * bell
    before, low, high = lattice.loads, 0.0, 8.0
    for _ in range(40):
        scale = (low + high) / 2
        lattice.loads = before * np.exp(scale * change)[:, None]
        low, high = (scale, high) if lattice.judge(zones)["deviation"] < 0.5 else (low, scale)


def moved_share(lattice: Lattice, before: Zones, after: Zones, renumbered: bool) -> float:
    """Return the share of the load in units whose zone is another.

    A plan made from scratch has numbers of its own: its zones are matched to those of the plan before by the
    load that they have in common, the pair with the most first.
    """
    if not renumbered:
        return float(lattice.loads[before != after, 0].sum() / lattice.loads[:, 0].sum())
    count = int(max(before.max(), after.max())) + 1
    common = np.zeros((count, count))
    np.add.at(common, (before, after), lattice.loads[:, 0])
    total, kept = common.sum(), 0.0
    for _ in range(count):
        old, new = np.unravel_index(common.argmax(), common.shape)
        kept += max(common[old, new], 0.0)
        common[old], common[:, new] = -1.0, -1.0
    return float(1 - kept / total)


def timed(work: Callable[[], Zones]) -> tuple[float, Zones]:
    """Return how many seconds of the processor something takes, and what it returns."""
    start = time.process_time()
    zones = work()
    return time.process_time() - start, zones


def measure(way: str, size: str, seed: int) -> dict[str, float]:
    """Run one way in this process, beside pymetis."""
    side, count = SIZES[size]
    kind, *values = way.split(":")
    lattice = Lattice(side, seed, 2 if kind == "two" else 1)
    compiling = 0.0
    if kind in ("wangge", "two", "rebalance"):
        # Compiled code is read from its cache, or made, before anything is measured.
        small = Lattice(12, 0, lattice.loads.shape[1])
        compiling, zones = timed(lambda: wangge(small, 4, 0, 0.05, "quick"))
        rebalance(
            small.graph, small.loads, zones, tolerance=[0.0] * small.loads.shape[1], area_m2=small.area_m2,
            exterior_m=small.exterior_m,
        )  # fmt: skip
    base = [timed(lambda: metis(lattice, count, seed))[0] for _ in range(3)]
    before = None
    if kind in ("rebalance", "flips-on", "metis-from-scratch"):
        before = wangge(lattice, count, seed, 0.03, "quick")
        drift(lattice, before, seed)
    ways: dict[str, Callable[[], Zones]] = {
        "metis": lambda: metis(lattice, count, seed),
        "flips": lambda: metis_flips(lattice, count, seed, 0.01),
        "wangge": lambda: wangge(lattice, count, seed, float(values[1]), values[0]),
        "two": lambda: wangge(lattice, count, seed, float(values[1]), values[0]),
        "flips-on": lambda: flip(lattice, before, 0.03),
        "metis-from-scratch": lambda: metis(lattice, count, seed),
        "rebalance": lambda: rebalance(
            lattice.graph, lattice.loads, before, tolerance=[0.03], area_m2=lattice.area_m2,
            exterior_m=lattice.exterior_m, budget=0.2, seed=seed,
        ).zones,
    }  # fmt: skip
    runs = [timed(ways[kind]) for _ in range(2 if side == 100 else 1)]
    base += [timed(lambda: metis(lattice, count, seed))[0] for _ in range(3)]
    seconds, zones = min(runs, key=lambda run: run[0])
    found = {"ratio": seconds / min(base), "seconds": seconds, "compiling": compiling, **lattice.judge(zones)}
    if before is not None:
        found["before"] = lattice.judge(before)["deviation"]
        found["moved"] = moved_share(lattice, before, zones, kind == "metis-from-scratch")
    return found


GERRYCHAIN = """
import json, sys, time
import networkx as nx, numpy as np
from gerrychain import Graph
from gerrychain.tree import recursive_tree_part
import random
side, count, seed = map(int, sys.argv[1:])
random.seed(seed); np.random.seed(seed)
loads = np.random.default_rng(seed).lognormal(0, 1, side * side)
grid = nx.convert_node_labels_to_integers(nx.grid_2d_graph(side, side), ordering="sorted")
whole = np.maximum(np.rint(loads * 1000), 1).astype(int).tolist()
nx.set_node_attributes(grid, dict(enumerate(whole)), "load")
graph = Graph.from_networkx(grid)
start = time.process_time()
parts = recursive_tree_part(graph, range(count), sum(whole) / count, "load", 0.05)
print(json.dumps({"seconds": time.process_time() - start, "zones": [parts[k] for k in range(side * side)]}))
"""


def gerrychain(seed: int) -> dict[str, float] | None:
    """Run GerryChain's recursive tree in its own environment, on the small lattice; None if it is absent."""
    if not PEERS:
        return None
    lattice = Lattice(100, seed)
    base = [timed(lambda: metis(lattice, 100, seed))[0] for _ in range(3)]
    command = [PEERS, "-c", GERRYCHAIN, "100", "100", str(seed)]
    done = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = json.loads(done.splitlines()[-1])
    seconds, zones = found["seconds"], np.array(found["zones"])
    return {"ratio": seconds / min(base), "seconds": seconds, "compiling": 0.0, **lattice.judge(zones)}


ROWS = {
    "10,000 to 100": {
        "pymetis k-way": "metis",
        "pymetis, then flips": "flips",
        "wangge quick, 1.5 %": "wangge:quick:0.015",
        "wangge thorough, 0.8 %": "wangge:thorough:0.008",
        "wangge thorough, two loads, 2 %": "two:thorough:0.02",
        "drifted: flips from the plan": "flips-on",
        "drifted: pymetis from scratch": "metis-from-scratch",
        "drifted: wangge rebalance, 3 %": "rebalance",
    },
    "99,856 to 1,000": {
        "pymetis k-way": "metis",
        "pymetis, then flips": "flips",
        "wangge quick, 2 %": "wangge:quick:0.02",
        "wangge thorough, 1 %": "wangge:thorough:0.01",
        "drifted: wangge rebalance, 3 %": "rebalance",
    },
}


def print_row(name: str, found: list[dict[str, float]]) -> None:
    """Print the worst of all seeds, which each figure must hold."""
    ratio, seconds = (max(each[key] for each in found) for key in ("ratio", "seconds"))
    off = max(each["deviation"] for each in found)
    compact, broken = min(each["compactness"] for each in found), sum(each["broken"] for each in found)
    line = f"{name:32}{ratio:9.1f} x{seconds:9.2f} s{off:9.2%}{compact:8.3f}{broken:8.0f}"
    if "moved" in found[0]:
        line += (
            f"   from {max(each['before'] for each in found):.0%}, {max(e['moved'] for e in found):.1%} moved"
        )
    print(line, flush=True)


def main() -> None:
    """Measure all ways and print the worst of the seeds for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--small", action="store_true", help="leave out the lattice of 99,856 units")
    options = parser.parse_args()
    if options.only:
        way, size, seed = options.only
        print(json.dumps(measure(way, size, int(seed))))
        return
    compiling = []
    one_thread = os.environ | dict.fromkeys(THREADS, "1")
    for size, rows in ROWS.items():
        if options.small and size != "10,000 to 100":
            continue
        print(f"\n{size} zones; the worst of seeds {SEEDS}; load of the machine {os.getloadavg()[0]:.1f}")
        print(f"{'':32}{'of pymetis':>11}{'seconds':>11}{'off':>9}{'P-P':>8}{'broken':>8}")
        for name, way in rows.items():
            found = []
            for seed in SEEDS:
                command = [sys.executable, __file__, "--only", way, size, str(seed)]
                done = subprocess.run(command, check=True, capture_output=True, text=True, env=one_thread)
                found.append(json.loads(done.stdout.splitlines()[-1]))
            compiling.append(max(each["compiling"] for each in found))
            print_row(name, found)
        if size == "10,000 to 100":
            trees = [gerrychain(seed) for seed in SEEDS] if PEERS else []
            if trees:
                print_row("GerryChain, recursive tree, 5 %", [tree for tree in trees if tree is not None])
            else:
                print("GerryChain is not measured: WANGGE_BALANCE_PEERS names no Python that has it")
    print(f"\ncompiled code read or made before each measurement: at most {max(compiling):.1f} s")
    print(f"load of the machine at the end: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
