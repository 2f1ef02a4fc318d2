"""Taking back what was published for a day to come, so that all is as if it had not been."""

from datetime import date
from typing import Any

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.orm import Session, aliased

from gis.arrays import ObjectArray
from gis.errors import ConflictError
from layers.areas.grounds import AreaGrounds
from layers.db.bulk import decode_geometries, id_in, raw_geometry
from layers.db.database import bump_revision
from layers.db.locks import lock_scheme
from layers.models import Cell, Plan, PlanCell, PlanEdit, PlanState, Scheme
from layers.plans.assignments import assign_entities, assign_near
from layers.plans.copies import copy_cells
from layers.plans.history import record_step, take_recorded_step
from layers.plans.post_undo import take_back_posts
from layers.plans.schemes import schemes_above
from layers.plans.states import Step, require_step, take_step
from layers.plans.takeover import Takeover, succession
from layers.plans.units import delete_members

_QUIETLY = {"synchronize_session": False}


def describe_undo(
    session: Session, takeover: Takeover, kept: list[int], *, same_ground: bool
) -> dict[str, Any]:
    """Return what `take_back` must know of how things were before a plan is published.

    Parameters
    ----------
    kept
        The rows of `takeover.before` that go on.
    same_ground
        Whether the cells before fill the same ground as the plan's.
    """
    before = takeover.before
    ended: dict[str, list[int]] = {}
    for number, until in zip(*(before.drop(index=kept)[name] for name in ("id", "valid_to")), strict=True):
        ended.setdefault("" if until is None else until.isoformat(), []).append(int(number))
    return {
        "ended": ended,
        "kept": [int(number) for number in before["id"].iloc[kept]],
        "later": [other.id for other in takeover.later],
        "newest_cell": session.scalars(select(func.max(Cell.id))).one(),
        "same_ground": same_ground,
    }


def take_back(session: Session, plan: Plan, *, author: str, comment: str | None = None) -> None:
    """Make a draft again of a plan that was published for a day to come, as if it had not been.

    Cells that would have ended for it go on, plans that it would have superseded stay, entities keep their
    cells, and drafts of the plans above that carry its change through are withdrawn.

    Parameters
    ----------
    session
        Of `Database.write`.
    plan
        Locked.

    Raises
    ------
    ConflictError
        If it is not published, its day has come, or a later publication is built upon it.
    """
    require_step(plan, Step.take_back)
    scheme = session.get_one(Scheme, plan.scheme_id)
    if scheme.unit_scheme_id is not None:
        lock_scheme(session, scheme.unit_scheme_id, shared=True)
    lock_scheme(session, scheme.id)
    session.refresh(plan)
    require_step(plan, Step.take_back)
    on = plan.valid_from
    assert on is not None
    if on <= date.today():
        raise ConflictError(
            f"Plan {plan.id} is in force since {on}; go back to a former plan, or publish another one."
        )
    _require_foremost(session, plan, on)
    published = select(PlanEdit).where(PlanEdit.plan_id == plan.id, PlanEdit.action == Step.publish)
    step = session.scalar(published.order_by(PlanEdit.id.desc()).limit(1))
    if step is None or step.content is None:
        raise ConflictError(
            f"Plan {plan.id} was published by an earlier version, which did not keep what it replaced; "
            "publish another plan of its ground for the same day."
        )
    undo = step.content["undo"]
    changed = _restore_cells(session, plan, undo)
    take_back_posts(session, plan, undo)
    take_step(plan, Step.take_back)
    plan.valid_from = plan.valid_to = plan.published_at = plan.findings = plan.checked_at = None
    plan.finding_shapes = None
    record_step(session, plan, Step.take_back, author, comment=comment)
    session.flush()
    _restore_plans(session, plan, on, author)
    if undo["same_ground"]:
        assign_near(session, scheme, on, changed)
    else:
        assign_entities(session, scheme.id, on)
    carried = select(Plan).where(
        Plan.carried_from_id == plan.id,
        Plan.state.in_((PlanState.draft, PlanState.submitted, PlanState.approved)),
    )
    for draft in session.scalars(carried.order_by(Plan.id)).all():
        take_recorded_step(session, draft, Step.withdraw, author, comment=comment)
    bump_revision(session)


def _require_foremost(session: Session, plan: Plan, on: date) -> None:
    """Refuse if another plan that was published later is built upon this one."""
    grounds = AreaGrounds(session)
    pieces = grounds.pieces(plan.area_code, on)
    schemes = [plan.scheme_id, *(scheme.id for scheme in schemes_above(session, plan.scheme_id))]
    later = select(Plan).where(
        Plan.scheme_id.in_(schemes), Plan.published_at > plan.published_at, Plan.id != plan.id
    )
    for other in session.scalars(later.order_by(Plan.published_at.desc())):
        lasts = other.valid_to is None or other.valid_to > on or other.scheme_id == plan.scheme_id
        if lasts and pieces & grounds.pieces(other.area_code, other.valid_from):
            if other.valid_from is not None and other.valid_from <= date.today():
                raise ConflictError(
                    f"Plan {other.id} was published after plan {plan.id} and is built upon it; "
                    f"publish another plan of its ground for {on}."
                )
            raise ConflictError(
                f"Plan {other.id} was published after plan {plan.id} and is built upon it; "
                "withdraw that one first."
            )


def _restore_cells(session: Session, plan: Plan, undo: dict[str, Any]) -> ObjectArray:
    """Bring the cells back to what they were; return the ground of those that change."""
    ended = [number for ids in undo["ended"].values() for number in ids]
    changing = select(raw_geometry(session, Cell.geometry)).where(
        (Cell.plan_id == plan.id) | id_in(session, Cell.id, ended)
    )
    changed = decode_geometries(session, session.scalars(changing).all())
    session.execute(delete(PlanCell).where(PlanCell.plan_id == plan.id), execution_options=_QUIETLY)
    drawn = update(Cell).where(Cell.plan_id == plan.id).values(valid_from=None, valid_to=None)
    session.execute(drawn, execution_options=_QUIETLY)
    _remove_resumed(session, undo, ended)
    for until, ids in undo["ended"].items():
        last = date.fromisoformat(until) if until else None
        restored = update(Cell).where(id_in(session, Cell.id, ids)).values(valid_to=last)
        session.execute(restored, execution_options=_QUIETLY)
    copy_cells(session, plan, undo["kept"])
    return changed


def _remove_resumed(session: Session, undo: dict[str, Any], ended: list[int]) -> None:
    """Take away the versions with which cells would have come back; later plans have the former."""
    again, former = aliased(Cell), aliased(Cell)
    pairs = session.execute(
        select(again.id, former.id)
        .join(former, (former.code == again.code) & (former.scheme_id == again.scheme_id))
        .where(
            id_in(session, former.id, ended),
            id_in(session, again.plan_id, undo["later"]),
            again.id > undo["newest_cell"],
        )
    ).all()
    if not pairs:
        return
    ids = [number for number, _ in pairs]
    table = PlanCell.metadata.tables["plan_cells"]
    session.connection().execute(
        update(table).where(table.c.cell_id == bindparam("resumed")).values(cell_id=bindparam("former")),
        [{"resumed": number, "former": original} for number, original in pairs],
    )
    delete_members(session, ids)
    session.execute(delete(Cell).where(id_in(session, Cell.id, ids)), execution_options=_QUIETLY)


def _restore_plans(session: Session, plan: Plan, on: date, author: str) -> None:
    """Give the plans that ended for one that is taken back the day on which they end without it."""
    grounds = AreaGrounds(session)
    pieces = grounds.pieces(plan.area_code, on)
    published = select(Plan).where(Plan.scheme_id == plan.scheme_id, Plan.published_at.is_not(None))
    plans = session.scalars(published).all()
    ends = succession(plans, grounds)
    for other in plans:
        if other.valid_to is None or other.valid_to < on:
            continue
        if not pieces & grounds.pieces(other.area_code, other.valid_from):
            continue
        if other.valid_to != (last := ends.get(other.id)):
            other.valid_to = last
            other.state = PlanState.published if last is None else PlanState.superseded
            other.version += 1
            record_step(session, other, Step.take_back, author, plan=plan.id)
    session.flush()
