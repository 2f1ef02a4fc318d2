"""Reading entities in their present states: a page of those that a caller may see, or some by their ids."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from layers.areas.scope import within
from layers.db.bulk import id_in
from layers.db.keyset import PageRequest
from layers.db.text_match import contains_text
from layers.models import Assignment, Entity
from layers.plans.cells import lies_in_scope


class CellKey(NamedTuple):
    """What a cell is known by through time: the id of its scheme, and its code."""

    scheme_id: int
    code: str


def list_entities(
    session: Session,
    page: PageRequest,
    scope: str | None,
    *,
    kind: str | None = None,
    area_code: str | None = None,
    cell: CellKey | None = None,
    text: str | None = None,
    ended: bool = False,
) -> tuple[Sequence[Entity], str | None]:
    """Return a page of entities in the order in which they were created, and the cursor of the next page.

    Parameters
    ----------
    page
        Which page.
    scope
        Only entities in this area or beneath it; None for all.
    kind, area_code
        Only entities of a kind, or of exactly one area.
    cell
        Only entities that belong to this cell.
    text
        Part of the name or identity.
    ended
        Also entities that have ended.

    Raises
    ------
    InputError
        If the cursor is not one of this list.
    """
    statement = page.filter_by_bbox(session, select(Entity).where(within(Entity.area_code, scope)), Entity)
    if not ended:
        statement = statement.where(Entity.valid_to.is_(None))
    if kind is not None:
        statement = statement.where(Entity.kind == kind)
    if area_code is not None:
        statement = statement.where(Entity.area_code == area_code)
    if text:
        statement = statement.where(contains_text(text, Entity.name, Entity.external_id))
    if cell is not None:
        owned = select(Assignment.entity_id).where(
            Assignment.scheme_id == cell.scheme_id,
            Assignment.cell_code == cell.code,
            Assignment.valid_to.is_(None),
            lies_in_scope(cell.scheme_id, cell.code, scope),
        )
        statement = statement.where(Entity.id.in_(owned))
    rows, next_cursor = page.fetch(session, statement, Entity.id)
    return [entity for (entity,) in rows], next_cursor


def read_present(session: Session, ids: Collection[int], scope: str | None) -> dict[int, Entity]:
    """Return those of some entities that have not ended and lie in the scope, by id."""
    statement = select(Entity).where(
        id_in(session, Entity.id, ids), Entity.valid_to.is_(None), within(Entity.area_code, scope)
    )
    return {entity.id: entity for entity in session.scalars(statement)}
