"""Searching present entities by name, identity, address and whatever else is known of them."""

from collections.abc import Sequence

from sqlalchemy import Row, and_, select
from sqlalchemy.orm import Session

from layers.areas.scope import within
from layers.db.text_match import contains_words, match_rank
from layers.models import Assignment, Entity


def search_entities(
    session: Session, scope: str | None, text: str, limit: int, *, scheme_id: int | None, personal: bool
) -> Sequence[Row[int, Entity, str | None]]:
    """Return the present entities that fit words best.

    Parameters
    ----------
    scope
        Only entities in this area or beneath it; None for all.
    text
        Words of name, identity, class and attributes such as the address.
    limit
        The most entities.
    scheme_id
        The scheme whose cells they are to be named with; None for no cells.
    personal
        Look at personal values too: only for a caller who may see them, and whose search is audited.

    Returns
    -------
    sequence of rows
        How well it fits (`match_rank`), the entity, and the code of its cell.
    """
    documents = [Entity.attributes, Entity.personal] if personal else [Entity.attributes]
    columns = [Entity.name, Entity.external_id, Entity.class_name]
    rank = match_rank(text, Entity.name, [Entity.external_id])
    owned = and_(
        Assignment.entity_id == Entity.id,
        Assignment.scheme_id == scheme_id,
        Assignment.valid_to.is_(None),
    )
    statement = (
        select(rank, Entity, Assignment.cell_code)
        .outerjoin(Assignment, owned)
        .where(
            within(Entity.area_code, scope),
            Entity.valid_to.is_(None),
            contains_words(session, text, columns, documents),
        )
    )
    return session.execute(statement.order_by(rank, Entity.id).limit(limit)).all()
