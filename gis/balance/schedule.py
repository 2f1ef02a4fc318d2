"""How long, how hot and with which weights a plan is annealed, and when it is good enough."""

import math
from dataclasses import dataclass

import numpy as np

from gis.arrays import FloatArray
from gis.balance.annealing import Rules, Scratch, Units, Zones, anneal
from gis.balance.zone_sums import build_zones, polsby_popper, zones_as_integers
from gis.progress import Progress

_STEPS = 20
_MENDING_STEPS = 8
_SLACK = 0.8
"""Share of the tolerance within which deviations cost nothing and compactness decides."""

_LOOSE, _TIGHT = 0.15, 50.0
"""Weights of balance at the beginning and the end: of a unit's deviation, and of one by the tolerance."""

SWEEPS = {"quick": 450, "thorough": 3500}
"""How often each unit on a border is offered a move, by effort."""


@dataclass(frozen=True)
class Goal:
    """What a plan is annealed towards.

    Attributes
    ----------
    tolerance, cap
        Shape (k,), as shares of the ideal load.
    hot, cold
        Temperatures at the beginning and the end, in lengths of a unit's side.
    sweeps
        How often each unit on a border is offered a move.
    """

    tolerance: FloatArray
    cap: FloatArray
    sweeps: int
    hot: float = 0.7
    cold: float = 0.03


def compactness_weight(units: Units, count: int) -> float:
    """Return the weight that makes one more side of a unit on a border of average zones cost about 1."""
    zone_area = units.area.sum() / count
    zone_perimeter = math.sqrt(4.0 * math.pi * zone_area / 0.7)
    side = units.perimeter.mean() / 4.0
    return float(zone_area / (4.0 * zone_perimeter * side))


def run(units: Units, zones: Zones, goal: Goal, scratch: Scratch, progress: Progress) -> Zones:
    """Anneal a plan from compactness towards balance, then mend what is still off; changed in place.

    The weight of balance grows from where deviations of some units cost little to where the tolerance holds.
    """
    count, size = len(zones.size), len(units.area) / len(zones.size)
    grain = _grain(units)
    tolerance = np.maximum(goal.tolerance, 0.1 / size)
    tight = _TIGHT / tolerance**2
    loose = np.minimum(_LOOSE * math.sqrt(size) / grain, tight)
    rules = Rules(compactness_weight(units, count), tight, _SLACK * goal.tolerance, goal.cap, 0.0, np.inf)
    total = _STEPS + _MENDING_STEPS
    for step in range(_STEPS):
        progress(step, total)
        share = step / (_STEPS - 1)
        hot, cold = (goal.hot * (goal.cold / goal.hot) ** (s / _STEPS) for s in (step, step + 1))
        anneal(
            units,
            zones,
            rules._replace(balance=loose * (tight / loose) ** share),
            scratch,
            max(goal.sweeps // _STEPS, 1),
            hot,
            cold,
        )
    for step in range(_MENDING_STEPS):
        progress(_STEPS + step, total)
        zones = build_zones(units, zones_as_integers(zones.of_unit), count)
        if worst_ratio(zones, goal) <= 1.0:
            break
        tight = tight * 4.0
        anneal(
            units,
            zones,
            rules._replace(balance=tight),
            scratch,
            max(goal.sweeps // (2 * _STEPS), 1),
            4 * goal.cold,
            goal.cold,
        )
    progress(total, total)
    return build_zones(units, zones_as_integers(zones.of_unit), count)


def worst_ratio(zones: Zones, goal: Goal) -> float:
    """Return the largest deviation from the ideal as a multiple of its tolerance."""
    carried = zones.load.any(axis=0)
    off = np.abs(zones.load[:, carried] - 1.0).max(axis=0, initial=0.0)
    tolerance = goal.tolerance[carried]
    # Rounding of sums is no deviation.
    return float(
        np.divide(off, tolerance, out=np.where(off > 1e-9, np.inf, 0.0), where=tolerance > 0).max(initial=0.0)
    )


def mean_compactness(zones: Zones) -> float:
    """Return the mean Polsby-Popper score of the zones."""
    return float(polsby_popper(zones).mean())


def _grain(units: Units) -> FloatArray:
    """Return the load of a typical unit of each load, of those that carry it: what one move changes."""
    total = units.load.sum(axis=0)
    squares = (units.load**2).sum(axis=0)
    grain: FloatArray = np.divide(squares, total, out=np.ones_like(total), where=total > 0)
    return grain
