"""Division of a graph into a number of connected zones, balanced and compact."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from gis.arrays import BoolArray, FloatArray, IntArray
from gis.balance.loads import InfeasibleError, check_caps, read_limits, read_loads, relative_caps, sum_loads
from gis.errors import ParameterError
from gis.graph import NeighbourGraph
from gis.progress import Progress, no_progress, portion

Effort = Literal["quick", "thorough"]


def partition(
    graph: NeighbourGraph,
    loads: FloatArray,
    count: int,
    *,
    tolerance: ArrayLike,
    cap: ArrayLike | None = None,
    area_m2: FloatArray,
    exterior_m: FloatArray,
    zones: IntArray | None = None,
    locked: BoolArray | None = None,
    seed: int = 0,
    effort: Effort = "thorough",
    progress: Progress | None = None,
) -> IntArray:
    """Group units into connected zones whose loads are equal within tolerances, and compact.

    METIS makes a first plan, which is then annealed by moves of single units; for several loads groups of a
    few units are moved first. The same input and seed give the same zones.

    Parameters
    ----------
    graph
        Neighbours of n units, with the lengths of their common borders in metres; if all are 0, borders count
        alike. No zone crosses what the graph does not join.
    loads
        Shape (n, k), from 0 up.
    count
        How many zones.
    tolerance
        Shape (k,): how far a zone may be off the ideal, total / count, as a share of it; a goal, not a
        promise, see `relative_deviations`. Within it compactness decides. Infinite where balance does not
        matter.
    cap
        Shape (k,), largest load of a zone, infinite for none; kept in any case.
    area_m2, exterior_m
        Shape (n,): area of each unit, and length of its border towards nothing.
    zones
        Shape (n,), a plan to begin with, -1 for units that have no zone yet; METIS begins otherwise. Zones of
        a few units are seeds from which they grow.
    locked
        Shape (n,), units that keep the zone they have in `zones`.
    seed
        Of the random numbers.
    effort
        "quick" takes about a tenth of the time of "thorough"; both grow with the number of units.
    progress
        Called with steps done and their number; what it raises ends the work.

    Returns
    -------
    ndarray of int64
        The zone of each unit, 0 to count - 1, shape (n,).

    Raises
    ------
    InfeasibleError
        If no division can be what is asked, with the rows of the units at fault.
    """
    # Compiled code and METIS take a second to load, which commands that do not divide need not wait.
    from gis.balance.goal import Goal
    from gis.balance.mending import mend_zones
    from gis.balance.schedule import SWEEPS, run
    from gis.balance.several import are_several, make_plan_of_groups
    from gis.balance.start import count_zones_of_parts, make_first_plan
    from gis.balance.zone_sums import build_scratch, build_units, build_zones, zones_as_integers

    unit_count = len(graph)
    table = read_loads(loads, unit_count)
    goals, caps = read_limits(tolerance, cap, table.shape[1])
    if count < 1:
        raise ParameterError(f"the number of zones is {count}, not from 1 up")
    held = np.zeros(unit_count, dtype=bool) if locked is None else np.asarray(locked, dtype=bool)
    _check_start(zones, held, count, unit_count)
    check_caps(table, caps, count)
    goal = Goal(goals, relative_caps(caps, table, count), SWEEPS[effort])
    progress = progress or no_progress
    start = zones
    if zones is not None:
        count_zones_of_parts(graph, table, count, caps)
    elif count > 1 and are_several(table):
        start = make_plan_of_groups(
            graph, table, count, goal, cap=caps, area_m2=area_m2, exterior_m=exterior_m, seed=seed,
            progress=portion(progress, 0, 100, 300),
        )  # fmt: skip
        progress = portion(progress, 100, 200, 300)
    if start is None:
        start = make_first_plan(graph, table, count, caps, seed)
    start = mend_zones(graph, _mean_load(table), start, count, held)
    units = build_units(graph, table, count, area_m2=area_m2, exterior_m=exterior_m, locked=held)
    made = build_zones(units, start, count)
    if 1 < count < unit_count:
        made = run(units, made, goal, build_scratch(unit_count, seed), progress)
    found = zones_as_integers(made.of_unit)
    _check_found(table, found, count, caps)
    return found


def _check_found(table: FloatArray, zones: IntArray, count: int, cap: FloatArray) -> None:
    """Refuse a plan that breaks a cap which nothing before has shown to be too low."""
    sums = sum_loads(table, zones, count)
    # The sums of a zone that is exactly full depend on the order of its units.
    over = np.argwhere(sums > cap * (1 + 1e-9))
    if len(over):
        zone, k = over[0]
        raise InfeasibleError(
            f"no plan of {count} zones was found that keeps the cap {cap[k]:g} of load {k}: "
            f"the best has {len(np.unique(over[:, 0]))} above it, one of {sums[zone, k]:g}; "
            "more zones, a higher cap or fewer locked units would help",
            reason="not_found",
            units=np.flatnonzero(zones == zone),
            load=int(k),
        )


def _mean_load(table: FloatArray) -> FloatArray:
    """Return the mean of the loads of each unit, each load as a share of its total."""
    total = table.sum(axis=0)
    shares: FloatArray = np.divide(table, total, out=np.zeros_like(table), where=total > 0).mean(axis=1)
    return shares


def _check_start(zones: IntArray | None, locked: BoolArray, count: int, unit_count: int) -> None:
    if zones is None:
        if locked.any():
            raise ParameterError("units can be locked only in the zones of a plan to begin with")
        return
    if len(zones) != unit_count or (unit_count and (zones.min() < -1 or zones.max() >= count)):
        raise ParameterError(
            f"the plan to begin with must give each of {unit_count} units a zone below {count}"
        )
    loose = np.flatnonzero(locked & (zones < 0))
    if len(loose):
        raise InfeasibleError(f"unit {loose[0]} is locked, but has no zone", reason="locked", units=loose)
