"""Loads of units and zones: what is to be balanced, how far, and what no division can reach."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

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


Reason = Literal["value", "cap", "total", "count", "parts", "locked", "unreached", "not_found"]


class InfeasibleError(InputError):
    """What is asked of a division cannot be had; its text speaks of rows, so that a caller can say it better.

    Attributes
    ----------
    reason
        "value": loads that are not numbers from 0 up; "cap": units above a cap; "total": all zones together
        cannot hold the load; "count": more zones than units; "parts": unconnected parts need more zones;
        "locked": locked units that cannot be in one zone, or have none; "unreached": units with no way to a
        zone; "not_found": no plan was found that keeps a cap, though none of the above forbids one.
    units
        Rows of the units at fault, the worst first; empty where all together are.
    load
        Number of the load at fault, if one is.
    needed
        How many zones would do, where more would.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: Reason,
        units: IntArray | None = None,
        load: int | None = None,
        needed: int | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.units = np.empty(0, dtype=np.int64) if units is None else units
        self.load = load
        self.needed = needed


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
                reason="value",
                units=wrong,
                load=k,
            )
    return table


def read_limits(
    tolerance: ArrayLike, cap: ArrayLike | None, load_count: int
) -> tuple[FloatArray, FloatArray]:
    """Return tolerances and caps as arrays of shape (k,), caps infinite where there are none.

    Raises
    ------
    ParameterError
        If they are too many or too few, or mean nothing.
    """
    goals = np.asarray(tolerance, dtype=np.float64).reshape(-1)
    caps = np.full(load_count, np.inf) if cap is None else np.asarray(cap, dtype=np.float64).reshape(-1)
    if len(goals) != load_count or len(caps) != load_count:
        raise ParameterError(
            f"{load_count} loads need {load_count} tolerances and caps, not {len(goals)}, {len(caps)}"
        )
    if not (goals >= 0).all() or not (caps > 0).all():
        raise ParameterError("tolerances are shares from 0 up, and caps numbers above 0")
    return goals, caps


def relative_caps(cap: FloatArray, loads: FloatArray, count: int) -> FloatArray:
    """Return caps as shares of the ideal loads of `count` zones, with room for the rounding of sums."""
    ideal = loads.sum(axis=0) / count
    share: FloatArray = np.divide(cap, ideal, out=np.full_like(cap, np.inf), where=ideal > 0)
    return share * (1 + 1e-12)


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
            too_large = too_large[np.argsort(-loads[too_large, k], kind="stable")]
            unit = too_large[0]
            raise InfeasibleError(
                f"unit {unit} alone holds {loads[unit, k]:g}, the cap is {limit:g}"
                + (f"; {len(too_large)} units hold more than the cap" if len(too_large) > 1 else ""),
                reason="cap",
                units=too_large,
                load=k,
            )
        total = loads[:, k].sum()
        if total > limit * count * (1 + 1e-12):
            raise InfeasibleError(
                f"the units hold {total:g} together, {count} zones of at most {limit:g} hold "
                f"{limit * count:g}; at least {math.ceil(total / limit)} zones are needed",
                reason="total",
                load=k,
                needed=math.ceil(total / limit),
            )
