"""How long, how hot and with which weights a plan is annealed, and when it is good enough."""

from dataclasses import replace

import numpy as np

from gis.balance.annealing import Scratch, Units, Zones, anneal
from gis.balance.exchanging import exchange, list_borders
from gis.balance.goal import Goal, balance_weights, make_rules
from gis.balance.several import anneal_several, are_several
from gis.balance.zone_sums import copy_zones, refresh_zones
from gis.progress import Progress, portion

_STEPS = 20
_MENDING_STEPS = 8

_EXCHANGES = 0.06
"""Looks at all exchanges while a plan is mended, for each sweep of single moves."""

_MENDING = (0.3, 0.15, 0.95)
"""Temperatures while a plan is mended, little more than that of a frozen one, and the slack."""

SWEEPS = {"quick": 450, "thorough": 3500}
"""How often each unit on a border is offered a move, by effort."""


def run(units: Units, zones: Zones, goal: Goal, scratch: Scratch, progress: Progress) -> Zones:
    """Anneal a plan from compactness towards balance, then mend what is still off; the plan given is changed.

    The weight of balance grows from where deviations of some units cost little to where the tolerance holds.
    """
    total = _STEPS + _MENDING_STEPS
    if goal.change == 0.0 and are_several(units.load):
        anneal_several(units, zones, goal, scratch, portion(progress, 0, _STEPS, total))
    else:
        for step in range(_STEPS):
            progress(step, total)
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
