"""A plan in force brought back into balance with few moves, and what more or fewer moves would give."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from gis.arrays import BoolArray, FloatArray, IntArray
from gis.balance.loads import (
    InfeasibleError,
    check_caps,
    read_limits,
    read_loads,
    relative_caps,
    relative_deviations,
    sum_loads,
)
from gis.errors import ParameterError
from gis.graph import NeighbourGraph
from gis.progress import Progress, no_progress

if TYPE_CHECKING:
    from gis.balance.annealing import Units, Zones
    from gis.balance.goal import Goal

_LEVELS = (0.75, 0.5, 0.3, 0.15, 0.0)
"""Shares of the present deviations down to which the points of the Pareto line are balanced."""

_REFINEMENTS = 4
_TRIALS = len(_LEVELS) + 1 + _REFINEMENTS
_NEARLY, _DEARER = 1.25, 1.2
"""Full balance that moves at most so many budgets is tried again at so many times the price of a move."""

_SWEEPS, _SWEEPS_TO_BALANCE = 1000, 2000
"""The last of the levels moves most: in haste it moves too much, or leaves ragged zones."""


@dataclass(frozen=True, eq=False)
class ParetoPoint:
    """What a plan with so many moves would be.

    Attributes
    ----------
    moved
        Share of the first load in units that change their zone.
    deviation
        Greatest deviation of any load of any zone from the ideal, as a share of it.
    compactness
        Mean Polsby-Popper score of the zones.
    misses
        Greatest deviation as a multiple of its tolerance; 1 or less where the plan is balanced.
    zones
        The zone of each unit, shape (n,).
    """

    moved: float
    deviation: float
    compactness: float
    misses: float
    zones: IntArray


@dataclass(frozen=True, eq=False)
class Rebalance:
    """A plan brought towards balance.

    Attributes
    ----------
    zones
        The zone of each unit, shape (n,).
    moved
        Share of the first load in units that change their zone.
    pareto
        From no move to full balance; each point moves more than the one before and misses less.
    """

    zones: IntArray
    moved: float
    pareto: list[ParetoPoint]


def rebalance(
    graph: NeighbourGraph,
    loads: FloatArray,
    zones: IntArray,
    *,
    tolerance: ArrayLike,
    cap: ArrayLike | None = None,
    area_m2: FloatArray,
    exterior_m: FloatArray,
    locked: BoolArray | None = None,
    budget: float = 0.1,
    seed: int = 0,
    progress: Progress | None = None,
) -> Rebalance:
    """Bring a plan within tolerances by moving as little as possible, and no more than a budget.

    Where the budget does not suffice, the largest deviations are brought down first. Zones stay in as many
    parts as they are, or fewer. The same input and seed give the same plan.

    Parameters
    ----------
    graph, loads, tolerance, cap, area_m2, exterior_m, locked, seed, progress
        As for `partition`.
    zones
        The zone of each unit, from 0, shape (n,), each number used; -1 for new units, whose first zone is not
        a move.
    budget
        Largest share of the first load that may change its zone.

    Raises
    ------
    InfeasibleError
        If a zone cannot be brought below its cap within the budget, or if a unit has no way to any zone.
    """
    from gis.balance.mending import fill_gaps
    from gis.balance.zone_sums import build_units, build_zones

    table = read_loads(loads, len(graph))
    goals, caps = read_limits(tolerance, cap, table.shape[1])
    home = np.asarray(zones, dtype=np.int64)
    count = _count_zones(home, len(graph))
    if not budget >= 0:
        raise ParameterError(f"the budget is {budget}, not a share from 0 up")
    check_caps(table, caps, count)
    held = np.zeros(len(graph), dtype=bool) if locked is None else np.asarray(locked, dtype=bool)
    units = build_units(graph, table, count, area_m2=area_m2, exterior_m=exterior_m, locked=held, home=home)
    trials = _Trials(
        units,
        build_zones(units, fill_gaps(graph, home), count),
        goals,
        relative_caps(caps, table, count),
        seed,
        progress or no_progress,
    )
    line = trials.pareto_line(budget)
    chosen = [point for point in line if point.moved <= budget + 1e-12][-1]
    _check_caps_kept(table, chosen.zones, count, caps, line, budget)
    return Rebalance(chosen.zones, chosen.moved, line)


class _Trials:
    """Plans made of one plan in force, each balanced down to another level of its deviations."""

    def __init__(
        self,
        units: "Units",
        present: "Zones",
        tolerance: FloatArray,
        cap: FloatArray,
        seed: int,
        progress: Progress,
    ) -> None:
        from gis.balance.goal import Goal

        self.units, self.present, self.seed, self.progress = units, present, seed, progress
        self.goal = Goal(tolerance, cap, _SWEEPS, hot=1.5, stiffness=40.0, slack=0.9, change=0.3)
        self.off = np.abs(relative_deviations(present.load)).max(axis=0)
        self.done = 0

    def pareto_line(self, budget: float) -> list[ParetoPoint]:
        """Return the best plans from no move to full balance, denser where the budget ends."""
        points = [self._point(self.present)]
        if points[0].misses > 1.0:
            reached = [1.0]
            for level in _LEVELS:
                points.append(self._attempt(level, np.inf))
                if points[-1].moved <= budget:
                    reached.append(level)
            if min(reached) > 0.0 and budget < points[-1].moved <= _NEARLY * budget:
                # A hard budget freezes the moves that it still allows; a higher price for each does not.
                points.append(self._attempt(0.0, np.inf, _DEARER))
                if points[-1].moved <= budget:
                    reached.append(0.0)
            if min(reached) > 0.0:
                points += self._refine(min(reached), budget)
        self.progress(_TRIALS, _TRIALS)
        return _pareto(points)

    def _refine(self, reached: float, budget: float) -> list[ParetoPoint]:
        """Look between a level that the budget reaches and the next for the lowest that it reaches."""
        below = max(level for level in _LEVELS if level < reached)
        found = []
        for _ in range(_REFINEMENTS):
            level = (reached + below) / 2
            found.append(self._attempt(level, budget))
            if self._eased(level, budget).misses(self._zones(found[-1])) <= 1.0:
                reached = level
            else:
                below = level
        return found

    def _eased(self, level: float, budget: float) -> "Goal":
        tolerance = self.goal.tolerance
        eased = np.where(np.isfinite(tolerance), np.maximum(tolerance, level * self.off), np.inf)
        carried = float(self.units.load[:, 0].sum())
        sweeps = _SWEEPS if level > 0 else _SWEEPS_TO_BALANCE
        return replace(self.goal, tolerance=eased, sweeps=sweeps, budget=budget * carried)

    def _attempt(self, level: float, budget: float, dearer: float = 1.0) -> ParetoPoint:
        from gis.balance.schedule import run
        from gis.balance.zone_sums import build_scratch, copy_zones

        self.progress(self.done, _TRIALS)
        self.done += 1
        scratch = build_scratch(len(self.units.area), self.seed)
        goal = self._eased(level, budget)
        # A callback that cancels is heard several times in each trial.
        return self._point(
            run(
                self.units, copy_zones(self.present), replace(goal, change=dearer * goal.change), scratch,
                lambda _done, _total: self.progress(self.done - 1, _TRIALS),
            )
        )  # fmt: skip

    def _zones(self, point: ParetoPoint) -> "Zones":
        from gis.balance.zone_sums import build_zones

        return build_zones(self.units, point.zones, len(self.present.size))

    def _point(self, zones: "Zones") -> ParetoPoint:
        from gis.balance.zone_sums import polsby_popper, zones_as_integers

        bounded = np.isfinite(self.goal.tolerance) | ~np.isfinite(self.goal.tolerance).any()
        return ParetoPoint(
            float(zones.away[0]) / max(float(self.units.load[:, 0].sum()), 1e-300),
            float(np.abs(relative_deviations(zones.load)[:, bounded]).max(initial=0.0)),
            float(polsby_popper(zones).mean()),
            self.goal.misses(zones),
            zones_as_integers(zones.of_unit),
        )


def _pareto(points: list[ParetoPoint]) -> list[ParetoPoint]:
    """Return the points that no other one beats, from no move on."""
    line: list[ParetoPoint] = []
    for point in sorted(points, key=lambda point: (point.moved, point.misses, point.deviation)):
        if not line or (point.misses, point.deviation) < (line[-1].misses, line[-1].deviation):
            line.append(point)
    return line


def _count_zones(zones: IntArray, unit_count: int) -> int:
    count = int(zones.max(initial=-1)) + 1
    if len(zones) != unit_count or count < 1 or zones.min() < -1:
        raise ParameterError(f"a plan in force must give each of {unit_count} units a zone from 0 up")
    unused = np.setdiff1d(np.arange(count), zones)
    if len(unused):
        raise ParameterError(f"zone {unused[0]} of the plan in force has no unit")
    return count


def _check_caps_kept(
    table: FloatArray, zones: IntArray, count: int, cap: FloatArray, line: list[ParetoPoint], budget: float
) -> None:
    sums = sum_loads(table, zones, count)
    over = np.argwhere(sums > cap * (1 + 1e-9))
    if not len(over):
        return
    zone, k = over[0]
    enough = [
        point.moved for point in line if (sum_loads(table, point.zones, count) <= cap * (1 + 1e-9)).all()
    ]
    raise InfeasibleError(
        f"zone {zone} holds {sums[zone, k]:g} of load {k}, the cap is {cap[k]:g}, and moving {budget:.1%} "
        "of the load does not bring all zones below it; "
        + (f"{enough[0]:.1%} would" if enough else "no plan was found that does"),
        reason="not_found",
        units=np.flatnonzero(zones == zone),
        load=int(k),
    )
