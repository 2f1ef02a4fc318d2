"""A backup that somebody has put more into, or taken something out of."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from gis.errors import InputError
from layers.db.backup import Restored, backup, restore
from layers.db.database import Database
from layers.models import (
    Account,
    BrowserSession,
    IdempotencyKey,
    Job,
    JobState,
    SignInFailure,
    SignInLink,
)

ENDLESS = "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT x AS id, x AS name FROM r"
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def sound(migrated_sqlite: Path, tmp_path: Path) -> Path:
    """A backup with an account, and with what ends of itself."""
    (tmp_path / "source.gpkg").write_bytes(migrated_sqlite.read_bytes())
    with closing(Database(f"sqlite:///{tmp_path}/source.gpkg")) as source:
        with source.write() as session:
            session.add(
                Account(id=1, name="li", role="viewer", password_hash="", password_changed_at=NOW,
                        created_at=NOW, created_by="a")
            )  # fmt: skip
            session.flush()
            later = NOW + timedelta(days=3650)
            session.add(
                BrowserSession(sha256="s", account_id=1, created_at=NOW, seen_at=NOW, expires_at=later)
            )
            session.add(SignInLink(sha256="l", account_id=1, created_at=NOW, expires_at=later, used_at=NOW))
            session.add(SignInFailure(source="f", failures=30, last_at=later))
            session.add(
                IdempotencyKey(caller="c", key="k", request_sha256="r", status=200, body="", at=later)
            )
            session.add_all(
                Job(kind="publish", state=state, created_by="a", created_at=NOW, cancel_asked=False, done=0,
                    parameters={}, version=1)
                for state in (JobState.queued, JobState.running, JobState.done)
            )  # fmt: skip
        backup(source, tmp_path / "backup.gpkg")
    return tmp_path / "backup.gpkg"


def change(path: Path, statements: str) -> None:
    with closing(sqlite3.connect(path)) as file:
        file.executescript(f"PRAGMA writable_schema = ON; {statements}")


def restored(path: Path) -> tuple[Restored, Database]:
    target = Database(f"sqlite:///{path.parent}/new.gpkg")
    return restore(path, target), target


def test_what_has_ended_is_not_revived(sound: Path, copy_of: Callable[[str], str]) -> None:
    with closing(Database(copy_of("empty"))) as target:
        restore(sound, target)
        with target.read() as session:
            for table in (BrowserSession, SignInLink, SignInFailure, IdempotencyKey):
                assert session.scalar(select(func.count()).select_from(table)) == 0
            assert session.scalars(select(Account.name)).all() == ["li"]
            jobs = session.execute(select(Job.state, Job.error).order_by(Job.id)).all()
    assert [state for state, _ in jobs] == [JobState.failed, JobState.failed, JobState.done]
    assert "restored" in str(jobs[0].error)


@pytest.mark.parametrize(
    ("statements", "told"),
    [
        ("CREATE TRIGGER t AFTER INSERT ON revision BEGIN DELETE FROM accounts; END", "trigger t"),
        (f"CREATE VIEW endless AS {ENDLESS}", "view endless"),
        ("CREATE TABLE layer_styles (id)", "table layer_styles"),
        ("ALTER TABLE areas ADD COLUMN note TEXT", "column areas.note"),
        ("CREATE VIRTUAL TABLE words USING fts5(a)", "table words"),
        ("CREATE INDEX i ON areas (upper(name))", "index i"),
    ],
)
def test_what_is_not_ours_is_left_out_and_told(sound: Path, statements: str, told: str) -> None:
    change(sound, statements)
    result, target = restored(sound)
    with closing(target), closing(sqlite3.connect(str(target.url.database))) as file:
        assert told in result.left_out
        assert result.rows["accounts"] == 1
        names = {name for (name,) in file.execute("SELECT name FROM sqlite_schema")}
        assert not names & {"t", "endless", "layer_styles", "words", "i"}
        assert "note" not in {row[1] for row in file.execute("PRAGMA table_info(areas)")}


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        (f"DROP TABLE base_features; CREATE VIEW base_features AS {ENDLESS}", "base_features"),
        (f"DROP TABLE alembic_version; CREATE VIEW alembic_version AS {ENDLESS}", "no database of Wangge"),
        ("DROP TABLE sign_in_links", "sign_in_links"),
        ("ALTER TABLE areas DROP COLUMN level", "areas lacks level"),
        (
            "ALTER TABLE areas DROP COLUMN name; ALTER TABLE areas ADD COLUMN name AS (hex(zeroblob(9e8)))",
            "areas lacks name",
        ),
        ("DROP TABLE plan_cells; CREATE VIRTUAL TABLE plan_cells USING fts5(plan_id, cell_id)", "plan_cells"),
        ("UPDATE alembic_version SET version_num = '9999'", "newer version"),
        ("INSERT INTO plan_cells (plan_id, cell_id) VALUES (1, 77)", "damaged"),
    ],
)
def test_a_backup_whose_tables_are_not_ours_is_refused_at_once(
    sound: Path, statements: str, words: str
) -> None:
    change(sound, statements)
    began = time.monotonic()
    with pytest.raises(InputError, match=words):
        restored(sound)
    assert time.monotonic() - began < 60
    assert {each.name for each in sound.parent.iterdir()} <= {"backup.gpkg", "source.gpkg"}
