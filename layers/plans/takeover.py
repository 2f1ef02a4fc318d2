"""What a plan takes over on a day: the cells that end for it, how long its own last, and what forbids it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import compress
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from gis.arrays import BoolArray, ObjectArray
from gis.crs import LONLAT
from gis.levels.members import is_same_ground
from gis.topology.polygon_layer import NOISE_WIDTH_M, mean_width
from layers.areas.grounds import AreaGrounds, Piece
from layers.areas.hierarchy import AreaHierarchy, read_area_geometries
from layers.db.bulk import text_in
from layers.models import Cell, Plan, Scheme
from layers.plans.cells import cells_as_of, read_cells
from layers.plans.units import have_same_units

_COMPARED_COLUMNS = ("name", "kind", "parent", "area_code", "attributes", "personal")


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
    session: Session,
    plan: Plan,
    after: gpd.GeoDataFrame,
    on: date,
    grounds: AreaGrounds,
    scope: str | None,
) -> Takeover:
    """Find what a plan takes over on a day, and what forbids it.

    Parameters
    ----------
    plan
        Not published yet.
    after
        Its cells, as `layers.plans.cells.plan_cells` reads them.
    scope
        The area whose readers the hindrances are for: what lies elsewhere is not named.
    """
    hierarchy = grounds.hierarchy(on)
    hindrances = absent_areas(after, hierarchy, on)
    present = cells_as_of(session, plan.scheme_id, on)
    inside, across = within_area(session, plan.scheme_id, plan.area_code, present, hierarchy)
    if across.any():
        reaching = present[across].iloc[0]
        covered = hierarchy.covers(scope, reaching["area_code"])
        named = f"Cell {reaching['code']}" if covered else "A cell of a wider area"
        hindrances.append(
            f"{named} in force reaches into area {plan.area_code} from outside; "
            "publish a plan of an area that holds both."
        )
    before = present[inside].reset_index(drop=True)
    later = _later_plans(session, plan, on, grounds)
    resumes: list[Plan | None] = [None] * len(before)
    followers: list[Plan | None] = [None] * len(after)
    for other in reversed(later):
        for cells, found in ((before, resumes), (after, followers)):
            held, across = within_area(
                session, plan.scheme_id, other.area_code, cells, grounds.hierarchy(other.valid_from)
            )
            for row in np.flatnonzero(held):
                found[row] = other
            if across.any() and cells is after:
                named = "a plan of another area"
                if hierarchy.covers(scope, other.area_code):
                    named = f"area {other.area_code}, whose plan {other.id}"
                hindrances.append(
                    f"Cell {after['code'][across].iloc[0]} reaches beyond {named} begins on "
                    f"{other.valid_from}; publish a plan of an area that holds both for that day or a later "
                    "one."
                )
    takeover = Takeover(
        before,
        later,
        resumes,
        [None if other is None else other.valid_from for other in followers],
        hindrances,
    )
    hindrances += _refused_codes(session, plan, takeover, after, on, hierarchy, scope)
    return takeover


def match_unchanged(
    session: Session, scheme: Scheme, before: gpd.GeoDataFrame, after: gpd.GeoDataFrame
) -> tuple[list[int], list[int]]:
    """Return the rows of cells in force that a plan keeps the same, and the rows of the plan that do.

    Under a scheme over units the same are made of the same units.
    """
    row_of_code = {code: row for row, code in enumerate(before["code"])}
    rows_after = [row for row, code in enumerate(after["code"]) if code in row_of_code]
    rows_before = [row_of_code[code] for code in after["code"].iloc[rows_after]]
    old = shapely.normalize(before.geometry.to_numpy()[rows_before])
    new = shapely.normalize(after.geometry.to_numpy()[rows_after])
    same = np.asarray(shapely.equals_identical(old, new), dtype=bool)
    for column in _COMPARED_COLUMNS:
        left, right = before[column].tolist(), after[column].tolist()
        same &= np.array(
            [left[a] == right[b] for a, b in zip(rows_before, rows_after, strict=True)], dtype=bool
        )
    kept_before, kept_after = list(compress(rows_before, same)), list(compress(rows_after, same))
    if scheme.unit_scheme_id is None:
        return kept_before, kept_after
    ids = before["id"].iloc[kept_before].tolist(), after["id"].iloc[kept_after].tolist()
    united = have_same_units(session, *ids)
    return list(compress(kept_before, united)), list(compress(kept_after, united))


def absent_areas(cells: gpd.GeoDataFrame, hierarchy: AreaHierarchy, on: date) -> list[str]:
    """Return a sentence for each area of other days that cells name and that is not in force on a day."""
    hindrances = []
    for code, named in cells.groupby("area_code", sort=True):
        if not hierarchy.is_absent(str(code)):
            continue
        following = sorted(hierarchy.successors(str(code)))
        hint = f"; its ground is that of {', '.join(following)}" if following else ""
        subject = f"Cell {named['code'].iloc[0]}"
        if len(named) > 1:
            subject = f"{len(named):,} cells, among them {named['code'].iloc[0]},"
        hindrances.append(
            f"{subject} name{'s' if len(named) == 1 else ''} area '{code}', which is not in force on "
            f"{on}{hint}; "
            "give them an area of that day, or copy the cells in force on it."
        )
    return hindrances


def _later_plans(session: Session, plan: Plan, on: date, grounds: AreaGrounds) -> list[Plan]:
    pieces = grounds.pieces(plan.area_code, on)
    chosen = select(Plan).where(Plan.scheme_id == plan.scheme_id, Plan.valid_from > on, Plan.id != plan.id)
    # Of several of one day the last published is the one in force.
    found = session.scalars(chosen.order_by(Plan.valid_from, Plan.published_at.desc()))
    return [other for other in found if pieces & grounds.pieces(other.area_code, other.valid_from)]


def succession(plans: Iterable[Plan], grounds: AreaGrounds) -> dict[int, date]:
    """Return the day from which others are in force on all ground of each published plan that has one."""
    # For each piece of ground the day of the plan that follows there.
    next_day: dict[Piece, date] = {}
    ends = {}
    for plan in sorted(plans, key=lambda each: (each.valid_from, each.published_at), reverse=True):
        pieces = grounds.pieces(plan.area_code, plan.valid_from)
        if pieces <= next_day.keys():
            ends[plan.id] = max(next_day[piece] for piece in pieces)
        if plan.valid_from is not None:
            next_day.update(dict.fromkeys(pieces, plan.valid_from))
    return ends


def within_area(
    session: Session, scheme_id: int, area_code: str | None, cells: gpd.GeoDataFrame, hierarchy: AreaHierarchy
) -> tuple[BoolArray, BoolArray]:
    """Return which cells lie in an area of the hierarchy's day, and which of them only in part.

    A cell lies where the area that it names lies, unless that has changed since the cell began; then its
    ground decides.
    """
    across = np.zeros(len(cells), dtype=bool)
    if area_code is None:
        return ~across, across
    starts = cells["valid_from"] if "valid_from" in cells else [None] * len(cells)
    changed = np.array(
        [hierarchy.has_changed(*each) for each in zip(cells["area_code"], starts, strict=True)], dtype=bool
    )
    inside = cells["area_code"].isin(hierarchy.subtree(area_code)).to_numpy(dtype=bool) & ~changed
    # A cell of an area nearby lies beside; one of an area above, or of none, may lie across.
    above = cells["area_code"].isna() | cells["area_code"].isin(hierarchy.ancestors(area_code))
    candidates = np.flatnonzero(~inside & (above.to_numpy(dtype=bool) | changed))
    if len(candidates):
        crs = CRS.from_user_input(session.get_one(Scheme, scheme_id).working_crs)
        areas = read_area_geometries(session, {area_code}, hierarchy.day).geometry
        polygons = gpd.GeoSeries(cells.geometry.to_numpy()[candidates], crs=LONLAT)
        # A straight border that only one side has vertices on is the same in degrees or in metres.
        sides = [
            (cell.to_numpy(), area.iloc[0])
            for cell, area in ((polygons, areas), (polygons.to_crs(crs), areas.to_crs(crs)))
        ]
        shared = [np.asarray(shapely.intersection(*side), dtype=object) for side in sides]
        beyond = [np.asarray(shapely.difference(*side), dtype=object) for side in sides]
        within = _exceed_rounding_in_both(shared[0], shared[1], crs)
        across[candidates] = within & _exceed_rounding_in_both(beyond[0], beyond[1], crs)
        inside[candidates[within]] = True
    return inside, across


def _exceed_rounding_in_both(lonlat: ObjectArray, projected: ObjectArray, crs: CRS) -> BoolArray:
    """Return which overlays have a piece wider than rounding, computed in degrees and in metres."""
    metric = gpd.GeoSeries(lonlat, crs=LONLAT).to_crs(crs).to_numpy()
    return _exceeds_rounding(metric) & _exceeds_rounding(projected)


def _exceeds_rounding(geometries: ObjectArray) -> BoolArray:
    """Return which overlays have a piece wider than rounding."""
    parts, row = shapely.get_parts(geometries, return_index=True)
    result = np.zeros(len(geometries), dtype=bool)
    result[row[mean_width(parts) > NOISE_WIDTH_M]] = True
    return result


def _refused_codes(
    session: Session,
    plan: Plan,
    takeover: Takeover,
    after: gpd.GeoDataFrame,
    on: date,
    hierarchy: AreaHierarchy,
    scope: str | None,
) -> list[str]:
    """Return a sentence for each code that names another cell: at the same time, elsewhere, or before.

    A code that ended on this very day, by a plan that this one replaces, goes on; so does one that a later
    plan has on this ground. One that ended before returns where it names the same ground again.
    """
    versions: dict[str, list[_Version]] = defaultdict(list)
    for version in _read_versions(session, plan, on, hierarchy, scope):
        versions[version.code].append(version)
    known = {}
    for code, resumed, until in zip(
        takeover.before["code"], takeover.resumes, takeover.before["valid_to"], strict=True
    ):
        begin = None if resumed is None else resumed.valid_from
        known[code] = begin if begin is not None and (until is None or until > begin) else date.max
    returning = returning_codes(
        session, plan, after[~after["code"].isin(known) & after["code"].isin(versions)], on
    )
    refusals = []
    for code, end in zip(after["code"], takeover.ends, strict=True):
        coming = [each for each in versions[code] if each.start > on and each.end > each.start]
        again = min([each.start for each in coming] + [known.get(code, date.max)])
        outside = next((each for each in coming if not each.on_ground), None)
        if outside is not None and not outside.named:
            refusals.append(_taken(code))
        elif outside is not None:
            refusals.append(
                f"The code {code} belongs to a cell that begins on {outside.start} outside the plan's ground."
            )
        elif (end or date.max) > again:
            refusals.append(
                f"The code {code} belongs to a cell that begins on {again}, before the plan's own ends; "
                "give that another code."
            )
        elif code not in known:
            goes_on = bool(coming) or code in returning
            refusals += _refused_past(code, versions[code], on, goes_on=goes_on)
    return refusals


def returning_codes(session: Session, plan: Plan, cells: gpd.GeoDataFrame, on: date) -> set[str]:
    """Return the codes of a plan's cells that were last in force, before a day, on the same ground."""
    chosen = select(Cell).where(
        Cell.scheme_id == plan.scheme_id,
        Cell.valid_from <= on,
        # What was replaced on its first day was never in force.
        Cell.valid_to > Cell.valid_from,
        text_in(session, Cell.code, cells["code"].tolist()),
    )
    if cells.empty:
        return set()
    former = read_cells(session, chosen, ("id", "code", "valid_from"))
    former = former.sort_values(["valid_from", "id"]).drop_duplicates("code", keep="last").set_index("code")
    again = cells[cells["code"].isin(former.index)]
    crs = CRS.from_user_input(session.get_one(Scheme, plan.scheme_id).working_crs)
    one, other = (
        frame.geometry.to_crs(crs).to_numpy() for frame in (again, former.loc[again["code"].tolist()])
    )
    return set(again["code"][is_same_ground(one, other)])


def _refused_past(code: str, versions: list["_Version"], on: date, *, goes_on: bool) -> list[str]:
    """Return a sentence if a code that is not in force on the ground is, or was, that of another cell.

    `goes_on` is whether the code is that of the same cell: a later plan has it on this ground, or it had this
    ground before.
    """
    past = [each for each in versions if each.start <= on]
    if not past:
        return []
    last = max(each.end for each in past)
    named = all(each.named for each in past if each.end == last)
    if last > on:
        elsewhere = f"The code {code} belongs to a cell in force outside the plan's ground."
        return [elsewhere if named else _taken(code)]
    if goes_on or (last == on and all(each.on_ground for each in past if each.end == last)):
        return []
    ended = f"The code {code} belonged to a cell that ended on {last}; codes are not used again."
    return [ended if named else _taken(code)]


def _taken(code: str) -> str:
    """Return the refusal of a code of a cell elsewhere, of which the reader is not told more."""
    return f"The code {code} is taken in this scheme; give the cell another."


class _Version(NamedTuple):
    """A version of a cell; whether it may be named, and whether it is known to lie on a plan's ground."""

    code: str
    start: date
    end: date
    named: bool
    on_ground: bool


def _read_versions(
    session: Session, plan: Plan, on: date, hierarchy: AreaHierarchy, scope: str | None
) -> Iterator["_Version"]:
    """Read all versions of a scheme's cells; of those that end on a day or begin later, where they lie."""
    published = (Cell.scheme_id == plan.scheme_id) & Cell.valid_from.is_not(None)
    deciding = or_(Cell.valid_to == on, Cell.valid_from > on)
    columns = ("id", "code", "area_code", "valid_from", "valid_to")
    near = read_cells(session, select(Cell).where(published, deciding), columns)
    inside, across = within_area(session, plan.scheme_id, plan.area_code, near, hierarchy)
    named: dict[str | None, bool] = {}

    def may_name(area_code: str | None) -> bool:
        if area_code not in named:
            named[area_code] = hierarchy.covers(scope, area_code)
        return named[area_code]

    bounds = (near["code"], near["valid_from"], near["valid_to"], near["area_code"], inside & ~across)
    for code, start, end, area_code, on_ground in zip(*bounds, strict=True):
        yield _Version(code, start, end or date.max, may_name(area_code), bool(on_ground))
    others = select(Cell.code, Cell.valid_from, Cell.valid_to, Cell.area_code).where(
        published, ~deciding | deciding.is_(None)
    )
    for code, first, last, area_code in session.execute(others):
        if first is not None:
            yield _Version(code, first, last or date.max, may_name(area_code), on_ground=False)
