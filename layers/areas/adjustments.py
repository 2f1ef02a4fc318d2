"""Adjustments of areas as they were taken: found and listed."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.errors import NotFoundError
from layers.db.keyset import PageRequest
from layers.models import AreaAdjustment

def find_adjustment(session: Session, adjustment_id: int) -> AreaAdjustment:
    """Return an adjustment, undone or not.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    found = session.get(AreaAdjustment, adjustment_id)
    if found is None:
        raise NotFoundError(f"There is no adjustment of areas number {adjustment_id}.")
    return found


def list_adjustments(session: Session, page: PageRequest) -> tuple[Sequence[AreaAdjustment], str | None]:
    """Return a page of the adjustments in the order in which they were taken, and the cursor of the next page.

    Raises
    ------
    InputError
        If the cursor is not one of this list.
    """
    rows, next_cursor = page.fetch(session, select(AreaAdjustment), AreaAdjustment.id)
    return [adjustment for (adjustment,) in rows], next_cursor
