"""Compiled moves of single units that ask those which hardly ever move less often.

While a plan is cold most units on a border would be refused again and again: along a straight border a unit
that moves makes two more sides. Such a unit is asked once in some sweeps, with a chance that is as many times
as large, and at once where a neighbour has moved.
"""

import math
from typing import NamedTuple

import numpy as np

from gis.arrays import IntArray
from gis.balance.annealing import (
    SEARCH_LIMIT,
    Int32Array,
    Rules,
    Scratch,
    Units,
    Zones,
    energy_gain,
    load_away,
    move,
    random_share,
    stays_connected,
    within_caps,
    zone_beside,
)
from gis.compiled import compiled

_LONGEST = 12
"""Sweeps that a unit waits at most: loads of zones change although no neighbour moves."""


class Waits(NamedTuple):
    """When units are asked.

    Attributes
    ----------
    due, asked
        Shape (n,): the sweep in which each unit is next asked, and in which it was last.
    sweep
        Shape (1,), the next sweep.
    """

    due: Int32Array
    asked: Int32Array
    sweep: IntArray


def build_waits(unit_count: int) -> Waits:
    """Let all units be asked in the first sweep."""
    return Waits(
        np.ones(unit_count, dtype=np.int32),
        np.zeros(unit_count, dtype=np.int32),
        np.ones(1, dtype=np.int64),
    )


@compiled
def anneal_waiting(
    units: Units, zones: Zones, rules: Rules, scratch: Scratch, waits: Waits, sweeps: int, temperature: float
) -> int:
    """Do what `anneal` does at one temperature, asking units that hardly ever move less often."""
    due, asked, of_unit, random = waits.due, waits.asked, zones.of_unit, scratch.random
    count = len(due)
    # A unit inside its zone sleeps until a neighbour moves.
    never = np.iinfo(np.int32).max
    moves = 0
    for now in range(waits.sweep[0], waits.sweep[0] + sweeps):
        for step in range(count):
            unit = step if now % 2 == 0 else count - 1 - step
            if due[unit] > now:
                continue
            if zones.foreign[unit] == 0 or not units.movable[unit]:
                due[unit] = never
                continue
            due[unit] = now + 1
            waited = now - asked[unit]
            asked[unit] = now
            old = of_unit[unit]
            if zones.size[old] <= 1:
                continue
            new = zone_beside(units, zones, unit, random)
            energy = energy_gain(units, zones, rules, unit, old, new)
            chance = math.exp(min(-energy / temperature, 0.0))
            if (
                random_share(random) < chance * waited
                and zones.away[0] + load_away(units, unit, old, new) <= rules.budget
                and within_caps(units, zones, rules, unit, -1, old, new)
                and stays_connected(units, of_unit, scratch, unit, SEARCH_LIMIT)
            ):
                move(units, zones, unit, old, new)
                moves += 1
                for entry in range(units.offsets[unit], units.offsets[unit + 1]):
                    neighbour = units.neighbours[entry]
                    if due[neighbour] == never:
                        asked[neighbour] = now
                    due[neighbour] = min(due[neighbour], now + 1)
            elif chance * _LONGEST > 0.5:
                due[unit] = now + max(int(0.5 / chance), 1)
            else:
                due[unit] = now + _LONGEST
    waits.sweep[0] += sweeps
    return moves
