"""Adjustments of areas as they were taken: found and listed."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from gis.errors import NotFoundError
from layers.areas.scope import within
from layers.db.keyset import PageRequest
from layers.models import AreaAdjustment, AreaLineage


class AreaKinship(NamedTuple):
    """The areas that an area came from and became, in the order of days, those of the most ground first."""

    predecessors: Sequence[AreaLineage]
    successors: Sequence[AreaLineage]


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
    """Return a page of the adjustments in their order, and the cursor of the next page.

    Raises
    ------
    InputError
        If the cursor is not one of this list.
    """
    rows, next_cursor = page.fetch(session, select(AreaAdjustment), AreaAdjustment.id)
    return [adjustment for (adjustment,) in rows], next_cursor


def adjustment_state(adjustment: AreaAdjustment, today: date | None = None) -> str:
    """Return whether the day of an adjustment is coming, or it is in force, or undone."""
    if adjustment.undone_at is not None:
        return "undone"
    return "coming" if adjustment.valid_from > (today or date.today()) else "in force"


def read_kinship(session: Session, code: str, scope: str | None = None) -> AreaKinship:
    """Return the areas in a scope that an area came from and became."""

    def read(here: InstrumentedAttribute[str], there: InstrumentedAttribute[str]) -> Sequence[AreaLineage]:
        chosen = select(AreaLineage).where(here == code, within(there, scope))
        return session.scalars(
            chosen.order_by(AreaLineage.valid_from, AreaLineage.area_m2.desc(), there)
        ).all()

    return AreaKinship(
        read(AreaLineage.successor, AreaLineage.predecessor),
        read(AreaLineage.predecessor, AreaLineage.successor),
    )
