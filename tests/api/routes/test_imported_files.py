"""Files of all makes over HTTP: what is assumed or mended on the way stands in the result of the job."""

import json
import struct
import time
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyogrio
import pytest

from tests.api.routes.conftest import SOUTH, STEP, WEST, Client
from tests.layers.formats.test_geometries import arc_disc
from tests.layers.formats.test_shapefile import CHINESE, make_shapefile


def job_of(client: httpx.Client, route: str, path: Path, **form: str) -> dict[str, Any]:
    answer = client.post(route, files={"file": (path.name, path.read_bytes())}, data=form)
    assert answer.status_code == 202, answer.text
    for _ in range(1200):
        job: dict[str, Any] = client.get(answer.headers["Location"]).json()
        if job["state"] in ("done", "failed"):
            return job
        time.sleep(0.05)
    raise AssertionError(job)


def test_areas_with_an_open_ring_whose_parent_is_not_there(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "county.geojson"
    ring = [[116, 39], [116.1, 39], [116.1, 39.1], [116, 39.1]]
    properties = {"adcode": 110101, "name": "东城区", "level": "county", "parent": {"adcode": 110100}}
    feature = {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    admin = client()
    job = job_of(admin, "/v1/imports/areas", path)
    assert job["state"] == "done", job
    assert (job["result"]["inserted"], job["result"]["notes"]) == (
        1,
        [
            "The file: record 1 had a ring that was not closed; it is closed",
            "area '110101' names a parent that is not among the areas (110100), and is taken as the top",
        ],
    )
    assert admin.get("/v1/areas/110101").json()["parent"] is None


def test_arcs_and_long_numbers_of_entities(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "parks.gpkg"
    disc = arc_disc(WEST + 0.5 * STEP, SOUTH + 0.5 * STEP, STEP / 10)
    collection = struct.pack("<BII", 1, 12, 1) + disc
    table = pa.table(
        {
            "id": ["p1", "p2"],
            "licence": pa.array([440305199901010011, None], pa.int64()),
            "g": pa.array([disc, collection], pa.binary()),
        }
    )
    options: dict[str, Any] = {"geometry_name": "g", "geometry_type": "Unknown", "crs": "EPSG:4326"}
    pyogrio.write_arrow(table, path, driver="GPKG", **options)
    admin = client()
    job = job_of(admin, "/v1/imports", path, kind="park")
    assert job["state"] == "done", job
    assert job["result"]["inserted"] == 2
    listed = admin.get("/v1/entities", params={"kind": "park"}).json()["items"]
    assert [each["attributes"] for each in listed] == [{"licence": 440305199901010011}, {}]


@pytest.mark.parametrize(
    ("form", "notes"),
    [
        (
            {},
            [
                (
                    "The file does not say how its text is encoded and is read as GB 18030; "
                    "if names look wrong, give the encoding with encoding"
                )
            ],
        ),
        ({"encoding": "gbk"}, []),
    ],
)
def test_the_encoding_of_a_zipped_shapefile(
    client: Client, tmp_path: Path, form: dict[str, str], notes: list[str]
) -> None:
    source = make_shapefile(tmp_path, "gb18030", 0x57, None)
    path = tmp_path / "zones.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for suffix in (".shp", ".shx", ".dbf", ".prj"):
            archive.write(source.with_suffix(suffix), f"zones{suffix}")
    admin = client()
    job = job_of(admin, "/v1/imports", path, kind="zone", id_field="code", **form)
    assert job["state"] == "done", job
    assert job["result"].get("notes", []) == notes
    listed = admin.get("/v1/entities", params={"kind": "zone"}).json()["items"]
    assert [each["attributes"]["label"] for each in listed] == list(CHINESE)
