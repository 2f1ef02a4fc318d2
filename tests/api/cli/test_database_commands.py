"""The commands that make, keep and bring back a database."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import shapely
from sqlalchemy import select

from api.security.accounts import change_password, create_account, list_accounts, list_tokens
from api.security.principal import SYSTEM, Role
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


def test_a_restore_ends_what_has_ended_since_and_lists_who_may_enter(
    wangge: Run, migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    present, again = f"sqlite:///{tmp_path}/present.gpkg", f"sqlite:///{tmp_path}/again.gpkg"
    monkeypatch.setenv("WANGGE_DATABASE", present)
    (tmp_path / "present.gpkg").write_bytes(migrated_sqlite.read_bytes())
    with closing(Database(present)) as database, database.write() as session:
        for name in ("li", "wang"):
            create_account(session, SYSTEM, name, Role.viewer, None, "correct horse battery")
    for name in ("first", "second", "third"):
        wangge("token", "create", name, "--role", "viewer", "--everywhere")
    wangge("token", "revoke", "3")
    assert wangge("backup", tmp_path / "backup.gpkg").code == 0
    wangge("token", "revoke", "2")
    wangge("account", "disable", "li")
    with closing(Database(present)) as database, database.write() as session:
        change_password(session, SYSTEM, "wang", "another horse battery")

    review = wangge("restore", tmp_path / "backup.gpkg", "--database", again, "--json").summary["review"]
    assert review == {
        "tokens": ["1 first"],
        "accounts": ["wang"],
        "revoked": ["2 second"],
        "disabled": ["li"],
        "passwords": ["wang"],
        "ended_before": ["3 third"],
    }
    with closing(Database(again)) as database, database.read() as session:
        assert [each.revoked_at is None for each in list_tokens(session, SYSTEM)] == [True, False, False]
        assert [each.disabled_at is None for each in list_accounts(session, SYSTEM)] == [False, True]

    (tmp_path / "present.gpkg").unlink()
    alone = wangge("restore", tmp_path / "backup.gpkg")
    assert "token 1 first, token 2 second, account li, account wang" in alone.out
    assert "Review them" in alone.out
    assert "No present database was compared" in alone.out
    for replaces in (present, f"sqlite:///{tmp_path}/none.gpkg"):
        refused = wangge("restore", tmp_path / "backup.gpkg", "--replaces", replaces)
        assert (refused.code, len(refused.err.splitlines())) == (2, 1)
