"""Publishing: a checked draft is put in force on a date, in one transaction."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from sqlalchemy import delete, insert, literal, select, update
from sqlalchemy.orm import Session

from gis.crs import LONLAT
from gis.errors import ConflictError, NotFoundError, StaleError
from gis.topology.nesting import TOLERANCE_M2
from gis.topology.polygon_layer import NOISE_WIDTH_M, mean_width
from layers.areas.hierarchy import Ground, area_shapes, read_ground
from layers.db.bulk import among, insert_rows
from layers.db.database import bump_revision
from layers.db.locks import lock_scheme
from layers.entities.assignments import Changes, assign_entities, assign_near
from layers.gc_pause import at_rest
from layers.models import Cell, Plan, PlanCell, Scheme, State
from layers.plans.cells import cells_as_of
from layers.plans.drafts import require_valid

_COMPARED = ("name", "kind", "parent", "area_code", "attributes")


class Publication(NamedTuple):
    """What publishing a plan did.

    Attributes
    ----------
    kept, ended, begun
        Versions of cells that go on, that ended, and that the plan brought.
    assignments
        Rows of assignments ended and inserted.
    superseded
        Numbers of the plans of which nothing is left in force.
    revision
        The number of the database's state with this plan.
    """

    kept: int
    ended: int
    begun: int
    assignments: Changes
    superseded: tuple[int, ...]
    revision: int


@at_rest()
def publish(session: Session, plan_id: int, on: date, *, version: int | None = None) -> Publication:
    """Put a plan in force on a date.

    Of the cells in force on that day on the plan's ground those that the plan keeps the same go on; the
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
        The version of the plan that the caller has seen, compared under the lock; not at all when not given.

    Raises
    ------
    StaleError
        If the plan has another version by now.
    ConflictError
        If the plan is published already, unchecked, not valid or changed since its check; if a plan of
        some of the same ground begins later; if a cell reaches into the plan's ground from outside; or if a
        code is in force elsewhere or belonged to a cell that ended before.
    NotFoundError
        If there is no such plan, or its area is no more.
    """
    scheme_id = session.scalar(select(Plan.scheme_id).where(Plan.id == plan_id))
    if scheme_id is None:
        raise NotFoundError(f"There is no plan number {plan_id}.")
    lock_scheme(session, scheme_id)
    # What the session knew may be older than the lock.
    plan = session.get_one(Plan, plan_id, populate_existing=True, with_for_update={"key_share": True})
    if version is not None and plan.version != version:
        raise StaleError(
            f"Plan {plan_id} has changed since: it has version {plan.version}, not {version}; read it again."
        )
    if plan.state not in (State.draft, State.submitted):
        raise ConflictError(f"Plan {plan_id} is {plan.state} already.")
    ground = read_ground(session)
    after = require_valid(session, plan)
    _refuse_later(session, plan, on, ground)
    present = cells_as_of(session, scheme_id, on)
    before = present[_on_ground(session, plan, present, ground)].reset_index(drop=True)
    _refuse_codes(session, plan, before, after, on, ground)
    stays, follows = _match(before, after)
    _write_cells(session, plan, on, before, after, stays, follows)
    superseded = _write_plans(session, plan, on, ground)
    session.flush()
    if _covers_the_same(before, after):
        changed = [before.geometry.drop(index=stays), after.geometry.drop(index=follows)]
        scheme = session.get_one(Scheme, scheme_id)
        changes = assign_near(session, scheme, on, np.concatenate([part.to_numpy() for part in changed]))
    else:
        changes = assign_entities(session, scheme_id, on)
    return Publication(
        kept=len(stays),
        ended=len(before) - len(stays),
        begun=len(after) - len(stays),
        assignments=changes,
        superseded=tuple(superseded),
        revision=bump_revision(session),
    )


def _refuse_later(session: Session, plan: Plan, on: date, ground: Ground) -> None:
    """Refuse to go before a plan that is published for a later day on some of the same ground."""
    mine = ground.leaves(plan.area_code)
    later = select(Plan).where(Plan.scheme_id == plan.scheme_id, Plan.valid_from > on)
    for other in session.scalars(later.order_by(Plan.valid_from)):
        if mine & ground.leaves(other.area_code):
            raise ConflictError(
                f"Plan {other.id} of the same ground begins on {other.valid_from}; "
                "publish for that day or a later one."
            )


def _on_ground(session: Session, plan: Plan, cells: gpd.GeoDataFrame, ground: Ground) -> NDArray[np.bool_]:
    """Tell which cells in force lie on the plan's ground, and refuse one that lies there in part."""
    if plan.area_code is None:
        return np.ones(len(cells), dtype=bool)
    inside = cells["area_code"].isin(ground.below(plan.area_code)).to_numpy(dtype=bool, copy=True)
    # A cell of an area nearby lies beside; one of an area above, or of none, may lie across.
    above = cells["area_code"].isna() | cells["area_code"].isin(ground.above(plan.area_code))
    asked = np.flatnonzero(~inside & above.to_numpy(dtype=bool))
    if not len(asked):
        return inside
    crs = CRS.from_user_input(session.get_one(Scheme, plan.scheme_id).working_crs)
    area = area_shapes(session, {plan.area_code}).to_crs(crs).geometry.iloc[0]
    shapes = gpd.GeoSeries(cells.geometry.to_numpy()[asked], crs=LONLAT).to_crs(crs).to_numpy()
    within = _wide(shapely.intersection(shapes, area))
    across = np.flatnonzero(within & _wide(shapely.difference(shapes, area)))
    if len(across):
        raise ConflictError(
            f"Cell {cells['code'].iloc[asked[across[0]]]} in force reaches into area {plan.area_code} from "
            "outside; publish a plan of an area that holds both."
        )
    inside[asked[within]] = True
    return inside


def _wide(shapes: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Tell which overlays have a piece wider than rounding."""
    parts, row = shapely.get_parts(shapes, return_index=True)
    result = np.zeros(len(shapes), dtype=bool)
    result[row[mean_width(parts) > NOISE_WIDTH_M]] = True
    return result


def _refuse_codes(
    session: Session,
    plan: Plan,
    before: gpd.GeoDataFrame,
    after: gpd.GeoDataFrame,
    on: date,
    ground: Ground,
) -> None:
    """Refuse codes that name another cell: in force elsewhere, or ended before this day.

    A code that ended on this very day, by a plan that this one replaces, goes on.
    """
    inside = ground.below(plan.area_code)
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
        if end == date.max:
            raise ConflictError(f"The code {code} belongs to a cell in force outside the plan's ground.")
        if end != on or not (area_code is None or plan.area_code is None or area_code in inside):
            raise ConflictError(
                f"The code {code} belonged to a cell that ended on {end}; codes are not used again."
            )


def _match(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame) -> tuple[list[int], list[int]]:
    """Return the rows of cells in force that the plan keeps the same, and the rows of the plan that do."""
    places = {code: row for row, code in enumerate(before["code"])}
    follows = [row for row, code in enumerate(after["code"]) if code in places]
    stays = [places[code] for code in after["code"].iloc[follows]]
    old = shapely.normalize(before.geometry.to_numpy()[stays])
    new = shapely.normalize(after.geometry.to_numpy()[follows])
    same = np.asarray(shapely.equals_identical(old, new), dtype=bool)
    for column in _COMPARED:
        left, right = before[column].tolist(), after[column].tolist()
        same &= np.array([left[a] == right[b] for a, b in zip(stays, follows, strict=True)], dtype=bool)
    kept = np.flatnonzero(same)
    return [stays[k] for k in kept], [follows[k] for k in kept]


def _covers_the_same(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame) -> bool:
    """Tell whether cells that lie on one ground, and after fill it, filled it before."""
    area = after["area_m2"].sum()
    return bool(abs(before["area_m2"].sum() - area) <= TOLERANCE_M2 + 1e-12 * area)


def _write_cells(
    session: Session,
    plan: Plan,
    on: date,
    before: gpd.GeoDataFrame,
    after: gpd.GeoDataFrame,
    stays: Sequence[int],
    follows: Sequence[int],
) -> None:
    kept = before["id"].iloc[list(stays)].tolist()
    ended = before["id"].drop(index=list(stays)).tolist()
    repeated = after["id"].iloc[list(follows)].tolist()
    quietly = {"synchronize_session": False}
    end = update(Cell).where(among(session, Cell.id, ended)).values(valid_to=on)
    session.execute(end, execution_options=quietly)
    session.execute(delete(Cell).where(among(session, Cell.id, repeated)), execution_options=quietly)
    # What is left of the draft begins.
    begin = update(Cell).where(Cell.plan_id == plan.id).values(valid_from=on)
    session.execute(begin, execution_options=quietly)
    begun = select(literal(plan.id), Cell.id).where(Cell.plan_id == plan.id)
    session.execute(insert(PlanCell).from_select(["plan_id", "cell_id"], begun))
    insert_rows(
        session,
        PlanCell.metadata.tables["plan_cells"],
        [{"plan_id": plan.id, "cell_id": number} for number in sorted(kept)],
    )


def _write_plans(session: Session, plan: Plan, on: date, ground: Ground) -> list[int]:
    """Mark the plan as published, and end the plans of whose ground later ones leave nothing."""
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
    plan.state, plan.valid_from, plan.published_at = State.published, on, moment
    plan.version += 1
    covered = ground.leaves(plan.area_code)
    superseded = []
    for other in published:
        leaves = ground.leaves(other.area_code)
        if other.state == State.published and leaves <= covered:
            other.state, other.valid_to = State.superseded, on
            other.version += 1
            superseded.append(other.id)
        covered |= leaves
    return superseded
