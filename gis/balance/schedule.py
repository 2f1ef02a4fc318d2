"""How long, how hot and with which weights a plan is annealed, and when it is good enough."""

import math
from dataclasses import dataclass, replace

import numpy as np

from gis.arrays import FloatArray
from gis.balance.annealing import Rules, Scratch, Units, Zones, anneal
from gis.balance.exchanging import exchange, list_borders
from gis.balance.zone_sums import copy_zones, refresh_zones
from gis.progress import Progress

_STEPS = 20
_MENDING_STEPS = 8

_LOOSE, _TIGHT = 0.15, 50.0
"""Weights of balance at the beginning and the end: of a unit's deviation, and of one by the tolerance."""

_LEAST = 50.0
"""Least weight at the beginning: with less, zones of few units lose all their load before balance counts."""

_SEVERAL_HEAT = (0.6, 0.3, 0.08)
"""Temperatures for several loads, of which few moves improve all: at first, before exchanges, at last."""

_SEVERAL_WEIGHTS = (2.7, 0.16, 12.0)
"""Weights of balance at those times, as multiples of a loose one and, twice, of a tight one."""

_SEVERAL_SLACK = (0.0, 0.86)
"""Slack before exchanges, and with them: first close, so that they have something to give for compactness."""

_SEVERAL_SWEEPS, _EXCHANGES = 1.25, 0.06
"""Sweeps of single moves, and looks at all exchanges, for each sweep of one load."""

_MOVES_PER_EXCHANGE = 4
"""Sweeps of single moves after each look at all exchanges."""

_MENDING = (0.3, 0.15, 0.95)
"""Temperatures while a plan is mended, little more than that of a frozen one, and the slack."""

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
    slack = goal.slack * goal.tolerance
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
    total = _STEPS + _MENDING_STEPS
    several = goal.change == 0.0 and units.load.any(axis=0).sum() > 1
    for step in range(_STEPS):
        progress(step, total)
        if several:
            _anneal_several(units, zones, goal, scratch, step)
        else:
            _anneal_step(units, zones, goal, scratch, step)
    zones = refresh_zones(units, zones)
    best, least = copy_zones(zones), goal.misses(zones)
    for step in range(_MENDING_STEPS):
        if least <= 1.0:
            break
        progress(_STEPS + step, total)
        mended = _mend(units, best, goal, scratch, step)
        least, best = min((least, best), mended, key=lambda found: found[0])
    progress(total, total)
    return best


def _anneal_step(units: Units, zones: Zones, goal: Goal, scratch: Scratch, step: int) -> None:
    """Anneal with single moves while the weight of balance grows from loose to tight."""
    loose, tight = balance_weights(units, goal, len(zones.size))
    loose = np.minimum(goal.stiffness * loose, tight)
    rules = make_rules(units, goal, len(zones.size))
    weight = loose * (tight / loose) ** (step / (_STEPS - 1))
    hot, cold = (goal.hot * (goal.cold / goal.hot) ** (s / _STEPS) for s in (step, step + 1))
    sweeps = max(goal.sweeps // _STEPS, 1)
    anneal(units, zones, rules._replace(balance=weight), scratch, sweeps, hot, cold)


def _anneal_several(units: Units, zones: Zones, goal: Goal, scratch: Scratch, step: int) -> None:
    """Anneal for several loads: in the first half of the steps with single moves, then with exchanges too.

    A weight that grows too far freezes the plan before it is compact, and one load is paid with another.
    """
    loose, tight = balance_weights(units, goal, len(zones.size))
    begin, middle, end = _SEVERAL_WEIGHTS
    weights = (np.minimum(begin * loose, middle * tight), middle * tight, end * tight)
    half = _STEPS // 2
    phase, at = divmod(step, half)
    rules = make_rules(units, replace(goal, slack=_SEVERAL_SLACK[phase]), len(zones.size))
    if phase == 0:
        shares, sweeps = np.array([at / (half - 1)]), max(int(_SEVERAL_SWEEPS * goal.sweeps) // half, 1)
    else:
        passes = max(int(_EXCHANGES * goal.sweeps) // half, 1)
        shares, sweeps = (at + (np.arange(passes) + 0.5) / passes) / half, _MOVES_PER_EXCHANGE
    for share in shares:
        heat = _SEVERAL_HEAT[phase] * (_SEVERAL_HEAT[phase + 1] / _SEVERAL_HEAT[phase]) ** share
        now = rules._replace(balance=weights[phase] * (weights[phase + 1] / weights[phase]) ** share)
        if phase == 1:
            exchange(units, zones, now, scratch, *list_borders(units, zones), heat)
        anneal(units, zones, now, scratch, sweeps, heat, heat)


def _mend(units: Units, zones: Zones, goal: Goal, scratch: Scratch, step: int) -> tuple[float, Zones]:
    """Warm a plan up a little and exchange units; return how far it misses, and the new plan."""
    zones = copy_zones(zones)
    hot, cold, slack = _MENDING
    rules = make_rules(units, replace(goal, slack=slack), len(zones.size))
    passes = max(int(_EXCHANGES * goal.sweeps) // _STEPS, 10)
    for at in range(passes):
        heat = hot * (cold / hot) ** (at / (passes - 1))
        now = rules._replace(balance=rules.balance * 8.0 * 2.0 ** (step // 2 + at / passes))
        exchange(units, zones, now, scratch, *list_borders(units, zones), heat)
        anneal(units, zones, now, scratch, 1, heat, heat)
    zones = refresh_zones(units, zones)
    return goal.misses(zones), zones
