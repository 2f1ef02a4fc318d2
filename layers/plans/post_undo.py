"""Taking back what publishing did to posts, and to the cells of groups."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from layers.db.bulk import id_in
from layers.models import Cell, Plan
from layers.plans.followers import GROUP_CELLS, POSTS, at_cells_of


def take_back_posts(session: Session, plan: Plan, undo: Mapping[str, Any]) -> None:
    """Bring the posts, and the cells of groups, back to what they were before a plan was published.

    Its day has not come. One that was changed since stays as it is now. Whoever was appointed since in a cell
    that is not to come never begins.

    Parameters
    ----------
    plan
        Whose cells have been taken back.
    undo
        Has what `layers.plans.posts.follow_ground` returned.
    """
    _take_back(session, POSTS.model, plan, undo["posts"])
    # Plans that were published before there were groups say nothing of them.
    if "groups" in undo:
        _take_back(session, GROUP_CELLS.model, plan, undo["groups"])


def _take_back(session: Session, model: Any, plan: Plan, undo: Mapping[str, Any]) -> None:
    begun = select(model).where(id_in(session, model.id, undo["begun"]))
    for row in session.scalars(begun).all():
        session.delete(row)
    session.flush()
    for number, (until, former) in undo["cut"].items():
        cut = session.get(model, int(number))
        if cut is None or (cut.valid_to and cut.valid_to.isoformat()) != until:
            continue
        cut.valid_to = None if former is None else date.fromisoformat(former)
        cut.ended_by_plan_id, cut.version = None, cut.version + 1
    in_force = select(Cell.id).where(
        Cell.scheme_id == plan.scheme_id,
        Cell.code == model.cell_code,
        Cell.valid_from.is_not(None),
        or_(Cell.valid_to.is_(None), Cell.valid_to > model.valid_from),
    )
    orphans = select(model).where(
        at_cells_of(model, plan.scheme_id),
        model.valid_from >= date.fromisoformat(undo["on"]),
        or_(model.valid_to.is_(None), model.valid_to > model.valid_from),
        ~in_force.exists(),
    )
    for row in session.scalars(orphans).all():
        row.valid_to, row.version = row.valid_from, row.version + 1
    session.flush()
