"""Annealing for several loads at once, of which few moves improve all.

Load that is too much in one part of a plan flows off through many zones. With one load their borders shift;
two flow in opposite directions only if units are chosen for it, all along the way. What makes them flow is
not a weight of balance so large that it freezes the plan, but an aim for each zone, which moves away from a
deviation as long as that lasts (the method of multipliers). Groups of units are annealed first: they find
where zones should lie in a fraction of the moves. At last deviations within the tolerance cost nothing, and
the aims go.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from gis.arrays import FloatArray, IntArray
from gis.balance.annealing import Scratch, Units, Zones
from gis.balance.goal import Goal, balance_weights, make_rules
from gis.balance.grouping import group_units
from gis.balance.loads import sum_loads
from gis.balance.mending import mend_zones
from gis.balance.start import count_zones_of_parts, make_first_plan
from gis.balance.waiting import anneal_waiting, build_waits
from gis.balance.zone_sums import build_scratch, build_units, build_zones, zones_as_integers
from gis.graph import NeighbourGraph
from gis.progress import Progress, portion

_SWEEPS_PER_ROUND = 10
"""Sweeps between two changes of the aims."""

_LEAST_GROUPS = 20.0
"""Groups to a zone below which they are too coarse to lay out zones, and single units do better."""


class _Stage(NamedTuple):
    """One annealing with aims.

    Attributes
    ----------
    heat, weight
        Temperatures, and weights of balance as multiples of a loose one, at the beginning and the end.
    sweeps
        For each sweep of one load.
    gain
        Share of a deviation by which the aim of a zone moves away from it after each round.
    """

    heat: tuple[float, float]
    weight: tuple[float, float]
    sweeps: float
    gain: float


_GROUPS = _Stage((0.8, 0.15), (1.4, 14.0), 3.1, 0.07)
_UNITS = _Stage((0.35, 0.15), (4.0, 8.4), 1.4, 0.06)

_LAST_HEAT, _LAST_WEIGHT, _LAST_SLACK, _LAST_SWEEPS = (0.28, 0.08), (0.05, 35.0), 0.93, 2.0
"""Temperatures, weights as multiples of a tight one, slack, and sweeps of the last stage, without aims."""


def are_several(load: FloatArray) -> bool:
    """Return whether more than one load is carried by any unit."""
    return int(load.any(axis=0).sum()) > 1


def make_plan_of_groups(
    graph: NeighbourGraph,
    loads: FloatArray,
    count: int,
    goal: Goal,
    *,
    cap: FloatArray,
    area_m2: FloatArray,
    exterior_m: FloatArray,
    seed: int,
    progress: Progress,
) -> IntArray | None:
    """Make a first plan that is annealed for several loads by groups of units.

    None where there are too few groups for the zones.

    Parameters
    ----------
    loads, cap
        Shapes (n, k), (k,), the cap in the unit of the loads.
    """
    group = group_units(graph, loads, np.minimum(loads.sum(axis=0) / count, cap))
    group_count = int(group.max()) + 1
    part, zone_counts = count_zones_of_parts(graph, loads, count, cap)
    _, first = np.unique(group, return_index=True)
    if (np.bincount(part[first]) < _LEAST_GROUPS * zone_counts).any():
        return None
    coarse = graph.contract(group, group_count)
    sums = sum_loads(loads, group, group_count)
    area = sum_loads(area_m2, group, group_count)[:, 0]
    exterior = sum_loads(exterior_m, group, group_count)[:, 0]
    plan = make_first_plan(coarse, sums, count, cap, seed)
    free = np.zeros(group_count, dtype=bool)
    plan = mend_zones(coarse, sums[:, 0], plan, count, free)
    units = build_units(coarse, sums, count, area_m2=area, exterior_m=exterior, locked=None)
    zones = build_zones(units, plan, count)
    _anneal_with_aims(units, zones, goal, build_scratch(group_count, seed), _GROUPS, progress)
    return zones_as_integers(zones.of_unit)[group]


def anneal_several(units: Units, zones: Zones, goal: Goal, scratch: Scratch, progress: Progress) -> None:
    """Anneal single units for several loads: first with aims, then within the tolerance."""
    steps = _rounds(_UNITS.sweeps, goal), _rounds(_LAST_SWEEPS, goal)
    _anneal_with_aims(units, zones, goal, scratch, _UNITS, portion(progress, 0, steps[0], sum(steps)))
    rules = make_rules(units, replace(goal, slack=_LAST_SLACK), len(zones.size))
    waits = build_waits(len(units.area))
    for step in range(steps[1]):
        progress(steps[0] + step, sum(steps))
        share = step / max(steps[1] - 1, 1)
        weight = rules.balance * _between(_LAST_WEIGHT, share)
        heat = _between(_LAST_HEAT, share)
        anneal_waiting(units, zones, rules._replace(balance=weight), scratch, waits, _SWEEPS_PER_ROUND, heat)


def _anneal_with_aims(
    units: Units, zones: Zones, goal: Goal, scratch: Scratch, stage: _Stage, progress: Progress
) -> None:
    loose, tight = balance_weights(units, goal, len(zones.size))
    rules = make_rules(units, replace(goal, slack=0.0), len(zones.size))
    waits = build_waits(len(units.area))
    rounds = _rounds(stage.sweeps, goal)
    price = np.zeros_like(zones.load)
    for step in range(rounds):
        progress(step, rounds)
        share = step / max(rounds - 1, 1)
        weight = np.minimum(_between(stage.weight, share) * loose, tight)
        now = rules._replace(balance=weight, aim=price / weight)
        anneal_waiting(units, zones, now, scratch, waits, _SWEEPS_PER_ROUND, _between(stage.heat, share))
        price -= stage.gain * weight * (zones.load - np.clip(zones.load, rules.lower, rules.upper))


def _rounds(sweeps: float, goal: Goal) -> int:
    return max(int(sweeps * goal.sweeps) // _SWEEPS_PER_ROUND, 1)


def _between(ends: tuple[float, float], share: float) -> float:
    """Return what lies between two values, in equal ratios."""
    value: float = ends[0] * (ends[1] / ends[0]) ** share
    return value
