"""Who answers for an entity on a day: its own posts, and those of its cell and the areas above."""

from collections.abc import Callable, Sequence
from datetime import date

from sqlalchemy.orm import Session

from layers.entities.history import visible_owners
from layers.models import Assignment, Entity, Scheme
from layers.plans.cell_queries import find_cell
from layers.staff.responsible import (
    NamedArea,
    Responsibility,
    ResponsibleLevel,
    posts_at_entity,
    read_responsibility,
)


def responsible_for_entity(
    session: Session,
    entity: Entity,
    scheme: Scheme,
    on: date,
    chain: Callable[[str | None], Sequence[NamedArea]],
    scope: str | None,
) -> list[ResponsibleLevel]:
    """Return who holds posts at an entity, then at its cell in a scheme and upwards from that.

    Parameters
    ----------
    chain
        Returns for the code of an area the area and those above it, the lowest first.
    scope
        The area that the caller may see; None for all. A cell elsewhere is not told.
    """
    owners = [
        owner.assignment.cell_code
        for owner in visible_owners(session, entity, scope)
        if owner.scheme == scheme.code and not owner.is_forbidden and _holds(owner.assignment, on)
    ]
    code = next((each for each in owners if each is not None), None)
    cell = None if code is None else find_cell(session, scheme, code, on, scope)
    areas = chain(entity.area_code if cell is None else cell.area_code)
    codes = [] if cell is None else [cell.code]
    held: Responsibility = read_responsibility(session, scheme.id, codes, [each.code for each in areas], on)
    own = ResponsibleLevel(
        "entity",
        entity.external_id,
        entity.name or entity.external_id,
        posts_at_entity(session, entity.id, scheme.id, on),
    )
    return [own, *held.levels(None if cell is None else (cell.code, cell.name), areas)]


def _holds(owner: Assignment, on: date) -> bool:
    return owner.valid_from <= on and (owner.valid_to is None or owner.valid_to > on)
