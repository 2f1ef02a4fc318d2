"""How evenly a plan shares out its loads: the deviation of each cell, and figures of the whole plan."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gis.arrays import BoolArray, FloatArray, IntArray
from gis.errors import InputError, ParameterError
from gis.measures.catalogue import measure_of_column
from gis.measures.measure import CellFigures
from gis.measures.shapes import compactness_index, polsby_popper

DEFAULT_TOLERANCE = 0.05


@dataclass(frozen=True, slots=True)
class LoadFigures:
    """How evenly one load is shared out.

    Attributes
    ----------
    load
        Its name.
    total, ideal, min, max
        Of all cells, the mean of a cell, and the least and greatest of one.
    greatest_deviation
        The greatest difference from the ideal, as a share of it; None where the total is 0.
    balance
        The balance index, 0 to 100; None where the total is 0.
    tolerance
        The share of the ideal by which a cell may differ from it.
    out_of_tolerance
        How many cells differ by more.
    """

    load: str
    total: float
    ideal: float
    min: float
    max: float
    greatest_deviation: float | None
    balance: float | None
    tolerance: float
    out_of_tolerance: int


@dataclass(frozen=True, slots=True)
class PlanFigures:
    """Measures of a whole plan.

    Attributes
    ----------
    cells, area_m2
        How many there are, and how much they cover.
    compactness, polsby_popper
        Means over the cells that have a shape; None without any.
    in_parts
        How many cells consist of several parts.
    balance
        The mean of the balance indices of all loads; None without any.
    out_of_tolerance
        How many cells are out of tolerance in a load.
    loads
        Each load, in the order given.
    """

    cells: int
    area_m2: float
    compactness: float | None
    polsby_popper: float | None
    in_parts: int
    balance: float | None
    out_of_tolerance: int
    loads: tuple[LoadFigures, ...]

    def summary(self) -> dict[str, Any]:
        """Return everything as JSON has it."""
        return asdict(self)

    def lines(self) -> list[str]:
        """Return sentences for a person."""
        lines = [f"{self.cells:,} cells, {self.area_m2 / 1e6:,.3f} km²"]
        if self.compactness is not None:
            lines[0] += f", compactness {self.compactness:.1f} of 100, Polsby-Popper {self.polsby_popper:.3f}"
        if self.in_parts:
            lines.append(f"cells of several parts: {self.in_parts:,}")
        for each in self.loads:
            if each.balance is None or each.greatest_deviation is None:
                lines.append(f"{each.load}: 0 in all cells")
                continue
            write = measure_of_column(each.load).format
            lines.append(
                f"{each.load}: {write(each.total)} in all, ideal {write(each.ideal)}, "
                f"from {write(each.min)} to {write(each.max)}; balance {each.balance:.1f} of 100, "
                f"greatest deviation {each.greatest_deviation:.1%}, "
                f"{each.out_of_tolerance:,} cells differ by more than {each.tolerance:.3g} of the ideal"
            )
        return lines


def deviations(load: FloatArray) -> FloatArray:
    """Return by what share of the mean each value differs from it, shape (n,); NaN where the mean is 0."""
    mean = load.mean() if len(load) else 0.0
    return load / mean - 1 if mean else np.full(len(load), np.nan)


def is_out_of_tolerance(load: FloatArray, tolerance: float) -> BoolArray:
    """Return which values differ from the mean by more than a share of it, shape (n,)."""
    # Rounding must not put a cell that lies on the bound beyond it.
    beyond: BoolArray = np.abs(deviations(load)) > tolerance + 1e-12
    return beyond


def balance_index(load: FloatArray) -> float | None:
    """Return how near cells come to equal loads, from 0 to 100; None where there is no load.

    Esri's Territory Design reports such an index: "a figure between 0 and 100 that determines how close
    territory parameters are met" (ArcGIS Desktop, Essential Territory Design vocabulary). Its formula is not
    published; this is the percentage of the load that need not move for all cells to carry the same, 100 less
    the Hoover index: 100 · (1 - Σ|xᵢ - x̄| / 2Σxᵢ).

    Parameters
    ----------
    load
        Of each cell, not negative, shape (n,).
    """
    total = float(load.sum())
    if not total:
        return None
    return 100 * (1 - float(np.abs(load - total / len(load)).sum()) / (2 * total))


def plan_figures(
    cells: CellFigures,
    loads: Mapping[str, FloatArray | IntArray],
    tolerance: float | Mapping[str, float] = DEFAULT_TOLERANCE,
) -> PlanFigures:
    """Measure a whole plan.

    Parameters
    ----------
    cells
        Its cells.
    loads
        By name what each cell carries, shape (n,).
    tolerance
        The share of the mean by which a cell may differ from it, for all loads or by their names.

    Raises
    ------
    InputError
        If a load is negative or not a number somewhere.
    ParameterError
        If a tolerance is negative.
    """
    found, outside = [], np.zeros(len(cells.areas_m2), dtype=bool)
    for name, values in loads.items():
        load = np.asarray(values, dtype=float)
        allowed = tolerance.get(name, DEFAULT_TOLERANCE) if isinstance(tolerance, Mapping) else tolerance
        if not allowed >= 0:
            raise ParameterError(f"The tolerance of '{name}' is {allowed:g}; it is a share of at least 0.")
        wrong = ~(np.isfinite(load) & (load >= 0))
        if wrong.any():
            raise InputError(
                f"'{name}' of record {int(np.argmax(wrong)) + 1} is {load[wrong][0]:g}; a load is "
                "a number of at least 0."
            )
        deviation = np.abs(deviations(load))
        beyond = is_out_of_tolerance(load, allowed)
        outside |= beyond
        carried = bool(load.sum())
        found.append(
            LoadFigures(
                load=name,
                total=float(load.sum()),
                ideal=float(load.mean()) if len(load) else 0.0,
                min=float(load.min(initial=np.inf)) if len(load) else 0.0,
                max=float(load.max(initial=0.0)),
                greatest_deviation=float(deviation.max()) if carried else None,
                balance=balance_index(load),
                tolerance=float(allowed),
                out_of_tolerance=int(beyond.sum()),
            )
        )
    indices = [each.balance for each in found if each.balance is not None]
    return PlanFigures(
        cells=len(cells.areas_m2),
        area_m2=float(cells.areas_m2.sum()),
        compactness=_mean(compactness_index(cells.areas_m2, cells.perimeters_m)),
        polsby_popper=_mean(polsby_popper(cells.areas_m2, cells.perimeters_m)),
        in_parts=int((cells.shapes.part_counts > 1).sum()),
        balance=sum(indices) / len(indices) if indices else None,
        out_of_tolerance=int(outside.sum()),
        loads=tuple(found),
    )


def _mean(values: FloatArray) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None
