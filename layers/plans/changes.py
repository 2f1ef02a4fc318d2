"""What a plan changes: ground that gets another cell, and the entities that move with it."""

from datetime import date, timedelta
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy.orm import Session

from gis.arrays import BoolArray
from gis.diff import PlanDiff
from gis.moves import count_moves, find_moves, with_moves
from layers.models import Plan, Scheme
from layers.plans.assignments import buffered_bbox
from layers.plans.compare import ComparisonInput, read_comparison
from layers.plans.entity_states import read_states
from layers.plans.queries import find_plan


class PlanChanges(NamedTuple):
    """What changes from one plan, or from what is in force, to another.

    Attributes
    ----------
    plan
        The newer plan.
    on
        The day whose entities move.
    compared
        The cells of both.
    difference
        What changes on the ground and of codes.
    moves
        The entities whose cell is another one: entity (its number), kind, from_code and to_code (None: in no
        cell), by entity.
    """

    plan: Plan
    on: date
    compared: ComparisonInput
    difference: PlanDiff
    moves: pd.DataFrame

    def counts(self) -> pd.DataFrame:
        """Return how many entities of each kind leave which cell for which."""
        return count_moves(self.moves)

    def pieces(self) -> gpd.GeoDataFrame:
        """Return the ground that gets another cell, with how many entities of each kind move with it."""
        return with_moves(self.difference.pieces, self.counts())


def day_of_change(plan: Plan, on: date | None = None) -> date:
    """Return the day before a published plan came into force; of a draft the one asked for, or today."""
    return plan.valid_from - timedelta(days=1) if plan.valid_from is not None else on or date.today()


def read_changes(
    session: Session,
    plan_id: int,
    against: int | None = None,
    *,
    on: date | None = None,
    scope: str | None = None,
) -> PlanChanges:
    """Compare a plan with another one, and find the entities that would be assigned to another cell.

    Parameters
    ----------
    against
        The older plan; the cells in force on the day when not given.
    on
        The day whose entities are meant, today when not given; where cells in force are compared, the day of
        these by `day_of_change`.
    scope
        The area that the plans must divide or lie in; None for any. Only its entities are told.

    Raises
    ------
    NotFoundError, InputError, LimitError
        As for `layers.plans.compare.read_comparison`.
    """
    plan = find_plan(session, plan_id, scope)
    day = day_of_change(plan, on) if against is None else on or date.today()
    compared = read_comparison(session, against, plan_id, scope, on=day)
    moves = _find_moves(session, session.get_one(Scheme, plan.scheme_id), compared, day, scope)
    return PlanChanges(plan, day, compared, compared.diff(), moves)


def _find_moves(
    session: Session, scheme: Scheme, compared: ComparisonInput, on: date, scope: str | None
) -> pd.DataFrame:
    """Assign the entities near cells that differ to either plan, and return those that move."""
    before, after = compared.before, compared.after
    changed = np.concatenate(
        [
            cells.geometry.to_numpy()[~_has_equal(cells, other)]
            for cells, other in ((before, after), (after, before))
        ]
    )
    if not len(changed):
        return pd.DataFrame({name: [] for name in ("entity", "kind", "from_code", "to_code")}, dtype=object)
    max_distance_m = scheme.rules.get("max_distance_m")
    bbox = buffered_bbox(changed, max_distance_m or 0.0)
    states = read_states(session, on, on, scope=scope, bbox=bbox)
    # Entities reach beyond the box, and so do the cells that they may be assigned to.
    extent = shapely.total_bounds([*changed, *(each for each in states.geometries if each is not None)])
    near = buffered_bbox(np.array([shapely.box(*extent)], dtype=object), max_distance_m or 0.0)
    frames = [cells.iloc[cells.sindex.intersection(near)] for cells in (before, after)]
    moves = find_moves(
        states.geometries,
        states.kinds,
        frames[0],
        frames[1],
        max_distance_m=max_distance_m,
        crs=compared.crs,
    )
    entities = np.asarray(states.entities, dtype=np.int64)
    moves.insert(0, "entity", entities[moves.pop("row").to_numpy(dtype=np.int64)])
    return moves


def _has_equal(cells: gpd.GeoDataFrame, others: gpd.GeoDataFrame) -> BoolArray:
    """Return which cells have the same code and polygon in the other plan."""
    row = pd.Index(others["code"]).get_indexer(pd.Index(cells["code"]))
    equal = np.zeros(len(cells), dtype=bool)
    known = row >= 0
    equal[known] = shapely.equals_identical(
        cells.geometry.to_numpy()[known], others.geometry.to_numpy()[row[known]]
    )
    return equal
