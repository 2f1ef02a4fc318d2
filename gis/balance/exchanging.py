"""Compiled exchanges of two units across the border of their zones, by the rules of `gis.balance.annealing`.

Where several loads must agree at once, hardly any single move improves all of them; among all pairs of units
on a border there is often one whose loads nearly cancel out.
"""

import numpy as np

from gis.arrays import IntArray
from gis.balance.annealing import (
    SEARCH_LIMIT,
    Int32Array,
    Rules,
    Scratch,
    Units,
    Zones,
    accepted,
    balance_gain,
    borders,
    leaves_home,
    load_away,
    move,
    stays_connected,
    within_caps,
)
from gis.compiled import compiled

_BEST_SIDES, _HOTTEST = 3.0, 8.0
"""Sides of units that an exchange saves at best, and temperatures above which it is not worth a look."""


def list_borders(units: Units, zones: Zones) -> tuple[IntArray, Int32Array]:
    """Return the movable units on both sides of each border between two zones.

    Returns
    -------
    first : ndarray of int64
        Where the units of each border begin, and the end of all.
    unit : ndarray of int32
        The units, those of the lower zone first.
    """
    unit_count, zone_count = len(zones.of_unit), len(zones.size)
    rows = np.repeat(np.arange(unit_count), np.diff(units.offsets))
    own, other = zones.of_unit[rows].astype(np.int64), zones.of_unit[units.neighbours].astype(np.int64)
    crossing = (own != other) & units.movable[rows]
    own, other, rows = own[crossing], other[crossing], rows[crossing]
    border = np.minimum(own, other) * zone_count + np.maximum(own, other)
    key = np.unique((2 * border + (own > other)) * unit_count + rows)
    border, unit = key // (2 * unit_count), key % unit_count
    first = np.flatnonzero(np.r_[True, border[1:] != border[:-1]][: len(border)])
    return np.r_[first, len(border)].astype(np.int64), unit.astype(np.int32)


@compiled
def _touches(units: Units, of_unit: Int32Array, unit: int, zone: int) -> bool:
    """Return whether a unit has a neighbour in a zone."""
    for entry in range(units.offsets[unit], units.offsets[unit + 1]):
        if of_unit[units.neighbours[entry]] == zone:
            return True
    return False


@compiled
def compactness_gain(units: Units, zones: Zones, unit: int, back: int, old: int, new: int) -> float:
    """Return by how much perimeter² / area of two zones grows if they exchange two units."""
    to_old, to_new = borders(units, zones, unit, old, new)
    back_to_old, back_to_new = borders(units, zones, back, old, new)
    common = 0.0
    for entry in range(units.offsets[unit], units.offsets[unit + 1]):
        if units.neighbours[entry] == back:
            common += units.length[entry]
    area = units.area[unit] - units.area[back]
    perimeter = units.perimeter[unit] - units.perimeter[back]
    before = zones.perimeter[old] ** 2 / zones.area[old] + zones.perimeter[new] ** 2 / zones.area[new]
    old_perimeter = zones.perimeter[old] + 2.0 * (to_old - back_to_old + common) - perimeter
    new_perimeter = zones.perimeter[new] + 2.0 * (back_to_new - to_new + common) + perimeter
    after = old_perimeter**2 / (zones.area[old] - area) + new_perimeter**2 / (zones.area[new] + area)
    gain: float = after - before
    return gain


@compiled
def exchange(
    units: Units,
    zones: Zones,
    rules: Rules,
    scratch: Scratch,
    first: IntArray,
    on_border: Int32Array,
    temperature: float,
) -> int:
    """Offer each pair of units on both sides of a border to change places; return how many did.

    Parameters
    ----------
    first, on_border
        As `list_borders` returns them.
    """
    of_unit = zones.of_unit
    exchanged = 0
    for border in range(len(first) - 1):
        for i in range(first[border], first[border + 1]):
            unit = on_border[i]
            old = of_unit[unit]
            if zones.size[old] <= 1:
                continue
            for j in range(i + 1, first[border + 1]):
                back = on_border[j]
                new = of_unit[back]
                if new == old:
                    continue
                energy = balance_gain(units, zones, rules, unit, back, old, new)
                energy += rules.change * (
                    units.moving[unit] * leaves_home(units, unit, old, new)
                    + units.moving[back] * leaves_home(units, back, new, old)
                )
                if energy > _BEST_SIDES + _HOTTEST * temperature:
                    continue
                energy += rules.compactness * compactness_gain(units, zones, unit, back, old, new)
                away = load_away(units, unit, old, new) + load_away(units, back, new, old)
                if (
                    not accepted(energy, temperature, scratch.random)
                    or (away > 0.0 and zones.away[0] + away > rules.budget)
                    or not within_caps(units, zones, rules, unit, back, old, new)
                    or not _touches(units, of_unit, unit, new)
                    or not stays_connected(units, of_unit, scratch, unit, SEARCH_LIMIT)
                ):
                    continue
                move(units, zones, unit, old, new)
                if _touches(units, of_unit, back, old) and stays_connected(
                    units, of_unit, scratch, back, SEARCH_LIMIT
                ):
                    move(units, zones, back, new, old)
                    exchanged += 1
                    break
                move(units, zones, unit, new, old)
    return exchanged
