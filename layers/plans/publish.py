"""Publishing: a checked plan is put in force on a date, in one transaction."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
from sqlalchemy import bindparam, delete, insert, literal, null, select, update
from sqlalchemy.orm import Session

from gis.errors import ConflictError
from gis.progress import Progress, no_progress
from gis.topology.polygon_layer import AREA_TOLERANCE_M2
from layers.areas.grounds import AreaGrounds
from layers.days import require_near_day
from layers.db.bulk import id_in, insert_rows
from layers.db.database import bump_revision
from layers.db.locks import lock_areas, lock_scheme
from layers.gc_pause import paused_gc
from layers.models import Cell, Plan, PlanCell, PlanState, Scheme
from layers.plans.assignments import AssignmentChanges, assign_entities, assign_near
from layers.plans.carry import CarriedDraft, carry_through
from layers.plans.check import require_found_valid, require_valid
from layers.plans.history import UNNAMED, record_step, require_plan_version
from layers.plans.posts import FollowedPosts, follow_ground
from layers.plans.queries import find_plan
from layers.plans.review import require_reviewed
from layers.plans.states import Step, require_step, take_step
from layers.plans.take_back import describe_undo
from layers.plans.takeover import Takeover, examine_takeover, match_unchanged, succession
from layers.plans.units import copy_members, delete_members

_STEPS = 5
"""The steps of which publishing tells: validity, comparison, cells, plans, assignments."""

_RESUMED_COLUMNS = (
    *("scheme_id", "code", "name", "kind", "parent", "area_code", "area_m2", "perimeter_m"),
    *("attributes", "personal", "geometry"),
)


class Publication(NamedTuple):
    """What publishing a plan did.

    Attributes
    ----------
    on
        The plan's first day.
    kept, ended, begun
        Versions of cells that go on, that ended, and that the plan brought.
    assignments
        Rows of assignments ended and inserted.
    posts
        What became of the posts in the cells that ended, see `layers.plans.posts`.
    superseded
        Ids of the plans of which nothing is left in force from some day on, which was not so before; those
        in the scope.
    carried
        The drafts that carry the change through to the schemes above, lowest level first; those in the scope.
    revision
        The number of the database's state with this plan.
    """

    on: date
    kept: int
    ended: int
    begun: int
    assignments: AssignmentChanges
    posts: FollowedPosts
    superseded: tuple[int, ...]
    carried: tuple[CarriedDraft, ...]
    revision: int

    def audit_details(self) -> dict[str, Any]:
        """Return what the audit keeps of it."""
        details: dict[str, Any] = {"on": self.on.isoformat(), "posts": self.posts._asdict()}
        return details | ({"carried": [each.plan_id for each in self.carried]} if self.carried else {})


@paused_gc()
def publish(
    session: Session,
    plan_id: int,
    on: date,
    *,
    version: int | None = None,
    scope: str | None = None,
    confirmed: bool = False,
    author: str = UNNAMED,
    progress: Progress | None = None,
) -> Publication:
    """Put a plan in force on a date.

    Of the cells in force on that day in the plan's area, those that the plan keeps the same go on; the
    others end and the plan's begin. Publishing twice for one day replaces: what the first brought and the
    second does not keep is left as an empty interval. Where a plan is published for a later day already, this
    one is in force until then, and the cells that the later one has go on or come back with it. All of it,
    assignments and posts included, is kept with the transaction or not at all, and so are drafts of the plans
    above whose units have changed.

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
    confirmed
        The day is meant, however far from today it is.
    author
        The label of who publishes it.
    progress
        Called with (steps done, steps).

    Raises
    ------
    InputError
        If the day is far from today and not confirmed.
    StaleError
        If the plan has another version by now.
    ConflictError
        If the plan is published already, unchecked, not valid or changed since its check; if a cell reaches
        into the plan's area from outside, or one of its own beyond the area of a later plan; or if a code is
        in force elsewhere or belonged to a cell that ended before.
    NotFoundError
        If there is no such plan, or its area is no more.
    """
    require_near_day(on, confirmed=confirmed)
    report_progress = progress or no_progress
    scheme_id = find_plan(session, plan_id, scope).scheme_id
    scheme = session.get_one(Scheme, scheme_id)
    if scheme.unit_scheme_id is not None:
        # Its units stay as they are. Whoever locks both begins with the lower level.
        lock_scheme(session, scheme.unit_scheme_id, shared=True)
    lock_scheme(session, scheme_id)
    # What the session knew may be older than the lock.
    plan = find_plan(session, plan_id, scope, for_update=True)
    if version is not None:
        require_plan_version(session, plan, version)
    require_step(plan, Step.publish)
    require_reviewed(session, plan, author)
    lock_areas(session, shared=True)
    grounds = AreaGrounds(session)
    hierarchy = grounds.hierarchy(on)
    after = require_valid(session, plan, on)
    report_progress(1, _STEPS)
    takeover = examine_takeover(session, plan, after, on, grounds, scope)
    if takeover.hindrances:
        raise ConflictError(takeover.hindrances[0])
    before = takeover.before
    kept_before, kept_after = match_unchanged(session, scheme, before, after)
    same_ground = _covers_same_area(before, after)
    undo = describe_undo(session, takeover, kept_before, same_ground=same_ground)
    report_progress(2, _STEPS)
    _write_cells(session, plan, on, takeover, after, kept_before, kept_after)
    kept_codes = after["code"].iloc[kept_after]
    posts, followed = follow_ground(session, plan, on, takeover, after, kept_codes, hierarchy)
    report_progress(3, _STEPS)
    superseded = _write_plans(session, plan, on, grounds, scope, author)
    record_step(session, plan, Step.publish, author, on=on.isoformat(), undo=undo | followed)
    session.flush()
    report_progress(4, _STEPS)
    if same_ground:
        changed = [before.geometry.drop(index=kept_before), after.geometry.drop(index=kept_after)]
        changes = assign_near(session, scheme, on, np.concatenate([part.to_numpy() for part in changed]))
    else:
        changes = assign_entities(session, scheme_id, on)
    carried = carry_through(session, plan, on, grounds)
    report_progress(5, _STEPS)
    return Publication(
        on=on,
        kept=len(kept_before),
        ended=len(before) - len(kept_before),
        begun=len(after) - len(kept_before),
        assignments=changes,
        posts=posts,
        superseded=tuple(superseded),
        carried=tuple(each for each in carried if hierarchy.covers(scope, each.area_code)),
        revision=bump_revision(session),
    )


def require_publishable(
    session: Session,
    plan_id: int,
    on: date,
    *,
    version: int,
    scope: str | None = None,
    confirmed: bool = False,
    author: str = UNNAMED,
) -> Plan:
    """Return a plan, or refuse what `publish` would refuse for its day, version, state or stored check.

    Raises
    ------
    InputError, NotFoundError, StaleError, ConflictError
        As for `publish`.
    """
    require_near_day(on, confirmed=confirmed)
    plan = find_plan(session, plan_id, scope)
    require_plan_version(session, plan, version)
    require_step(plan, Step.publish)
    require_reviewed(session, plan, author)
    require_found_valid(session, plan)
    return plan


def _covers_same_area(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame) -> bool:
    """Return whether the former cells filled the same area that the new ones fill."""
    area = after["area_m2"].sum()
    return bool(abs(before["area_m2"].sum() - area) <= AREA_TOLERANCE_M2 + 1e-12 * area)


def _write_cells(
    session: Session,
    plan: Plan,
    on: date,
    takeover: Takeover,
    after: gpd.GeoDataFrame,
    kept_before: Sequence[int],
    kept_after: Sequence[int],
) -> None:
    before = takeover.before
    kept = before["id"].iloc[list(kept_before)].tolist()
    ended = before.drop(index=list(kept_before))
    repeated = after["id"].iloc[list(kept_after)].tolist()
    options = {"synchronize_session": False}
    end = update(Cell).where(id_in(session, Cell.id, ended["id"].tolist())).values(valid_to=on)
    session.execute(end, execution_options=options)
    delete_members(session, repeated)
    session.execute(delete(Cell).where(id_in(session, Cell.id, repeated)), execution_options=options)
    # What is left of the draft begins.
    brought = after.drop(index=list(kept_after))
    ids_by_end: dict[date | None, list[int]] = defaultdict(list)
    for row, number in zip(brought.index, brought["id"].tolist(), strict=True):
        ids_by_end[takeover.ends[row]].append(number)
    for last, ids in ids_by_end.items():
        begin = update(Cell).where(id_in(session, Cell.id, ids)).values(valid_from=on, valid_to=last)
        session.execute(begin, execution_options=options)
    begun = select(literal(plan.id), Cell.id).where(Cell.plan_id == plan.id)
    session.execute(insert(PlanCell).from_select(["plan_id", "cell_id"], begun))
    insert_rows(
        session,
        PlanCell.metadata.tables["plan_cells"],
        [{"plan_id": plan.id, "cell_id": number} for number in sorted(kept)],
    )
    _resume_cells(session, ended, takeover)


def _resume_cells(session: Session, ended: gpd.GeoDataFrame, takeover: Takeover) -> None:
    """Let cells that later plans had kept begin again with them, as versions of their own."""
    resumed: dict[tuple[int, date, date | None], list[int]] = defaultdict(list)
    for row, number, until in zip(ended.index, ended["id"].tolist(), ended["valid_to"], strict=True):
        later = takeover.resumes[row]
        if later is None or later.valid_from is None or (until is not None and until <= later.valid_from):
            continue
        resumed[later.id, later.valid_from, until].append(number)
    for (later_id, start, until), ids in resumed.items():
        copied = select(
            *(getattr(Cell, column) for column in _RESUMED_COLUMNS),
            literal(later_id),
            literal(start),
            null() if until is None else literal(until),
        ).where(id_in(session, Cell.id, ids))
        columns = [*_RESUMED_COLUMNS, "plan_id", "valid_from", "valid_to"]
        session.execute(insert(Cell).from_select(columns, copied))
        again = select(Cell.code, Cell.id).where(Cell.plan_id == later_id, Cell.valid_from == start)
        numbers = dict(iter(session.execute(again)))
        codes = session.execute(select(Cell.id, Cell.code).where(id_in(session, Cell.id, ids)))
        copies = {number: numbers[code] for number, code in codes}
        copy_members(session, copies)
        following = session.scalars(select(Plan.id).where(Plan.valid_from >= start)).all()
        table = PlanCell.metadata.tables["plan_cells"]
        replaced = (table.c.plan_id == bindparam("plan")) & (table.c.cell_id == bindparam("former"))
        session.connection().execute(
            update(table).where(replaced).values(cell_id=bindparam("again")),
            [
                {"plan": other, "former": former, "again": number}
                for other in following
                for former, number in copies.items()
            ],
        )


def _write_plans(
    session: Session, plan: Plan, on: date, grounds: AreaGrounds, scope: str | None, author: str
) -> list[int]:
    """Mark the plan as published; return plans in the scope of which others now leave nothing some day."""
    published = list(
        session.scalars(select(Plan).where(Plan.scheme_id == plan.scheme_id, Plan.published_at.is_not(None)))
    )
    # The order of publishing decides what covers what on one day, whatever a clock says.
    moments = [each.published_at + timedelta(microseconds=1) for each in published if each.published_at]
    take_step(plan, Step.publish)
    plan.valid_from, plan.published_at = on, max([datetime.now(UTC), *moments])
    changed = []
    plans = {each.id: each for each in (*published, plan)}
    for number, last in succession(plans.values(), grounds).items():
        each = plans[number]
        if each.valid_to is None or last < each.valid_to:
            if each.state == PlanState.published:
                take_step(each, Step.supersede)
            else:
                each.version += 1
            each.valid_to = last
            if each is not plan:
                record_step(session, each, Step.supersede, author, plan=plan.id)
                if grounds.hierarchy(on).covers(scope, each.area_code):
                    changed.append(each.id)
    return changed
