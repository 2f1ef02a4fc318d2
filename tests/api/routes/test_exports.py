"""Exports over HTTP: every form, jurisdiction, personal values for those who may see them, and expiry."""

import io
import os
import time
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import httpx
from sqlalchemy import update

from api.jobs import export_files
from layers.db.database import Database
from layers.formats import read_layer
from layers.models import Job
from tests.api.routes.conftest import SOUTH, STEP, WEST, Client
from tests.api.routes.test_jobs import ended

SECRET = "13800001234"


def fill(admin: httpx.Client) -> None:
    """A household in either town."""
    for number, column in enumerate((0.5, 2.5)):
        body = {
            "kind": "household",
            "external_id": f"h{number}",
            "attributes": {"persons": number + 1},
            "personal": {"phone": SECRET},
            "geometry": {"type": "Point", "coordinates": [WEST + column * STEP, SOUTH + 0.5 * STEP]},
            "on": "2026-01-01",
        }
        assert admin.post("/v1/entities", json=body).status_code == 201


def exported_by(client: httpx.Client, **asked: Any) -> tuple[dict[str, Any], httpx.Response]:
    job = ended(client, client.post("/v1/exports", json=asked))
    return job, client.get(f"/v1/exports/{job['id']}/file")


def read(answer: httpx.Response, form: str, tmp_path: Path) -> gpd.GeoDataFrame:
    assert answer.status_code == 200, answer.text
    path = tmp_path / f"out{export_files.EXPORT_FORMATS[form].suffix}"
    path.write_bytes(answer.content)
    return read_layer(path, role="entities").sort_values("id", ignore_index=True)


def test_a_layer_comes_as_a_file_in_the_form_asked_for(client: Client, tmp_path: Path) -> None:
    admin = client()
    fill(admin)
    # The others differ by nothing that is decided here.
    for name in ("gpkg", "csv", "shp"):
        form = export_files.EXPORT_FORMATS[name]
        job, answer = exported_by(admin, layer="entities", format=name, kind="household")
        assert job["result"]["rows"] == 2
        assert job["result"]["bytes"] == len(answer.content)
        assert answer.headers["Content-Disposition"].startswith('attachment; filename="wangge-entities-')
        assert answer.headers["Content-Type"] == form.media_type
        assert answer.headers["Cache-Control"] == "no-store"
        assert read(answer, name, tmp_path)["persons"].tolist() == [1, 2]
        assert SECRET.encode() not in answer.content
        part = admin.get(f"/v1/exports/{job['id']}/file", headers={"Range": "bytes=3-9"})
        assert (part.status_code, part.content) == (206, answer.content[3:10])
        if name == "shp":
            names = zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
            assert {"entities.shp", "entities.dbf", "entities.prj"} <= set(names)
    kept = sorted((tmp_path / "exports").rglob("*"))
    # A folder and a file for each: they may hold what is personal.
    assert [oct(each.stat().st_mode & 0o777) for each in kept if each.is_file()] == ["0o600"] * 3
    assert {oct(each.stat().st_mode & 0o777) for each in (tmp_path / "exports", *kept) if each.is_dir()} == {
        "0o700"
    }


def test_a_caller_gets_what_lies_in_their_area_and_nobody_elses_file(client: Client, tmp_path: Path) -> None:
    admin, west, east = client(), client("viewer", "440305001"), client("viewer", "440305002")
    county = client("viewer", "440305")
    fill(admin)
    job, answer = exported_by(west, layer="entities", format="geojson")
    assert read(answer, "geojson", tmp_path)["id"].tolist() == ["h0"]
    path = f"/v1/exports/{job['id']}/file"
    assert east.get(path).status_code == 404
    assert county.get(path).content == answer.content
    assert west.post("/v1/exports", json={"layer": "areas", "area_code": "440305"}).status_code == 403
    whole, _ = exported_by(admin, layer="entities", format="geojson")
    assert west.get(f"/v1/exports/{whole['id']}/file").status_code == 404
    assert county.get(f"/v1/exports/{whole['id']}/file").status_code == 404
    part, answer = exported_by(county, layer="areas", area_code="440305002", format="csv")
    assert part["area_code"] == "440305002"
    assert b"440305001" not in answer.content
    assert east.get(f"/v1/exports/{part['id']}/file").status_code == 200


def test_personal_values_are_asked_for_with_the_right_and_audited(client: Client) -> None:
    admin, viewer, publisher = client(), client("viewer"), client("publisher")
    fill(admin)
    asked = {"layer": "entities", "format": "csv", "reveal": True}
    assert viewer.post("/v1/exports", json=asked).status_code == 403
    job, answer = exported_by(publisher, **asked)
    assert SECRET in answer.text
    assert viewer.get(f"/v1/exports/{job['id']}/file").status_code == 403
    assert admin.get(f"/v1/exports/{job['id']}/file").status_code == 200
    # Nor when the page of another site has made a browser ask, which is not audited either.
    foreign = {"Sec-Fetch-Site": "same-site"}
    assert admin.get(f"/v1/exports/{job['id']}/file", headers=foreign).status_code == 403
    revealed = admin.get("/v1/audit", params={"action": "personal data revealed"}).json()["items"]
    assert [each["details"] for each in revealed] == [{"export": job["id"], "count": 2}] * 2
    assert {each["actor"].split()[-2] for each in revealed} == {"publisher", "admin"}
    assert len(admin.get("/v1/audit", params={"action": "exported"}).json()["items"]) == 1
    assert SECRET not in admin.get("/v1/audit").text + admin.get("/v1/jobs").text


REFUSED: list[tuple[dict[str, Any], int]] = [
    ({"layer": "cells"}, 422),
    ({"layer": "gaps"}, 422),
    ({"layer": "entities", "cell": "440305001-1"}, 422),
    ({"layer": "areas", "kind": "sensor"}, 422),
    ({"layer": "areas", "reveal": True}, 422),
    ({"layer": "areas", "box": "1,2,3"}, 422),
    ({"layer": "people"}, 422),
    ({"layer": "officers", "kind": "leader"}, 422),
    ({"layer": "areas", "format": "exe"}, 422),
    ({"layer": "cells", "scheme": "none"}, 404),
    ({"layer": "areas", "area_code": "none"}, 404),
]


def test_what_cannot_be_exported_is_told_at_once(client: Client) -> None:
    admin = client()
    for asked, status in REFUSED:
        answer = admin.post("/v1/exports", json=asked)
        assert answer.status_code == status, (asked, answer.text)
    assert admin.get("/v1/jobs").json()["items"] == []


def test_a_file_is_there_when_the_job_is_done_and_until_it_expires(
    client: Client, ground: Database, tmp_path: Path
) -> None:
    admin = client()
    assert admin.get("/v1/exports/1/file").status_code == 404
    job, answer = exported_by(admin, layer="areas", format="csv")
    assert answer.status_code == 200
    with ground.write() as session:
        result = {**job["result"], "expires_at": "2026-01-01T00:00:00+00:00"}
        session.execute(update(Job).where(Job.id == job["id"]).values(result=result))
    late = admin.get(f"/v1/exports/{job['id']}/file")
    assert late.status_code == 404
    assert "expired" in late.json()["detail"]
    with ground.write() as session:
        session.execute(update(Job).where(Job.id == job["id"]).values(state="running"))
    assert admin.get(f"/v1/exports/{job['id']}/file").status_code == 409


def test_expired_files_are_removed_and_others_stay(tmp_path: Path) -> None:
    export_files.remove_expired(tmp_path, 3600)
    asked = {"layer": "areas", "format": "csv"}
    old, new = (
        export_files.export_path(tmp_path, {**asked, "place": export_files.new_folder_name()})
        for _ in range(2)
    )
    for path in (old, new):
        path.parent.mkdir(parents=True)
        path.touch()
    hour_ago = time.time() - 3700
    os.utime(old.parent, (hour_ago, hour_ago))
    export_files.remove_expired(tmp_path, 3600)
    assert (old.parent.exists(), new.exists()) == (False, True)
    outside = export_files.export_path(tmp_path, {**asked, "place": "../../elsewhere"})
    assert outside.parent.parent == new.parent.parent


def test_an_export_that_fails_leaves_no_file(client: Client, tmp_path: Path) -> None:
    admin = client()
    assert admin.post("/v1/schemes", json={"code": "s", "name": "s"}).status_code == 201
    job, answer = exported_by(admin, layer="gaps", scheme="s")
    assert job["state"] == "failed"
    assert "have not been analysed" in job["error"]
    assert answer.status_code == 409
    for _ in range(600):
        if not list(tmp_path.glob("exports/*")):
            break
        time.sleep(0.1)
    assert list(tmp_path.glob("exports/*")) == []
