"""What is whole of the entities, plans and assignments that `tests.service.dataset` makes.

It looks into the database itself, by the arithmetic of where the entities were put; what is not whole fails
an assertion.
"""

from datetime import date

from sqlalchemy import func, select

from layers.db.database import Database
from layers.models import Assignment, Entity, EntityVersion, Plan, PlanState
from layers.plans.cells import cells_as_of
from layers.plans.schemes import find_scheme
from tests.layers.squares import by_square, spot
from tests.service.dataset import EVEN_SPLIT, square_of


def check_edition(database: Database, count: int) -> int:
    """Return the edition of the entities; fail if they, their past or their owners mix several.

    Every edition up to it must have been loaded, each once, with the plan EVEN in force.
    """
    with database.read() as session:
        current = {
            int(row.external_id): (row.attributes["edition"], row.geometry)
            for row in session.scalars(select(Entity))
        }
        assert set(current) == set(range(count))
        (edition_name,) = {edition for edition, _ in current.values()}
        edition = int(edition_name.removeprefix("edition "))
        for number, (_, geometry) in current.items():
            assert geometry.equals(spot(square_of(number, edition)))
        past = EntityVersion.attributes["edition"].as_string()
        former = [tuple(row) for row in session.execute(select(past, func.count()).group_by(past))]
        assert sorted(former) == sorted((f"edition {number}", count) for number in range(edition))
        statement = select(Assignment.cell_code, Entity.external_id).join(Entity)
        owners = session.execute(statement.where(Assignment.valid_to.is_(None))).all()
        assert len(owners) == count
        for row in owners:
            assert row.cell_code == EVEN_SPLIT[square_of(int(row.external_id), edition)]
    return edition


def check_owners(database: Database, on: date, count: int, edition: int) -> dict[tuple[int, int], str]:
    """Return the owners of the squares on a day; fail if entities' differ, or two plans are in force."""
    with database.read() as session:
        scheme = find_scheme(session, "community").id
        owners = by_square(cells_as_of(session, scheme, on))
        statement = select(Assignment.cell_code, Entity.external_id).join(Entity)
        since, until = Assignment.valid_from, Assignment.valid_to
        rows = session.execute(statement.where(since <= on, until.is_(None) | (until > on))).all()
        assert len(rows) == count
        for row in rows:
            assert row.cell_code == owners[square_of(int(row.external_id), edition)]
        published = select(func.count()).select_from(Plan).where(Plan.state == PlanState.published)
        assert session.scalar(published) == 1
    return owners
