"""How many cells each part of the units gets, and why a number of cells cannot be made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gis.arrays import FloatArray, IntArray
from gis.balance import LoadTarget
from gis.divide.balanced_parts import Parts
from gis.divide.unit_coverage import UnitCoverage, and_more
from gis.divide.unit_labels import UnitGroups
from gis.divide.unit_loads import say_load
from gis.errors import InputError, ParameterError
from gis.graph import NeighbourGraph


@dataclass(frozen=True, eq=False)
class CountBounds:
    """How many cells each part can have, shape (p,) each.

    Attributes
    ----------
    by_cap
        The least number by the caps.
    by_lock
        The number of cells in which units are fixed.
    highest
        The number of its units, those that are fixed in one cell counted once.
    """

    by_cap: IntArray
    by_lock: IntArray
    highest: IntArray

    @property
    def lowest(self) -> IntArray:
        """The least number, which is never 0."""
        lowest: IntArray = np.maximum(np.maximum(self.by_cap, self.by_lock), 1)
        return lowest


def apportion(total: int, load: FloatArray, lowest: IntArray, highest: IntArray) -> IntArray:
    """Share a number of cells among parts in proportion to their loads, by largest remainder.

    Parameters
    ----------
    total
        Between the sums of `lowest` and `highest`.
    load
        Shape (p,); parts are equal where all loads are 0.
    lowest, highest
        Bounds of the number of each part.

    Returns
    -------
    ndarray of int
        Shape (p,), summing to `total`; of equal remainders the earlier part's counts first.
    """
    share = load if load.sum() > 0 else np.ones(len(load))
    quota = _quotas(total, share, lowest, highest)
    count: IntArray = np.clip(np.floor(quota).astype(np.int64), lowest, highest)
    while missing := total - int(count.sum()):
        step = 1 if missing > 0 else -1
        may = count < highest if step > 0 else count > lowest
        lack = np.where(may, step * (quota - count), -np.inf)
        # All that lack nearly as much as the first get one, before any gets another.
        rank = np.argsort(-lack, kind="stable")[: min(abs(missing), int(may.sum()))]
        count[rank[lack[rank] > lack[rank[0]] - 1]] += step
    return count


def _quotas(total: int, share: FloatArray, lowest: IntArray, highest: IntArray) -> FloatArray:
    """Return the exact share of each part in what those at their bounds leave."""
    quota = total * share / share.sum()
    # Of those below and those above, the side that weighs more is bound first: the others may come to fit.
    while True:
        below, above = np.maximum(lowest - quota, 0.0), np.maximum(quota - highest, 0.0)
        at_bound = (below > 0) if below.sum() >= above.sum() else (above > 0)
        if not at_bound.any():
            # Rounding must not decide between equal remainders.
            return np.asarray(np.round(quota, 9))
        bound = np.where(below > 0, lowest, highest)
        quota = np.where(at_bound, bound, quota)
        is_free = (quota > lowest) & (quota < highest) & ~at_bound
        left = total - quota[~is_free].sum()
        if not is_free.any() or share[is_free].sum() <= 0:
            return np.asarray(np.round(quota, 9))
        quota[is_free] = left * share[is_free] / share[is_free].sum()


def bound_counts(
    units: UnitCoverage, parts: Parts, loads: FloatArray, weights: Sequence[LoadTarget], cores: IntArray
) -> CountBounds:
    """Return how many cells each part can have.

    Parameters
    ----------
    loads
        Shape (n, k).
    cores
        Shape (n,), the number of the cell in which a unit is fixed, -1 for the others.

    Raises
    ------
    InputError
        If one unit, or the units that are fixed in one cell, hold more than a cap.
    """
    check_units(units, np.sort(np.concatenate(parts.units)), loads, weights)
    for column, target in enumerate(weights):
        if target.cap is not None:
            _check_cores(units, cores, loads[:, column], target, target.cap)
    caps = np.array([np.inf if target.cap is None else target.cap for target in weights])
    # What sums to the cap but for rounding fits.
    by_cap = np.ceil((parts.load / caps).max(axis=1) - 1e-9).astype(np.int64)
    fixed = [cores[rows][cores[rows] >= 0] for rows in parts.units]
    by_lock = np.array([len(np.unique(inside)) for inside in fixed], dtype=np.int64)
    held = np.array([len(inside) for inside in fixed], dtype=np.int64)
    return CountBounds(by_cap, by_lock, parts.size - held + by_lock)


def check_units(
    units: UnitCoverage, free: IntArray, loads: FloatArray, weights: Sequence[LoadTarget]
) -> None:
    """Refuse caps that one of the units to be balanced exceeds by itself.

    Parameters
    ----------
    free
        Positions of the units to be balanced.
    loads
        Shape (n, k).
    """
    for column, target in enumerate(weights):
        if target.cap is None:
            continue
        load = loads[:, column]
        over = free[load[free] > target.cap]
        if len(over):
            worst = over[np.argmax(load[over])]
            raise InputError(
                f"Unit '{units.code[worst]}' alone holds {say_load(target, float(load[worst]))}, "
                f"the cap is {target.cap:,.10g}{and_more(len(over))}; raise the cap or cut the unit."
            )


def _check_cores(
    units: UnitCoverage, cores: IntArray, load: FloatArray, target: LoadTarget, cap: float
) -> None:
    fixed = np.flatnonzero(cores >= 0)
    held = np.bincount(cores[fixed], weights=load[fixed])
    for core in np.flatnonzero(held > cap)[:1].tolist():
        unit = units.code[np.flatnonzero(cores == core)[0]]
        raise InputError(
            f"The units that are locked in one cell with unit '{unit}' hold "
            f"{say_load(target, float(held[core]))}, the cap is {cap:,.10g}; lock fewer or raise the cap."
        )


def count_cells(
    parts: Parts,
    groups: UnitGroups,
    zones: int | Mapping[str, int],
    bounds: CountBounds,
    weights: Sequence[LoadTarget],
) -> IntArray:
    """Distribute the cells over the parts, shape (p,).

    A number is shared among all parts, or those of a group, in proportion to the first load by largest
    remainder; each gets at least one, and none more than it has units.

    Parameters
    ----------
    zones
        How many cells there are in all, or by the name of the group.
    bounds
        As `bound_counts` returns them.

    Raises
    ------
    InputError
        If there are too few or too many, all in all or for a group.
    """
    load = parts.load[:, 0]
    if not isinstance(zones, Mapping):
        _check_number(zones)
        _check_bounds(zones, "", parts, np.arange(len(parts)), bounds, weights)
        return apportion(zones, load, bounds.lowest, bounds.highest)
    present, group = np.unique(parts.group, return_inverse=True)
    names = groups.name[present].tolist()
    counts = np.zeros(len(parts), dtype=np.int64)
    for k, (name, count) in enumerate(zip(names, _counts_by_name(zones, names), strict=True)):
        rows = np.flatnonzero(group == k)
        _check_bounds(count, f" in '{name}'" if name else "", parts, rows, bounds, weights)
        counts[rows] = apportion(count, load[rows], bounds.lowest[rows], bounds.highest[rows])
    return counts


def count_seeds(
    units: UnitCoverage,
    parts: Parts,
    seeds: IntArray,
    cores: IntArray,
    bounds: CountBounds,
    weights: Sequence[LoadTarget],
) -> IntArray:
    """Return the number of seeds in each part, shape (p,).

    Parameters
    ----------
    seeds
        The unit in which each seed lies.
    cores
        Shape (n,), the number of the cell in which a unit is fixed, -1 for the others.

    Raises
    ------
    InputError
        If a part has no seed or too few of them, or units are locked in a cell without one.
    """
    unseeded = np.flatnonzero((cores >= 0) & ~np.isin(cores, cores[seeds]))
    if len(unseeded):
        raise InputError(
            f"Unit '{units.code[unseeded[0]]}' is locked in a cell in which no seed lies; put one into "
            "a unit of that cell, or free the unit."
        )
    bare = np.flatnonzero(bounds.by_lock == 0)
    if len(bare):
        hint = "" if parts.joined else ", or allow cells of several parts with --parts allow"
        raise InputError(
            f"No seed lies in {parts.label[bare[0]]}, and no cell can grow into it from elsewhere"
            f"{and_more(len(bare))}; put a seed there{hint}."
        )
    for row in range(len(parts)):
        _check_bounds(
            int(bounds.by_lock[row]), f" in {parts.label[row]}", parts, np.array([row]), bounds, weights
        )
    return bounds.by_lock


def check_isolated(
    units: UnitCoverage, parts: Parts, inside: NeighbourGraph, target: LoadTarget, count: int
) -> None:
    """Refuse barriers that isolate units too few for a cell.

    Parameters
    ----------
    inside
        The borders of all units, those along barriers among them.
    target
        The first load.
    count
        How many cells there are to be in all.

    Raises
    ------
    InputError
        If a part that a barrier cuts off holds less than half of what a cell should.
    """
    free = np.sort(np.concatenate(parts.units))
    first = np.array([rows[0] for rows in parts.units])
    before = inside.subgraph(free).components()[np.searchsorted(free, first)]
    _, inverse, pieces = np.unique(before, return_inverse=True, return_counts=True)
    ideal = parts.load[:, 0].sum() / count
    small = np.flatnonzero((pieces[inverse] > 1) & (parts.load[:, 0] < ideal / 2))
    if len(small):
        part = int(small[np.argmin(parts.load[small, 0])])
        unit, size = units.code[first[part]], int(parts.size[part])
        what = f"unit '{unit}'" if size == 1 else f"{size:,} units around '{unit}'"
        raise InputError(
            f"A barrier isolates {what} with {say_load(target, float(parts.load[part, 0]))}, and a cell "
            f"should hold {say_load(target, float(ideal))}{and_more(len(small))}; "
            "shorten the barrier, or make what it cuts off an exclusive cell."
        )


def _counts_by_name(zones: Mapping[str, int], names: list[str]) -> list[int]:
    for name in zones:
        if name not in names:
            raise ParameterError(f"Cells are asked for '{name}', but no unit to be balanced lies in it.")
    for name in names:
        if name not in zones:
            raise ParameterError(f"No number of cells is given for '{name}'; give one for each.")
        _check_number(zones[name])
    return [int(zones[name]) for name in names]


def _check_number(zones: int) -> None:
    if zones < 1:
        raise ParameterError(f"The number of cells must be 1 or more, not {zones}.")


def _check_bounds(
    count: int, label: str, parts: Parts, rows: IntArray, bounds: CountBounds, weights: Sequence[LoadTarget]
) -> None:
    """Refuse a number of cells that some parts together cannot have; the label is empty for all parts."""
    most, least = int(bounds.highest[rows].sum()), int(bounds.lowest[rows].sum())
    if least <= count <= most:
        return
    if count > most:
        size = int(parts.size[rows].sum())
        units = "is only 1 unit" if size == 1 else f"are only {size:,} units"
        locked = "" if size == most else f", of which locks leave {most:,} cells at most"
        raise InputError(
            f"The number of cells asked for{label} is {count:,}, but there {units}{locked}; "
            f"ask for {most:,} at most."
        )
    groups, hint = len(np.unique(parts.group[rows])), ""
    if count < groups:
        reason = f"the units lie in {groups:,} areas that no cell may mix"
    elif count < len(rows):
        smallest = parts.units[rows[parts.size[rows].argmin()]]
        few = "1 unit" if len(smallest) == 1 else f"{len(smallest):,} units"
        reason = f"the units lie in {len(rows):,} parts that share no border, the smallest of {few}"
        hint = "" if parts.joined else ", or allow cells of several parts with --parts allow"
    elif bounds.by_lock[rows].sum() > count:
        reason = f"units are locked in {int(bounds.by_lock[rows].sum()):,} cells"
    else:
        caps = np.array([np.inf if target.cap is None else target.cap for target in weights])
        total = parts.load[rows].sum(axis=0)
        tight = int((total / caps).argmax())
        held = say_load(weights[tight], float(total[tight]))
        reason = f"the units hold {held}, and a cell holds {caps[tight]:,.10g} at most"
    raise InputError(
        f"The number of cells asked for{label} is {count:,}, but {reason}; ask for {least:,} at least{hint}."
    )
