"""The crosswalk of two schemes or plans over one ground, with what lies in their cells."""

from datetime import date
from typing import NamedTuple

import geopandas as gpd
import numpy as np
from pyproj import CRS
from sqlalchemy.orm import Session

from gis.crosswalk import CrosswalkTable, Loads, measure_crosswalk
from gis.errors import InputError, LimitError
from gis.measures import count_keys
from layers.models import Scheme
from layers.plans.cells import cells_as_of, plan_cells
from layers.plans.compare import MAX_COMPARED_CELLS
from layers.plans.entity_states import read_states
from layers.plans.queries import MAX_REQUEST_ENTITIES, find_plan
from layers.plans.schemes import find_scheme


class Division(NamedTuple):
    """What a side of a crosswalk is: the cells of a scheme in force, or those of a plan."""

    scheme: str | None = None
    plan: int | None = None


def read_crosswalk(
    session: Session, first: Division, second: Division, on: date, scope: str | None = None
) -> CrosswalkTable:
    """Measure how much of each cell of the first lies in each cell of the second: ground and entities.

    Parameters
    ----------
    on
        The day whose cells in force are meant, and whose entities are counted, by the keys of measures.
    scope
        Only cells and entities of this area and of those beneath it; None for all.

    Raises
    ------
    NotFoundError
        If there is no such scheme or plan.
    InputError
        If a side names both or neither, has no cells, or as for `gis.crosswalk.measure_crosswalk`.
    LimitError
        If there are too many cells or entities for a request.
    """
    scheme = _scheme(session, first, scope)
    before, after = (_read_cells(session, side, on, scope) for side in (first, second))
    if len(before) + len(after) > MAX_COMPARED_CELLS:
        raise LimitError(f"More than {MAX_COMPARED_CELLS:,} cells; compare files with wangge crosswalk.")
    states = read_states(session, on, on, scope=scope)
    if len(states.entities) > MAX_REQUEST_ENTITIES:
        raise LimitError(f"More than {MAX_REQUEST_ENTITIES:,} entities; compare files with wangge crosswalk.")
    kinds = np.array(states.kinds, dtype=object)
    weights = {key: (kinds == kind).astype(float) for kind, key in count_keys().items()}
    loads = Loads(states.geometries, weights)
    return measure_crosswalk(before, after, loads, crs=CRS.from_user_input(scheme.working_crs))


def _scheme(session: Session, side: Division, scope: str | None) -> Scheme:
    if side.scheme is not None:
        return find_scheme(session, side.scheme)
    return session.get_one(Scheme, find_plan(session, side.plan or 0, scope).scheme_id)


def _read_cells(session: Session, side: Division, on: date, scope: str | None) -> gpd.GeoDataFrame:
    if (side.scheme is None) == (side.plan is None):
        raise InputError("Name on each side either a scheme or a plan.")
    if side.scheme is None:
        cells = plan_cells(session, find_plan(session, side.plan or 0, scope).id)
        if cells.empty:
            raise InputError(f"Plan {side.plan} has no cells.")
        return cells
    found = find_scheme(session, side.scheme)
    cells = cells_as_of(session, found.id, on, area_code=scope, columns=("code", "area_code"))
    if cells.empty:
        raise InputError(
            f"No cells of scheme '{side.scheme}' are in force there on {on}; publish a plan first."
        )
    return cells
