from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
import shapely
from sqlalchemy import select
from sqlalchemy.exc import StatementError

from gis.errors import InputError
from layers.storage.database import Database, bump_revision
from layers.storage.models import Area, Scheme


def scheme(code: str, moment: datetime) -> Scheme:
    return Scheme(code=code, name=code, working_crs="EPSG:4547", rules={}, created_at=moment, version=1)


@pytest.mark.parametrize("url", ["nonsense", "mysql://host/name"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(InputError, match="database"):
        Database(url)


def test_what_a_block_writes_is_kept_whole_or_not_at_all(database: Database) -> None:
    now = datetime.now(UTC)
    with database.write() as session:
        session.add(scheme("kept", now))
    with pytest.raises(ZeroDivisionError), database.write() as session:  # noqa: PT012
        session.add(scheme("lost", now))
        session.flush()
        raise ZeroDivisionError
    with database.read() as session:
        assert session.scalars(select(Scheme.code)).all() == ["kept"]


def test_geometry_comes_back_bit_by_bit(database: Database) -> None:
    square = shapely.box(113.9, 22.5, 114 + 1e-9, 22.6)
    with database.write() as session:
        session.add(Area(code="440305", name="南山", level="county", parent=None, geometry=square))
    with database.read() as session:
        assert shapely.equals_identical(session.scalars(select(Area.geometry)).one(), square)


def test_instants_come_back_in_utc(database: Database) -> None:
    local = datetime(2026, 3, 1, 7, 30, 0, 250_000, timezone(timedelta(hours=8)))
    with database.write() as session:
        session.add(scheme("a", local))
    with database.read() as session:
        read = session.scalars(select(Scheme.created_at)).one()
        assert session.scalars(select(Scheme.code).where(Scheme.created_at <= local)).all() == ["a"]
    assert read == local
    assert read.tzinfo is UTC


def test_an_instant_without_time_zone_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="time zone"), database.write() as session:
        session.add(scheme("a", datetime(2026, 3, 1)))


def test_the_revision_counts_changes_that_were_committed(database: Database) -> None:
    before = database.revision()
    with database.write() as session:
        assert bump_revision(session) == before + 1
    with pytest.raises(ZeroDivisionError), database.write() as session:  # noqa: PT012
        bump_revision(session)
        raise ZeroDivisionError
    assert database.revision() == before + 1


def test_a_migrated_database_is_left_as_it_is(make_database: Callable[[], Database]) -> None:
    database = make_database()
    with database.write() as session:
        bump_revision(session)
    database.migrate()
    assert database.revision() == 1


def test_a_reader_sees_one_state_while_another_writes(database: Database) -> None:
    with database.read() as reader:
        assert reader.scalars(select(Scheme)).all() == []
        with database.write() as writer:
            writer.add(scheme("a", datetime.now(UTC)))
        assert reader.scalars(select(Scheme)).all() == []
