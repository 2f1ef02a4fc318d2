"""Searching officers by their numbers, and by their names for those who may see them."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from layers.areas.scope import within
from layers.db.text_match import contains_words, match_rank
from layers.models import Officer


def search_officers(
    session: Session, scope: str | None, text: str, limit: int, *, personal: bool
) -> list[tuple[int, Officer]]:
    """Return the officers who have not left and fit words best, with how well (`match_rank`).

    Parameters
    ----------
    scope
        Only officers of this area and those beneath it; None for all.
    text
        Words of the number, or of what is published; also of name and phone where `personal`.
    limit
        The most officers.
    personal
        Look at personal values too: only for a caller who may see them, and whose search is audited.
    """
    rank = match_rank(text, None, [Officer.external_id])
    # Among the attributes are the names and phones that are published.
    documents = [Officer.attributes, Officer.personal] if personal else [Officer.attributes]
    statement = select(rank, Officer).where(
        within(Officer.area_code, scope),
        Officer.valid_to.is_(None),
        contains_words(session, text, [Officer.external_id], documents),
    )
    rows = session.execute(statement.order_by(rank, Officer.external_id).limit(limit))
    return [(found, officer) for found, officer in rows]
