"""Entities and groups of cells follow the areas: each has the one it lies in, once its day has come."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import numpy as np
import shapely
from sqlalchemy import Select, bindparam, select, update
from sqlalchemy.orm import Session

from layers.areas.locator import AreaLocator
from layers.db.bulk import decode_geometries, raw_geometry
from layers.db.database import Database, bump_revision
from layers.entities.lifecycle import archive_versions
from layers.models import AreaAdjustment, Entity
from layers.staff.groups import place_groups

_PAGE_SIZE = 20_000


def settle_entities(session: Session, today: date | None = None) -> int:
    """Give entities the areas of adjustments whose day has come and of which they have not heard.

    Returns
    -------
    int
        How many lie in another area than before.
    """
    waiting = session.scalars(_waiting(today or date.today())).all()
    if not waiting:
        return 0
    moved = relocate_since(session, min(adjustment.valid_from for adjustment in waiting), today)
    for adjustment in waiting:
        adjustment.settled_at = datetime.now(UTC)
    session.flush()
    return moved


def settle_due(database: Database) -> int:
    """Carry out `settle_entities` where an adjustment waits for it, in a transaction of its own."""
    with database.read() as session:
        if session.scalar(_waiting(date.today()).limit(1)) is None:
            return 0
    with database.write() as session:
        moved = settle_entities(session)
        bump_revision(session)
        return moved


def _waiting(today: date) -> Select[AreaAdjustment]:
    return select(AreaAdjustment).where(
        AreaAdjustment.undone_at.is_(None),
        AreaAdjustment.settled_at.is_(None),
        AreaAdjustment.valid_from <= today,
    )


def relocate_since(session: Session, first: date, today: date | None = None) -> int:
    """Give entities the areas of a day, and of each later one up to today on which areas change.

    Groups of cells get theirs of today.
    """
    chosen = select(AreaAdjustment.valid_from).where(
        AreaAdjustment.undone_at.is_(None),
        AreaAdjustment.valid_from > first,
        AreaAdjustment.valid_from <= (today or date.today()),
    )
    days = [first, *sorted(set(session.scalars(chosen)))]
    place_groups(session)
    return sum(_relocate(session, day) for day in days)


def _relocate(session: Session, on: date) -> int:
    """Give every entity the area of a day in which it lies, from that day on; return how many moved."""
    locator = AreaLocator(session, on=on)
    moved = 0
    for numbers, areas, geometries in _read_entity_pages(session):
        found = locator.locate(geometries)
        differs = np.flatnonzero((found != areas) & ~shapely.is_missing(geometries)).tolist()
        if not differs:
            continue
        ids = [numbers[row] for row in differs]
        archive_versions(session, ids, on)
        session.connection().execute(
            update(Entity.metadata.tables["entities"])
            .where(Entity.id == bindparam("number"))
            .values(area_code=bindparam("area")),
            [{"number": numbers[row], "area": found[row]} for row in differs],
        )
        moved += len(differs)
    session.expire_all()
    return moved


def _read_entity_pages(session: Session) -> Iterator[tuple[list[int], np.ndarray, np.ndarray]]:
    """Walk the entities that have not ended in pages by their keys."""
    last = 0
    while True:
        rows = session.execute(
            select(Entity.id, Entity.area_code, raw_geometry(session, Entity.geometry))
            .where(Entity.id > last, Entity.valid_to.is_(None))
            .order_by(Entity.id)
            .limit(_PAGE_SIZE)
        ).all()
        if not rows:
            return
        last = rows[-1][0]
        areas = np.array([row[1] for row in rows], dtype=object)
        yield [row[0] for row in rows], areas, decode_geometries(session, [row[2] for row in rows])
