"""Entities, officers and posts over HTTP: conditions on writes, personal data, areas."""

import json
from typing import Any

import httpx

from layers.db.database import Database
from tests.api.routes.conftest import SOUTH, STEP, WEST, Client
from tests.api.routes.grid import DAY, EAST_TOWN, LATER, WEST_TOWN, publish_cells


def point(column: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [WEST + column * STEP, SOUTH + 0.5 * STEP]}


def body(**changes: Any) -> dict[str, Any]:
    return {
        "kind": "enterprise",
        "external_id": "e1",
        "name": "Bakery",
        "personal": {"contact": "张伟", "phone": "13800001234"},
        "geometry": point(0.5),
        **changes,
    }


def made(client: httpx.Client, **changes: Any) -> httpx.Response:
    answer = client.post("/v1/entities", json=body(**changes))
    assert answer.status_code == 201, answer.text
    return answer


def test_an_entity_is_created_changed_and_ended(client: Client) -> None:
    admin = client()
    first = made(admin)
    path = first.headers["Location"]
    assert first.json()["area_code"] == "440305001"
    changed = admin.patch(path, json={"geometry": point(2.5)}, headers={"If-Match": first.headers["ETag"]})
    assert changed.json()["area_code"] == "440305002"
    assert changed.json()["name"] == "Bakery"
    stale = admin.patch(path, json={"name": "x"}, headers={"If-Match": first.headers["ETag"]})
    assert stale.status_code == 412
    assert admin.patch(path, json={"name": "x"}).status_code == 428
    assert admin.get(path, headers={"If-None-Match": changed.headers["ETag"]}).status_code == 304
    over = admin.delete(path, headers={"If-Match": changed.headers["ETag"]})
    assert over.json()["valid_to"] is not None
    assert admin.get("/v1/entities").json()["items"] == []
    assert len(admin.get("/v1/entities", params={"ended": True}).json()["items"]) == 1
    states = admin.get(f"{path}/history").json()["items"]
    assert [each["area_code"] for each in states] == ["440305001", "440305002"]


def test_personal_values_are_masked_and_each_reveal_is_audited(client: Client) -> None:
    admin, viewer = client(), client("viewer")
    path = made(admin).headers["Location"]
    assert "13800001234" not in admin.get(path).text + viewer.get("/v1/entities").text
    assert viewer.get(path, params={"reveal": True}).status_code == 403
    assert viewer.get("/v1/entities", params={"reveal": True}).status_code == 403
    assert admin.get(path, params={"reveal": True}).json()["personal"]["phone"] == "13800001234"
    revealed = admin.get("/v1/audit", params={"action": "personal data revealed"}).json()["items"]
    assert len(revealed) == 1
    assert "admin 0" in revealed[0]["actor"]
    assert "13800001234" not in admin.get("/v1/audit").text


def test_filters_and_pages(client: Client) -> None:
    admin = client()
    for number in range(5):
        made(admin, external_id=f"e{number}", name=f"shop {number}", geometry=point(0.5 + 0.5 * number))
    page = admin.get("/v1/entities", params={"limit": 2}).json()
    found = [each["external_id"] for each in page["items"]]
    while page["next"]:
        page = admin.get("/v1/entities", params={"limit": 2, "cursor": page["next"]}).json()
        found += [each["external_id"] for each in page["items"]]
    assert found == [f"e{number}" for number in range(5)]
    assert len(admin.get("/v1/entities", params={"text": "SHOP 3"}).json()["items"]) == 1
    assert admin.get("/v1/entities", params={"text": "%"}).json()["items"] == []
    box = f"{WEST},{SOUTH},{WEST + 1.2 * STEP},{SOUTH + STEP}"
    assert len(admin.get("/v1/entities", params={"box": box}).json()["items"]) == 2
    collection = admin.get("/v1/entities", params={"f": "geojson", "area_code": "440305002"}).json()
    assert collection["type"] == "FeatureCollection"
    assert admin.get("/v1/entities", params={"cursor": "bm9uZQ"}).status_code == 422


def test_nothing_is_seen_or_moved_across_the_area(client: Client) -> None:
    admin, bound = client(), client("integrator", "440305001")
    foreign = made(admin, geometry=point(2.5)).headers["Location"]
    assert bound.get(foreign).status_code == 404
    assert bound.get("/v1/entities").json()["items"] == []
    refused = bound.post("/v1/entities", json=body(external_id="e2", geometry=point(2.5)))
    assert refused.status_code == 403
    mine = made(bound, external_id="e3")
    moved = bound.patch(
        mine.headers["Location"],
        json={"geometry": point(2.5)},
        headers={"If-Match": mine.headers["ETag"]},
    )
    assert moved.status_code == 403
    assert admin.get(mine.headers["Location"]).json()["area_code"] == "440305001"


def test_former_owners_elsewhere_are_not_told(client: Client, ground: Database) -> None:
    publish_cells(ground, DAY)
    admin = client()
    first = made(admin, on="2026-02-01")
    path = first.headers["Location"]
    moved = admin.patch(
        path,
        json={"geometry": point(2.5), "on": str(LATER)},
        headers={"If-Match": first.headers["ETag"]},
    )
    assert moved.status_code == 200
    # The name alone begins a state and no assignment: the owner of both is told once.
    named = admin.patch(path, json={"name": "x"}, headers={"If-Match": moved.headers["ETag"]})
    assert named.status_code == 200

    def towns(asking: httpx.Client) -> list[tuple[str, str]]:
        listed = asking.get(f"{path}/owners").json()["items"]
        return [(each["cell_code"][:9], each["valid_from"]) for each in listed]

    now = (EAST_TOWN, str(LATER))
    assert towns(admin) == [(WEST_TOWN, "2026-02-01"), now]
    assert towns(client("viewer", EAST_TOWN)) == [now]
    assert client("viewer", WEST_TOWN).get(f"{path}/owners").status_code == 404


def test_officers_keep_their_names_to_themselves(client: Client) -> None:
    publisher, viewer = client("publisher"), client("viewer")
    given = {"external_id": "G1", "area_code": "440305001", "personal": {"name": "李雷"}}
    officer = publisher.post("/v1/officers", json=given)
    assert officer.status_code == 201, officer.text
    path = officer.headers["Location"]
    assert viewer.post("/v1/officers", json=given).status_code == 403
    assert publisher.post("/v1/officers", json=given).status_code == 409
    assert "李雷" not in viewer.get(path).text + publisher.get("/v1/officers").text
    assert publisher.get(path, params={"reveal": True}).json()["personal"] == {"name": "李雷"}
    missing = publisher.post(f"{path}/posts", json={"scheme": "s", "cell_code": "c", "duty": "leader"})
    assert missing.status_code == 404
    gone = publisher.delete(path, headers={"If-Match": officer.headers["ETag"]})
    assert gone.json()["valid_to"] is not None
    assert publisher.get("/v1/officers").json()["items"] == []


def test_a_day_far_away_is_questioned_wherever_one_is_written(client: Client, ground: Database) -> None:
    admin, far = client(), {"on": "2226-01-01"}
    publish_cells(ground, DAY)
    officer = admin.post("/v1/officers", json={"external_id": "G1"}).headers["Location"]
    entity = made(admin)
    path, tag = entity.headers["Location"], {"If-Match": entity.headers["ETag"]}
    post = {"scheme": "community", "cell_code": "440305001000000", "duty": "leader"}
    table = f"id,kind,lon,lat\ne3,enterprise,{WEST},{SOUTH}\n"
    areas = {"type": "FeatureCollection", "features": []}

    def ask(confirmed: dict[str, bool]) -> list[httpx.Response]:
        given = far | confirmed
        return [
            admin.post("/v1/entities", json=body(external_id="e2", **given)),
            admin.patch(path, json={"name": "Mill", **given}, headers=tag),
            admin.post("/v1/officers", json={"external_id": "G2", **given}),
            admin.post(f"{officer}/posts", json=post | given),
            admin.post("/v1/imports", files={"file": ("e.csv", table)}, data=given),
            admin.post("/v1/imports/areas", files={"file": ("a.geojson", json.dumps(areas))}, data=given),
        ]

    def end(tag: str, **confirmed: bool) -> httpx.Response:
        return admin.delete(path, params=far | confirmed, headers={"If-Match": tag})

    for refused in [*ask({}), end(entity.headers["ETag"])]:
        assert (refused.status_code, refused.json()["detail"]) == (
            422,
            "The day 2226-01-01 is 199 years from now; confirm it if it is meant (confirm).",
        )
    answers = ask({"confirm": True})
    assert [each.status_code for each in answers] == [201, 200, 201, 201, 202, 202]
    assert end(answers[1].headers["ETag"], confirm=True).json()["valid_to"] == "2226-01-01"
