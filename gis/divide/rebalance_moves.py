"""Moves of units between the cells of a plan, part by part, within one budget for all."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from gis.arrays import BoolArray, FloatArray, IntArray, ObjectArray
from gis.balance import InfeasibleError, LoadTarget, ParetoPoint, rebalance
from gis.divide.balanced_parts import Parts, add_joints, nearest_joints, split_borders
from gis.divide.unit_coverage import UnitCoverage
from gis.divide.unit_loads import say_load
from gis.errors import InputError
from gis.graph import NeighbourGraph
from gis.progress import Progress, portion

_CAP_ROUNDING = 1e-9


class MovedUnits(NamedTuple):
    """What moving units comes to.

    Attributes
    ----------
    owner
        Shape (n,), the row of the cell of each unit.
    pareto
        From no move to full balance: moved_share of the first load; greatest_deviation of any load from the
        ideal of its part, and times_tolerance, as a multiple of the tolerance; polsby_popper, the mean.
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
    code: ObjectArray,
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
    budget goes to the part that is farthest from its tolerances, step by step.

    Parameters
    ----------
    borders
        Across which units may move; each cell is connected.
    code
        Of the cells.
    owner
        Shape (n,), the row of the cell of each unit.
    locked
        Shape (n,), units that keep their cell.
    connected
        The parts of the units that are balanced.
    budget
        Share of the first load of all units that are balanced.

    Raises
    ------
    InputError
        If a cell cannot be brought below its cap within the budget.
    """
    exterior_m, area_m2 = units.exterior_m(borders), units.area_m2()
    held = connected.load[:, 0]
    total, size, done = float(held.sum()), int(connected.size.sum()), 0
    lines: list[list[ParetoPoint]] = []
    graphs = split_borders(borders, connected)
    for graph, rows, load in zip(graphs, connected.units, held.tolist(), strict=True):
        try:
            found = rebalance(
                graph,
                loads[rows],
                np.unique(owner[rows], return_inverse=True)[1].astype(np.int64),
                tolerance=[target.tolerance for target in weights],
                cap=[np.inf if target.cap is None else target.cap for target in weights],
                area_m2=area_m2[rows],
                exterior_m=exterior_m[rows],
                locked=locked[rows],
                budget=min(1.0, budget * total / load) if load > 0 else 1.0,
                seed=seed,
                progress=portion(progress, done, len(rows), size),
            )
        except InfeasibleError:
            check_caps(code, owner, connected, loads, weights, budget)
            raise
        lines.append(found.pareto)
        done += len(rows)
    progress(size, size)
    moved = owner.copy()
    chosen = _climb(lines, held, budget * total)[-1]
    for rows, line, point in zip(connected.units, lines, chosen.tolist(), strict=True):
        moved[rows] = np.unique(owner[rows])[line[point].zones]
    check_caps(code, moved, connected, loads, weights, budget)
    return MovedUnits(moved, _join_lines(lines, held, _climb(lines, held, np.inf)))


def _climb(lines: list[list[ParetoPoint]], held: FloatArray, budget: float) -> list[IntArray]:
    """Return the points that the parts have reached after each step, the first of all parts to begin with.

    The part that is farthest from its tolerances takes the next point of its line, if the budget allows it.
    """
    reached = np.zeros(len(lines), dtype=np.int64)
    misses = np.array([line[0].misses for line in lines])
    may = np.array([len(line) > 1 for line in lines])
    spent, states = 0.0, [reached.copy()]
    while may.any():
        part = int(np.where(may, misses, -1.0).argmax())
        line, now = lines[part], int(reached[part])
        cost = (line[now + 1].moved - line[now].moved) * float(held[part])
        if spent + cost > budget * (1 + 1e-12):
            may[part] = False
            continue
        spent += cost
        reached[part] += 1
        misses[part] = line[now + 1].misses
        may[part] = now + 2 < len(line)
        states.append(reached.copy())
    return states


def _join_lines(lines: list[list[ParetoPoint]], held: FloatArray, states: list[IntArray]) -> pd.DataFrame:
    """Return one line for all parts: the steps after which the worst part is nearer to its tolerances."""
    rows: list[tuple[float, float, float, float]] = []
    zones = np.array([line[0].zones.max() + 1 for line in lines])
    for state in states:
        points = [line[k] for line, k in zip(lines, state.tolist(), strict=True)]
        misses = max(point.misses for point in points)
        if rows and misses >= rows[-1][2]:
            continue
        moved = sum(point.moved * load for point, load in zip(points, held.tolist(), strict=True))
        rows.append(
            (
                moved / max(float(held.sum()), 1e-300),
                max(point.deviation for point in points),
                misses,
                float(np.average([point.compactness for point in points], weights=zones)),
            )
        )
    columns = ["moved_share", "greatest_deviation", "times_tolerance", "polsby_popper"]
    return pd.DataFrame(rows, columns=columns)


def check_caps(
    code: ObjectArray,
    owner: IntArray,
    connected: Parts,
    loads: FloatArray,
    weights: Sequence[LoadTarget],
    budget: float,
) -> None:
    """Refuse a plan in which a cell holds more than a cap.

    Raises
    ------
    InputError
        With the code of the cell that exceeds a cap the most, and what would help.
    """
    for column, target in enumerate(weights):
        if target.cap is None:
            continue
        for part, rows in enumerate(connected.units):
            cells, zone = np.unique(owner[rows], return_inverse=True)
            sums = np.bincount(zone, weights=loads[rows, column])
            most = int(sums.argmax())
            if sums[most] <= target.cap * (1 + _CAP_ROUNDING):
                continue
            holds = f"Cell '{code[cells[most]]}' holds {say_load(target, float(sums[most]))}"
            if sums.sum() > target.cap * len(cells) * (1 + _CAP_ROUNDING):
                count = "1 cell" if len(cells) == 1 else f"{len(cells):,} cells"
                raise InputError(
                    f"{holds}, the cap is {target.cap:,.10g}, and {connected.label[part]} holds "
                    f"{say_load(target, float(sums.sum()))} for {count}; raise the cap or divide anew."
                )
            raise InputError(
                f"{holds}, the cap is {target.cap:,.10g}, and moving {budget:.3g} of the first load does not "
                "bring it below; raise the budget or the cap."
            )
