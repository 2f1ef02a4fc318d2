"""What is refused of plans over HTTP: one sentence, nothing written; and what must not be refused."""

from datetime import date

import pytest
import shapely

from tests.api.routes.conftest import Client, square
from tests.api.routes.test_edits import ONE, TWO, mapping
from tests.api.routes.test_plan_review import SOON, checked, take
from tests.api.routes.test_plans import draft, scheme

FAR = mapping(shapely.LineString([(10, 10), (11, 11)]))
SHORT = mapping(shapely.LineString([(114.002, 22.505), (114.004, 22.51)]))
BOW = shapely.Polygon([(114, 22.5), (114.02, 22.52), (114.02, 22.5), (114, 22.52)])


def test_edits_that_cannot_be_done_write_nothing(client: Client) -> None:
    admin = client()
    scheme(admin)
    plan = draft(admin)["id"]
    nothing_there = "The region holds no ground of other cells of area '440305001'."
    for edit, said in (
        ({"command": "split", "cell": ONE, "line": FAR}, "does not cross cell"),
        ({"command": "split", "cell": ONE, "line": SHORT}, "does not cross cell"),
        ({"command": "border", "first": ONE, "second": TWO, "line": FAR}, "does not part the ground"),
        ({"command": "border", "first": ONE, "second": TWO, "line": SHORT}, "does not part the ground"),
        ({"command": "transfer", "to": ONE, "region": mapping(shapely.box(10, 10, 11, 11))}, nothing_there),
        ({"command": "transfer", "to": ONE, "region": mapping(square(2, 0))}, nothing_there),
        ({"command": "transfer", "to": ONE, "region": mapping(BOW)}, "its border crosses itself"),
        ({"command": "transfer", "to": ONE, "region": mapping(square(0, 0, 2, 2))}, "merge it instead"),
        ({"command": "renumber", "areas": ["440305002"]}, "no cells there"),
    ):
        refused = take(admin, plan, "edits", edit)
        assert (refused.status_code, said in refused.json()["detail"]) == (409, True), refused.text
    assert admin.get(f"/v1/plans/{plan}").json()["version"] == 1
    assert take(admin, plan, "undo").json()["detail"] == f"Plan {plan} has no edit to undo."


def test_an_edit_that_another_built_upon_is_undone_last_first(client: Client) -> None:
    one, other = client(), client("planner")
    scheme(one)
    plan = draft(one)["id"]
    take(one, plan, "edits", {"command": "update", "cell": ONE, "name": "a"})
    seen = one.get(f"/v1/plans/{plan}").headers["ETag"]
    take(other, plan, "edits", {"command": "merge", "cells": [ONE, TWO]})
    late = take(one, plan, "undo", tag=seen)
    assert (late.status_code, "have been changed by token 2 planner 1" in late.json()["detail"]) == (
        412,
        True,
    )
    assert take(one, plan, "undo").json()["command"] == "merge"
    assert take(one, plan, "undo").json()["command"] == "update"


@pytest.mark.parametrize("approved", [False, True])
def test_a_publication_during_review_is_told(client: Client, approved: bool) -> None:
    admin, publisher = client(), client("publisher")
    scheme(admin)
    first = checked(admin, draft(admin)["id"])
    take(admin, first, "submit")
    if approved:
        take(publisher, first, "approve")
    second = checked(admin, draft(admin)["id"])
    assert take(admin, second, "publish", {"on": "2026-01-01"}).status_code == 200
    step, body = ("publish", {"on": "2026-01-01"}) if approved else ("approve", None)
    refused = take(publisher, first, step, body)
    assert (refused.status_code, refused.json()["detail"]) == (
        409,
        (
            f"Plan {second} has been published on the ground of plan {first} since its check; "
            "compare the two and check it again."
        ),
    )
    assert admin.get(f"/v1/plans/{first}").json()["state"] == ("approved" if approved else "submitted")
    checked(admin, first)
    assert take(publisher, first, step, body).status_code == 200


def test_an_earlier_plan_comes_before_one_for_later(client: Client) -> None:
    admin = client()
    scheme(admin)
    days = {"2026-01-01": "a", SOON: "b", str(date.today()): "c"}
    plans = {}
    for day, name in days.items():
        plan = draft(admin)["id"]
        take(admin, plan, "edits", {"command": "update", "cell": ONE, "name": name})
        assert take(admin, checked(admin, plan), "publish", {"on": day}).status_code == 200
        plans[name] = plan
    for day, name in days.items():
        cells = admin.get("/v1/schemes/community/cells", params={"at": day}).json()["items"]
        assert [each["name"] for each in cells] == [name, TWO]
        owner = admin.get("/v1/locate", params={"lon": 114.001, "lat": 22.501, "at": day}).json()
        assert name in str(owner)
        in_force = admin.get("/v1/plans", params={"on": day}).json()["items"]
        assert [each["id"] for each in in_force] == [plans[name]]
    told = {name: admin.get(f"/v1/plans/{plan}").json() for name, plan in plans.items()}
    assert {name: (each["state"], each["in_force"]) for name, each in told.items()} == {
        "a": ("superseded", False),
        "b": ("published", False),
        "c": ("published", True),
    }
    assert (told["c"]["valid_to"], told["b"]["valid_to"]) == (SOON, None)
    # The later one is built upon by one in force, and followed rather than taken back.
    kept = take(admin, plans["b"], "withdraw")
    assert (kept.status_code, f"publish another plan of its ground for {SOON}" in kept.text) == (409, True)
    assert take(admin, checked(admin, draft(admin)["id"]), "publish", {"on": SOON}).status_code == 200
