"""Drafts redrawn over HTTP: what an edit answers, how two people meet, and what is refused."""

from typing import Any

import httpx
import shapely

from tests.api.routes.conftest import Client, square
from tests.api.routes.test_plans import draft, scheme

ONE, TWO = "440305001-1", "440305001-2"


def mapping(geometry: shapely.Geometry) -> dict[str, Any]:
    found: dict[str, Any] = shapely.geometry.mapping(geometry)
    return found


def post(client: httpx.Client, plan: int, what: str, version: int | None, body: Any = None) -> httpx.Response:
    headers = {} if version is None else {"If-Match": f'"{version}"'}
    return client.post(f"/v1/plans/{plan}/{what}", json=body, headers=headers)


def test_a_draft_is_redrawn_undone_and_published(client: Client) -> None:
    admin = client()
    scheme(admin)
    for number, column in enumerate((0.25, 0.75, 1.5)):
        place = mapping(shapely.Point(114 + column * 0.01, 22.51))
        body = {"kind": "household", "external_id": f"h{number}", "geometry": place}
        assert admin.post("/v1/entities", json=body).status_code == 201
    plan = draft(admin)["id"]
    region = {"command": "transfer", "to": TWO, "region": mapping(square(0.5, -1, 1, 4))}
    seen = admin.post(f"/v1/plans/{plan}/edits/preview", json=region)
    assert seen.status_code == 200, seen.text
    assert post(admin, plan, "edits", None, region).status_code == 428
    done = post(admin, plan, "edits", 1, region)
    assert done.status_code == 200, done.text
    answer = done.json()
    assert done.headers["ETag"].startswith('"2-')
    assert {key: answer[key] for key in seen.json()} == seen.json()
    assert [each["counts"] for each in answer["before"]] == [{"household": 2}, {"household": 1}]
    assert [each["counts"] for each in answer["after"]] == [{"household": 1}, {"household": 2}]
    assert answer["entities"] == [{"kind": "household", "source": ONE, "target": TWO, "number": 1}]
    moved = next(each for each in answer["ground"] if (each["source"], each["target"]) == (ONE, TWO))
    assert round(moved["share"], 2) == 0.5
    assert answer["step"]["codes"] == [ONE, TWO]
    assert post(admin, plan, "undo", 2).json()["step"]["edit_id"] == answer["step"]["id"]
    assert post(admin, plan, "redo", 3).status_code == 200
    steps = admin.get(f"/v1/plans/{plan}/edits").json()["items"]
    assert [(each["version"], each["action"]) for each in steps] == [(2, "edit"), (3, "undo"), (4, "redo")]
    assert admin.post(f"/v1/plans/{plan}/check").json()["publishable"]
    tag = admin.get(f"/v1/plans/{plan}").headers["ETag"]
    published = admin.post(f"/v1/plans/{plan}/publish", json={"on": "2026-01-01"}, headers={"If-Match": tag})
    assert published.status_code == 200
    owner = admin.get("/v1/locate", params={"lon": 114.0075, "lat": 22.51, "at": "2026-02-01"}).json()
    assert TWO in str(owner)
    late = post(admin, plan, "undo", 6)
    assert (late.status_code, late.json()["detail"]) == (
        409,
        f"Plan {plan} is published, not draft; edit a copy of it.",
    )


def test_two_people_and_what_is_refused(client: Client) -> None:
    admin = client()
    scheme(admin)
    plan = draft(admin)["id"]
    rename = {"command": "update", "cell": ONE, "name": "甲"}
    assert post(admin, plan, "edits", 1, rename).status_code == 200
    assert post(admin, plan, "edits", 1, {**rename, "cell": TWO}).status_code == 200
    stale = post(admin, plan, "edits", 1, {**rename, "name": "乙"})
    assert stale.status_code == 412
    assert f"Cells {ONE} have been changed by" in stale.json()["detail"]
    assert "read them again" in stale.json()["detail"]
    for body, status, words in (
        ({"command": "merge", "cells": [ONE]}, 409, "two cells or more"),
        ({"command": "merge", "cells": [ONE, "x"]}, 409, "no cell 'x'"),
        ({"command": "split", "cell": ONE, "line": mapping(square(0, 0))}, 409, "Draw a line"),
        ({"command": "assign-units", "to": ONE, "units": ["u"]}, 422, "not made of units"),
        ({"command": "melt", "cell": ONE}, 422, "command"),
        ({"command": "update", "cell": ONE, "colour": "red"}, 422, "colour"),
        ({"command": "smooth", "first": ONE, "second": TWO, "tolerance_m": -1}, 422, "tolerance_m"),
        ({"command": "split-evenly", "cell": ONE, "count": 1}, 422, "count"),
    ):
        answer = post(admin, plan, "edits", 3, body)
        assert (answer.status_code, words in answer.text) == (status, True), answer.text
        assert post(admin, plan, "edits/preview", None, body).status_code == status
    assert admin.get(f"/v1/plans/{plan}").headers["ETag"].startswith('"3-')
    assert post(admin, plan, "redo", 3).status_code == 409
    chinese = client()
    chinese.headers["Accept-Language"] = "zh"
    told = post(chinese, plan, "edits", 3, {"command": "merge", "cells": [ONE]}).json()["detail"]
    assert told == "请选两个或更多网格来合并。"
