"""Plans over HTTP: from a draft to cells in force, and who may do what."""

import time
from typing import Any

import httpx
import pytest
import shapely

from layers.plans import queries
from tests.api.routes.conftest import Client, square


def collection(*cells: tuple[str, shapely.Geometry]) -> dict[str, Any]:
    return {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "properties": {"code": code}, "geometry": shapely.geometry.mapping(shape)}
            for code, shape in cells
        ],
    }


SHAPES = (("440305001-1", square(0, 0, 1, 2)), ("440305001-2", square(1, 0, 1, 2)))
TOWN = collection(*SHAPES)


def with_area(cells: dict[str, Any], code: str, area_code: str) -> dict[str, Any]:
    for feature in cells["features"]:
        if feature["properties"]["code"] == code:
            feature["properties"]["area_code"] = area_code
    return cells


def draft(client: httpx.Client, **changes: Any) -> dict[str, Any]:
    body = {"scheme": "community", "name": "spring", "area_code": "440305001", "cells": TOWN, **changes}
    answer = client.post("/v1/plans", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def scheme(client: httpx.Client) -> None:
    assert client.post("/v1/schemes", json={"code": "community", "name": "社区"}).status_code == 201


def test_from_draft_to_cells_in_force(client: Client) -> None:
    admin = client()
    scheme(admin)
    plan = draft(admin)
    assert admin.get(f"/v1/plans/{plan['id']}/check").status_code == 409
    checked = admin.post(f"/v1/plans/{plan['id']}/check").json()
    assert checked["valid"], checked
    tag = admin.get(f"/v1/plans/{plan['id']}").headers["ETag"]
    assert admin.post(f"/v1/plans/{plan['id']}/submit").status_code == 428
    stale = admin.post(f"/v1/plans/{plan['id']}/submit", headers={"If-Match": '"99"'})
    assert stale.status_code == 412
    assert stale.headers["Content-Type"] == "application/problem+json"
    tag = admin.post(f"/v1/plans/{plan['id']}/submit", headers={"If-Match": tag}).headers["ETag"]
    done = admin.post(
        f"/v1/plans/{plan['id']}/publish",
        json={"on": "2026-01-01"},
        headers={"If-Match": tag, "Idempotency-Key": "p1"},
    )
    assert done.status_code == 200, done.text
    assert (done.json()["begun"], done.json()["plan"]["state"]) == (2, "published")
    again = admin.post(
        f"/v1/plans/{plan['id']}/publish",
        json={"on": "2026-01-01"},
        headers={"If-Match": tag, "Idempotency-Key": "p1"},
    )
    assert again.json() == done.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    cells = admin.get("/v1/schemes/community/cells", params={"limit": 1})
    assert [each["code"] for each in cells.json()["items"]] == ["440305001-1"]
    rest = admin.get("/v1/schemes/community/cells", params={"limit": 1, "cursor": cells.json()["next"]})
    assert [each["code"] for each in rest.json()["items"]] == ["440305001-2"]
    assert rest.json()["next"] is None
    assert admin.get("/v1/schemes/community/cells", params={"at": "2025-12-31"}).json()["items"] == []
    unchanged = admin.get(
        "/v1/schemes/community/cells",
        params={"limit": 1},
        headers={"If-None-Match": cells.headers["ETag"]},
    )
    assert unchanged.status_code == 304
    geojson = admin.get(f"/v1/plans/{plan['id']}/cells", headers={"Accept": "application/geo+json"})
    assert geojson.headers["Content-Type"] == "application/geo+json"
    shapes = [shapely.geometry.shape(each["geometry"]) for each in geojson.json()["features"]]
    assert shapely.union_all(shapes).equals(square(0, 0, 2, 2))
    assert admin.get("/v1/schemes/community/cells/440305001-1/history").json()["items"][0]["valid_to"] is None
    actions = [each["action"] for each in admin.get("/v1/audit").json()["items"]]
    assert actions.count("plan published") == 1


def test_an_invalid_draft_is_neither_submitted_nor_published(client: Client) -> None:
    admin = client()
    scheme(admin)
    plan = draft(admin, cells=collection(("440305001-1", square(0, 0, 1, 2))))
    checked = admin.post(f"/v1/plans/{plan['id']}/check")
    assert not checked.json()["valid"]
    tag = checked.headers["ETag"]
    for deed, body in (("submit", None), ("publish", {"on": "2026-01-01"})):
        answer = admin.post(f"/v1/plans/{plan['id']}/{deed}", json=body, headers={"If-Match": tag})
        assert answer.status_code == 409


def test_a_day_far_away_is_confirmed_and_what_stands_in_the_way_is_told(client: Client) -> None:
    admin = client()
    scheme(admin)
    far = draft(admin)
    path = f"/v1/plans/{far['id']}"
    tag = admin.post(f"{path}/check", params={"on": "2226-01-01"}).headers["ETag"]
    told = admin.get(f"{path}/check").json()
    assert (told["valid"], told["publishable"], told["on"]) == (True, False, "2226-01-01")
    body = {"on": "2226-01-01"}
    refused = admin.post(f"{path}/publish", json=body, headers={"If-Match": tag})
    assert refused.status_code == 422
    assert refused.json()["detail"].startswith(told["hindrances"][0][:-1])
    done = admin.post(f"{path}/publish", json={**body, "confirm": True}, headers={"If-Match": tag}).json()
    assert done["unstaffed"] == done["begun"] == 2
    near = draft(admin)
    path = f"/v1/plans/{near['id']}"
    checked = admin.post(f"{path}/check")
    assert (checked.json()["publishable"], checked.json()["hindrances"]) == (True, [])
    tag = checked.headers["ETag"]
    plan = admin.post(f"{path}/publish", json={"on": "2026-01-01"}, headers={"If-Match": tag}).json()["plan"]
    assert (plan["state"], plan["in_force"], plan["valid_to"]) == ("published", True, "2226-01-01")
    in_force = admin.get("/v1/plans", params={"on": "2026-06-01"}).json()["items"]
    assert [each["id"] for each in in_force] == [near["id"]]
    published = admin.get("/v1/plans", params={"state": "published"}).json()["items"]
    assert [each["id"] for each in published] == [far["id"], near["id"]]
    assert admin.get("/v1/plans", params={"state": "superseded"}).json()["items"] == []


def test_a_caller_keeps_to_their_area(client: Client) -> None:
    admin, planner = client(), client("planner", "440305002")
    scheme(admin)
    plan = draft(admin)
    assert planner.get(f"/v1/plans/{plan['id']}").status_code == 404
    assert planner.get(f"/v1/plans/{plan['id']}/cells").status_code == 404
    assert planner.get("/v1/plans").json()["items"] == []
    body = {"scheme": "community", "name": "mine", "area_code": "440305001", "cells": TOWN}
    assert planner.post("/v1/plans", json=body).status_code == 403
    assert client("viewer").post("/v1/plans", json=body).status_code == 403
    assert [each["code"] for each in planner.get("/v1/areas").json()["items"]] == ["440305002"]


def test_two_plans_are_compared(client: Client) -> None:
    admin = client()
    scheme(admin)
    first = draft(admin)
    moved = collection(("440305001-1", square(0, 0, 0.5, 2)), ("440305001-2", square(0.5, 0, 1.5, 2)))
    second = draft(admin, cells=moved)
    changed = admin.get(f"/v1/plans/{second['id']}/diff", params={"against": first["id"]}).json()
    assert {each["code"]: each["kind"] for each in changed["codes"]} == {
        "440305001-1": "moved_border",
        "440305001-2": "moved_border",
    }
    assert (changed["born"], changed["ended"], changed["kept"], changed["moved"]) == ([], [], 2, [])
    pieces = admin.get(f"/v1/plans/{second['id']}/diff", params={"against": first["id"], "f": "geojson"})
    assert pieces.headers["Content-Type"] == "application/geo+json"
    (piece,) = pieces.json()["features"]
    ends = piece["properties"]["from_code"], piece["properties"]["to_code"]
    assert ends == ("440305001-1", "440305001-2")
    assert piece["geometry"]["type"] == "Polygon"
    query = {"plan": second["id"], "against": first["id"], "lang": "en"}
    listed = admin.get("/v1/lists/plan-changes", params=query).json()
    assert [row["change"] for row in listed["items"]] == ["Border moved"] * 2
    assert admin.get("/v1/lists/moved-entities.xlsx", params=query).content[:2] == b"PK"
    assert admin.get("/v1/lists/plan-changes").status_code == 422
    nothing = admin.get(f"/v1/plans/{second['id']}/diff")
    assert (nothing.status_code, "No cells are in force" in nothing.json()["detail"]) == (422, True)


def test_a_plan_of_a_part_is_compared_on_its_own_ground(client: Client) -> None:
    """The sample's second town lies beside the first; nothing of it is said to be removed."""
    admin = client()
    scheme(admin)
    other = ("440305002-1", square(2, 0, 2, 2))
    beside = collection(other)
    whole = collection(*SHAPES, other)
    old = draft(admin, area_code="440305", cells=whole)
    part = draft(admin, cells=collection(("440305001-9", square(0, 0, 2, 2))))
    changed = admin.get(f"/v1/plans/{part['id']}/diff", params={"against": old["id"]}).json()
    assert {each["code"]: each["kind"] for each in changed["codes"]} == {
        "440305001-1": "merged",
        "440305001-2": "merged",
        "440305001-9": "merged",
    }
    assert (changed["summary"]["removed_m2"], changed["summary"]["added_m2"]) == (0, 0)
    back = admin.get(f"/v1/plans/{old['id']}/diff", params={"against": part["id"]}).json()
    assert {each["code"]: each["kind"] for each in back["codes"]} == {
        "440305001-1": "split",
        "440305001-2": "split",
        "440305001-9": "split",
    }
    apart = draft(admin, area_code="440305002", cells=beside)
    answer = admin.get(f"/v1/plans/{apart['id']}/diff", params={"against": part["id"]})
    assert answer.status_code == 422
    assert "divide different ground" in answer.json()["detail"]
    # A cell of a wider area counts where it reaches in.
    across = collection(("440305-1", square(1, 0, 3, 2)), ("440305001-1", square(0, 0, 1, 2)))
    wide = draft(admin, area_code="440305", cells=with_area(across, "440305-1", "440305"))
    reached = admin.get(f"/v1/plans/{part['id']}/diff", params={"against": wide["id"]}).json()
    assert "440305-1" in {each["code"] for each in reached["codes"]}


def test_an_idempotency_key_belongs_to_one_request(client: Client) -> None:
    admin = client()
    headers = {"Idempotency-Key": "k"}
    first = admin.post("/v1/schemes", json={"code": "a", "name": "a"}, headers=headers)
    again = admin.post("/v1/schemes", json={"code": "a", "name": "a"}, headers=headers)
    other = admin.post("/v1/schemes", json={"code": "b", "name": "b"}, headers=headers)
    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 422)
    assert again.json() == first.json()


def wait_for_job(client: httpx.Client, accepted: httpx.Response) -> dict[str, Any]:
    assert accepted.status_code == 202, accepted.text
    for _ in range(1200):
        job: dict[str, Any] = client.get(accepted.headers["Location"]).json()
        if job["state"] not in ("queued", "running"):
            return job
        time.sleep(0.05)
    raise AssertionError(job)


def test_a_large_plan_is_checked_and_published_by_jobs(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin, publisher, elsewhere = client(), client("publisher", "440305"), client("publisher", "440305002")
    scheme(admin)
    address = f"/v1/plans/{draft(admin)['id']}"
    monkeypatch.setattr(queries, "MAX_REQUEST_CELLS", 1)
    assert elsewhere.post(f"{address}/check").status_code == 404
    checked = wait_for_job(admin, admin.post(f"{address}/check"))
    assert (checked["kind"], checked["state"]) == ("check", "done")
    assert (checked["result"]["plan"], checked["result"]["valid"]) == (1, True)
    assert checked["done"] == checked["total"]
    assert admin.get(f"{address}/check").json()["summary"] == checked["result"]["summary"]

    tag, body = admin.get(address).headers["ETag"], {"on": "2026-01-01"}
    stale = publisher.post(f"{address}/publish", json=body, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    headers = {"If-Match": tag, "Idempotency-Key": "p"}
    accepted = publisher.post(f"{address}/publish", json=body, headers=headers)
    again = publisher.post(f"{address}/publish", json=body, headers=headers)
    assert (again.status_code, again.json()["id"]) == (202, accepted.json()["id"])
    assert again.headers["Idempotency-Replayed"] == "true"
    published = wait_for_job(publisher, accepted)
    assert (published["kind"], published["state"], published["done"]) == (
        "publish",
        "done",
        published["total"],
    )
    counts = {name: published["result"][name] for name in ("plan", "kept", "ended", "begun", "superseded")}
    assert counts == {"plan": 1, "kept": 0, "ended": 0, "begun": 2, "superseded": []}
    assert admin.get(address).json()["state"] == "published"
    listed = admin.get("/v1/schemes/community/cells", params={"at": "2026-01-01"}).json()["items"]
    assert [each["code"] for each in listed] == ["440305001-1", "440305001-2"]
    entries = [each for each in admin.get("/v1/audit").json()["items"] if each["action"] == "plan published"]
    (entry,) = entries
    assert (entry["role"], entry["area_code"], entry["details"]) == (
        "publisher",
        "440305001",
        {**body, "posts": published["result"]["posts"]},
    )
    assert entry["actor"] == published["created_by"]
    # Every process follows the database within a second.
    for _ in range(100):
        found = admin.get("/v1/locate", params={"lon": 114.001, "lat": 22.501, "scheme": "community"}).json()
        if found["owners"][0]["cell"] is not None:
            break
        time.sleep(0.05)
    assert found["owners"][0]["cell"]["code"] == "440305001-1"


def test_a_plan_is_published_by_a_job_where_there_are_many_entities(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = client()
    scheme(admin)
    plan = draft(admin)
    entity = {
        "kind": "sensor",
        "external_id": "s",
        "geometry": shapely.geometry.mapping(shapely.Point(114, 22.5)),
    }
    assert admin.post("/v1/entities", json=entity).status_code == 201
    monkeypatch.setattr(queries, "MAX_REQUEST_ENTITIES", 0)
    address = f"/v1/plans/{plan['id']}"
    checked = admin.post(f"{address}/check")
    assert checked.status_code == 200
    headers = {"If-Match": checked.headers["ETag"]}
    accepted = admin.post(f"{address}/publish", json={"on": "2026-01-01"}, headers=headers)
    assert wait_for_job(admin, accepted)["result"]["assignments_begun"] == 1
    refused = admin.post(f"{address}/publish", json={"on": "2026-01-01"}, headers=headers)
    assert refused.status_code == 412
    assert admin.post(f"{address}/check").status_code == 409
