"""Moves of units between the cells of a plan, part by part, within one budget for all."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import shapely

from gis.arrays import BoolArray, FloatArray, IntArray
from gis.balance import LoadTarget
from gis.divide.balanced_parts import Parts, add_joints, nearest_joints
from gis.divide.unit_coverage import UnitCoverage
from gis.graph import NeighbourGraph
from gis.progress import Progress, portion


if TYPE_CHECKING:
    from gis.balance import Rebalance


class MovedUnits(NamedTuple):
    """What moving units comes to.

    Attributes
    ----------
    owner
        Shape (n,), the row of the cell of each unit.
    pareto
        moved_share of the first load, and the greatest_deviation from the ideal of a part that it leaves.
    """

    owner: IntArray
    pareto: pd.DataFrame


def join_pieces(
    units: UnitCoverage, borders: NeighbourGraph, owner: IntArray, free: IntArray
) -> tuple[NeighbourGraph, BoolArray]:
    """Join the pieces of each cell that share no border, so that a cell counts as one.

    Parameters
    ----------
    free
        Positions of the units that are balanced.

    Returns
    -------
    borders, bound
        The graph with joints of no length, and which units are joined: these keep their cell, so that no
        other cell grows over a joint.
    """
    within = borders.select(owner[borders.rows()] == owner[borders.neighbours])
    piece = within.components()
    firsts = free[piece[free] == free]
    several = np.flatnonzero(np.bincount(owner[firsts]) > 1)
    bound = np.zeros(len(units), dtype=bool)
    if not len(several):
        return borders, bound
    joints = []
    for cell in several.tolist():
        rows = np.flatnonzero(owner == cell)
        joints.append(nearest_joints(units, rows, np.unique(piece[rows], return_inverse=True)[1]))
    first, second = np.concatenate(joints).T
    bound[first] = bound[second] = True
    return add_joints(borders, first, second), bound


def move_units(
    units: UnitCoverage,
    borders: NeighbourGraph,
    loads: FloatArray,
    owner: IntArray,
    locked: BoolArray,
    connected: Parts,
    weights: Sequence[LoadTarget],
    *,
    budget: float,
    seed: int,
    progress: Progress,
) -> MovedUnits:
    """Move units until each part of the plan is in tolerance, or the budget is used up.

    Parts are balanced by themselves, each towards its own ideal, for nothing can move between them. The
    budget is spent where deviations are greatest.

    Parameters
    ----------
    borders
        Across which units may move; each cell is connected.
    owner
        Shape (n,), the row of the cell of each unit.
    locked
        Shape (n,), units that keep their cell.
    connected
        The parts of the units that are balanced.
    budget
        Share of the first load of all units that are balanced.
    """
    exterior_m = units.exterior_m(borders)
    parts = [_take_part(units, borders, loads, exterior_m, owner, locked, rows) for rows in connected.units]
    held = connected.load[:, 0]
    total, steps = float(held.sum()), 2 * int(connected.size.sum())

    def run(shares: FloatArray, done: int) -> list["Rebalance"]:
        results = []
        for part, share in zip(parts, shares.tolist(), strict=True):
            size = len(part.rows)
            results.append(_run(part, weights, share, seed, portion(progress, done, size, steps)))
            done += size
        return results

    whole = np.divide(budget * total, held, out=np.ones(len(parts)), where=held > 0).clip(0, 1)
    results = run(whole, 0)
    pareto = _pareto(results, held, total)
    if sum(found.moved * load for found, load in zip(results, held, strict=True)) > budget * total:
        results = run(_allot(results, held, budget * total), steps // 2)
    moved = owner.copy()
    for part, found in zip(parts, results, strict=True):
        moved[part.rows] = part.cells[found.zones]
    progress(steps, steps)
    return MovedUnits(moved, pareto)


class _Part(NamedTuple):
    """Cells among which units may move, with the positions of their units.

    Attributes
    ----------
    rows, zones
        Shape (m,), positions of the units, ascending, and their cells numbered from 0.
    cells
        The row of each of these cells.
    graph, loads, area_m2, exterior_m, locked
        Of the units of the part.
    """

    rows: IntArray
    zones: IntArray
    cells: IntArray
    graph: NeighbourGraph
    loads: FloatArray
    area_m2: FloatArray
    exterior_m: FloatArray
    locked: BoolArray


def _take_part(
    units: UnitCoverage,
    borders: NeighbourGraph,
    loads: FloatArray,
    exterior_m: FloatArray,
    owner: IntArray,
    locked: BoolArray,
    rows: IntArray,
) -> _Part:
    cells, zones = np.unique(owner[rows], return_inverse=True)
    return _Part(
        rows,
        zones.astype(np.int64),
        cells,
        borders.subgraph(rows),
        loads[rows],
        np.asarray(shapely.area(units.geometry[rows])),
        exterior_m[rows],
        locked[rows],
    )


def _run(
    part: _Part, weights: Sequence[LoadTarget], budget: float, seed: int, progress: Progress
) -> "Rebalance":
    from gis.balance import rebalance

    return rebalance(
        part.graph,
        part.loads,
        part.zones,
        tolerance=[target.tolerance for target in weights],
        cap=[np.inf if target.cap is None else target.cap for target in weights],
        area_m2=part.area_m2,
        exterior_m=part.exterior_m,
        locked=part.locked,
        budget=budget,
        seed=seed,
        progress=progress,
    )


def _line(found: "Rebalance") -> FloatArray:
    """Return the Pareto line of a part, shape (s, 2): the share moved, and the greatest deviation left."""
    return np.array([[point.moved, point.deviation] for point in found.pareto]).reshape(-1, 2)


def _needed(lines: list[FloatArray], held: FloatArray, deviation: float) -> FloatArray:
    """Return the load that each part moves to come to a deviation, or as near to it as it can."""
    needed = np.zeros(len(lines))
    for k, line in enumerate(lines):
        reached = line[:, 1] <= max(deviation, line[:, 1].min()) + 1e-12
        needed[k] = line[reached, 0].min() * held[k]
    return needed


def _allot(results: list["Rebalance"], held: FloatArray, budget: float) -> FloatArray:
    """Return the share of its load that each part may move: what the same deviation takes everywhere."""
    lines = [_line(found) for found in results]
    for deviation in np.unique(np.concatenate([line[:, 1] for line in lines])).tolist():
        needed = _needed(lines, held, deviation)
        if needed.sum() <= budget * (1 + 1e-12):
            break
    return np.divide(needed, held, out=np.zeros(len(held)), where=held > 0)


def _pareto(results: list["Rebalance"], held: FloatArray, total: float) -> pd.DataFrame:
    """Join the lines of the parts: for each greatest deviation what all parts together must move."""
    lines = [_line(found) for found in results]
    rows = {}
    for deviation in np.unique(np.concatenate([line[:, 1] for line in lines]))[::-1].tolist():
        left = max(max(deviation, line[:, 1].min()) for line in lines)
        moved = float(_needed(lines, held, deviation).sum()) / total if total > 0 else 0.0
        rows[round(left, 12)] = min(moved, rows.get(round(left, 12), np.inf))
    line = sorted((moved, left) for left, moved in rows.items())
    return pd.DataFrame(line, columns=["moved_share", "greatest_deviation"])
