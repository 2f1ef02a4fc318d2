"""Rebalancing of cells in force: few units change their cell until the loads are alike again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from gis.arrays import BoolArray, FloatArray, IntArray, ObjectArray
from gis.balance import LoadTarget
from gis.crs import LONLAT, to_lonlat
from gis.divide.balanced import EXCLUSIVE
from gis.divide.balanced_counts import check_units
from gis.divide.balanced_parts import Parts, find_parts
from gis.divide.balanced_report import explain_deviations, measure_loads
from gis.divide.rebalance_moves import join_pieces, move_units
from gis.divide.unit_barriers import (
    DEFAULT_BARRIER_TOLERANCE_M,
    NO_BARRIERS,
    barrier_segments,
    remove_barriers,
)
from gis.divide.unit_coverage import UnitCoverage, and_more, read_units
from gis.divide.unit_labels import AREA_CODE, UnitGroups, read_groups, read_marks
from gis.divide.unit_loads import (
    OfficerHours,
    cell_loads,
    load_column,
    read_loads,
    require_loads,
)
from gis.divide.unit_owners import (
    check_made_of_units,
    crosses_groups,
    find_owners,
    read_cell_codes,
    sum_by_cell,
    sums_of_units,
)
from gis.errors import InputError, ParameterError
from gis.levels import unite_units
from gis.measures import PlanFigures
from gis.progress import Note, Progress, no_note, no_progress


@dataclass(frozen=True, slots=True)
class RebalanceReport:
    """What moving units has changed.

    Attributes
    ----------
    before, after
        Figures of the cells that are balanced.
    units, cells
        How many units have another cell, and how many cells have another border.
    moved
        The share of each load that has another cell.
    findings
        Sentences about what is still out of tolerance, or could not be touched.
    """

    before: PlanFigures
    after: PlanFigures
    units: int
    cells: int
    moved: dict[str, float]
    findings: tuple[str, ...]

    def summary(self) -> dict[str, Any]:
        """Return everything as JSON has it."""
        return {
            "before": self.before.summary(),
            "after": self.after.summary(),
            "moved_units": self.units,
            "changed_cells": self.cells,
            "moved": dict(self.moved),
            "findings": list(self.findings),
        }

    def lines(self) -> list[str]:
        """Return sentences for a person."""
        shares = ", ".join(f"{share:.1%} of {name}" for name, share in self.moved.items())
        return [
            f"{self.units:,} units have another cell ({shares}), {self.cells:,} cells another border",
            *self.after.lines(),
            *self.findings,
        ]


@dataclass(frozen=True, eq=False)
class RebalancedCells:
    """Cells of a plan after units have changed their cells.

    Attributes
    ----------
    cells
        The cells as they were given, with their codes, names and other columns, in EPSG:4326; new are
        geometry, area_m2, perimeter_m, the loads, and other columns that were sums of units.
    cell_of_unit
        The code of each unit's cell, by the code of the unit, sorted.
    moves
        One row for each unit that has another cell: unit_code, from_code, to_code, its loads, its geometry.
    pareto
        What more or fewer moves would give, from none to full balance: moved_share, of the first load,
        moved_units, changed_cells; greatest_deviation and balance (0 to 100) of the first load,
        out_of_tolerance, the number of cells, and polsby_popper, the mean of the balanced cells.
    report
        What has changed.
    """

    cells: gpd.GeoDataFrame
    cell_of_unit: pd.Series
    moves: gpd.GeoDataFrame
    pareto: pd.DataFrame
    report: RebalanceReport


def rebalance_cells(
    cells: gpd.GeoDataFrame,
    units: gpd.GeoDataFrame,
    *,
    weights: Sequence[LoadTarget],
    budget: float = 0.1,
    unit_cell_field: str | None = "cell_code",
    within: str | None = AREA_CODE,
    lock: str | None = None,
    barriers: gpd.GeoDataFrame | None = None,
    barrier_tolerance_m: float = DEFAULT_BARRIER_TOLERANCE_M,
    hours: OfficerHours | None = None,
    crs: CRS | None = None,
    seed: int = 0,
    note: Note | None = None,
    progress: Progress | None = None,
) -> RebalancedCells:
    """Move few units between neighbouring cells of a plan until their loads are alike again.

    The answer depends on the units, the cells and the seed, and not on the order of the rows. No cell is
    lost, and none gets more parts than it has. Cells of kind "exclusive" keep their units and get none.

    Parameters
    ----------
    cells
        The plan: polygons with `code`, each the union of whole units.
    units
        The units of all cells, with the loads that they have now.
    weights
        As for `divide_balanced`.
    budget
        The share of the first load, 0 to 1, that may have another cell.
    unit_cell_field
        The column of the units with the code of their cell. Where they have none, a unit is in the cell in
        which a point on it lies.
    within
        Field whose values no cell mixes; where a cell of the plan does, units move across areas.
    lock
        Field that marks units which keep their cell.
    barriers, barrier_tolerance_m, hours, crs, seed
        As for `divide_balanced`.
    note
        Told about holes between the units, and about cells that mix areas.
    progress
        Called with units done and units in all.

    Raises
    ------
    InputError
        If the cells or units cannot be used, cells are not made of the units, a cap cannot be kept within the
        budget, or as for `divide_balanced`.
    CoverageError
        If the units overlap or leave narrow gaps.
    """
    if not 0 <= budget <= 1:
        raise ParameterError(f"The budget is the share of the load that may move, 0 to 1, not {budget:g}.")
    told = note or no_note
    coverage = read_units(units, crs, note=told)
    loads = read_loads(coverage, weights, hours)
    plan = to_lonlat(cells)
    code = read_cell_codes(plan)
    order = np.argsort(code.astype(str), kind="stable")
    plan, code = plan.iloc[order], code[order]
    owner = find_owners(coverage, plan, code, unit_cell_field)
    check_made_of_units(coverage, plan, code, owner)
    kept = (plan["kind"] == EXCLUSIVE).to_numpy(dtype=bool) if "kind" in plan else np.zeros(len(plan), bool)
    if kept.all():
        raise InputError("Every cell is exclusive, so that there is none to balance.")
    lines = barrier_segments(coverage, barriers) if barriers is not None else NO_BARRIERS
    groups = _find_groups(coverage, code, owner, within, told)
    graph = coverage.borders
    inside = graph.select(groups.of_unit[graph.rows()] == groups.of_unit[graph.neighbours])
    separate = remove_barriers(coverage, inside, lines, barrier_tolerance_m)
    is_free = ~kept[owner]
    separate = separate.select(is_free[separate.rows()] & is_free[separate.neighbours])
    free = np.flatnonzero(is_free)
    require_loads(loads[free], weights)
    check_units(coverage, free, loads, weights)
    borders, bound = join_pieces(coverage, separate, owner, free)
    connected = find_parts(coverage, groups, borders, free, loads, joined=True)
    found = move_units(
        coverage,
        borders,
        loads,
        code,
        owner,
        read_marks(coverage, lock) | bound,
        connected,
        weights,
        budget=budget,
        seed=seed,
        progress=progress or no_progress,
    )
    made = _rebuild(coverage, plan, owner, found.owner, loads, weights)
    moves = _list_moves(coverage, loads, weights, code, owner, found.owner)
    share = {
        load_column(target): float(moves[load_column(target)].sum() / loads[free, k].sum())
        for k, target in enumerate(weights)
    }
    report = RebalanceReport(
        measure_loads(coverage, _rebuild(coverage, plan, owner, owner, loads, weights)[~kept], weights),
        measure_loads(coverage, made[~kept], weights),
        len(moves),
        len(set(moves["from_code"]) | set(moves["to_code"])),
        share,
        tuple(
            _explain(
                coverage,
                connected,
                found.owner,
                is_free,
                loads,
                weights,
                budget,
                share[load_column(weights[0])],
            )
        ),
    )
    return RebalancedCells(
        # In the order in which the cells came.
        made.iloc[np.argsort(order)].set_axis(cells.index),
        pd.Series(code[found.owner], index=pd.Index(coverage.code, name="code"), name="cell_code"),
        moves,
        found.pareto,
        report,
    )


def _explain(
    coverage: UnitCoverage,
    connected: Parts,
    owner: IntArray,
    is_free: BoolArray,
    loads: FloatArray,
    weights: Sequence[LoadTarget],
    budget: float,
    moved: float,
) -> list[str]:
    """Say which cells are still out of tolerance and why."""
    zone = np.full(len(owner), -1, dtype=np.int64)
    zone[is_free] = np.unique(owner[is_free], return_inverse=True)[1]
    zone_part = np.empty(int(zone.max()) + 1, dtype=np.int64)
    for part, rows in enumerate(connected.units):
        zone_part[zone[rows]] = part
    least = float(loads[is_free, 0][loads[is_free, 0] > 0].min() / loads[is_free, 0].sum())
    reason = (
        f"the budget of {budget:.3g} is used up"
        if moved > budget - least
        else "no further move was found that helps"
    )
    return explain_deviations(
        coverage, connected, np.bincount(zone_part), zone, zone_part, loads, weights, reason
    )


def _find_groups(
    coverage: UnitCoverage, code: ObjectArray, owner: IntArray, within: str | None, note: Note
) -> UnitGroups:
    """Return the groups that no unit leaves: none where a cell of the plan mixes them already."""
    groups = read_groups(coverage, within)
    mixed = np.flatnonzero(crosses_groups(owner, groups.of_unit))
    if not len(mixed):
        return groups
    note(f"units move across areas, as cell '{code[mixed[0]]}' has units of several{and_more(len(mixed))}")
    return read_groups(coverage, None)


def _rebuild(
    coverage: UnitCoverage,
    plan: gpd.GeoDataFrame,
    before: IntArray,
    after: IntArray,
    loads: FloatArray,
    weights: Sequence[LoadTarget],
) -> gpd.GeoDataFrame:
    """Return the cells with the units that they have now; those that have the same keep their geometry."""
    count = len(plan)
    drawn = np.asarray(plan.geometry.array, dtype=object)
    lonlat = unite_units(coverage.lonlat, after, count)
    metres = unite_units(coverage.geometry, after, count)
    same = shapely.equals_exact(shapely.normalize(drawn), shapely.normalize(lonlat), 0)
    made = plan.set_geometry(gpd.GeoSeries(np.where(same, drawn, lonlat), index=plan.index, crs=LONLAT))
    made["area_m2"] = shapely.area(metres)
    made["perimeter_m"] = shapely.length(metres)
    named = {load_column(target) for target in weights}
    for column in sums_of_units(coverage, plan, before, named | {"area_m2", "perimeter_m"}):
        made[column] = sum_by_cell(coverage, column, after, count)
    for column, total in cell_loads(coverage, loads, weights, after, count).items():
        made[column] = total
    return made


def _list_moves(
    coverage: UnitCoverage,
    loads: FloatArray,
    weights: Sequence[LoadTarget],
    code: ObjectArray,
    before: IntArray,
    after: IntArray,
) -> gpd.GeoDataFrame:
    rows = np.flatnonzero(before != after)
    rows = rows[np.lexsort((rows, after[rows], before[rows]))]
    return gpd.GeoDataFrame(
        {
            "unit_code": coverage.code[rows],
            "from_code": code[before[rows]],
            "to_code": code[after[rows]],
            **{load_column(target): loads[rows, k] for k, target in enumerate(weights)},
        },
        geometry=coverage.lonlat[rows],
        crs=LONLAT,
    )
