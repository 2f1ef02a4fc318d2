"""A folder to work in goes with the work, or with the next work if its process was killed."""

import signal
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from layers.db.temp_dir import temporary_path
from tests.forkserver import forkserver


def work(folder: Path, say: Connection) -> None:
    with temporary_path(folder, ".a.gpkg-", "a.gpkg") as part:
        part.write_text("half")
        part.with_name("a.gpkg-wal").write_text("of it")
        say.send(part.parent.name)
        signal.pause()


def held(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


def test_what_a_killed_process_left_goes_and_what_another_works_in_stays(tmp_path: Path) -> None:
    hear, say = forkserver.Pipe(duplex=False)
    working = [forkserver.Process(target=work, args=(tmp_path, say)) for _ in range(2)]
    for process in working:
        process.start()
    folders = {hear.recv(), hear.recv()}
    assert held(tmp_path) == folders
    working[0].kill()
    working[0].join()
    with temporary_path(tmp_path, ".a.gpkg-", "a.gpkg") as part:
        left = held(tmp_path) - {part.parent.name}
        assert len(left) == 1
        assert left < folders
    assert held(tmp_path) == left
    working[1].kill()
    working[1].join()
    with temporary_path(tmp_path, ".a.gpkg-", "a.gpkg"):
        pass
    assert held(tmp_path) == set()
    for process in working:
        process.close()


def test_what_is_not_of_such_work_stays(tmp_path: Path) -> None:
    (tmp_path / ".a.gpkg-mine").mkdir()
    (tmp_path / ".a.gpkg-mine" / "notes.txt").write_text("kept")
    (tmp_path / ".ab.gpkg-12345678").mkdir()
    (tmp_path / ".a.gpkg-file").write_text("kept")
    (tmp_path / ".a.gpkg-link").symlink_to(tmp_path / ".ab.gpkg-12345678")
    before = held(tmp_path)
    with temporary_path(tmp_path, ".a.gpkg-", "a.gpkg"):
        pass
    assert held(tmp_path) == before


def test_it_goes_when_the_work_fails_too(tmp_path: Path) -> None:
    place = temporary_path(tmp_path, ".a.gpkg-", "a.gpkg")
    with pytest.raises(IsADirectoryError), place as part:
        part.parent.write_text("half")
    assert held(tmp_path) == set()
