"""How many entities of each kind belong to each cell of a scheme on a day: what measures count."""

from collections.abc import Mapping
from datetime import date

import numpy as np
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from gis.arrays import IntArray, ObjectArray
from gis.measures import counted_kinds
from layers.areas.scope import within
from layers.db.bulk import in_force
from layers.entities.states import select_states
from layers.models import Assignment, Entity


def read_counts(session: Session, scheme_id: int, day: date) -> dict[str, dict[str, int]]:
    """Return for each kind that a measure counts how many entities belong to a cell, by the cell's code.

    A cell without any is not among them.
    """
    query = _select_counts(scheme_id, day).group_by(Assignment.cell_code, Entity.kind)
    found: dict[str, dict[str, int]] = {kind: {} for kind in counted_kinds()}
    for code, kind, number in session.execute(query):
        if kind in found and code is not None:
            found[kind][code] = number
    return found


def count_by_kind(session: Session, scheme_id: int, day: date, cell_code: str) -> dict[str, int]:
    """Return how many entities of each kind belong to one cell; 0 where there are none."""
    query = _select_counts(scheme_id, day).where(Assignment.cell_code == cell_code)
    rows = session.execute(query.group_by(Assignment.cell_code, Entity.kind).order_by(Entity.kind))
    return dict.fromkeys(counted_kinds(), 0) | {kind: number for _, kind, number in rows}


def count_in_area(session: Session, area_code: str, day: date) -> dict[str, int]:
    """Return how many entities of each kind lie in an area or beneath it on a day, in whatever cell."""
    found = dict.fromkeys(counted_kinds(), 0)
    for model, states in select_states(day, lambda model: [model.area_code, Entity.kind]):
        counted = states.with_only_columns(Entity.kind, func.count()).where(
            within(model.area_code, area_code, day)
        )
        for kind, number in session.execute(counted.group_by(Entity.kind).order_by(Entity.kind)):
            found[kind] = found.get(kind, 0) + number
    return found


def _select_counts(scheme_id: int, day: date) -> Select[str | None, str, int]:
    return (
        select(Assignment.cell_code, Entity.kind, func.count())
        .join(Entity, Entity.id == Assignment.entity_id)
        .where(
            Assignment.scheme_id == scheme_id,
            Assignment.cell_code.is_not(None),
            in_force(Assignment.valid_from, Assignment.valid_to, day),
        )
    )


def align_counts(found: Mapping[str, Mapping[str, int]], codes: ObjectArray) -> dict[str, IntArray]:
    """Arrange counts by cells: for each kind an array of shape (n,), 0 where there is none."""
    return {
        kind: np.array([numbers.get(code, 0) for code in codes.tolist()], dtype=np.int64)
        for kind, numbers in found.items()
    }


def assignments_fingerprint(session: Session, scheme_id: int) -> tuple[object, ...]:
    """Return what differs whenever the assignments of a scheme do: they are only begun and ended."""
    query = select(func.count(), func.max(Assignment.id), func.count(Assignment.valid_to)).where(
        Assignment.scheme_id == scheme_id
    )
    return tuple(session.execute(query).one())
