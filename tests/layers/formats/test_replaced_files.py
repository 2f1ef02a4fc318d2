"""Files that are written over others: journals, permissions and links of what was there."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from gis.errors import InputError
from layers.formats import read_layer, validate_outputs, write_layer

_WRITER = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1])
connection.execute(f"PRAGMA journal_mode = {sys.argv[2]}")
connection.execute("PRAGMA cache_size = 1")
if sys.argv[3] == "begun":
    connection.execute("BEGIN")
connection.execute("CREATE TABLE notes AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                   " LIMIT 20000) SELECT i, hex(randomblob(50)) AS text FROM n")
if sys.argv[3] == "done":
    connection.commit()
print("written", flush=True)
time.sleep(600)
"""


def layer(count: int) -> gpd.GeoDataFrame:
    squares = [shapely.box(114 + 0.01 * k, 22, 114.01 + 0.01 * k, 22.01) for k in range(count)]
    return gpd.GeoDataFrame({"code": [str(k) for k in range(count)]}, geometry=squares, crs=4326)


def editor(path: Path, mode: str, state: str) -> subprocess.Popen[str]:
    """A program that has written into a file and holds it open."""
    process = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(path), mode, state], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.mark.parametrize("state", ["begun", "done"])
@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_what_a_killed_program_left_beside_a_geopackage_goes_with_it(
    tmp_path: Path, mode: str, state: str
) -> None:
    path = tmp_path / "cells.gpkg"
    write_layer(path, layer(3))
    process = editor(path, mode, state)
    end(process)
    write_layer(path, layer(5))
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    assert len(read_layer(path, role="cells")) == 5
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'notes'").fetchone() == (
            0,
        )


@pytest.mark.parametrize(("mode", "state"), [("WAL", "begun"), ("WAL", "done"), ("DELETE", "begun")])
def test_a_geopackage_that_another_program_has_open_is_not_replaced(
    tmp_path: Path, mode: str, state: str
) -> None:
    path = tmp_path / "cells.gpkg"
    write_layer(path, layer(3))
    process = editor(path, mode, state)
    try:
        with pytest.raises(InputError, match="open in another program"):
            validate_outputs(layers=[path])
        with pytest.raises(InputError, match="open in another program"):
            write_layer(path, layer(5))
    finally:
        end(process)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM cells").fetchone() == (3,)
        kept = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'notes'").fetchone()
        assert kept == (1 if state == "done" else 0,)


@pytest.mark.parametrize("name", ["cells.gpkg", "cells.csv", "cells.geojson", "cells.parquet", "cells.fgb"])
def test_a_replaced_file_keeps_its_permissions_and_a_link_stays_a_link(tmp_path: Path, name: str) -> None:
    path, link = tmp_path / name, tmp_path / f"link-{name}"
    write_layer(path, layer(2))
    path.chmod(0o600)
    link.symlink_to(path)
    write_layer(link, layer(4))
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(read_layer(path, role="cells")) == 4


def test_journals_of_a_file_that_is_no_database_go_too(tmp_path: Path) -> None:
    path = tmp_path / "cells.gpkg"
    path.write_bytes(b"no database" * 100)
    Path(f"{path}-wal").write_bytes(os.urandom(4000))
    write_layer(path, layer(2))
    assert len(read_layer(path, role="cells")) == 2
    assert not Path(f"{path}-wal").exists()
