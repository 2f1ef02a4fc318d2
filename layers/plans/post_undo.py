"""Taking back what publishing did to posts."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from layers.db.bulk import id_in
from layers.models import Cell, Plan, Post


def take_back_posts(session: Session, plan: Plan, undo: Mapping[str, Any]) -> None:
    """Bring the posts back to what they were before a plan was published whose day has not come.

    One that was changed since stays as it is now. Whoever was appointed since in a cell that is not to come
    never begins.

    Parameters
    ----------
    plan
        Whose cells have been taken back.
    undo
        As `layers.plans.posts.follow_ground` returned it.
    """
    begun = select(Post).where(id_in(session, Post.id, undo["begun"]))
    for post in session.scalars(begun).all():
        session.delete(post)
    session.flush()
    for number, (until, former) in undo["cut"].items():
        cut = session.get(Post, int(number))
        if cut is None or (cut.valid_to and cut.valid_to.isoformat()) != until:
            continue
        cut.valid_to = None if former is None else date.fromisoformat(former)
        cut.ended_by_plan_id, cut.version = None, cut.version + 1
    in_force = select(Cell.id).where(
        Cell.scheme_id == plan.scheme_id,
        Cell.code == Post.cell_code,
        Cell.valid_from.is_not(None),
        or_(Cell.valid_to.is_(None), Cell.valid_to > Post.valid_from),
    )
    orphans = select(Post).where(
        Post.scheme_id == plan.scheme_id,
        Post.valid_from >= date.fromisoformat(undo["on"]),
        or_(Post.valid_to.is_(None), Post.valid_to > Post.valid_from),
        ~in_force.exists(),
    )
    for post in session.scalars(orphans).all():
        post.valid_to, post.version = post.valid_from, post.version + 1
    session.flush()
