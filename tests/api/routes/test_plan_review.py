"""The review of plans over HTTP: who does what, with which words, and what is told to whoever comes late."""

from datetime import date, timedelta
from typing import Any

import httpx

from tests.api.routes.conftest import Client, square
from tests.api.routes.test_plans import SHAPES, TOWN, collection, draft, scheme

SOON = str(date.today() + timedelta(days=10))


def take(
    client: httpx.Client, plan: int, step: str, body: Any = None, *, tag: str | None = None
) -> httpx.Response:
    path = f"/v1/plans/{plan}"
    tag = tag or client.get(path).headers["ETag"]
    return client.post(f"{path}/{step}", json=body, headers={"If-Match": tag})


def checked(client: httpx.Client, plan: int) -> int:
    answer = client.post(f"/v1/plans/{plan}/check").json()
    assert answer["publishable"], answer
    return plan


def test_two_people_and_their_comments(client: Client) -> None:
    admin, planner, publisher = client(), client("planner"), client("publisher")
    rules = {"approval": True, "four_eyes": True}
    made = admin.post("/v1/schemes", json={"code": "community", "name": "社区", "rules": rules})
    assert made.status_code == 201, made.text
    plan = checked(planner, draft(planner)["id"])
    seen = planner.get(f"/v1/plans/{plan}").headers["ETag"]
    assert take(planner, plan, "submit", {"comment": "Ready."}).json()["state"] == "submitted"
    assert take(planner, plan, "approve").status_code == 403
    early = take(publisher, plan, "publish", {"on": "2026-01-01"})
    assert (early.status_code, "let it be approved first" in early.json()["detail"]) == (409, True)
    edit = {"command": "merge", "cells": ["440305001-1", "440305001-2"]}
    refused = take(planner, plan, "edits", edit)
    assert (refused.status_code, refused.json()["detail"]) == (
        409, f"Plan {plan} is submitted, not draft; reject it first, or edit a copy of it.",
    )  # fmt: skip
    rejected = take(publisher, plan, "reject", {"comment": "The border follows no street."})
    assert rejected.json()["state"] == "draft"
    late = take(planner, plan, "withdraw", tag=seen)
    assert late.status_code == 412
    assert "since then: submit by token " in late.json()["detail"]
    assert " planner 1; reject by token " in late.json()["detail"]
    assert take(planner, plan, "submit").status_code == 200
    assert take(publisher, plan, "approve", {"comment": "Good."}).json()["state"] == "approved"
    listed = admin.get("/v1/plans", params={"state": "approved"}).json()["items"]
    assert [each["id"] for each in listed] == [plan]
    assert take(publisher, plan, "publish", {"on": "2026-01-01"}).json()["plan"]["state"] == "published"
    steps = planner.get(f"/v1/plans/{plan}/history").json()["items"]
    assert [(each["action"], each["comment"]) for each in steps] == [
        ("submit", "Ready."), ("reject", "The border follows no street."), ("submit", None),
        ("approve", "Good."), ("publish", None),
    ]  # fmt: skip
    assert steps[-1]["on"] == "2026-01-01"
    assert client("viewer", "440305002").get(f"/v1/plans/{plan}/history").status_code == 404
    audited = {each["action"] for each in admin.get("/v1/audit").json()["items"]}
    assert {"plan approved", "plan rejected", "plan published"} <= audited


def test_nobody_approves_their_own(client: Client) -> None:
    publisher = client("publisher")
    client().post("/v1/schemes", json={"code": "community", "name": "社区", "rules": {"four_eyes": True}})
    plan = checked(publisher, draft(publisher)["id"])
    take(publisher, plan, "submit")
    for step, body in (("approve", None), ("publish", {"on": "2026-01-01"})):
        refused = take(publisher, plan, step, body)
        assert (refused.status_code, "nobody approves or publishes their own" in refused.text) == (403, True)
    assert take(client(), plan, "publish", {"on": "2026-01-01"}).status_code == 200


def test_copies_names_and_ends(client: Client) -> None:
    admin = client()
    scheme(admin)
    first = checked(admin, draft(admin)["id"])
    twin = admin.post(f"/v1/plans/{first}/copy", json={"name": "twin"})
    assert (twin.status_code, twin.headers["Location"]) == (201, f"/v1/plans/{twin.json()['id']}")
    path = twin.headers["Location"]
    assert admin.get(f"{path}/cells").json()["items"][0]["code"] == "440305001-1"
    assert admin.patch(path, json={"name": "other"}).status_code == 428
    renamed = admin.patch(path, json={"name": "other"}, headers={"If-Match": twin.headers["ETag"]})
    assert renamed.json()["name"] == "other"
    assert admin.delete(path, headers={"If-Match": twin.headers["ETag"]}).status_code == 412
    gone = admin.delete(path, headers={"If-Match": renamed.headers["ETag"]})
    assert (gone.status_code, gone.json()["name"]) == (200, "other")
    assert admin.get(path).status_code == 404
    assert take(admin, first, "publish", {"on": "2026-01-01"}).status_code == 200
    tag = admin.get(f"/v1/plans/{first}").headers["ETag"]
    assert admin.delete(f"/v1/plans/{first}", headers={"If-Match": tag}).status_code == 409
    body = {"scheme": "community", "name": "now", "area_code": "440305001"}
    for source in (first, "in force"):
        made = admin.post("/v1/plans", json={**body, "from_plan": source})
        assert made.status_code == 201, made.text
        assert checked(admin, made.json()["id"])
    for wrong, status in (
        ({"from_plan": "ended"}, 422),
        ({"from_plan": first, "cells": TOWN}, 422),
        ({"from_plan": 999}, 404),
        ({"from_plan": first, "area_code": "440305002"}, 422),
    ):
        assert admin.post("/v1/plans", json={**body, **wrong}).status_code == status, wrong
    bound = client("planner", "440305002")
    assert bound.post(f"/v1/plans/{first}/copy", json={"name": "x"}).status_code == 404
    assert bound.post("/v1/plans", json={**body, "from_plan": "in force"}).status_code == 403


def test_taken_back_and_gone_back_to(client: Client) -> None:
    admin, planner = client(), client("planner")
    scheme(admin)
    first = checked(admin, draft(admin)["id"])
    take(admin, first, "publish", {"on": "2026-01-01"})
    one = collection(("440305001-1", square(0, 0, 2, 2)))
    second = checked(admin, draft(admin, cells=one)["id"])
    for _ in range(2):
        assert take(admin, second, "publish", {"on": SOON}).status_code == 200
        days = {"at": SOON}
        assert len(admin.get("/v1/schemes/community/cells", params=days).json()["items"]) == 1
        assert take(planner, second, "withdraw").status_code == 403
        back = take(admin, second, "withdraw", {"comment": "A slip."})
        assert (back.status_code, back.json()["state"]) == (200, "draft"), back.text
        assert len(admin.get("/v1/schemes/community/cells", params=days).json()["items"]) == len(SHAPES)
        assert admin.get(f"/v1/plans/{first}").json()["valid_to"] is None
        checked(admin, second)
    take(admin, second, "publish", {"on": "2026-02-01"})
    late = take(admin, second, "withdraw")
    assert (late.status_code, "publish another plan" in late.text) == (409, True)
    former = admin.post(f"/v1/plans/{first}/revert", json={"name": "Back"})
    assert (former.status_code, former.json()["name"]) == (201, "Back")
    again = take(admin, checked(admin, former.json()["id"]), "publish", {"on": "2026-03-01"})
    assert again.json()["begun"] == len(SHAPES)
    assert admin.post(f"/v1/plans/{second}/revert").status_code == 201
