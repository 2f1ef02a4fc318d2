"""The embedded file stays a GeoPackage to other programs while the service publishes and edits."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from layers.db import geopackage
from tests.layers.squares import spot
from tests.service import dataset
from tests.service.dataset import EVEN_SPLIT, ODD_SPLIT, draft_plan, nth_day, publish_plan
from tests.service.processes import serving

ENTITIES = 60
_SYSTEM_PYTHON = "/usr/bin/python3"

# GDAL has a SQLite of its own, and gets a process of its own, as QGIS is one.
_READ = """
import json, sys
import pyogrio
read = {}
for layer, _ in pyogrio.list_layers(sys.argv[1]):
    info = pyogrio.read_info(sys.argv[1], layer=layer)
    frame = pyogrio.read_dataframe(sys.argv[1], layer=layer)
    read[str(layer)] = {"crs": info["crs"], "rows": len(frame), "columns": list(frame.columns)}
print(json.dumps(read))
"""
_VALIDATE = """
import sys
from osgeo_utils.samples import validate_gpkg
sys.exit(validate_gpkg.main(["validate_gpkg", "-v", sys.argv[1]]))
"""


def require_validator() -> None:
    """Skip without GDAL's validator, which belongs to the system's Python; in CI it must be there."""
    known = "from osgeo_utils.samples import validate_gpkg"
    if subprocess.run([_SYSTEM_PYTHON, "-c", known], check=False, capture_output=True).returncode:
        reason = "GDAL's validator is not there; .ci/system-packages tests installs it"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


def validate(path: Path, scratch: Path) -> None:
    """Fail if GDAL's validator finds anything wrong in a file."""
    code, said = judge(path)
    if "_update1 trigger missing" in said:
        # An older GDAL asks for the names that two triggers had before GeoPackage 1.4.
        with closing(sqlite3.connect(path)) as file, closing(sqlite3.connect(scratch)) as copy:
            file.backup(copy)
            named = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE ?"
            for new, old in (("_update6", "_update1"), ("_update7", "_update3")):
                for name, statement in copy.execute(named, (f"%{new}",)).fetchall():
                    copy.execute(f"DROP TRIGGER {name}")
                    copy.execute(statement.replace(name, name.replace(new, old)))
        code, said = judge(scratch)
        scratch.unlink()
    assert code == 0, said


def judge(path: Path) -> tuple[int, str]:
    """Run GDAL's validator."""
    done = subprocess.run(
        [_SYSTEM_PYTHON, "-c", _VALIDATE, path], check=False, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


def change_entities(client: httpx.Client) -> None:
    """Make one, move one, take a location away, and end one."""
    place = spot((0, 0))
    geometry = {"type": "Point", "coordinates": [place.x, place.y]}
    made = {"kind": "sensor", "external_id": "new", "geometry": geometry, "on": str(nth_day(2))}
    client.post("/v1/entities", json=made).raise_for_status()
    listed = client.get("/v1/entities", params={"kind": "household"}).raise_for_status().json()["items"]
    for each, given in zip(listed, ({"geometry": geometry}, {"geometry": None}), strict=False):
        headers = {"If-Match": f'"{each["version"]}"'}
        changes = {**given, "on": str(nth_day(2))}
        client.patch(f"/v1/entities/{each['id']}", json=changes, headers=headers).raise_for_status()
    last = listed[-1]
    headers = {"If-Match": f'"{last["version"]}"'}
    client.delete(f"/v1/entities/{last['id']}", headers=headers).raise_for_status()


def read_by_gdal(path: Path) -> dict[str, Any]:
    """Read every layer as another program does."""
    done = subprocess.run([sys.executable, "-c", _READ, path], check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def assert_sound(path: Path) -> None:
    """Fail if SQLite, GDAL's reader or GDAL's validator find anything wrong."""
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        for layer in geopackage.LAYERS:
            check = file.execute("SELECT rtreecheck(?)", (geopackage.rtree_name(layer),))
            assert check.fetchone() == ("ok",)
        rows = {
            layer: file.execute(f"SELECT count(*) FROM {layer}").fetchone()[0]
            for layer in (*geopackage.LAYERS, *geopackage.ATTRIBUTE_TABLES)
        }
    read = read_by_gdal(path)
    assert {layer: found["rows"] for layer, found in read.items()} == rows
    for layer, found in read.items():
        assert found["crs"] == ("EPSG:4326" if layer in geopackage.LAYERS else None)
    validate(path, path.with_name("copy.gpkg"))


@pytest.mark.parametrize("copy_of", ["sqlite"], indirect=True)
def test_the_file_is_a_valid_geopackage_while_it_is_served_and_afterwards(
    copy_of: Callable[[str], str], tmp_path: Path, show: Callable[[str], None]
) -> None:
    require_validator()
    url = copy_of("migrated")
    path = Path(url.removeprefix("sqlite:///"))
    assert_sound(path)
    token = dataset.prepare_database(url, dataset.county_and_towns())
    dataset.load_entities(url, dataset.write_entities(tmp_path / "entities.csv", ENTITIES, 0), nth_day(0))
    with serving(tmp_path, url, token) as server:
        server.client.post("/v1/schemes", json={"code": "community", "name": "社区"}).raise_for_status()
        publish_plan(server.client, draft_plan(server.client, EVEN_SPLIT), nth_day(0)).raise_for_status()
        assert_sound(path)
        change_entities(server.client)
        publish_plan(server.client, draft_plan(server.client, ODD_SPLIT), nth_day(3)).raise_for_status()
        assert_sound(path)
    assert_sound(path)
    show("SQLite: pyogrio, integrity_check and GDAL's validator find nothing wrong in the GeoPackage served")
