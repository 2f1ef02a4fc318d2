"""Jobs over HTTP: imports and divisions, their progress, their end, and files that mean harm."""

import io
import json
import time
import zipfile
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import httpx
import pytest
import shapely
from pyproj import Transformer
from sqlalchemy import create_engine, func, select, text

from api.security.accounts import create_token
from api.security.principal import SYSTEM, Role
from api.settings import ServiceSettings
from layers.db.database import Database
from layers.jobs.queue import enqueue, find_job, heartbeat
from layers.models import Entity, JobState
from tests.api.routes.conftest import SOUTH, STEP, WEST, Client, serving

LONG = 200_000
HEADER = "id,kind,name,contact,lon,lat\n"


def row(number: int, column: float, name: str = "shop") -> str:
    return f"e{number},enterprise,{name},张伟,{WEST + column * STEP},{SOUTH + 0.5 * STEP}\n"


def ended(client: httpx.Client, answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 202, answer.text
    for _ in range(1200):
        job: dict[str, Any] = client.get(answer.headers["Location"]).json()
        if job["state"] in ("done", "failed", "cancelled"):
            return job
        time.sleep(0.05)
    raise AssertionError(job)


def upload(client: httpx.Client, name: str, content: str | bytes, **form: str) -> dict[str, Any]:
    return ended(client, client.post("/v1/imports", files={"file": (name, content)}, data=form))


def test_an_import_is_counted_and_streamed(client: Client) -> None:
    admin = client()
    table = HEADER + row(1, 0.5) + row(2, 2.5) + row(2, 1.5)
    answer = admin.post("/v1/imports", files={"file": ("e.csv", table)})
    with admin.stream("GET", answer.headers["Location"] + "/stream") as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        events = [json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: ")]
    job = events[-1]
    assert job["state"] == "done", job
    assert job["result"]["inserted"] == 2
    assert job["result"]["rejected_records"] == [{"record": 3, "id": "e2", "reason": "duplicate_id"}]
    listed = admin.get("/v1/entities").json()["items"]
    assert {each["external_id"]: each["area_code"] for each in listed} == {
        "e1": "440305001",
        "e2": "440305002",
    }
    assert upload(admin, "e.csv", HEADER + row(1, 0.5) + row(2, 2.5, "new"))["result"]["updated"] == 1


def test_a_caller_imports_into_their_area_only(client: Client) -> None:
    bound = client("integrator", "440305001")
    job = upload(bound, "e.csv", HEADER + row(1, 0.5) + row(2, 2.5))
    assert (job["result"]["inserted"], job["result"]["rejected"]) == (1, 1)
    assert client("viewer", "440305002").get(f"/v1/jobs/{job['id']}").status_code == 404


def test_an_area_is_divided_and_the_draft_is_valid(client: Client) -> None:
    admin = client()
    admin.post("/v1/schemes", json={"code": "s", "name": "s"})
    body = {"scheme": "s", "name": "squares", "size_m": 500, "area_code": "440305001"}
    job = ended(admin, admin.post("/v1/divisions", json=body))
    assert job["state"] == "done", job
    assert admin.post(f"/v1/plans/{job['result']['plan']}/check").json()["valid"]


def test_cells_of_a_file_become_a_draft(client: Client) -> None:
    admin = client()
    admin.post("/v1/schemes", json={"code": "s", "name": "s"})
    cells = admin.get("/v1/areas", params={"f": "geojson", "level": "town"}).content
    answer = admin.post(
        "/v1/imports/cells",
        files={"file": ("cells.geojson", cells)},
        data={"scheme": "s", "name": "towns"},
    )
    job = ended(admin, answer)
    assert job["state"] == "done", job
    assert admin.post(f"/v1/plans/{job['result']['plan']}/check").json()["valid"]


def test_a_file_is_read_as_its_sender_says(client: Client, tmp_path: Path) -> None:
    """A table in metres with columns of other names; a layer among several; each refused without the word."""
    admin = client()
    east, north = Transformer.from_crs(4326, 4547, always_xy=True).transform(
        WEST + 0.5 * STEP, SOUTH + 0.5 * STEP
    )
    table = f"id,kind,east,north\ne1,enterprise,{east},{north}\n"
    said = {"lon_field": "east", "lat_field": "north", "source_crs": "EPSG:4547"}
    assert upload(admin, "e.csv", table, **said)["result"]["inserted"] == 1
    assert [each["area_code"] for each in admin.get("/v1/entities").json()["items"]] == ["440305001"]
    assert upload(admin, "e.csv", table)["state"] == "failed"

    path = tmp_path / "several.gpkg"
    for number, name in enumerate(("old", "new")):
        place = shapely.Point(WEST + (0.5 + number) * STEP, SOUTH + 0.5 * STEP)
        gpd.GeoDataFrame({"id": [name], "kind": "sensor"}, geometry=[place], crs=4326).to_file(
            path, layer=name
        )
    content = path.read_bytes()
    unsaid = upload(admin, "e.gpkg", content)
    assert "several layers (old, new)" in unsaid["error"]
    assert upload(admin, "e.gpkg", content, layer="new")["result"]["inserted"] == 1
    listed = admin.get("/v1/entities", params={"kind": "sensor"}).json()["items"]
    assert [each["external_id"] for each in listed] == ["new"]


def test_a_table_is_read_as_the_command_line_reads_it(client: Client) -> None:
    admin = client()
    table = "sep=;\nid;kind;name;东经;北纬;\n1;shop;臺北市信義區;113,905;22°30'18\"N;\n".encode("big5hkscs")
    done = upload(admin, "e.csv", table)
    assert (done["state"], done["result"]["inserted"]) == ("done", 1)
    assert any("is read as Big5" in sentence for sentence in done["result"]["notes"])
    (entity,) = admin.get("/v1/entities", params={"kind": "shop"}).json()["items"]
    assert entity["name"] == "臺北市信義區"
    assert entity["geometry"]["coordinates"] == pytest.approx([113.905, 22.505])
    failed = upload(admin, "e.csv", 'id,kind,lon,lat\n1,"shop,1,2\n2,shop",1,2\n3,shop,1,2\n')
    assert failed["state"] == "failed"
    assert (
        "record 1 (line 2) opens a quotation mark that takes in the records up to line 3" in failed["error"]
    )


def test_what_a_file_lacks_is_told_in_words_of_the_form(client: Client) -> None:
    collection = {"type": "FeatureCollection", "crs": {"type": "name", "properties": {"name": "x"}}}
    job = upload(client(), "e.geojson", json.dumps({**collection, "features": []}))
    assert "source_crs" in job["error"]
    assert "--" not in job["error"]
    files = {"file": ("e.geojson", "{}")}
    for crs in ("x", "+proj=utm", "/etc/passwd", "EPSG:4547;EPSG:4326"):
        assert client().post("/v1/imports", files=files, data={"source_crs": crs}).status_code == 422


@cache
def bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(3):
            archive.writestr(f"{number}.shp", bytes(900 << 20))
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("e.gpkg", b"SQLite format 3\0 and no more"),
        ("e.geojson", b'{"type":"FeatureCollection","features":[{"type":"Feature"'),
        ("e.zip", b"PK\3\4 nothing"),
        ("e.parquet", b"PAR1"),
        ("e.csv", b"\xff\xfe\0"),
        ("e.csv", b"id,kind,name\n1,enterprise,a\n"),
    ],
)
def test_a_broken_file_is_told_in_one_sentence(client: Client, name: str, content: bytes) -> None:
    job = upload(client(), name, content)
    assert job["state"] == "failed"
    assert "program" not in job["error"]
    assert "/" not in job["error"].replace("and/or", "")


def test_a_bomb_is_not_unpacked(client: Client) -> None:
    admin = client()
    job = upload(admin, "e.zip", bomb())
    assert job["state"] == "failed"
    assert "unpacks" in job["error"]
    # A workbook is an archive too, and is taken only for a table.
    assert admin.post("/v1/imports", files={"file": ("e.xlsx", bomb())}).status_code == 422
    assert admin.post("/v1/schemes", json={"code": "community", "name": "c"}).status_code == 201
    form = {"scheme": "community", "name": "p", "units": "true"}
    answer = admin.post("/v1/imports/cells", files={"file": ("e.xlsx", bomb())}, data=form)
    assert "unpacks" in ended(admin, answer)["error"]


def test_a_name_does_not_lead_out_of_the_folder(client: Client) -> None:
    admin = client()
    assert upload(admin, "../../e.csv", HEADER + row(1, 0.5))["result"]["inserted"] == 1
    refused = admin.post("/v1/imports", files={"file": ("e.exe", b"")})
    assert refused.status_code == 422


def test_a_repeated_upload_is_one_job(client: Client) -> None:
    admin = client()
    headers = {"Idempotency-Key": "u"}
    files = {"file": ("e.csv", HEADER + row(1, 0.5))}
    first = admin.post("/v1/imports", files=files, headers=headers)
    again = admin.post("/v1/imports", files=files, headers=headers)
    assert again.json()["id"] == first.json()["id"]
    assert len(admin.get("/v1/jobs").json()["items"]) == 1


def running(client: httpx.Client) -> str:
    """Start an import that reads for seconds before it writes; return its address when it has begun."""
    table = HEADER + "".join(row(number, 0.5) for number in range(LONG))
    answer = client.post("/v1/imports", files={"file": ("e.csv", table)})
    assert answer.status_code == 202, answer.text
    for _ in range(1200):
        job = client.get(answer.headers["Location"]).json()
        if job["done"]:
            break
        time.sleep(0.05)
    assert job["state"] == "running", job
    return answer.headers["Location"]


def test_who_asked_for_a_job_cancels_it_and_nothing_of_it_is_kept(client: Client) -> None:
    importer, other = client("integrator"), client("integrator")
    path = running(importer)
    assert other.post(f"{path}/cancel").status_code == 403
    asked = importer.post(f"{path}/cancel")
    assert (asked.status_code, asked.json()["cancel_asked"]) == (200, True)
    with importer.stream("GET", f"{path}/stream") as stream:
        events = [json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: ")]
    assert (events[-1]["state"], events[-1]["result"], events[-1]["error"]) == ("cancelled", None, None)
    assert importer.get("/v1/entities").json()["items"] == []
    assert importer.post(f"{path}/cancel").status_code == 409


def test_a_service_that_stops_ends_its_job_and_leaves_nothing(ground: Database, tmp_path: Path) -> None:
    url = ground.url.render_as_string(hide_password=False)
    with ground.write() as session:
        _, token = create_token(session, SYSTEM, "importer", Role.integrator, None, timedelta(hours=1))
    headers = {"Authorization": f"Bearer {token}"}
    with (
        serving(ServiceSettings(database=url, uploads=tmp_path)) as address,
        httpx.Client(base_url=address, headers=headers, timeout=30) as importer,
    ):
        path = running(importer)
    with ground.read() as session:
        job = find_job(session, int(path.rsplit("/", 1)[1]))
        assert session.scalar(select(func.count()).select_from(Entity)) == 0
    assert job.state == JobState.failed
    assert "stopped" in str(job.error)


@pytest.mark.parametrize("copy_of", ["postgresql"], indirect=True)
def test_a_stream_outlasts_a_database_that_is_away_for_a_moment_and_says_when_it_stays_away(
    ground: Database, client: Client, postgresql_url: str
) -> None:
    with ground.write() as session:
        job = enqueue(session, "divide", {}, created_by="test", area_code=None)
        # Another server's, as it seems.
        job.state, job.heartbeat_at = JobState.running, datetime.now(UTC) + timedelta(hours=1)
        number = job.id
    name = ground.url.database
    away = f"ALTER DATABASE {name} ALLOW_CONNECTIONS false"
    back = f"ALTER DATABASE {name} ALLOW_CONNECTIONS true"
    apart = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
    server = create_engine(f"{postgresql_url}/postgres", isolation_level="AUTOCOMMIT")
    with server.connect() as connection, client().stream("GET", f"/v1/jobs/{number}/stream") as stream:
        lines = (line for line in stream.iter_lines() if line)
        assert [next(lines), json.loads(next(lines)[6:])["state"]] == ["event: job", "running"]
        connection.execute(text(away))
        connection.execute(text(apart), {"name": name})
        time.sleep(1)
        connection.execute(text(back))
        with ground.write() as session:
            heartbeat(session, number, 1, 2)
        assert [next(lines), json.loads(next(lines)[6:])["done"]] == ["event: job", 1]
        connection.execute(text(away))
        connection.execute(text(apart), {"name": name})
        assert [next(lines), json.loads(next(lines)[6:])["status"]] == ["event: problem", 503]
        assert list(lines) == []
        connection.execute(text(back))
    server.dispose()
