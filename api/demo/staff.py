"""The posts of the demonstration that no table of officers holds: at groups of cells and at enterprises."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.security.principal import SYSTEM
from layers.db.database import Database
from layers.models import Area, Cell, Entity, Officer
from layers.plans.cells import cells_in_force
from layers.plans.schemes import find_scheme
from layers.staff.absences import add_absence
from layers.staff.groups import create_group
from layers.staff.officers import appoint_officer

_ABSENT_DAYS = 14


def staff_groups(database: Database, scheme: str, on: date) -> tuple[int, int]:
    """Make two groups of cells in each street, and give posts at them and at an enterprise there.

    Inspectors of a street lead its groups, assistants are their backups; one leader is away for some days.

    Returns
    -------
    groups, posts : int
        How many were made.
    """
    groups = posts = 0
    with database.write() as session:
        found = find_scheme(session, scheme)
        streets = session.scalars(select(Area).where(Area.level == "town").order_by(Area.code)).all()
        for street in streets:
            inspectors = _officers(session, street.code, "inspector")
            assistants = _officers(session, street.code, "assistant")
            communities = session.scalars(
                select(Area.code).where(Area.parent == street.code).order_by(Area.code)
            ).all()
            middle = -(-len(communities) // 2)
            halves = communities[:middle], communities[middle:]
            for number, half in enumerate(halves[: len(communities)], 1):
                in_half = cells_in_force(found.id, on) & Cell.area_code.in_(half)
                cells = session.scalars(select(Cell.code).where(in_half)).all()
                code = f"{street.code}-{number}"
                create_group(session, found, code, f"{street.name}第{'一二'[number - 1]}片", cells, on=on)
                groups += 1
                for officers, rank in ((inspectors, "A"), (assistants, "B")):
                    for officer in officers[number - 1 : number]:
                        _appoint(session, officer, scheme, on, group=code, duty="leader", rank=rank)
                        posts += 1
            in_street = (Entity.kind == "enterprise") & Entity.area_code.in_(communities)
            enterprise = session.scalar(
                select(Entity.id).where(in_street).order_by(Entity.external_id).limit(1)
            )
            if enterprise is not None and inspectors:
                _appoint(
                    session, inspectors[-1], scheme, on, entity_id=enterprise, duty="inspector", rank="A"
                )
                posts += 1
        if streets and (away := _officers(session, streets[0].code, "inspector")):
            until = on + timedelta(days=_ABSENT_DAYS)
            add_absence(session, away[0], since=on, until=until, reason=None, author=SYSTEM.label)
    return groups, posts


def _appoint(session: Session, officer: Officer, scheme: str, on: date, **post: Any) -> None:
    appoint_officer(session, officer.id, scheme=scheme, on=on, **post)


def _officers(session: Session, area_code: str, duty: str) -> Sequence[Officer]:
    of_area = select(Officer).where(Officer.area_code == area_code).order_by(Officer.external_id)
    return [each for each in session.scalars(of_area) if each.attributes.get("duty") == duty]
