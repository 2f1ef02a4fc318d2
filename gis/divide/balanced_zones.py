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
    graph: NeighbourGraph,
    rows: IntArray,
    loads: FloatArray,
    exterior_m: FloatArray,
    cores: IntArray,
    label: str,
) -> PartUnits:
    """Take a part out of all units; the graph is its own, `rows` are its positions, the rest is of all."""
    fixed = cores[rows]
    numbered = np.full(len(rows), -1, dtype=np.int64)
    if (fixed >= 0).any():
        numbered[fixed >= 0] = np.unique(fixed[fixed >= 0], return_inverse=True)[1]
    geometry = units.geometry[rows]
    return PartUnits(
        units.code[rows],
        graph,
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
    """Group the units of a part into connected zones that keep to the caps, shape (m,), 0 to count - 1.

    Raises
    ------
    InputError
        If no such division was found, or the units that are fixed in one cell cannot be connected.
    """
    try:
        return _partition(part, count, weights, seed=seed, effort=effort, progress=progress)
    except InfeasibleError as error:
        raise _explain(part, count, weights, error) from error


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

    The number grows from `least` in growing steps up to `most`, then shrinks by halves.

    Raises
    ------
    InputError
        If no division was found, or the units that are fixed in one cell cannot be connected.
    """

    def attempt(count: int) -> IntArray | None:
        try:
            return _partition(part, count, weights, seed=seed, effort=effort)
        except InfeasibleError as error:
            if error.reason != "not_found" or count == most:
                raise _explain(part, count, weights, error) from error
            return None

    failed, count, step = least - 1, least, 1
    while (found := attempt(count)) is None:
        failed, count, step = count, min(count + step, most), 2 * step
    while count - failed > 1:
        middle = (count + failed) // 2
        better = attempt(middle)
        if better is None:
            failed = middle
        else:
            found, count = better, middle
    return found


def _partition(
    part: PartUnits,
    count: int,
    weights: Sequence[LoadTarget],
    *,
    seed: int,
    effort: Effort,
    progress: Progress | None = None,
) -> IntArray:
    if count == 1:
        return np.zeros(len(part.code), dtype=np.int64)
    caps = [np.inf if target.cap is None else target.cap for target in weights]
    tolerance = [target.tolerance for target in weights]
    fixed = part.cores >= 0
    start = _start(part, count, tolerance, seed) if fixed.any() else None
    return partition(
        part.graph,
        part.loads,
        count,
        tolerance=tolerance,
        cap=caps,
        area_m2=part.area_m2,
        exterior_m=part.exterior_m,
        zones=start,
        locked=fixed if start is not None else None,
        seed=seed,
        effort=effort,
        progress=progress,
    )


def _start(part: PartUnits, count: int, tolerance: Sequence[float], seed: int) -> IntArray:
    """Return zones to begin with, the units of each core in one of their own; -1 where none is known."""
    fixed = np.flatnonzero(part.cores >= 0)
    core = part.cores[fixed]
    held = int(core.max()) + 1
    if held == count:
        return part.cores
    zones = partition(
        part.graph,
        part.loads,
        count,
        tolerance=tolerance,
        area_m2=part.area_m2,
        exterior_m=part.exterior_m,
        seed=seed,
        effort="quick",
    )
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


def _explain(
    part: PartUnits, count: int, weights: Sequence[LoadTarget], error: InfeasibleError
) -> InputError:
    """Say with codes why an attempt failed."""
    codes, what = part.code[error.units], f"{part.label} cannot be divided into {count:,} cells"
    target = None if error.load is None else weights[error.load]
    more = f"ask for {error.needed:,} at least" if error.needed is not None else "ask for more cells"
    match error.reason:
        case "not_found" | "cap" | "value" if target is not None and error.load is not None:
            held = float(part.loads[error.units, error.load].sum())
            if error.reason == "not_found":
                return InputError(
                    f"No division of {part.label} into {count:,} cells was found that keeps to the caps; the "
                    f"cell with unit '{codes[0]}' would hold {say_load(target, held)}, the cap is "
                    f"{target.cap:,.10g}; ask for more cells."
                )
            alone = say_load(target, float(part.loads[error.units[0], error.load]))
            bound = "not a number from 0 up" if error.reason == "value" else f"the cap is {target.cap:,.10g}"
            return InputError(f"{what}: unit '{codes[0]}' alone holds {alone}, {bound}.")
        case "total" if target is not None and error.load is not None:
            whole = say_load(target, float(part.loads[:, error.load].sum()))
            return InputError(f"{what}: it holds {whole}, the cap is {target.cap:,.10g}; {more}.")
        case "parts":
            return InputError(f"{what}: its units lie in parts that share no border; {more}.")
        case "count":
            return InputError(f"{what}: it has {len(part.code):,} units; ask for fewer cells.")
        case "unreached":
            return InputError(f"{what}: unit '{codes[0]}' has no way to any of them; {more}.")
        case "locked" if len(codes) > 1:
            return InputError(
                f"Units '{codes[0]}' and '{codes[1]}' are fixed in one cell, but no units that are free "
                "connect them; leave one of them free, or give them cells of their own."
            )
        case "locked":
            return InputError(
                f"Locked units leave too few for {count:,} cells in {part.label}; "
                "ask for fewer cells or lock fewer units."
            )
    sentence = f"{what}: {error}."
    return InputError(sentence)
