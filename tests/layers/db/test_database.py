import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import psycopg
import pytest
import shapely
from alembic.util import CommandError
from sqlalchemy import event, func, select, text, true
from sqlalchemy.exc import OperationalError, StatementError

from gis.errors import InputError
from layers.db.database import NOTIFY_CHANNEL, Database, bump_revision
from layers.models import Area, Officer, Revision, Scheme

NOW = datetime(2026, 3, 1, 4, 5, 6, 789_000, UTC)


def scheme(code: str, moment: datetime) -> Scheme:
    return Scheme(code=code, name=code, working_crs="EPSG:4547", rules={}, created_at=moment, version=1)


@pytest.mark.parametrize("url", ["nonsense", "mysql://host/name"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(InputError, match="database"):
        Database(url)


def test_what_a_block_writes_is_kept_whole_or_not_at_all(database: Database) -> None:
    with database.write() as session:
        session.add(scheme("kept", NOW))
    with pytest.raises(ZeroDivisionError), database.write() as session:  # noqa: PT012
        session.add(scheme("lost", NOW))
        session.flush()
        raise ZeroDivisionError
    with database.read() as session:
        assert session.scalars(select(Scheme.code)).all() == ["kept"]


def test_what_was_read_is_there_after_the_block_without_another_query(database: Database) -> None:
    with database.write() as session:
        session.add(scheme("kept", NOW))
    asked: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    with database.read() as session:
        found = session.scalars(select(Scheme)).one()
    queries = len(asked)
    assert (found.code, found.created_at, found.version) == ("kept", NOW, 1)
    assert len(asked) == queries


def test_an_impatient_writer_of_sqlite_gives_up_and_a_patient_one_waits(database: Database) -> None:
    if not database.embedded:
        pytest.skip("PostgreSQL has many writers")
    with database.write() as session:
        session.add(scheme("first", NOW))
        with pytest.raises(OperationalError, match="locked"), database.write(busy_timeout_s=0.05):
            pass
        pool = ThreadPoolExecutor(1)
        waiting = pool.submit(_add, database, "second")
        assert not waiting.done()
    waiting.result()
    pool.shutdown()
    with database.read() as session:
        assert session.scalars(select(Scheme.code).order_by(Scheme.id)).all() == ["first", "second"]


def _add(database: Database, code: str) -> None:
    with database.write() as session:
        session.add(scheme(code, NOW))


def test_geometry_comes_back_bit_by_bit(database: Database) -> None:
    square = shapely.box(113.9, 22.5, 114 + 1e-9, 22.6)
    with database.write() as session:
        session.add(Area(code="440305", name="南山", level="county", parent=None, geometry=square))
    with database.read() as session:
        assert shapely.equals_identical(session.scalars(select(Area.geometry)).one(), square)


def test_a_number_that_is_not_finite_is_kept_as_null(database: Database) -> None:
    with database.write() as session:
        session.add(
            Officer(
                external_id="1",
                area_code=None,
                personal={},
                attributes={"height": float("inf"), "1": [float("nan"), 2.5]},
                valid_from=date(2026, 1, 1),
                version=1,
            )
        )
    with database.read() as session:
        assert session.scalars(select(Officer)).one().attributes == {"height": None, "1": [None, 2.5]}
        # The database itself reads it too, and could read no row if one held what is no JSON.
        each = func.json_each(Officer.attributes).table_valued("key", "value", name="each")
        keys = session.scalars(select(each.c.key).select_from(Officer).join(each, true()))
        assert set(keys) == {"height", "1"}


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
    before = database.read_revision()
    with database.write() as session:
        assert bump_revision(session) == before + 1
    with pytest.raises(ZeroDivisionError), database.write() as session:  # noqa: PT012
        bump_revision(session)
        raise ZeroDivisionError
    assert database.read_revision() == before + 1


def test_a_migrated_database_is_left_as_it_is(make_database: Callable[[], Database]) -> None:
    database = make_database()
    with database.write() as session:
        bump_revision(session)
    database.migrate()
    assert database.read_revision() == 1


def test_writers_wait_for_one_another(database: Database) -> None:
    def write(number: int) -> None:
        for _ in range(5):
            with database.write() as session:
                bump_revision(session)
                session.add(scheme(f"{number}-{session.execute(select(Revision.number)).scalar_one()}", NOW))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert database.read_revision() == 20
    with database.read() as session:
        assert len(session.scalars(select(Scheme)).all()) == 20


@pytest.mark.parametrize("copy_of", ["postgresql"], indirect=True)
def test_listeners_hear_of_a_bumped_revision_when_it_is_committed(database: Database) -> None:
    url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as listener:
        listener.execute(f"LISTEN {NOTIFY_CHANNEL}")
        with database.write() as session:
            number = bump_revision(session)
            session.flush()
            assert list(listener.notifies(timeout=0.2)) == []
        heard = list(listener.notifies(timeout=60, stop_after=1))
    assert [notice.payload for notice in heard] == [str(number)]


def test_a_reader_sees_one_state_while_another_writes(database: Database) -> None:
    with database.read() as reader:
        assert reader.scalars(select(Scheme)).all() == []
        with database.write() as writer:
            writer.add(scheme("a", NOW))
        assert reader.scalars(select(Scheme)).all() == []


def test_a_new_file_is_its_owners_alone_with_what_lies_beside_it(tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path}/new.gpkg")) as database:
        database.migrate()
        with database.write() as session:
            session.execute(text("UPDATE revision SET number = 1"))
            modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()}
    assert modes == dict.fromkeys(("new.gpkg", "new.gpkg-wal", "new.gpkg-shm"), 0o600)


@pytest.mark.parametrize("name", ["missing.gpkg", "missing/new.gpkg"])
def test_only_migrate_makes_a_file_and_it_leaves_none_when_it_fails(name: str, tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path}/{name}")) as database:
        assert not database.is_readable()
        with pytest.raises(InputError, match="wangge migrate"):
            database.read_revision()
        with pytest.raises(OperationalError), database.read():
            pass
        with pytest.raises((CommandError, InputError)):
            database.migrate("no such step")
    assert list(tmp_path.iterdir()) == []
