"""Comparing plans: what changes from one to another where both divide the same ground."""

from datetime import date
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS
from sqlalchemy.orm import Session

from gis.crs import LONLAT
from gis.diff import PlanDiff, diff_plans
from gis.errors import InputError, LimitError
from gis.faces.overlay import OverlayTolerance, extract_polygons
from layers.areas.hierarchy import read_area_geometries, read_hierarchy
from layers.models import Plan, Scheme
from layers.plans.cells import cells_as_of, plan_cells
from layers.plans.queries import count_cells, find_plan

MAX_COMPARED_CELLS = 20_000
"""The most cells of both plans that are compared within a request."""

_SLIVER = OverlayTolerance(0.01, 0.02)


class ComparisonInput(NamedTuple):
    """What of two plans is compared.

    Attributes
    ----------
    before, after
        As `plan_cells`; a cell that lies partly in the other plan's area is among them.
    crs
        In which they are compared.
    """

    before: gpd.GeoDataFrame
    after: gpd.GeoDataFrame
    crs: CRS

    def diff(self) -> PlanDiff:
        """Return what changes."""
        columns = ["code", "geometry"]
        return diff_plans(self.before[columns], self.after[columns], crs=self.crs)


def read_comparison(
    session: Session,
    old_id: int | None,
    new_id: int,
    scope: str | None = None,
    *,
    on: date | None = None,
) -> ComparisonInput:
    """Read the cells of two plans in the area that both divide.

    Parameters
    ----------
    old_id, new_id
        Plans under one scheme, of the same area or different ones; without the older one the cells in force
        are compared.
    scope
        The area that both must divide or lie in; None for any.
    on
        The day of the cells in force; today when not given.

    Raises
    ------
    NotFoundError
        If there is no such plan, or the area of one is no more.
    InputError
        If they are of different schemes or have no ground in common.
    LimitError
        If they have more than `MAX_COMPARED_CELLS` cells.
    """
    new = find_plan(session, new_id, scope)
    crs = CRS.from_user_input(session.get_one(Scheme, new.scheme_id).working_crs)
    if old_id is None:
        day = on or date.today()
        before = _cells_within(session, cells_as_of(session, new.scheme_id, day), new)
        after = plan_cells(session, new.id)
        if before.empty:
            raise InputError(f"No cells are in force on {day} where plan {new.id} divides the ground.")
        _require_few(len(before) + len(after))
        return ComparisonInput(before, after, crs)
    old = find_plan(session, old_id, scope)
    if new.scheme_id != old.scheme_id:
        raise InputError(f"Plans {new_id} and {old_id} are of different schemes.")
    _require_few(count_cells(session, old) + count_cells(session, new))
    before = _cells_within(session, plan_cells(session, old.id), new)
    after = _cells_within(session, plan_cells(session, new.id), old)
    if before.empty or after.empty:
        raise InputError(f"Plans {old.id} and {new.id} divide different ground.")
    return ComparisonInput(before, after, crs)


def _require_few(cells: int) -> None:
    if cells > MAX_COMPARED_CELLS:
        raise LimitError(f"More than {MAX_COMPARED_CELLS:,} cells; compare files with wangge diff.")


def _cells_within(session: Session, cells: gpd.GeoDataFrame, plan: Plan) -> gpd.GeoDataFrame:
    """Return the cells of a plan's area, of those beneath, and of wider ones that reach into it."""
    if plan.area_code is None:
        return cells
    hierarchy = read_hierarchy(session, plan.valid_from)
    inside = cells["area_code"].isin(hierarchy.subtree(plan.area_code)).to_numpy(dtype=bool, copy=True)
    # What names an area of another day is judged by its ground, as what names one above is.
    wider = cells["area_code"].isna() | cells["area_code"].isin(hierarchy.ancestors(plan.area_code))
    wider |= cells["area_code"].map(hierarchy.is_absent)
    candidates = np.flatnonzero(~inside & wider.to_numpy(dtype=bool))
    if len(candidates):
        crs = CRS.from_user_input(session.get_one(Scheme, plan.scheme_id).working_crs)
        area = read_area_geometries(session, {plan.area_code}, plan.valid_from).to_crs(crs).geometry.iloc[0]
        geometries = gpd.GeoSeries(cells.geometry.to_numpy()[candidates], crs=LONLAT).to_crs(crs).to_numpy()
        shared = extract_polygons(shapely.intersection(geometries, area))
        inside[candidates[~_SLIVER.is_noise(shared)]] = True
    return cells[inside].reset_index(drop=True)
