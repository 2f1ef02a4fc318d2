"""What a plan takes over on a day: the cells that end for it, how long its own last, and what forbids it."""

from dataclasses import dataclass
from datetime import date

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS
from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.arrays import BoolArray, ObjectArray
from gis.crs import LONLAT
from gis.topology.polygon_layer import NOISE_WIDTH_M, mean_width
from layers.areas.hierarchy import AreaHierarchy, read_area_geometries
from layers.models import Cell, Plan, Scheme
from layers.plans.cells import cells_as_of


@dataclass(frozen=True, eq=False)
class Takeover:
    """A plan on the day on which it is to be in force.

    Attributes
    ----------
    before
        The cells in force on that day on the plan's ground.
    later
        Plans published for later days that share ground with it, in the order of their days.
    resumes
        For each cell of `before` the first of `later` on whose ground it lies, None for none.
    ends
        For each cell of the plan the day on which the first of `later` follows it, None for none.
    hindrances
        Why the plan cannot be published for that day, a sentence each.
    """

    before: gpd.GeoDataFrame
    later: list[Plan]
    resumes: list[Plan | None]
    ends: list[date | None]
    hindrances: list[str]


def examine_takeover(
    session: Session, plan: Plan, after: gpd.GeoDataFrame, on: date, hierarchy: AreaHierarchy
) -> Takeover:
    """Find what a plan takes over on a day, and what forbids it.

    Parameters
    ----------
    plan
        Not published yet.
    after
        Its cells, as `layers.plans.cells.plan_cells` reads them.
    """
    hindrances: list[str] = []
    present = cells_as_of(session, plan.scheme_id, on)
    inside, across = _within_area(session, plan, plan.area_code, present, hierarchy)
    if across is not None:
        hindrances.append(
            f"Cell {across} in force reaches into area {plan.area_code} from outside; "
            "publish a plan of an area that holds both."
        )
    before = present[inside].reset_index(drop=True)
    later = _later_plans(session, plan, on, hierarchy)
    resumes: list[Plan | None] = [None] * len(before)
    followers: list[Plan | None] = [None] * len(after)
    for other in reversed(later):
        for cells, found in ((before, resumes), (after, followers)):
            held, across = _within_area(session, plan, other.area_code, cells, hierarchy)
            for row in np.flatnonzero(held):
                found[row] = other
            if across is not None and cells is after:
                hindrances.append(
                    f"Cell {across} reaches beyond area {other.area_code}, whose plan {other.id} begins on "
                    f"{other.valid_from}; publish a plan of an area that holds both for that day or a later "
                    "one."
                )
    hindrances += _reused_codes(session, plan, before, after, on, hierarchy)
    ends = [None if other is None else other.valid_from for other in followers]
    return Takeover(before, later, resumes, ends, hindrances)


def _later_plans(session: Session, plan: Plan, on: date, hierarchy: AreaHierarchy) -> list[Plan]:
    leaves = hierarchy.leaves(plan.area_code)
    chosen = select(Plan).where(Plan.scheme_id == plan.scheme_id, Plan.valid_from > on, Plan.id != plan.id)
    found = session.scalars(chosen.order_by(Plan.valid_from, Plan.published_at.desc()))
    return [other for other in found if leaves & hierarchy.leaves(other.area_code)]


def _within_area(
    session: Session, plan: Plan, area_code: str | None, cells: gpd.GeoDataFrame, hierarchy: AreaHierarchy
) -> tuple[BoolArray, str | None]:
    """Return which cells lie in an area, and the code of one that lies there in part."""
    if area_code is None:
        return np.ones(len(cells), dtype=bool), None
    inside = cells["area_code"].isin(hierarchy.subtree(area_code)).to_numpy(dtype=bool, copy=True)
    # A cell of an area nearby lies beside; one of an area above, or of none, may lie across.
    above = cells["area_code"].isna() | cells["area_code"].isin(hierarchy.ancestors(area_code))
    candidates = np.flatnonzero(~inside & above.to_numpy(dtype=bool))
    if not len(candidates):
        return inside, None
    crs = CRS.from_user_input(session.get_one(Scheme, plan.scheme_id).working_crs)
    area = read_area_geometries(session, {area_code}).to_crs(crs).geometry.iloc[0]
    geometries = gpd.GeoSeries(cells.geometry.to_numpy()[candidates], crs=LONLAT).to_crs(crs).to_numpy()
    within = _exceeds_rounding(shapely.intersection(geometries, area))
    across = np.flatnonzero(within & _exceeds_rounding(shapely.difference(geometries, area)))
    inside[candidates[within]] = True
    return inside, cells["code"].iloc[candidates[across[0]]] if len(across) else None


def _exceeds_rounding(geometries: ObjectArray) -> BoolArray:
    """Return which overlays have a piece wider than rounding."""
    parts, row = shapely.get_parts(geometries, return_index=True)
    result = np.zeros(len(geometries), dtype=bool)
    result[row[mean_width(parts) > NOISE_WIDTH_M]] = True
    return result


def _reused_codes(
    session: Session,
    plan: Plan,
    before: gpd.GeoDataFrame,
    after: gpd.GeoDataFrame,
    on: date,
    hierarchy: AreaHierarchy,
) -> list[str]:
    """Return a sentence for codes that name another cell: in force elsewhere, or ended before this day.

    A code that ended on this very day, by a plan that this one replaces, goes on; so does one that a later
    plan has on this ground.
    """
    inside = hierarchy.subtree(plan.area_code)

    def on_ground(area_code: str | None) -> bool:
        return area_code is None or plan.area_code is None or area_code in inside

    known = set(before["code"])
    wanted = [code for code in after["code"] if code not in known]
    last: dict[str, tuple[date, date, str | None]] = {}
    versions = select(Cell.code, Cell.valid_from, Cell.valid_to, Cell.area_code).where(
        Cell.scheme_id == plan.scheme_id, Cell.valid_from.is_not(None)
    )
    for code, start, end, area_code in session.execute(versions):
        if start is not None and (code not in last or (end or date.max) >= last[code][1]):
            last[code] = (start, end or date.max, area_code)
    found = []
    for code in wanted:
        if code not in last:
            continue
        start, end, area_code = last[code]
        if start > on:
            if not on_ground(area_code):
                found.append(
                    f"The code {code} belongs to a cell that begins on {start} outside the plan's ground."
                )
        elif end > on:
            found.append(f"The code {code} belongs to a cell in force outside the plan's ground.")
        elif end != on or not on_ground(area_code):
            found.append(f"The code {code} belonged to a cell that ended on {end}; codes are not used again.")
    return found
