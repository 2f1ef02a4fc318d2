"""The commands that make, keep and bring back a database."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import shapely
from sqlalchemy import select

from layers.db.database import Database
from layers.models import Area
from tests.api.conftest import Run


def test_migrate_backup_and_restore(wangge: Run, copy_of: Callable[[str], str], tmp_path: Path) -> None:
    url, again = copy_of("empty"), copy_of("empty")
    assert wangge("migrate", "--database", url).code == 0
    assert wangge("migrate", "--database", url).code == 0
    with closing(Database(url)) as database, database.write() as session:
        session.add(Area(code="1", name="a", level="county", geometry=shapely.box(0, 0, 1, 1)))
    outcome = wangge("backup", tmp_path / "backup.gpkg", "--database", url, "--json")
    assert outcome.code == 0
    assert outcome.summary["rows"]["areas"] == 1
    outcome = wangge("restore", tmp_path / "backup.gpkg", "--database", again)
    assert (outcome.code, outcome.err) == (0, "")
    with closing(Database(again)) as database, database.read() as session:
        assert session.scalars(select(Area.code)).all() == ["1"]
    outcome = wangge("restore", tmp_path / "backup.gpkg", "--database", again)
    assert outcome.code == 2
    assert len(outcome.err.splitlines()) == 1


def test_the_database_may_be_named_by_the_environment(
    wangge: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANGGE_DATABASE", f"sqlite:///{tmp_path}/named.gpkg")
    assert wangge("migrate").code == 0
    assert (tmp_path / "named.gpkg").is_file()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite:////nowhere/at/all.gpkg", "/nowhere/at"),
        ("postgresql+psycopg://wangge:secret@127.0.0.1:1/none", "127.0.0.1:1/none"),
        ("mysql://host/name", "SQLite or PostgreSQL"),
    ],
)
@pytest.mark.parametrize("command", ["migrate", "backup", "restore"])
def test_a_database_that_cannot_be_used_is_told_in_one_line(
    wangge: Run, migrated_sqlite: Path, tmp_path: Path, command: str, url: str, words: str
) -> None:
    file = {"migrate": [], "backup": [tmp_path / "new.gpkg"], "restore": [migrated_sqlite]}[command]
    outcome = wangge(command, *file, "--database", url)
    assert outcome.code == 2
    assert words in outcome.err
    assert "secret" not in outcome.err
    assert len(outcome.err.splitlines()) == 1
    assert outcome.out == ""
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_told_in_one_line(
    wangge: Run, migrated_sqlite: Path, tmp_path: Path
) -> None:
    content = bytearray(migrated_sqlite.read_bytes())
    # A later SQLite's form of writing, for which this one only reads the file; rights do not bind root.
    content[18] = 3
    file = tmp_path / "read.gpkg"
    file.write_bytes(content)
    url = f"sqlite:///{file}"
    outcome = wangge("token", "create", "t", "--role", "viewer", "--everywhere", "--database", url)
    assert outcome.code == 2
    assert outcome.err == "wangge: the database cannot be used: attempt to write a readonly database.\n"
