"""Reading areas: one by its code, or a page of those that a caller may see."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from gis.errors import NotFoundError
from layers.areas.scope import within
from layers.db.keyset import PageRequest
from layers.db.text_match import contains_text, contains_words, match_rank
from layers.models import Area


def find_area(session: Session, code: str, scope: str | None = None) -> Area:
    """Return an area.

    Parameters
    ----------
    code
        Its code.
    scope
        The area that it must be or lie in; None for anywhere.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    area = session.scalar(select(Area).where(Area.code == code, within(Area.code, scope)))
    if area is None:
        raise NotFoundError(f"There is no area '{code}'.")
    return area


def areas_beneath(session: Session, code: str) -> Sequence[Area]:
    """Return the areas directly beneath one, by code, without their geometries."""
    statement = select(Area).where(Area.parent == code).options(defer(Area.geometry))
    return session.scalars(statement.order_by(Area.code)).all()


def area_codes(session: Session) -> set[str]:
    """Return the codes of all areas."""
    return set(session.scalars(select(Area.code)))


def list_areas(
    session: Session,
    page: PageRequest,
    scope: str | None,
    *,
    level: str | None = None,
    parent: str | None = None,
    text: str | None = None,
    geometry: bool = True,
) -> tuple[Sequence[Area], str | None]:
    """Return a page of areas in the order of their codes, and the cursor of the next page.

    Parameters
    ----------
    page
        Which page.
    scope
        Only this area and those beneath it; None for all.
    level, parent
        Only areas of a level, or directly beneath one area.
    text
        Part of the name or code.
    geometry
        Read geometries too.

    Raises
    ------
    InputError
        If the cursor is not one of this list.
    """
    statement = page.filter_by_bbox(session, select(Area).where(within(Area.code, scope)), Area)
    if not geometry:
        statement = statement.options(defer(Area.geometry))
    if level is not None:
        statement = statement.where(Area.level == level)
    if parent is not None:
        statement = statement.where(Area.parent == parent)
    if text:
        statement = statement.where(contains_text(text, Area.name, Area.code))
    rows, next_cursor = page.fetch(session, statement, Area.code)
    return [area for (area,) in rows], next_cursor


def search_areas(session: Session, scope: str | None, text: str, limit: int) -> list[tuple[int, Area]]:
    """Return the areas that fit words best, with how well (`match_rank`), without their geometries.

    Parameters
    ----------
    scope
        Only this area and those beneath it; None for all.
    text
        Words of name and code.
    limit
        The most areas.
    """
    rank = match_rank(text, Area.name, [Area.code])
    statement = select(rank, Area).where(
        within(Area.code, scope), contains_words(session, text, [Area.name, Area.code])
    )
    rows = session.execute(statement.options(defer(Area.geometry)).order_by(rank, Area.code).limit(limit))
    return [(found, area) for found, area in rows]
