"""How long, how hot and with which weights a plan is annealed, and when it is good enough."""

import math
from dataclasses import dataclass

import numpy as np

from gis.arrays import FloatArray
from gis.balance.annealing import Rules, Scratch, Units, Zones, anneal
from gis.balance.zone_sums import copy_zones, refresh_zones
from gis.progress import Progress

_STEPS = 20
_MENDING_STEPS = 8
_MENDING_HEAT = (0.12, 0.03)
"""Temperatures while a plan is mended: little more than that of a frozen one, so that it stays compact."""

_SLACK = 0.8
"""Share of the tolerance within which deviations cost nothing and compactness decides."""

_LOOSE, _TIGHT = 0.15, 50.0
"""Weights of balance at the beginning and the end: of a unit's deviation, and of one by the tolerance."""

_LEAST = 50.0
"""Least weight at the beginning: with less, zones of few units lose all their load before balance counts."""

HEAT_OF_SEVERAL = (1.3, 0.2)
"""Temperatures for several loads, of which few moves improve all: colder, a plan is stuck."""

SWEEPS = {"quick": 450, "thorough": 3500}
"""How often each unit on a border is offered a move, by effort."""


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
    slack = _SLACK * goal.tolerance
    return Rules(
        compactness_weight(units, count),
        balance_weights(units, goal, count)[1],
        1.0 - slack,
        np.minimum(1.0 + slack, goal.cap),
        goal.cap,
        goal.change * len(units.area) / count,
        goal.budget,
    )


def run(units: Units, zones: Zones, goal: Goal, scratch: Scratch, progress: Progress) -> Zones:
    """Anneal a plan from compactness towards balance, then mend what is still off; the plan given is changed.

    The weight of balance grows from where deviations of some units cost little to where the tolerance holds.
    """
    count = len(zones.size)
    loose, tight = balance_weights(units, goal, count)
    loose = np.minimum(goal.stiffness * loose, tight)
    rules = make_rules(units, goal, count)
    total = _STEPS + _MENDING_STEPS
    for step in range(_STEPS):
        progress(step, total)
        weight = loose * (tight / loose) ** (step / (_STEPS - 1))
        hot, cold = (goal.hot * (goal.cold / goal.hot) ** (s / _STEPS) for s in (step, step + 1))
        anneal(
            units,
            zones,
            rules._replace(balance=weight),
            scratch,
            max(goal.sweeps // _STEPS, 1),
            hot,
            cold,
            False,
        )
    zones = refresh_zones(units, zones)
    best, least = copy_zones(zones), goal.misses(zones)
    for step in range(_MENDING_STEPS):
        if least <= 1.0:
            break
        progress(_STEPS + step, total)
        least, best = min(
            (least, best), _mend(units, best, goal, rules, scratch, step), key=lambda found: found[0]
        )
    progress(total, total)
    return best


def _mend(
    units: Units, zones: Zones, goal: Goal, rules: Rules, scratch: Scratch, step: int
) -> tuple[float, Zones]:
    """Warm a plan up a little and let balance grow once more; return how far it misses, and the new plan."""
    zones = copy_zones(zones)
    loose, tight = balance_weights(units, goal, len(zones.size))
    # By turns: harder from where it stands, and anew from a looser plan, which frees units that are stuck.
    begin = tight if step % 2 == 0 else np.sqrt(loose * tight)
    end = tight * 4.0 ** (1 + step // 2)
    parts = 4
    for part in range(parts):
        weight = begin * (end / begin) ** (part / (parts - 1))
        anneal(
            units, zones, rules._replace(balance=weight), scratch, max(goal.sweeps // 40, 5),
            *_MENDING_HEAT, True,
        )  # fmt: skip
    zones = refresh_zones(units, zones)
    return goal.misses(zones), zones
