import os
import random
import signal
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
import shapely
from sqlalchemy import create_engine, inspect, select, text

from gis.errors import InputError
from layers.db.backup import backup, restore
from layers.db.database import Database, bump_revision
from layers.models import (
    Area,
    Assignment,
    Base,
    Cell,
    CellUnit,
    Entity,
    Plan,
    PlanState,
    Revision,
    Scheme,
)
from tests.forkserver import forkserver

# One transaction writes entities, then their twins; a state in which they differ was never committed.
WRITER = """
from datetime import date
import shapely
from layers.db.database import Database, bump_revision
from layers.models import Entity
database = Database(url)
number = first
def entity(kind, key):
    return Entity(kind=kind, external_id=str(key), attributes={}, personal={}, valid_from=date(2026, 1, 1),
                  version=1, geometry=shapely.Point(key % 180, 22))
while True:
    with database.write() as session:
        for kind in ("sensor", "household"):
            for key in range(number, number + 20):
                session.add(entity(kind, key))
                session.flush()
        bump_revision(session)
    if number == first:
        say.send("committed")
    number += 20
"""
RESTORER = """
from pathlib import Path
from layers.db.backup import restore
from layers.db.database import Database
say.send("ready")
restore(Path(backup), Database(url))
"""


@pytest.fixture
def start() -> Iterator[Callable[..., BaseProcess]]:
    """Run code in a process of its own, and return when it has first said something."""
    running: list[BaseProcess] = []

    def run(code: str, **names: object) -> BaseProcess:
        hear, say = forkserver.Pipe(duplex=False)
        running.append(forkserver.Process(target=exec, args=(code, {**names, "say": say})))
        running[-1].start()
        say.close()
        hear.recv()
        return running[-1]

    yield run
    for process in running:
        process.kill()
        process.join()
        process.close()


def url_of(database: Database) -> str:
    return database.url.render_as_string(hide_password=False)


def kill(process: BaseProcess, database: Database) -> None:
    """End it as kill -9 does, and wait until PostgreSQL has noticed: what it sent may still be committed."""
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    if not database.embedded:
        others = text("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'"
                      " AND pid <> pg_backend_pid() AND backend_type = 'client backend'")  # fmt: skip
        with database.engine.connect() as connection:
            while connection.execute(others).first():
                connection.rollback()
                time.sleep(0.01)


def twins(database: Database) -> int:
    """Check that both kinds hold the same, as often as the revision says; return how many transactions."""
    with database.read() as session:
        sensors, households = (
            session.scalars(select(Entity.external_id).where(Entity.kind == kind).order_by(Entity.id)).all()
            for kind in ("sensor", "household")
        )
        revision = session.execute(text("SELECT number FROM revision")).scalar_one()
    assert sensors == households
    assert len(set(sensors)) == len(sensors) == 20 * revision
    return int(revision)


def everything(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    with database.engine.connect() as connection:
        return {
            table.name: [
                tuple(
                    shapely.to_wkb(value) if isinstance(value, shapely.Geometry) else value for value in row
                )
                # The identity of the database, which is another's once restored.
                for row in connection.execute(
                    select(*(each for each in table.columns if each is not Revision.__table__.c.id)).order_by(
                        *table.primary_key.columns
                    )
                )
            ]
            for table in Base.metadata.sorted_tables
        }


def fill(database: Database) -> None:
    moment = datetime(2026, 3, 1, 4, 5, 6, 789_000, UTC)
    today = date(2026, 3, 1)
    square = shapely.box(113.9, 22.5, 114.0 + 1e-9, 22.6)
    with database.write() as session:
        session.add(Area(id=7, code="440305", name='南山\t"\\N', level="county", geometry=square))
        session.add(
            Scheme(id=3, code="c", name="社区", working_crs="EPSG:4547", rules={"a": [1, None, "\\"]},
                   created_at=moment, version=1)
        )  # fmt: skip
        session.add(Scheme(id=4, code="u", name="单元", working_crs="EPSG:4547", rules={}, coverage="part",
                           created_at=moment, version=1))  # fmt: skip
        session.flush()
        # Its units were made after it.
        session.get_one(Scheme, 3).unit_scheme_id = 4
        session.flush()
        session.add(
            Plan(
                id=9,
                scheme_id=3,
                name="",
                state=PlanState.draft,
                created_by="a",
                created_at=moment,
                version=1,
            )
        )
        session.flush()
        session.add(
            Cell(id=1, scheme_id=3, plan_id=9, code="1", name="一", kind="square", area_m2=0.1 + 0.2,
                 perimeter_m=2, attributes={}, valid_from=today, geometry=shapely.MultiPolygon([square]))
        )  # fmt: skip
        session.add_all(
            Entity(kind="sensor", external_id=str(number), attributes={"n": number}, personal={"name": "李"},
                   valid_from=today, version=1, geometry=geometry)
            for number, geometry in enumerate((None, shapely.Point(1, 2), shapely.Polygon(), square))
        )  # fmt: skip
        session.flush()
        session.add(CellUnit(cell_id=1, unit_code="u1"))
        session.add(
            Plan(id=10, scheme_id=3, name="", state=PlanState.draft, created_by="a", created_at=moment,
                 units_on=today, carried_from_id=9, carry_report={"plan": 9}, version=1)
        )  # fmt: skip
        session.add(
            Assignment(entity_id=2, scheme_id=3, cell_code="1", share=1.0, method="inside", valid_from=today)
        )
        bump_revision(session)


def test_a_restored_database_is_the_same_on_either_kind(
    make_database: Callable[[], Database], copy_of: Callable[[str], str], tmp_path: Path
) -> None:
    database = make_database()
    fill(database)
    before = everything(database)
    progress: list[tuple[int, int]] = []
    counts = backup(database, tmp_path / "backup.gpkg", lambda done, total: progress.append((done, total)))
    assert counts == {name: len(rows) for name, rows in before.items()}
    assert not progress or progress[-1] == (sum(counts.values()), sum(counts.values()))
    assert stat.S_IMODE((tmp_path / "backup.gpkg").stat().st_mode) == 0o600
    with (
        closing(Database(copy_of("empty"))) as same,
        closing(Database(f"sqlite:///{tmp_path}/new.gpkg")) as file,
    ):
        for restored in (same, file):
            assert restore(tmp_path / "backup.gpkg", restored) == (counts, ())
            assert everything(restored) == before
            restored.check_migrated()
            with restored.write() as session:
                session.add(Area(code="2", name="b", level="county", geometry=shapely.box(0, 0, 1, 1)))
                session.flush()
                assert session.scalars(select(Area.id).order_by(Area.id)).all() == [7, 8]
        assert len({each.identity for each in (database, same, file)}) == 3
    assert everything(database) == before
    assert {path.name for path in tmp_path.iterdir() if path.name.startswith(".")} == set()


def test_an_embedded_backup_can_be_restored_into_postgresql(
    make_database: Callable[[], Database],
    copy_of: Callable[[str], str],
    migrated_sqlite: Path,
    tmp_path: Path,
) -> None:
    with closing(Database(f"sqlite:///{tmp_path}/source.gpkg")) as source:
        source.migrate()
        fill(source)
        backup(source, tmp_path / "backup.gpkg")
        before = everything(source)
    with closing(Database(copy_of("empty"))) as target:
        restore(tmp_path / "backup.gpkg", target)
        assert everything(target) == before


def test_a_backup_taken_while_others_write_is_one_state(
    database: Database, start: Callable[..., BaseProcess], tmp_path: Path
) -> None:
    process = start(WRITER, url=url_of(database), first=0)
    states = []
    for number in range(4):
        time.sleep(random.uniform(0, 0.3))
        backup(database, tmp_path / f"{number}.gpkg")
        with closing(Database(f"sqlite:///{tmp_path}/restored-{number}.gpkg")) as restored:
            restore(tmp_path / f"{number}.gpkg", restored)
            states.append(twins(restored))
    assert process.is_alive()
    assert 0 < states[0] <= states[1] <= states[2] <= states[3] <= twins(database)


def test_a_writer_killed_at_any_moment_leaves_whole_transactions(
    database: Database, start: Callable[..., BaseProcess]
) -> None:
    done = 0
    for _ in range(12):
        process = start(WRITER, url=url_of(database), first=20 * done)
        time.sleep(random.uniform(0, 0.15))
        kill(process, database)
        assert twins(database) > done
        done = twins(database)
    if database.embedded:
        with closing(sqlite3.connect(str(database.url.database))) as file:
            assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert file.execute("SELECT rtreecheck('rtree_entities_geometry')").fetchone() == ("ok",)
            assert file.execute("SELECT count(*) FROM rtree_entities_geometry").fetchone() == (40 * done,)


def test_a_restore_killed_at_any_moment_leaves_nothing_or_all(
    make_database: Callable[[], Database],
    copy_of: Callable[[str], str],
    start: Callable[..., BaseProcess],
    tmp_path: Path,
) -> None:
    database = make_database()
    fill(database)
    with database.write() as session:
        session.add_all(
            Entity(kind="household", external_id=str(number), attributes={}, personal={},
                   valid_from=date(2026, 1, 1), version=1, geometry=shapely.Point(1, 2))
            for number in range(3000)
        )  # fmt: skip
    backup(database, tmp_path / "backup.gpkg")
    before = everything(database)
    began = time.monotonic()
    with closing(Database(copy_of("empty"))) as target:
        restore(tmp_path / "backup.gpkg", target)
    lasts = time.monotonic() - began
    url, outcomes = copy_of("empty"), []
    while len(outcomes) < 12:
        process = start(RESTORER, backup=str(tmp_path / "backup.gpkg"), url=url)
        # The first has hardly begun, however long the one that was measured took.
        process.join(random.uniform(0, lasts) if outcomes else 0)
        process.kill()
        process.join()
        outcomes.append(restored(url))
        if outcomes[-1]:
            with closing(Database(url)) as target:
                assert everything(target) == before
            url = copy_of("empty")
    with closing(Database(url)) as target:
        restore(tmp_path / "backup.gpkg", target)
        assert everything(target) == before
        if target.embedded:
            made = Path(str(target.url.database))
            assert not [each for each in made.parent.iterdir() if each.name.startswith(f".{made.name}")]
    assert not all(outcomes)


def restored(url: str) -> bool:
    with closing(Database(url)) as target:
        if target.embedded and not Path(str(target.url.database)).exists():
            return False
        with target.engine.connect() as connection:
            return inspect(connection).has_table("entities")


def test_what_is_there_is_not_overwritten(make_database: Callable[[], Database], tmp_path: Path) -> None:
    database, other = make_database(), make_database()
    backup(database, tmp_path / "backup.gpkg")
    with pytest.raises(InputError, match="exists"):
        backup(database, tmp_path / "backup.gpkg")
    with pytest.raises(InputError, match=r"exists|already holds"):
        restore(tmp_path / "backup.gpkg", other)
    (tmp_path / "free.gpkg-wal").write_bytes(b"")
    with (
        closing(Database(f"sqlite:///{tmp_path}/free.gpkg")) as target,
        pytest.raises(InputError, match=r"free\.gpkg-wal exists"),
    ):
        restore(tmp_path / "backup.gpkg", target)


@pytest.mark.parametrize(
    "content", [b"", b"no database at all, only text" * 100, "truncated", "flipped", "foreign"]
)
def test_a_file_that_is_no_sound_backup_is_refused(
    content: bytes | str, migrated_sqlite: Path, tmp_path: Path
) -> None:
    path = tmp_path / "bad.gpkg"
    if content == "foreign":
        engine = create_engine(f"sqlite:///{path}")
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE recipes (id integer)"))
        engine.dispose()
    elif isinstance(content, str):
        whole = bytearray(migrated_sqlite.read_bytes())
        if content == "flipped":
            for page in range(6, len(whole) // 4096 - 1):
                whole[page * 4096 : page * 4096 + 64] = os.urandom(64)
        path.write_bytes(whole if content == "flipped" else whole[: len(whole) // 2])
    else:
        path.write_bytes(content)
    with closing(Database(f"sqlite:///{tmp_path}/new.gpkg")) as target, pytest.raises(InputError):
        restore(path, target)
    assert not any(each.name.startswith((".", "new")) for each in tmp_path.iterdir())


def test_a_database_that_was_never_migrated_is_told(copy_of: Callable[[str], str], tmp_path: Path) -> None:
    with closing(Database(copy_of("empty"))) as database:
        for action in (
            database.check_migrated,
            database.read_revision,
            lambda: backup(database, tmp_path / "b.gpkg"),
        ):
            with pytest.raises(InputError, match="wangge migrate"):
                action()
