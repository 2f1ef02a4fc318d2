"""What one caller may ask of the jobs: time, computed files, places in the queue."""

import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import pytest
import shapely
from sqlalchemy import select

from api.jobs.job_requests import JobRequests
from api.security.principal import SYSTEM
from api.settings import ServiceSettings
from gis.crs import LONLAT
from gis.errors import BusyError, InputError
from layers.db.database import Database
from layers.formats.sqlite_files import require_stored_rows
from layers.jobs.queue import claim, complete, enqueue
from layers.models import Job, JobState
from tests.api.jobs.test_worker import Start, entities, sensors, start, wait_for

__all__ = ["start"]

ENDLESS = "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r)"
VIEW = (
    f"CREATE VIEW v AS {ENDLESS} SELECT x AS fid, (SELECT geom FROM areas) AS geom FROM r;"
    "UPDATE gpkg_contents SET table_name = 'v', identifier = 'v';"
    "UPDATE gpkg_geometry_columns SET table_name = 'v'"
)


@pytest.fixture
def layer(tmp_path: Path) -> Callable[..., Path]:
    """Make a GeoPackage and change it."""

    def make(name: str, statements: str = "") -> Path:
        path = tmp_path / "made.gpkg"
        path.unlink(missing_ok=True)
        frame = gpd.GeoDataFrame({"code": ["1"]}, geometry=[shapely.box(114, 22, 115, 23)], crs=LONLAT)
        frame.to_file(path, layer="areas")
        with closing(sqlite3.connect(path)) as file:
            file.executescript(f"PRAGMA foreign_keys = OFF; PRAGMA writable_schema = ON; {statements}")
        return path.rename(tmp_path / name)

    return make


@pytest.mark.parametrize(
    ("name", "statements", "words"),
    [
        ("a.gpkg", VIEW, "'v' is a view"),
        # GDAL goes by what a file holds.
        ("a.geojson", VIEW, "'v' is a view"),
        ("a.fgb", VIEW, "'v' is a view"),
        ("a.gpkg", "CREATE VIEW other AS SELECT 1", "'other' is a view"),
        (
            "a.gpkg",
            f"DROP TABLE gpkg_extensions; CREATE VIEW gpkg_extensions AS {ENDLESS} SELECT x FROM r",
            "'gpkg_extensions' is a view",
        ),
        ("a.gpkg", "ALTER TABLE areas ADD COLUMN big AS (hex(zeroblob(400000000)))", "'big' of 'areas'"),
        ("a.gpkg", "CREATE VIRTUAL TABLE words USING fts5(a)", "'words' is a virtual table"),
    ],
)
def test_a_database_that_computes_its_rows_is_refused(
    layer: Callable[..., Path], name: str, statements: str, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        require_stored_rows(layer(name, statements))


def test_a_database_in_an_archive_is_refused_and_what_is_sound_is_not(
    layer: Callable[..., Path], tmp_path: Path
) -> None:
    sound = layer("sound.gpkg")
    require_stored_rows(sound)
    require_stored_rows(sensors(tmp_path / "s.csv", 3))
    for member in ("a.gpkg", "a.shp"):
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.write(sound, member)
        with pytest.raises(InputError, match=f"holds a database, '{member}'"):
            require_stored_rows(tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(tmp_path / "s.csv", "a.shp")
    require_stored_rows(tmp_path / "a.zip")


@pytest.mark.parametrize("copy_of", ["sqlite"], indirect=True)
def test_an_endless_view_fails_at_once_and_what_takes_too_long_is_ended(
    database: Database, layer: Callable[..., Path], tmp_path: Path, start: Start
) -> None:
    layer("view.gpkg", VIEW)
    sensors(tmp_path / "long.csv", 400_000)
    with database.write() as session:
        numbers = [
            enqueue(session, "import-entities", {"file": name, **given}, created_by="test", area_code=None).id
            for name, given in (("view.gpkg", {"kind": "sensor"}), ("long.csv", {}))
        ]
    start(job_s=2.0)
    view, long = (wait_for(database, each, lambda job: job.ended_at is not None) for each in numbers)
    assert (view.state, long.state) == (JobState.failed, JobState.failed)
    assert view.error == "The file: 'v' is a view; give tables only, as a new file."
    assert long.error == "This took longer than 2 s; nothing was kept. Give less at once."
    assert entities(database) == 0


def test_jobs_of_other_kinds_run_beside_an_import(database: Database, tmp_path: Path, start: Start) -> None:
    sensors(tmp_path / "long.csv", 80_000)
    with database.write() as session:
        slow = enqueue(session, "import-entities", {"file": "long.csv"}, created_by="a", area_code=None).id
    start(job_workers=2)
    wait_for(database, slow, lambda job: job.done > 0)
    with database.write() as session:
        # It fails, for there is no such plan: that it does so beside the import is enough.
        quick = enqueue(session, "check", {"plan": 1}, created_by="b", area_code=None).id
    wait_for(database, quick, lambda job: job.ended_at is not None)
    with database.read() as session:
        first, second = session.scalars(select(Job).order_by(Job.id)).all()
    assert second.ended_at is not None
    assert first.ended_at is None or second.started_at < first.ended_at
    assert wait_for(database, slow, lambda job: job.ended_at is not None).state == JobState.done
    assert entities(database) == 80_000


@pytest.mark.parametrize("copy_of", ["sqlite"], indirect=True)
def test_a_caller_has_so_many_jobs_and_bytes_waiting_and_another_is_not_concerned(
    database: Database, tmp_path: Path
) -> None:
    requests = JobRequests(ServiceSettings(queued_jobs=3, queued_bytes=2000), tmp_path)
    other = SimpleNamespace(label="another")

    def ask(caller: object, **parameters: str) -> int:
        with database.write() as session:
            return requests.enqueue(session, caller, "import-entities", parameters, None).id  # type: ignore[arg-type]

    (tmp_path / "large").write_bytes(bytes(3000))
    (tmp_path / "small").write_bytes(bytes(500))
    # What is too large beside others may come by itself: its own size has another limit.
    first = ask(SYSTEM, file="large")
    with pytest.raises(BusyError, match="3,500 bytes"):
        ask(SYSTEM, file="small")
    ask(other, file="small")
    ask(SYSTEM)
    ask(SYSTEM)
    with pytest.raises(BusyError, match="3 jobs of yours") as refused:
        ask(SYSTEM)
    assert refused.value.retry_after_s > 0
    ask(other)
    with database.write() as session:
        assert claim(session) is not None
    with pytest.raises(BusyError):
        ask(SYSTEM)
    with database.write() as session:
        complete(session, first, {})
    ask(SYSTEM, file="small")
