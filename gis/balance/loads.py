"""Loads of units and zones: what is to be balanced, how far, and what no division can reach."""

from dataclasses import dataclass

import numpy as np

from gis.arrays import FloatArray, IntArray
from gis.errors import InputError, ParameterError


@dataclass(frozen=True)
class LoadTarget:
    """A load that the cells of a plan should share evenly.

    Attributes
    ----------
    column
        The column of the units that holds it.
    tolerance
        How far a cell may be off the ideal (total / number of cells), as a share of the ideal.
    cap
        The largest sum that a cell may hold, in the unit of the column.
    """

    column: str
    tolerance: float = 0.05
    cap: float | None = None

    def __post_init__(self) -> None:
        """Refuse figures that mean nothing.

        Raises
        ------
        ParameterError
            If the tolerance is negative, or the cap not positive.
        """
        if not self.tolerance >= 0:
            raise ParameterError(f"the tolerance of {self.column} is {self.tolerance}, not a share from 0 up")
        if self.cap is not None and not self.cap > 0:
            raise ParameterError(f"the cap of {self.column} is {self.cap}, not a number above 0")


class InfeasibleError(InputError):
    """What is asked of a division cannot be had, whatever the zones.

    Attributes
    ----------
    units
        Rows of the units at fault; empty where all together are.
    load
        Number of the load at fault, if one is.
    """

    def __init__(self, message: str, *, units: IntArray | None = None, load: int | None = None) -> None:
        super().__init__(message)
        self.units = np.empty(0, dtype=np.int64) if units is None else units
        self.load = load


def read_loads(loads: FloatArray, unit_count: int) -> FloatArray:
    """Return loads as an array of shape (n, k) of finite numbers from 0 up.

    Raises
    ------
    InfeasibleError
        If a load is negative or not a number, with the rows of the units.
    """
    table = np.ascontiguousarray(loads, dtype=np.float64).reshape(unit_count, -1)
    for k in range(table.shape[1]):
        wrong = np.flatnonzero(~(np.isfinite(table[:, k]) & (table[:, k] >= 0)))
        if len(wrong):
            raise InfeasibleError(
                f"load {k} of unit {wrong[0]} is {table[wrong[0], k]}, not a number from 0 up"
                + (f"; {len(wrong)} units have such loads" if len(wrong) > 1 else ""),
                units=wrong,
                load=k,
            )
    return table


def sum_loads(loads: FloatArray, zones: IntArray, count: int) -> FloatArray:
    """Return the loads of zones, shape (count, k); units with zone -1 are left out."""
    table = loads.reshape(len(zones), -1)
    inside = zones >= 0
    sums: FloatArray = np.stack(
        [np.bincount(zones[inside], weights=column[inside], minlength=count) for column in table.T], axis=1
    ).astype(np.float64)
    return sums


def relative_deviations(sums: FloatArray) -> FloatArray:
    """Return how far the loads of zones are off the ideal, as shares of it; 0 for a load that nobody has.

    Parameters
    ----------
    sums
        Shape (z, k), as `sum_loads` returns them.
    """
    ideal = sums.mean(axis=0)
    deviations: FloatArray = np.divide(sums, ideal, out=np.ones_like(sums), where=ideal > 0) - 1.0
    return deviations


def check_caps(loads: FloatArray, cap: FloatArray, count: int) -> None:
    """Refuse caps that one unit exceeds by itself, or all zones together cannot hold.

    Raises
    ------
    InfeasibleError
        With the rows of the units that are too large.
    """
    for k, limit in enumerate(cap):
        too_large = np.flatnonzero(loads[:, k] > limit)
        if len(too_large):
            unit = too_large[np.argmax(loads[too_large, k])]
            raise InfeasibleError(
                f"unit {unit} alone holds {loads[unit, k]:g}, the cap is {limit:g}"
                + (f"; {len(too_large)} units hold more than the cap" if len(too_large) > 1 else ""),
                units=too_large,
                load=k,
            )
        total = loads[:, k].sum()
        if total > limit * count * (1 + 1e-12):
            raise InfeasibleError(
                f"the units hold {total:g} together, {count} zones of at most {limit:g} hold {limit * count:g}; "
                f"at least {int(np.ceil(total / limit))} zones are needed",
                load=k,
            )
