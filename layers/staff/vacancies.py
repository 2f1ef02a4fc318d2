"""Cells for which nobody is responsible."""

from datetime import date

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from layers.areas.scope import within
from layers.models import Cell, Plan, PlanCell, Post
from layers.plans.cells import cells_in_force
from layers.plans.posts import is_held


def is_staffed(scheme_id: int, on: date) -> ColumnElement[bool]:
    """Return the condition that somebody who is not away holds a post in a cell on a date."""
    return exists().where(Post.scheme_id == scheme_id, Post.cell_code == Cell.code, is_held(on))


def count_unstaffed_on(session: Session, scheme_id: int, on: date, scope: str | None) -> int:
    """Return how many cells of an area that are in force on a date have no officer then; of all for None."""
    cells = select(func.count()).select_from(Cell)
    in_area = within(Cell.area_code, scope)
    return session.scalars(
        cells.where(cells_in_force(scheme_id, on), in_area, ~is_staffed(scheme_id, on))
    ).one()


def count_unstaffed(session: Session, plan: Plan, on: date) -> int:
    """Return how many cells of a published plan have no officer on a date."""
    cells = select(func.count()).join(PlanCell, PlanCell.cell_id == Cell.id).select_from(Cell)
    return session.scalars(cells.where(PlanCell.plan_id == plan.id, ~is_staffed(plan.scheme_id, on))).one()
