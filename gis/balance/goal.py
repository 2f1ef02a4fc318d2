"""What a plan is annealed towards, and the weights of what is wrong with it."""

import math
from dataclasses import dataclass

import numpy as np

from gis.arrays import FloatArray
from gis.balance.annealing import Rules, Units, Zones

_LOOSE, _TIGHT = 0.15, 50.0
"""Weights of balance at the beginning and the end: of a unit's deviation, and of one by the tolerance."""

_LEAST = 50.0
"""Least weight at the beginning: with less, zones of few units lose all their load before balance counts."""


@dataclass(frozen=True)
class Goal:
    """What a plan is annealed towards.

    Attributes
    ----------
    tolerance, cap
        Shape (k,), as shares of the ideal load; infinite for none.
    sweeps
        How often each unit on a border is offered a move.
    hot, cold
        Temperatures at the beginning and the end, in lengths of a unit's side.
    stiffness
        Multiplies the weight of balance at the beginning.
    slack
        Share of the tolerance within which deviations cost nothing and compactness decides.
    change
        What a typical unit costs that is not at home, in sides of a unit.
    budget
        Largest load that is not at home, the first load of a zone being 1.
    """

    tolerance: FloatArray
    cap: FloatArray
    sweeps: int
    hot: float = 0.7
    cold: float = 0.03
    stiffness: float = 1.0
    slack: float = 0.8
    change: float = 0.0
    budget: float = math.inf

    def misses(self, zones: Zones) -> float:
        """Return the largest deviation as a multiple of its tolerance, or of the room below its cap."""
        carried = zones.load.any(axis=0)
        load, tolerance, cap = zones.load[:, carried], self.tolerance[carried], self.cap[carried]
        # Rounding of sums is no deviation.
        off = np.maximum(np.abs(load - 1.0).max(axis=0, initial=0.0) - 1e-9, 0.0)
        ratio = np.divide(off, tolerance, out=np.where(off > 0, np.inf, 0.0), where=tolerance > 0)
        over = load.max(axis=0, initial=0.0) / cap
        return float(np.maximum(ratio, np.where(over > 1.0, 1e6 * over, 0.0)).max(initial=0.0))


def compactness_weight(units: Units, count: int) -> float:
    """Return the weight that makes one more side of a unit on a border of average zones cost about 1."""
    zone_area = units.area.sum() / count
    zone_perimeter = math.sqrt(4.0 * math.pi * zone_area / 0.7)
    side = units.perimeter.mean() / 4.0
    return float(zone_area / (4.0 * zone_perimeter * side))


def balance_weights(units: Units, goal: Goal, count: int) -> tuple[FloatArray, FloatArray]:
    """Return the weights of balance with which a plan is loose, and tight.

    Loose: a deviation by some units costs about as much as a side of a unit. Tight: one by the tolerance
    costs much more.
    """
    size = len(units.area) / count
    bound = np.maximum(np.minimum(goal.tolerance, goal.cap - 1.0), 0.1 / size)
    # Where nothing bounds a load its weight means nothing.
    tight = _TIGHT / np.minimum(bound, 10.0) ** 2
    total, squares = units.load.sum(axis=0), (units.load**2).sum(axis=0)
    grain = np.divide(squares, total, out=np.ones_like(total), where=total > 0)
    return np.minimum(np.maximum(_LOOSE * math.sqrt(size) / grain, _LEAST), tight), tight


def make_rules(units: Units, goal: Goal, count: int) -> Rules:
    """Return the rules of a tight plan."""
    bounded = np.isfinite(goal.tolerance)
    slack = np.full_like(goal.tolerance, np.inf)
    slack[bounded] = goal.slack * goal.tolerance[bounded]
    return Rules(
        compactness_weight(units, count),
        balance_weights(units, goal, count)[1],
        1.0 - slack,
        np.minimum(1.0 + slack, goal.cap),
        goal.cap,
        goal.change * len(units.area) / count,
        goal.budget,
        np.zeros((count, len(goal.tolerance))),
    )
