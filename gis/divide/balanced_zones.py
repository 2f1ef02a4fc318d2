"""Partition of one connected part of the units: around cores, under caps, into as few zones as caps allow."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from gis.arrays import FloatArray, IntArray, ObjectArray
from gis.balance import Effort, InfeasibleError, LoadTarget, partition
from gis.divide.unit_coverage import UnitCoverage
from gis.divide.unit_loads import say_load
from gis.errors import InputError
from gis.graph import NeighbourGraph
from gis.progress import Progress

_CAP_ROUNDING = 1e-9
"""Share of a cap by which sums may exceed it."""


@dataclass(frozen=True, eq=False)
class PartUnits:
    """The units of a connected part, and what binds them.

    Attributes
    ----------
    code
        Shape (m,), for messages.
    graph
        Their borders.
    loads
        Shape (m, k).
    area_m2, exterior_m
        Shape (m,), sizes, and how much of their borders is shared with no unit of the part.
    xy
        Shape (m, 2), a location in each.
    cores
        Shape (m,), 0 to the number of cells in which units are fixed; -1 for the others.
    label
        What messages call the part.
    """

    code: ObjectArray
    graph: NeighbourGraph
    loads: FloatArray
    area_m2: FloatArray
    exterior_m: FloatArray
    xy: FloatArray
    cores: IntArray
    label: str


def select_part(
    units: UnitCoverage,
    borders: NeighbourGraph,
    rows: IntArray,
    loads: FloatArray,
    exterior_m: FloatArray,
    cores: IntArray,
    label: str,
) -> PartUnits:
    """Take a part out of all units; `rows` are its positions, ascending, other arrays are of all."""
    fixed = cores[rows]
    numbered = np.full(len(rows), -1, dtype=np.int64)
    if (fixed >= 0).any():
        numbered[fixed >= 0] = np.unique(fixed[fixed >= 0], return_inverse=True)[1]
    geometry = units.geometry[rows]
    return PartUnits(
        units.code[rows],
        borders.subgraph(rows),
        loads[rows],
        shapely.area(geometry),
        exterior_m[rows],
        shapely.get_coordinates(shapely.point_on_surface(geometry)),
        numbered,
        label,
    )


def partition_part(
    part: PartUnits,
    count: int,
    weights: Sequence[LoadTarget],
    *,
    seed: int,
    effort: Effort,
    progress: Progress | None = None,
) -> IntArray:
    """Group the units of a part into connected zones, shape (m,), 0 to count - 1.

    Raises
    ------
    InputError
        If the units that are fixed in one cell cannot be connected.
    """
    if count == 1:
        return np.zeros(len(part.code), dtype=np.int64)
    if count == len(part.code):
        return np.arange(count, dtype=np.int64)
    fixed = part.cores >= 0
    start = _start(part, count, weights, seed=seed) if fixed.any() else None
    return _partition(part, count, weights, seed=seed, effort=effort, zones=start, progress=progress)


def _partition(
    part: PartUnits,
    count: int,
    weights: Sequence[LoadTarget],
    *,
    seed: int,
    effort: Effort,
    zones: IntArray | None = None,
    progress: Progress | None = None,
) -> IntArray:
    try:
        return partition(
            part.graph,
            part.loads,
            count,
            tolerance=[target.tolerance for target in weights],
            cap=[np.inf if target.cap is None else target.cap for target in weights],
            area_m2=part.area_m2,
            exterior_m=part.exterior_m,
            zones=zones,
            locked=part.cores >= 0 if zones is not None else None,
            seed=seed,
            effort=effort,
            progress=progress,
        )
    except InfeasibleError as error:
        raise _explain(part, count, error) from error


def _explain(part: PartUnits, count: int, error: InfeasibleError) -> InputError:
    """Say with codes what the rest of the checks could not foresee: locks in each other's way."""
    codes = part.code[error.units]
    if len(codes) > 1:
        return InputError(
            f"Units '{codes[0]}' and '{codes[1]}' are fixed in one cell, but no units that are free "
            "connect them; leave one of them free, or give them cells of their own."
        )
    return InputError(
        f"{part.label} cannot be divided into {count:,} cells: locked units leave too few for the others; "
        "ask for fewer cells or lock fewer units."
    )


def _start(part: PartUnits, count: int, weights: Sequence[LoadTarget], *, seed: int) -> IntArray:
    """Return zones to begin with, the units of each core in one of their own; -1 where none is known."""
    fixed = np.flatnonzero(part.cores >= 0)
    core = part.cores[fixed]
    held = int(core.max()) + 1
    if held == count:
        return part.cores
    zones = _partition(part, count, weights, seed=seed, effort="quick")
    share = np.zeros((held, count), dtype=np.int64)
    np.add.at(share, (core, zones[fixed]), 1)
    # Each core takes the zone in which most of it lies, the others one of those that nobody has taken.
    zone_of_core = np.full(held, -1, dtype=np.int64)
    for own, zone in np.column_stack(np.divmod(np.argsort(-share, axis=None, kind="stable"), count)).tolist():
        if zone_of_core[own] < 0 and zone not in zone_of_core:
            zone_of_core[own] = zone
            if (zone_of_core >= 0).all():
                break
    zones[fixed] = zone_of_core[core]
    return zones


def exceeds_cap(loads: FloatArray, zone: IntArray, weights: Sequence[LoadTarget]) -> tuple[int, int] | None:
    """Return the zone that exceeds a cap the most, and the number of the load; None where all are kept."""
    worst: tuple[int, int] | None = None
    most = 1 + _CAP_ROUNDING
    for column, target in enumerate(weights):
        if target.cap is None:
            continue
        share = np.bincount(zone, weights=loads[:, column]) / target.cap
        if share.max() > most:
            worst, most = (int(share.argmax()), column), float(share.max())
    return worst


def partition_under_caps(
    part: PartUnits,
    count: int,
    weights: Sequence[LoadTarget],
    *,
    seed: int,
    effort: Effort,
    progress: Progress | None = None,
) -> IntArray:
    """Group as `partition_part` does; refuse a division in which a zone exceeds a cap.

    Raises
    ------
    InputError
        If no division into so many zones was found that keeps to the caps.
    """
    zone = partition_part(part, count, weights, seed=seed, effort=effort, progress=progress)
    worst = exceeds_cap(part.loads, zone, weights)
    if worst is None:
        return zone
    target = weights[worst[1]]
    held = part.loads[zone == worst[0], worst[1]].sum()
    unit = part.code[np.flatnonzero(zone == worst[0])[0]]
    cells = "1 cell" if count == 1 else f"{count:,} cells"
    raise InputError(
        f"No division of {part.label} into {cells} was found that keeps to the caps: the cell with unit "
        f"'{unit}' would hold {say_load(target, float(held))}, the cap is {target.cap:,.10g}; "
        "ask for more cells."
    )


def partition_into_fewest(
    part: PartUnits,
    least: int,
    most: int,
    weights: Sequence[LoadTarget],
    *,
    seed: int,
    effort: Effort,
) -> IntArray:
    """Group into as few zones as were found to keep to the caps.

    The number grows from `least` in growing steps, then shrinks by halves; with `most` zones it must be
    possible.
    """

    def attempt(count: int) -> IntArray | None:
        zone = partition_part(part, count, weights, seed=seed, effort=effort)
        return zone if exceeds_cap(part.loads, zone, weights) is None else None

    failed, count, step = least - 1, least, 1
    while (found := attempt(count)) is None:
        if count == most:
            return partition_under_caps(part, count, weights, seed=seed, effort=effort)
        failed, count = count, min(count + step, most)
        step *= 2
    while count - failed > 1:
        middle = (count + failed) // 2
        better = attempt(middle)
        if better is None:
            failed = middle
        else:
            found, count = better, middle
    return found
