"""What is personal is masked, audited, not searched and not exported, by whichever route it comes in."""

import json
from typing import Any

import httpx
import pytest
import shapely

from layers.db.database import Database
from tests.api.routes.conftest import SOUTH, STEP, WEST, Client
from tests.api.routes.grid import DAY, address, cells, eventually, publish_cells
from tests.api.routes.test_exports import exported_by
from tests.api.routes.test_jobs import ended

SECRETS = {
    "紧急联系人": "诸葛一二",
    "备注": "请打13800001234",
    "证件": "110101199003077651",
    "phone_no": "13900005678",
    "owner": "欧阳三四",
    "qq": 987654321,
    "家庭": [{"姓名": "司马五六"}],
    "卡": "6222 0212 3456 7890 128",
}
VALUES = "诸葛 13800001234 110101199003077651 13900005678 欧阳 987654321 司马 0212 慕容"
OPEN = {"persons": 3, "residents": 3, "电话亭": "有", "address": "东路 1 号"}


def secrets_in(answer: httpx.Response) -> list[str]:
    text = answer.content.decode("utf-8", "ignore")
    return [secret for secret in VALUES.split() if secret in text]


def reveals(admin: httpx.Client) -> list[str]:
    entries = admin.get("/v1/audit", params={"action": "personal data revealed"}).json()["items"]
    return [each["subject"] for each in entries]


def point(column: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [WEST + column * STEP, SOUTH + 0.5 * STEP]}


def test_an_entity_is_written_by_requests(client: Client, ground: Database) -> None:
    publish_cells(ground, DAY)
    admin, viewer = client(), client("viewer")
    given = {"kind": "household", "external_id": "h1", "name": "慕容七八", "geometry": point(0.5)}
    made = admin.post("/v1/entities", json={**given, "attributes": {**SECRETS, **OPEN}})
    path = made.headers["Location"]
    changed = admin.patch(
        path,
        json={"class_name": "慕容 13800001234", "attributes": {"mobile_no": "13900005678", **OPEN}},
        headers={"If-Match": made.headers["ETag"]},
    )
    assert changed.status_code == 200, changed.text
    answers = [made, changed, viewer.get(path), viewer.get("/v1/entities"), viewer.get(f"{path}/history")]
    nearest = {"lon": WEST, "lat": SOUTH, "kind": "household"}
    answers += [viewer.get("/v1/entities/nearest", params=nearest), admin.get("/v1/audit")]
    answers += [viewer.get(f"/tiles/entities/{address(0.5, 0.5, 16)}.mvt", params={"scheme": "community"})]
    answers += [exported_by(viewer, layer="entities", format="geojson")[1]]
    assert [secrets_in(each) for each in answers] == [[]] * len(answers)
    assert viewer.get(path).json()["attributes"] == OPEN
    for text in ("慕容", "13800001234"):
        assert viewer.get("/v1/entities", params={"text": text}).json()["items"] == []
    assert reveals(admin) == []
    plain = admin.get(path, params={"reveal": True}).json()["personal"]
    # What was recognised before stays until it is replaced; the new attributes replace the former.
    assert plain == {
        **SECRETS,
        "name": "慕容七八",
        "class_name": "慕容 13800001234",
        "mobile_no": "13900005678",
    }
    assert "慕容七八" in exported_by(admin, layer="entities", format="csv", reveal=True)[1].text
    assert reveals(admin) == ["1 entity", "1 entity"]


def test_personal_values_are_replaced_and_removed(client: Client) -> None:
    admin = client()
    given = {"kind": "household", "external_id": "h1", "name": "慕容", "attributes": {"phone": "13800001234"}}
    made = admin.post("/v1/entities", json={**given, "personal": {"phone": "13900005678"}})
    path, etag = made.headers["Location"], made.headers["ETag"]

    def personal() -> dict[str, Any]:
        found: dict[str, Any] = admin.get(path, params={"reveal": True}).json()["personal"]
        return found

    # Two values of one name: neither is lost.
    assert personal() == {"name": "慕容", "phone": "13900005678", "phone_2": "13800001234"}
    for change, expected in (
        (
            {"attributes": {"phone": "13700000000"}},
            {"name": "慕容", "phone": "13700000000", "phone_2": "13800001234"},
        ),
        ({"name": "慕"}, {"name": "慕", "phone": "13700000000", "phone_2": "13800001234"}),
        ({"name": None}, {"phone": "13700000000", "phone_2": "13800001234"}),
        ({"personal": {}}, {}),
    ):
        changed = admin.patch(path, json=change, headers={"If-Match": etag})
        etag = changed.headers["ETag"]
        assert personal() == expected


def test_a_record_is_not_known_by_the_number_of_a_person(client: Client) -> None:
    admin = client()
    entity = {"kind": "household", "external_id": "110101199003077651"}
    officer = {"external_id": "13800001234", "area_code": "440305001"}
    for path, body in (("/v1/entities", entity), ("/v1/officers", officer)):
        refused = admin.post(path, json=body)
        assert refused.status_code == 422
        assert body["external_id"] not in refused.text
    assert (
        admin.post("/v1/entities", json={"kind": "household", "external_id": "13010200012"}).status_code
        == 201
    )


def test_an_officer_is_written_by_requests(client: Client) -> None:
    publisher, viewer = client("publisher"), client("viewer")
    published = {"published_name": "李雷", "公示电话": "075512345678"}
    given = {"external_id": "G1", "area_code": "440305001", "attributes": {**SECRETS, **published, "team": 3}}
    made = publisher.post("/v1/officers", json=given)
    path = made.headers["Location"]
    changed = publisher.patch(
        path,
        json={"attributes": {"姓名": "慕容七八", **published}},
        headers={"If-Match": made.headers["ETag"]},
    )
    for answer in (made, changed, viewer.get(path), viewer.get("/v1/officers")):
        assert secrets_in(answer) == []
    assert viewer.get(path).json()["attributes"] == published
    plain = publisher.get(path, params={"reveal": True}).json()
    assert plain["personal"] == {**SECRETS, "姓名": "慕容七八"}


def drawn(**properties: Any) -> dict[str, Any]:
    features = [
        {
            "type": "Feature",
            "properties": {"code": code, **properties},
            "geometry": json.loads(shapely.to_geojson(shape)),
        }
        for code, shape in cells(2)
    ]
    return {"type": "FeatureCollection", "features": features}


@pytest.fixture
def scheme(client: Client) -> str:
    body = {"code": "community", "name": "c", "working_crs": "EPSG:4547"}
    assert client().post("/v1/schemes", json=body).status_code == 201
    return "community"


@pytest.mark.parametrize("door", ["request", "file"])
def test_cells_are_written(client: Client, scheme: str, door: str) -> None:
    admin, viewer = client(), client("viewer")
    secrets = {"网格员姓名": "慕容七八", "联系电话": "13900005678", "称呼": "诸葛", "备注": "请打13800001234"}
    if door == "request":
        # Nothing tells that the field 称呼 is personal but the caller.
        collection = drawn(**{key: value for key, value in secrets.items() if key != "称呼"}, households=30,
                           personal={"称呼": "诸葛"})  # fmt: skip
        body = {"scheme": scheme, "name": "p", "cells": collection}
        plan = admin.post("/v1/plans", json=body).json()["id"]
    else:
        file = {"file": ("cells.geojson", json.dumps(drawn(**secrets, households=30)).encode())}
        form = {"scheme": scheme, "name": "p", "personal": ["称呼"]}
        job = ended(admin, admin.post("/v1/imports/cells", files=file, data=form))
        plan = job["result"]["plan"]
    assert admin.post(f"/v1/plans/{plan}/check").json()["valid"]
    version = admin.get(f"/v1/plans/{plan}").headers["ETag"]
    done = admin.post(f"/v1/plans/{plan}/publish", json={"on": str(DAY)}, headers={"If-Match": version})
    assert done.status_code == 200, done.text
    code = cells(2)[0][0]
    sheet, listed = (
        f"/v1/schemes/{scheme}/cells/{code}",
        [f"/v1/plans/{plan}/cells", f"/v1/schemes/{scheme}/cells"],
    )
    paths = [sheet, f"{sheet}/history", *listed, *(f"{path}?f=geojson" for path in listed)]
    answers = [viewer.get(path) for path in paths]
    answers += [viewer.get(f"/maps/{scheme}.html"), admin.get("/v1/audit"), admin.get("/v1/jobs")]
    tile = f"/tiles/cells/{address(0.5, 0.5)}.mvt?scheme={scheme}"
    eventually(lambda: viewer.get(tile).status_code == 200)
    answers += [viewer.get(tile)]
    answers += [
        exported_by(viewer, layer="cells", scheme=scheme, format=form)[1] for form in ("geojson", "csv")
    ]
    assert [(each.status_code, secrets_in(each)) for each in answers] == [(200, [])] * len(answers)
    assert viewer.get(sheet).json()["attributes"] == {"households": 30}
    assert viewer.get(f"/v1/schemes/{scheme}/cells", params={"text": "慕容"}).json()["items"] == []
    assert reveals(admin) == []
    for path in paths[:4]:
        assert viewer.get(path, params={"reveal": True}).status_code == 403
        plain = admin.get(
            path, params={"reveal": True}, headers={"If-None-Match": viewer.get(path).headers.get("ETag", "")}
        )
        record = plain.json()["items"][0] if "items" in plain.json() else plain.json()
        assert record["personal"] == secrets
    assert reveals(admin) == ["1 cell", "1 cell", "4 cell", "4 cell"]
    assert "慕容七八" in exported_by(admin, layer="cells", scheme=scheme, format="csv", reveal=True)[1].text
    assert reveals(admin)[4:] == ["4 cell"]


def test_the_name_of_a_cell_or_area_holds_no_number_of_a_person(client: Client, scheme: str) -> None:
    admin = client()
    named = drawn(name="慕容 13800001234")
    refused = admin.post("/v1/plans", json={"scheme": scheme, "name": "p", "cells": named})
    assert refused.status_code == 422
    told = refused.json()["detail"]
    assert told.startswith(
        f"The name of record 1 (code '{cells(2)[0][0]}') holds a number or address of a person"
    )
    file = {"file": ("areas.geojson", json.dumps(named).encode())}
    assert ended(admin, admin.post("/v1/imports/areas", files=file))["error"] == told


def test_entities_come_in_by_a_file_whose_fields_are_named(client: Client) -> None:
    admin, viewer = client(), client("viewer")
    lines = ["id,称呼,备注,lon,lat", f"a,诸葛,请打13800001234,{WEST + STEP / 2},{SOUTH + STEP / 2}",
             f"110101199003077651,欧阳,,{WEST + STEP / 2},{SOUTH + STEP / 2}"]  # fmt: skip
    file = {"file": ("shops.csv", "\n".join(lines).encode())}
    job = ended(admin, admin.post("/v1/imports", files=file, data={"kind": "shop", "personal": ["称呼"]}))
    assert (job["result"]["inserted"], job["result"]["rejected_records"]) == (
        1, [{"record": 2, "id": None, "reason": "personal_id"}],
    )  # fmt: skip
    for path in ("/v1/entities", "/v1/jobs"):
        assert secrets_in(viewer.get(path)) == []
    (found,) = admin.get("/v1/entities", params={"reveal": True}).json()["items"]
    assert (found["attributes"], found["personal"]) == ({}, {"称呼": "诸葛", "备注": "请打13800001234"})
    absent = ended(admin, admin.post("/v1/imports", files=file, data={"kind": "shop", "personal": ["x"]}))
    assert "no field 'x'" in absent["error"]
