"""What a caller may see of an entity's history: its states in the caller's area, and its owners meanwhile."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from layers.areas.scope import within
from layers.models import Assignment, Entity, EntityVersion, Scheme
from layers.plans.assignments import assignment_history
from layers.plans.cells import lies_in_scope


def visible_states(session: Session, entity: Entity, scope: str | None) -> list[EntityVersion | Entity]:
    """Return the states of an entity in the scope, oldest first; the present one is last.

    Parameters
    ----------
    entity
        An entity that lies in the scope.
    scope
        The area that former states must lie in; None for anywhere.
    """
    former = select(EntityVersion).where(
        EntityVersion.entity_id == entity.id, within(EntityVersion.area_code, scope)
    )
    return [*session.scalars(former.order_by(EntityVersion.version)), entity]


class EntityOwner(NamedTuple):
    """An assignment of an entity, and the code of its scheme.

    `is_forbidden` is true where the cell lies outside the scope: nothing but the time of it is to be told.
    """

    assignment: Assignment
    scheme: str
    is_forbidden: bool


def visible_owners(session: Session, entity: Entity, scope: str | None) -> Sequence[EntityOwner]:
    """Return the assignments that an entity had while it lay in the scope.

    Parameters are those of `visible_states`.
    """
    owners = assignment_history(session, entity.id)
    if scope is not None:
        states = visible_states(session, entity, scope)
        owners = [owner for owner in owners if any(_overlap(owner, state) for state in states)]
    codes = {row.id: row.code for row in session.execute(select(Scheme.id, Scheme.code))}
    outside = select(Assignment.id).where(
        Assignment.entity_id == entity.id,
        Assignment.cell_code.is_not(None),
        ~lies_in_scope(Assignment.scheme_id, Assignment.cell_code, scope),
    )
    forbidden = set(session.scalars(outside))
    return [EntityOwner(owner, codes[owner.scheme_id], owner.id in forbidden) for owner in owners]


def _overlap(owner: Assignment, state: Entity | EntityVersion) -> bool:
    """Return whether an entity had a state on a day on which it had an owner."""
    start = max(owner.valid_from, state.valid_from)
    return all(end is None or start < end for end in (owner.valid_to, state.valid_to))
