"""How well the loads of cells are balanced, and why some are out of tolerance."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np

from gis.arrays import BoolArray, FloatArray, IntArray
from gis.balance import LoadTarget
from gis.divide.balanced_parts import Parts
from gis.divide.unit_coverage import UnitCoverage
from gis.divide.unit_loads import load_column, name_load, say_load
from gis.measures import PlanFigures, plan_figures
from gis.measures.measure import CellFigures

_MAX_NAMED = 3


@dataclass(frozen=True, slots=True)
class DivisionReport:
    """How well units are balanced among cells.

    Attributes
    ----------
    units
        How many there are.
    exclusive_cells
        How many cells are kept apart; the other figures leave them out.
    figures
        Total, ideal, greatest deviation and balance of each load, compactness, cells of several parts.
    findings
        Sentences that say what is out of tolerance and why; none if nothing is.
    """

    units: int
    exclusive_cells: int
    figures: PlanFigures
    findings: tuple[str, ...]

    def summary(self) -> dict[str, Any]:
        """Return everything as JSON has it."""
        return {
            "units": self.units,
            "exclusive_cells": self.exclusive_cells,
            **self.figures.summary(),
            "findings": list(self.findings),
        }

    def lines(self) -> list[str]:
        """Return sentences for a person."""
        first, *others = self.figures.lines()
        if self.exclusive_cells:
            first += f"; besides, exclusive cells: {self.exclusive_cells:,}"
        return [f"{self.units:,} units in {first}", *others, *self.findings]


def measure_loads(units: UnitCoverage, cells: gpd.GeoDataFrame, weights: Sequence[LoadTarget]) -> PlanFigures:
    """Measure cells with a column for each load."""
    tolerances = {load_column(target): target.tolerance for target in weights}
    loads = {name: cells[name].to_numpy(dtype=float) for name in tolerances}
    polygons = gpd.GeoDataFrame(geometry=cells.geometry.array, crs=cells.crs)
    return plan_figures(CellFigures.of(polygons, units.crs), loads, tolerances)


def report_division(
    units: UnitCoverage,
    cells: gpd.GeoDataFrame,
    balanced: BoolArray,
    weights: Sequence[LoadTarget],
    findings: Sequence[str] = (),
) -> DivisionReport:
    """Measure cells with a column for each load.

    Parameters
    ----------
    balanced
        Shape (c,), the cells that are not kept apart.
    findings
        What is out of tolerance and why.
    """
    figures = measure_loads(units, cells[balanced], weights)
    return DivisionReport(len(units), int((~balanced).sum()), figures, tuple(findings))


def explain_deviations(
    units: UnitCoverage,
    parts: Parts,
    counts: IntArray,
    zone: IntArray,
    zone_part: IntArray,
    loads: FloatArray,
    weights: Sequence[LoadTarget],
    reason: str = "no better grouping of whole units was found",
) -> list[str]:
    """Say for each load which cells are out of tolerance and why.

    Parameters
    ----------
    counts
        Shape (p,), the number of cells of each part.
    zone
        Shape (n,), the cell of each unit, -1 for exclusive ones.
    zone_part
        Shape (z,), the part of each cell.
    loads
        Shape (n, k).
    reason
        Why the other cells are out of tolerance.
    """
    sentences: list[str] = []
    free = np.flatnonzero(zone >= 0)
    for column, target in enumerate(weights):
        load = loads[:, column]
        of_zone = np.bincount(zone[free], weights=load[free], minlength=len(zone_part))
        ideal = float(of_zone.mean())
        if not ideal > 0:
            continue
        deviation = of_zone / ideal - 1
        outside = np.abs(deviation) > target.tolerance + 1e-12
        by_part = np.abs(parts.load[:, column] / counts / ideal - 1) > target.tolerance + 1e-12
        sentences += _part_sentences(parts, counts, column, ideal, by_part, target)
        heaviest = np.zeros(len(zone_part))
        np.maximum.at(heaviest, zone[free], load[free])
        by_unit = outside & ~by_part[zone_part] & (heaviest > ideal * (1 + target.tolerance))
        sentences += _unit_sentences(units, free, load, ideal, zone, by_unit, target)
        rest = outside & ~by_part[zone_part] & ~by_unit
        if rest.any():
            worst = int(np.argmax(np.where(rest, np.abs(deviation), -1)))
            many = f"{int(rest.sum()):,} cells differ" if rest.sum() > 1 else "1 cell differs"
            sentences.append(
                f"{many} from the ideal of {say_load(target, ideal)} by more than {target.tolerance:.3g} of "
                f"it, by {deviation[worst]:+.1%} at most: {reason}"
            )
    return [sentence[0].upper() + sentence[1:] for sentence in sentences]


def _part_sentences(
    parts: Parts, counts: IntArray, column: int, ideal: float, by_part: BoolArray, target: LoadTarget
) -> Iterator[str]:
    """Name the parts whose load is not that of a whole number of cells."""
    rows = np.flatnonzero(by_part)
    worst = rows[np.argsort(-np.abs(parts.load[rows, column] / counts[rows] / ideal - 1), kind="stable")]
    for part in worst[:_MAX_NAMED].tolist():
        load, count = float(parts.load[part, column]), int(counts[part])
        cells = "1 cell" if count == 1 else f"{count:,} cells"
        yield (
            f"{parts.label[part]} holds {say_load(target, load)} for {cells}, "
            f"{load / count / ideal - 1:+.1%} from the ideal of {say_load(target, ideal)} each"
        )
    if len(worst) > _MAX_NAMED:
        more, what = len(worst) - _MAX_NAMED, name_load(target)
        yield f"{more:,} further parts do not hold the {what} of a whole number of cells either"


def _unit_sentences(
    units: UnitCoverage,
    free: IntArray,
    load: FloatArray,
    ideal: float,
    zone: IntArray,
    by_unit: BoolArray,
    target: LoadTarget,
) -> Iterator[str]:
    """Name the units that alone are more than a cell should hold."""
    heavy = free[by_unit[zone[free]] & (load[free] > ideal * (1 + target.tolerance))]
    worst = heavy[np.argsort(-load[heavy], kind="stable")]
    for unit in worst[:_MAX_NAMED].tolist():
        yield (
            f"unit '{units.code[unit]}' alone holds {say_load(target, float(load[unit]))}, "
            f"the ideal of a cell is {say_load(target, ideal)}"
        )
    if len(worst) > _MAX_NAMED:
        yield f"{len(worst) - _MAX_NAMED:,} further units each hold more than a cell should"
