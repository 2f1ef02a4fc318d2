"""Publishing: a checked plan is put in force on a date, in one transaction."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS
from sqlalchemy import delete, insert, literal, select, update
from sqlalchemy.orm import Session

from gis.arrays import BoolArray, ObjectArray
from gis.crs import LONLAT
from gis.errors import ConflictError
from gis.progress import Progress, no_progress
from gis.topology.nesting import AREA_TOLERANCE_M2
from gis.topology.polygon_layer import NOISE_WIDTH_M, mean_width
from layers.areas.hierarchy import AreaHierarchy, read_area_geometries, read_hierarchy
from layers.db.bulk import id_in, insert_rows
from layers.db.database import bump_revision
from layers.db.locks import lock_scheme
from layers.db.versions import require_version
from layers.gc_pause import paused_gc
from layers.models import Cell, Plan, PlanCell, PlanState, Scheme
from layers.plans.assignments import AssignmentChanges, assign_entities, assign_near
from layers.plans.cells import cells_as_of
from layers.plans.check import require_found_valid, require_valid
from layers.plans.queries import find_plan
from layers.plans.states import Step, require_step, take_step

_STEPS = 5
"""The steps of which publishing tells: validity, comparison, cells, plans, assignments."""

_COMPARED_COLUMNS = ("name", "kind", "parent", "area_code", "attributes", "personal")


class Publication(NamedTuple):
    """What publishing a plan did.

    Attributes
    ----------
    kept, ended, begun
        Versions of cells that go on, that ended, and that the plan brought.
    assignments
        Rows of assignments ended and inserted.
    superseded
        Ids of the plans of which nothing is left in force, as far as they lie in the scope.
    revision
        The number of the database's state with this plan.
    """

    kept: int
    ended: int
    begun: int
    assignments: AssignmentChanges
    superseded: tuple[int, ...]
    revision: int


@paused_gc()
def publish(
    session: Session,
    plan_id: int,
    on: date,
    *,
    version: int | None = None,
    scope: str | None = None,
    progress: Progress | None = None,
) -> Publication:
    """Put a plan in force on a date.

    Of the cells in force on that day in the plan's area, those that the plan keeps the same go on; the
    others end and the plan's begin. Publishing twice for one day replaces: what the first brought and the
    second does not keep is left as an empty interval. All of it, assignments included, is kept with the
    transaction or not at all.

    Parameters
    ----------
    session
        Of `Database.write`.
    plan_id
        A draft, or submitted, and found valid by `check_plan`.
    on
        The first day; today, past or to come.
    version
        The version of the plan that the caller has seen, compared under the lock; not compared when not
        given.
    scope
        The area that the plan must divide or lie in; None for any.
    progress
        Called with (steps done, steps).

    Raises
    ------
    StaleError
        If the plan has another version by now.
    ConflictError
        If the plan is published already, unchecked, not valid or changed since its check; if a plan of
        some of the same ground begins later; if a cell reaches into the plan's area from outside; or if a
        code is in force elsewhere or belonged to a cell that ended before.
    NotFoundError
        If there is no such plan, or its area is no more.
    """
    report_progress = progress or no_progress
    scheme_id = find_plan(session, plan_id, scope).scheme_id
    lock_scheme(session, scheme_id)
    # What the session knew may be older than the lock.
    plan = find_plan(session, plan_id, scope, for_update=True)
    if version is not None:
        require_version(plan.version, version)
    require_step(plan, Step.publish)
    hierarchy = read_hierarchy(session)
    after = require_valid(session, plan)
    _refuse_later_plans(session, plan, on, hierarchy, scope)
    report_progress(1, _STEPS)
    present = cells_as_of(session, scheme_id, on)
    before = present[_within_plan_area(session, plan, present, hierarchy, scope)].reset_index(drop=True)
    _refuse_reused_codes(session, plan, before, after, on, hierarchy, scope)
    kept_before, kept_after = _match_unchanged(before, after)
    report_progress(2, _STEPS)
    _write_cells(session, plan, on, before, after, kept_before, kept_after)
    report_progress(3, _STEPS)
    superseded = _write_plans(session, plan, on, hierarchy, scope)
    session.flush()
    report_progress(4, _STEPS)
    if _covers_same_area(before, after):
        changed = [before.geometry.drop(index=kept_before), after.geometry.drop(index=kept_after)]
        scheme = session.get_one(Scheme, scheme_id)
        changes = assign_near(session, scheme, on, np.concatenate([part.to_numpy() for part in changed]))
    else:
        changes = assign_entities(session, scheme_id, on)
    report_progress(5, _STEPS)
    return Publication(
        kept=len(kept_before),
        ended=len(before) - len(kept_before),
        begun=len(after) - len(kept_before),
        assignments=changes,
        superseded=tuple(superseded),
        revision=bump_revision(session),
    )


def require_publishable(session: Session, plan_id: int, version: int, scope: str | None = None) -> Plan:
    """Refuse at once a plan that `publish` would refuse for its version, state or stored check; return it.

    Raises
    ------
    NotFoundError, StaleError, ConflictError
        As for `publish`.
    """
    plan = find_plan(session, plan_id, scope)
    require_version(plan.version, version)
    require_step(plan, Step.publish)
    require_found_valid(plan)
    return plan


def _refuse_later_plans(
    session: Session, plan: Plan, on: date, hierarchy: AreaHierarchy, scope: str | None
) -> None:
    """Refuse to go before a plan that is published for a later day in some of the same areas."""
    leaves = hierarchy.leaves(plan.area_code)
    later = select(Plan).where(Plan.scheme_id == plan.scheme_id, Plan.valid_from > on)
    for other in session.scalars(later.order_by(Plan.valid_from)):
        if leaves & hierarchy.leaves(other.area_code):
            named = (
                f"Plan {other.id}" if hierarchy.covers(scope, other.area_code) else "A plan of a wider area"
            )
            raise ConflictError(
                f"{named} of the same ground begins on {other.valid_from}; "
                "publish for that day or a later one."
            )


def _within_plan_area(
    session: Session, plan: Plan, cells: gpd.GeoDataFrame, hierarchy: AreaHierarchy, scope: str | None
) -> BoolArray:
    """Return which cells in force lie in the plan's area, and refuse one that lies there in part."""
    if plan.area_code is None:
        return np.ones(len(cells), dtype=bool)
    inside = cells["area_code"].isin(hierarchy.subtree(plan.area_code)).to_numpy(dtype=bool, copy=True)
    # A cell of an area nearby lies beside; one of an area above, or of none, may lie across.
    above = cells["area_code"].isna() | cells["area_code"].isin(hierarchy.ancestors(plan.area_code))
    candidates = np.flatnonzero(~inside & above.to_numpy(dtype=bool))
    if not len(candidates):
        return inside
    crs = CRS.from_user_input(session.get_one(Scheme, plan.scheme_id).working_crs)
    area = read_area_geometries(session, {plan.area_code}).to_crs(crs).geometry.iloc[0]
    geometries = gpd.GeoSeries(cells.geometry.to_numpy()[candidates], crs=LONLAT).to_crs(crs).to_numpy()
    within = _exceeds_rounding(shapely.intersection(geometries, area))
    across = np.flatnonzero(within & _exceeds_rounding(shapely.difference(geometries, area)))
    if len(across):
        found = cells.iloc[candidates[across[0]]]
        named = (
            f"Cell {found['code']}"
            if hierarchy.covers(scope, found["area_code"])
            else "A cell of a wider area"
        )
        raise ConflictError(
            f"{named} in force reaches into area {plan.area_code} from outside; "
            "publish a plan of an area that holds both."
        )
    inside[candidates[within]] = True
    return inside


def _exceeds_rounding(geometries: ObjectArray) -> BoolArray:
    """Return which overlays have a piece wider than rounding."""
    parts, row = shapely.get_parts(geometries, return_index=True)
    result = np.zeros(len(geometries), dtype=bool)
    result[row[mean_width(parts) > NOISE_WIDTH_M]] = True
    return result


def _refuse_reused_codes(
    session: Session,
    plan: Plan,
    before: gpd.GeoDataFrame,
    after: gpd.GeoDataFrame,
    on: date,
    hierarchy: AreaHierarchy,
    scope: str | None,
) -> None:
    """Refuse codes that name another cell: in force elsewhere, or ended before this day.

    A code that ended on this very day, by a plan that this one replaces, goes on.
    """
    inside = hierarchy.subtree(plan.area_code)
    known = set(before["code"])
    last: dict[str, tuple[date, str | None]] = {}
    past = select(Cell.code, Cell.area_code, Cell.valid_to).where(
        Cell.scheme_id == plan.scheme_id, Cell.valid_from.is_not(None)
    )
    for code, area_code, end in session.execute(past):
        if code not in last or (end or date.max) >= last[code][0]:
            last[code] = (end or date.max, area_code)
    for code in after["code"]:
        if code in known or code not in last:
            continue
        end, area_code = last[code]
        if not hierarchy.covers(scope, area_code):
            # Whether it is in force there, and until when it was, is no concern of the caller's.
            raise ConflictError(f"The code {code} is taken in this scheme; give the cell another.")
        if end == date.max:
            raise ConflictError(f"The code {code} belongs to a cell in force outside the plan's ground.")
        if end != on or not (area_code is None or plan.area_code is None or area_code in inside):
            raise ConflictError(
                f"The code {code} belonged to a cell that ended on {end}; codes are not used again."
            )


def _match_unchanged(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame) -> tuple[list[int], list[int]]:
    """Return the rows of cells in force that the plan keeps the same, and the rows of the plan that do."""
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
    kept = np.flatnonzero(same)
    return [rows_before[k] for k in kept], [rows_after[k] for k in kept]


def _covers_same_area(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame) -> bool:
    """Return whether the former cells filled the same area that the new ones fill."""
    area = after["area_m2"].sum()
    return bool(abs(before["area_m2"].sum() - area) <= AREA_TOLERANCE_M2 + 1e-12 * area)


def _write_cells(
    session: Session,
    plan: Plan,
    on: date,
    before: gpd.GeoDataFrame,
    after: gpd.GeoDataFrame,
    kept_before: Sequence[int],
    kept_after: Sequence[int],
) -> None:
    kept = before["id"].iloc[list(kept_before)].tolist()
    ended = before["id"].drop(index=list(kept_before)).tolist()
    repeated = after["id"].iloc[list(kept_after)].tolist()
    options = {"synchronize_session": False}
    end = update(Cell).where(id_in(session, Cell.id, ended)).values(valid_to=on)
    session.execute(end, execution_options=options)
    session.execute(delete(Cell).where(id_in(session, Cell.id, repeated)), execution_options=options)
    # What is left of the draft begins.
    begin = update(Cell).where(Cell.plan_id == plan.id).values(valid_from=on)
    session.execute(begin, execution_options=options)
    begun = select(literal(plan.id), Cell.id).where(Cell.plan_id == plan.id)
    session.execute(insert(PlanCell).from_select(["plan_id", "cell_id"], begun))
    insert_rows(
        session,
        PlanCell.metadata.tables["plan_cells"],
        [{"plan_id": plan.id, "cell_id": number} for number in sorted(kept)],
    )


def _write_plans(
    session: Session, plan: Plan, on: date, hierarchy: AreaHierarchy, scope: str | None
) -> list[int]:
    """Mark the plan as published, and supersede those of which later ones leave nothing in force.

    Returns the ids of the superseded plans that lie in the scope.
    """
    published = list(
        session.scalars(
            select(Plan)
            .where(Plan.scheme_id == plan.scheme_id, Plan.published_at.is_not(None))
            .order_by(Plan.published_at.desc())
        )
    )
    moment = datetime.now(UTC)
    if published and published[0].published_at is not None:
        # The order of publishing decides what covers what, whatever a clock says.
        moment = max(moment, published[0].published_at + timedelta(microseconds=1))
    take_step(plan, Step.publish)
    plan.valid_from, plan.published_at = on, moment
    covered = hierarchy.leaves(plan.area_code)
    superseded = []
    for other in published:
        leaves = hierarchy.leaves(other.area_code)
        if other.state == PlanState.published and leaves <= covered:
            take_step(other, Step.supersede)
            other.valid_to = on
            if hierarchy.covers(scope, other.area_code):
                superseded.append(other.id)
        covered |= leaves
    return superseded
