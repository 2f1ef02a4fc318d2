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
from gis.measures import balance_index, deviations, is_out_of_tolerance
from gis.progress import Progress, portion

_CAP_ROUNDING = 1e-9

_MAX_POINTS = 12
"""How many plans between no move and full balance are told at most."""


class MovedUnits(NamedTuple):
    """What moving units comes to.

    Attributes
    ----------
    owner
        Shape (n,), the row of the cell of each unit.
    pareto
        See `gis.divide.rebalance.RebalancedCells`.
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
    chosen = _climb(lines, held, budget * total)[-1]
    points = [line[k] for line, k in zip(lines, chosen.tolist(), strict=True)]
    moved = _place(connected, owner, points)
    check_caps(code, moved, connected, loads, weights, budget)
    states = _climb(lines, held, np.inf)
    return MovedUnits(moved, _join_lines(connected, owner, lines, states, loads, weights))


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


def _join_lines(
    connected: Parts,
    owner: IntArray,
    lines: list[list[ParetoPoint]],
    states: list[IntArray],
    loads: FloatArray,
    weights: Sequence[LoadTarget],
) -> pd.DataFrame:
    """Measure plans from no move to full balance, spread over the load that they move."""
    held = connected.load[:, 0]
    spent = np.array(
        [
            sum(
                line[k].moved * load
                for line, k, load in zip(lines, state.tolist(), held.tolist(), strict=True)
            )
            for state in states
        ]
    )
    shown = np.searchsorted(spent, np.linspace(0, spent[-1], _MAX_POINTS)).clip(0, len(states) - 1)
    balanced = np.sort(np.concatenate(connected.units))
    zones = np.array([line[0].zones.max() + 1 for line in lines])
    rows = []
    for k in np.unique(np.r_[0, shown, len(states) - 1]).tolist():
        points = [line[n] for line, n in zip(lines, states[k].tolist(), strict=True)]
        plan = _place(connected, owner, points)
        moved = plan != owner
        cell = np.unique(plan[balanced], return_inverse=True)[1]
        sums = [np.bincount(cell, weights=load[balanced]).astype(np.float64) for load in loads.T]
        beyond = [
            is_out_of_tolerance(load, target.tolerance) for load, target in zip(sums, weights, strict=True)
        ]
        rows.append(
            {
                "moved_share": float(loads[moved, 0].sum() / held.sum()),
                "moved_units": int(moved.sum()),
                "changed_cells": len(np.union1d(owner[moved], plan[moved])),
                "greatest_deviation": float(np.abs(deviations(sums[0])).max()),
                "balance": balance_index(sums[0]),
                "out_of_tolerance": int(np.logical_or.reduce(beyond).sum()),
                "polsby_popper": float(np.average([point.compactness for point in points], weights=zones)),
            }
        )
    return pd.DataFrame(rows)


def _place(connected: Parts, owner: IntArray, points: Sequence[ParetoPoint]) -> IntArray:
    """Return the row of the cell of each unit where the parts are at some points of their lines."""
    result = owner.copy()
    for rows, point in zip(connected.units, points, strict=True):
        result[rows] = np.unique(owner[rows])[point.zones]
    return result


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
            held, total = (say_load(target, float(load)) for load in (sums[most], sums.sum()))
            cell = code[cells[most]]
            if sums.sum() > target.cap * len(cells) * (1 + _CAP_ROUNDING):
                raise InputError(
                    f"Cell '{cell}' holds {held}, the cap is {target.cap:,.10g}; the cells of "
                    f"{connected.label[part]} hold {total} and are {len(cells):,}; "
                    "raise the cap or divide again."
                )
            raise InputError(
                f"Cell '{cell}' holds {held}, the cap is {target.cap:,.10g}; moving {budget:.3g} of the "
                "first load does not bring it below; raise the budget or the cap."
            )
