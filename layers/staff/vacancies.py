"""Cells for which nobody is responsible."""

from datetime import date

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from layers.db.bulk import in_force
from layers.models import Cell, Plan, PlanCell, Post


def is_unstaffed(scheme_id: int, on: date) -> ColumnElement[bool]:
    """Return the condition that nobody holds a post in a cell on a date."""
    held = exists().where(
        Post.scheme_id == scheme_id,
        Post.cell_code == Cell.code,
        in_force(Post.valid_from, Post.valid_to, on),
    )
    return ~held


def count_unstaffed(session: Session, plan: Plan, on: date) -> int:
    """Return how many cells of a published plan have no officer on a date."""
    cells = select(func.count()).join(PlanCell, PlanCell.cell_id == Cell.id).select_from(Cell)
    return session.scalars(cells.where(PlanCell.plan_id == plan.id, is_unstaffed(plan.scheme_id, on))).one()
