"""Compiled moves of single units across the borders of their zones, by simulated annealing.

The energy adds up what is wrong with a plan:

- compactness: perimeter² / area of each zone, which is 4π / its Polsby-Popper score. Annealing the score
  itself rewards letting one zone decay so that others shine;
- balance: for each zone and load the square of what is below a lower or above an upper bound;
- change: for each unit that is not in its home zone, what it costs to move it.

A unit moves only where the zone that it leaves stays in one part (or in as many parts as it had), never out
of a zone of one unit, never if a cap or the budget would be exceeded by more than before.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gis.arrays import BoolArray, FloatArray, IntArray
from gis.compiled import compiled

Int32Array = NDArray[np.int32]
SEARCH_LIMIT = 64
"""How many units of a zone are searched for another way around a unit before it counts as a bridge."""

_HOPELESS = 30.0
"""Energies of so many temperatures are never accepted, so no random number need be drawn for them."""


class Units(NamedTuple):
    """n units with k loads, as the compiled moves read them.

    Attributes
    ----------
    offsets, neighbours, length
        The neighbour graph in compressed rows.
    load
        Shape (n, k); the ideal load of a zone is 1.
    area, perimeter
        Shape (n,).
    movable
        Shape (n,); the others keep their zone.
    home, moving
        Shape (n,), the zone that a unit should rather stay in, or -1, and what it costs if it does not.
    """

    offsets: Int32Array
    neighbours: Int32Array
    length: FloatArray
    load: FloatArray
    area: FloatArray
    perimeter: FloatArray
    movable: BoolArray
    home: Int32Array
    moving: FloatArray


class Zones(NamedTuple):
    """Which zone each unit is in, with the sums for each zone kept up to date, changed in place.

    Attributes
    ----------
    of_unit, foreign
        Shape (n,): the zone of each unit, and how many of its neighbours are in other zones.
    load
        Shape (z, k).
    area, perimeter, size
        Shape (z,); the size is the number of units.
    away
        Shape (1,), the first load of the units that are not at home.
    """

    of_unit: Int32Array
    foreign: Int32Array
    load: FloatArray
    area: FloatArray
    perimeter: FloatArray
    size: IntArray
    away: FloatArray


class Rules(NamedTuple):
    """Weights and limits of the energy.

    Attributes
    ----------
    compactness
        Weight of perimeter² / area.
    balance, lower, upper, cap
        Shape (k,): weight of the square of what is out of bounds, the bounds, and the largest load of a zone.
    change, budget
        Weight of what it costs to move units from home, and the largest first load that may be away.
    aim
        Shape (z, k), how far off its ideal load each zone is sent; its bounds lie around that. A zone that is
        sent away from a deviation that lasts loses it without a weight that freezes all moves.
    """

    compactness: float
    balance: FloatArray
    lower: FloatArray
    upper: FloatArray
    cap: FloatArray
    change: float
    budget: float
    aim: FloatArray


class Scratch(NamedTuple):
    """Memory of the moves.

    Attributes
    ----------
    random
        Shape (1,), the state of the random numbers, never 0.
    mark, last_mark, queue
        Shapes (n,), (1,), (n,): what a search has seen, by marks that only grow, and where it goes next.
    """

    random: NDArray[np.uint64]
    mark: IntArray
    last_mark: IntArray
    queue: Int32Array


@compiled
def _random_bits(random: NDArray[np.uint64]) -> np.uint64:
    """Return the next number of Marsaglia's xorshift with 64 bits, period 2⁶⁴ - 1."""
    bits: np.uint64 = random[0]
    bits ^= bits << np.uint64(13)
    bits ^= bits >> np.uint64(7)
    bits ^= bits << np.uint64(17)
    random[0] = bits
    return bits


@compiled
def random_share(random: NDArray[np.uint64]) -> float:
    """Return a random number from 0 to below 1."""
    share: float = np.float64(_random_bits(random) >> np.uint64(11)) * 2.0**-53
    return share


@compiled
def out_of_bounds(load: float, lower: float, upper: float) -> float:
    """Return the square of how far a load is below or above its bounds."""
    excess = max(lower - load, load - upper, 0.0)
    return excess * excess


@compiled
def stays_connected(units: Units, of_unit: Int32Array, scratch: Scratch, unit: int, limit: int) -> bool:
    """Return whether a unit's neighbours in its zone stay connected to each other without it.

    True for a unit without neighbours in its zone. The search ends after `limit` units and then says no.
    """
    zone = of_unit[unit]
    mark = scratch.mark
    wanted = scratch.last_mark[0] + 1
    seen = wanted + 1
    scratch.last_mark[0] = seen
    missing, start = 0, -1
    for entry in range(units.offsets[unit], units.offsets[unit + 1]):
        neighbour = units.neighbours[entry]
        if of_unit[neighbour] == zone:
            mark[neighbour] = wanted
            missing += 1
            start = neighbour
    if missing <= 1:
        return True
    missing -= 1
    mark[unit] = mark[start] = seen
    queue = scratch.queue
    queue[0] = start
    head, tail = 0, 1
    while head < tail and head < limit:
        current = queue[head]
        head += 1
        for entry in range(units.offsets[current], units.offsets[current + 1]):
            neighbour = units.neighbours[entry]
            if of_unit[neighbour] != zone or mark[neighbour] == seen:
                continue
            if mark[neighbour] == wanted:
                missing -= 1
                if missing == 0:
                    return True
            mark[neighbour] = seen
            queue[tail] = neighbour
            tail += 1
    return False


@compiled
def zone_beside(units: Units, zones: Zones, unit: int, random: NDArray[np.uint64]) -> int:
    """Return the zone across one of a unit's borders, drawn at random from those to other zones."""
    own: int = zones.of_unit[unit]
    draw = np.int64((_random_bits(random) >> np.uint64(33)) % np.uint64(zones.foreign[unit]))
    for entry in range(units.offsets[unit], units.offsets[unit + 1]):
        beside: int = zones.of_unit[units.neighbours[entry]]
        if beside != own:
            if draw == 0:
                return beside
            draw -= 1
    return own


@compiled
def borders(units: Units, zones: Zones, unit: int, old: int, new: int) -> tuple[float, float]:
    """Return the lengths of a unit's borders with two zones."""
    to_old = to_new = 0.0
    for entry in range(units.offsets[unit], units.offsets[unit + 1]):
        beside = zones.of_unit[units.neighbours[entry]]
        if beside == old:
            to_old += units.length[entry]
        elif beside == new:
            to_new += units.length[entry]
    return to_old, to_new


@compiled
def energy_gain(units: Units, zones: Zones, rules: Rules, unit: int, old: int, new: int) -> float:
    """Return by how much the energy grows with a move."""
    to_old, to_new = borders(units, zones, unit, old, new)
    area: float = units.area[unit]
    perimeter: float = units.perimeter[unit]
    before = zones.perimeter[old] ** 2 / zones.area[old] + zones.perimeter[new] ** 2 / zones.area[new]
    old_perimeter = zones.perimeter[old] + 2.0 * to_old - perimeter
    new_perimeter = zones.perimeter[new] + perimeter - 2.0 * to_new
    after = old_perimeter**2 / (zones.area[old] - area) + new_perimeter**2 / (zones.area[new] + area)
    gain: float = rules.compactness * (after - before) + rules.change * units.moving[unit] * leaves_home(
        units, unit, old, new
    )
    return gain + balance_gain(units, zones, rules, unit, -1, old, new)


@compiled
def balance_gain(units: Units, zones: Zones, rules: Rules, unit: int, back: int, old: int, new: int) -> float:
    """Return by how much the energy of balance grows with a move and a unit that comes back, or -1."""
    gain = 0.0
    for k in range(units.load.shape[1]):
        net = units.load[unit, k] - (units.load[back, k] if back >= 0 else 0.0)
        if net == 0.0:
            continue
        left, right = zones.load[old, k] - rules.aim[old, k], zones.load[new, k] - rules.aim[new, k]
        lower, upper = rules.lower[k], rules.upper[k]
        gain += rules.balance[k] * (
            out_of_bounds(left - net, lower, upper)
            - out_of_bounds(left, lower, upper)
            + out_of_bounds(right + net, lower, upper)
            - out_of_bounds(right, lower, upper)
        )
    return gain


@compiled
def within_caps(units: Units, zones: Zones, rules: Rules, unit: int, back: int, old: int, new: int) -> bool:
    """Return whether a move, with another unit coming back unless that is -1, leaves no zone above a cap.

    Where a zone is above it before, what counts is that the fuller of both does not get fuller.
    """
    for k in range(units.load.shape[1]):
        net = units.load[unit, k] - (units.load[back, k] if back >= 0 else 0.0)
        left, right = zones.load[old, k], zones.load[new, k]
        fuller = max(left - net, right + net)
        if fuller > rules.cap[k] and fuller > max(left, right):
            return False
    return True


@compiled
def accepted(energy: float, temperature: float, random: NDArray[np.uint64]) -> bool:
    """Return whether a change of energy is accepted, by the rule of Metropolis."""
    if energy <= 0.0:
        return True
    if energy >= _HOPELESS * temperature:
        return False
    return bool(random_share(random) < math.exp(-energy / temperature))


@compiled
def leaves_home(units: Units, unit: int, old: int, new: int) -> float:
    """Return 1 if a move takes a unit away from home, -1 if it takes it there, else 0."""
    if units.home[unit] == old:
        return 1.0
    return -1.0 if units.home[unit] == new else 0.0


@compiled
def load_away(units: Units, unit: int, old: int, new: int) -> float:
    """Return by how much the first load that is not at home grows with a move."""
    load: float = units.load[unit, 0]
    return load * leaves_home(units, unit, old, new)


@compiled
def move(units: Units, zones: Zones, unit: int, old: int, new: int) -> None:
    """Give a unit its new zone, and bring all sums up to date."""
    to_old, to_new = borders(units, zones, unit, old, new)
    zones.perimeter[old] += 2.0 * to_old - units.perimeter[unit]
    zones.perimeter[new] += units.perimeter[unit] - 2.0 * to_new
    zones.of_unit[unit] = new
    zones.area[old] -= units.area[unit]
    zones.area[new] += units.area[unit]
    zones.size[old] -= 1
    zones.size[new] += 1
    for k in range(units.load.shape[1]):
        zones.load[old, k] -= units.load[unit, k]
        zones.load[new, k] += units.load[unit, k]
    zones.away[0] += load_away(units, unit, old, new)
    foreign = 0
    for entry in range(units.offsets[unit], units.offsets[unit + 1]):
        neighbour = units.neighbours[entry]
        beside = zones.of_unit[neighbour]
        if beside == new:
            zones.foreign[neighbour] -= 1
        else:
            foreign += 1
            if beside == old:
                zones.foreign[neighbour] += 1
    zones.foreign[unit] = foreign


@compiled
def anneal(
    units: Units, zones: Zones, rules: Rules, scratch: Scratch, sweeps: int, hot: float, cold: float
) -> int:
    """Offer each unit on a border, sweep after sweep, a move to a zone beside it; return how many moved.

    The temperature falls from `hot` to `cold` in equal ratios.
    """
    of_unit, random = zones.of_unit, scratch.random
    count = len(of_unit)
    moves = 0
    for sweep in range(sweeps):
        temperature = hot * (cold / hot) ** (sweep / max(sweeps - 1, 1))
        for step in range(count):
            # To and fro, or the plan drifts in the order of the units.
            unit = step if sweep % 2 == 0 else count - 1 - step
            if zones.foreign[unit] == 0 or not units.movable[unit]:
                continue
            old = of_unit[unit]
            if zones.size[old] <= 1:
                continue
            new = zone_beside(units, zones, unit, random)
            energy = energy_gain(units, zones, rules, unit, old, new)
            if (
                accepted(energy, temperature, random)
                and zones.away[0] + load_away(units, unit, old, new) <= rules.budget
                and within_caps(units, zones, rules, unit, -1, old, new)
                and stays_connected(units, of_unit, scratch, unit, SEARCH_LIMIT)
            ):
                move(units, zones, unit, old, new)
                moves += 1
    return moves
