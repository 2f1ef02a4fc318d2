"""Reading areas: one by its code, or a page of those that a caller may see."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session, defer

from gis.errors import NotFoundError
from layers.areas.scope import within
from layers.areas.versions import areas_in_force, has_days
from layers.db.keyset import PageRequest
from layers.db.text_match import contains_text, contains_words, match_rank
from layers.models import Area, AreaLineage


def find_area(session: Session, code: str, scope: str | None = None, on: date | None = None) -> Area:
    """Return the version of an area that is in force on a day.

    Parameters
    ----------
    code
        Its code.
    scope
        The area that it must be or lie in; None for anywhere.
    on
        The day; today when not given.

    Raises
    ------
    NotFoundError
        If there is none; it tells from when to when there was one, and what it became.
    """
    named = select(Area).where(Area.code == code, within(Area.code, scope))
    area = session.scalar(named.where(areas_in_force(on)))
    if area is None:
        known = session.scalars(named.where(has_days()).order_by(Area.id).options(defer(Area.geometry)))
        raise NotFoundError(_describe_absence(session, code, known.all(), on or date.today(), scope))
    return area


def _describe_absence(
    session: Session, code: str, versions: Sequence[Area], day: date, scope: str | None
) -> str:
    """Return the sentence that there is no such area on a day, with what is known of it."""
    coming = [each.valid_from for each in versions if each.valid_from is not None and each.valid_from > day]
    ended = [each.valid_to for each in versions if each.valid_to is not None and each.valid_to <= day]
    if ended:
        chosen = select(AreaLineage.successor).where(
            AreaLineage.predecessor == code, AreaLineage.ended, within(AreaLineage.successor, scope)
        )
        became = session.scalars(chosen.order_by(AreaLineage.area_m2.desc())).all()
        what = f" and became {', '.join(dict.fromkeys(became))}" if became else ""
        return f"There is no area '{code}' on {day}; it ended on {max(ended)}{what}."
    if coming:
        return f"There is no area '{code}' on {day}; it begins on {min(coming)}."
    return f"There is no area '{code}'."


def areas_beneath(session: Session, code: str, on: date | None = None) -> Sequence[Area]:
    """Return the areas directly beneath one on a day, by code, without their geometries."""
    statement = select(Area).where(Area.parent == code, areas_in_force(on)).options(defer(Area.geometry))
    return session.scalars(statement.order_by(Area.code)).all()


def area_versions(session: Session, code: str, scope: str | None = None) -> Sequence[Area]:
    """Return the versions of an area that were, are or will be in force, in order, without their geometries.

    Raises
    ------
    NotFoundError
        If there is no such area in the scope.
    """
    statement = select(Area).where(Area.code == code, within(Area.code, scope), has_days())
    ordered = statement.order_by(func.coalesce(Area.valid_from, date.min))
    versions = session.scalars(ordered.options(defer(Area.geometry))).all()
    if not versions:
        raise NotFoundError(f"There is no area '{code}'.")
    return versions


def area_codes(session: Session, on: date | None = None) -> set[str]:
    """Return the codes of all areas in force on a day, today when not given."""
    return set(session.scalars(select(Area.code).where(areas_in_force(on))))


def list_areas(
    session: Session,
    page: PageRequest,
    scope: str | None,
    *,
    level: str | None = None,
    parent: str | None = None,
    text: str | None = None,
    on: date | None = None,
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
    on
        The areas in force on this day; today when not given.
    geometry
        Read geometries too.

    Raises
    ------
    InputError
        If the cursor is not one of this list.
    """
    statement = page.filter_by_bbox(
        session, select(Area).where(within(Area.code, scope), areas_in_force(on)), Area
    )
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
        within(Area.code, scope), areas_in_force(), contains_words(session, text, [Area.name, Area.code])
    )
    rows = session.execute(statement.options(defer(Area.geometry)).order_by(rank, Area.code).limit(limit))
    return [(found, area) for found, area in rows]
