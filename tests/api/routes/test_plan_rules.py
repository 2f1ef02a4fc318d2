"""Rules of a scheme, waivers, locks and shared borders over HTTP: what is answered, and to whom."""

from datetime import timedelta
from typing import Any

import pytest
import shapely
from sqlalchemy import select

from api.security.accounts import create_account, create_token, disable_account
from api.security.principal import SYSTEM, Role
from gis.errors import ConflictError
from layers.db.database import Database
from layers.models import Token
from tests.api.routes.conftest import Client, square
from tests.api.routes.test_edits import ONE, TWO, mapping
from tests.api.routes.test_plan_review import take
from tests.api.routes.test_plans import collection, draft

PASSWORD = "correct horse battery 7"
NORTH_STRIP = mapping(square(0.5, 1, 0.5, 1))


def test_a_rule_is_broken_waived_and_told(client: Client) -> None:
    admin, planner, publisher = client(), client("planner"), client("publisher")
    rules = {"caps": {"households": 1}, "sizes": {"max_area_m2": 1_000_000}}
    made = admin.post("/v1/schemes", json={"code": "community", "name": "社区", "rules": rules})
    assert made.status_code == 201, made.text
    for number in range(2):
        place = mapping(shapely.Point(114.001 + number / 1000, 22.51))
        body = {"kind": "household", "external_id": f"h{number}", "geometry": place}
        assert admin.post("/v1/entities", json=body).status_code == 201
    plan = draft(planner)["id"]
    found = planner.post(f"/v1/plans/{plan}/check", headers={"Accept-Language": "zh"}).json()
    assert (found["valid"], found["publishable"]) == (True, False)
    assert found["rule_counts"] == {"caps.households": 1, "sizes.max_area_m2": 2}
    assert found["rules"][0] == {
        "rule": "caps.households", "code": ONE, "figure": 2.0, "limit": 1.0,
        "detail": f"网格 {ONE} 的户数为 2，超过上限 1。", "waiver": None,
    }  # fmt: skip
    refused = take(planner, plan, "submit")
    assert (refused.status_code, "first caps.households in cell" in refused.text) == (409, True)
    wanted: dict[str, Any] = {"rule": "caps.households", "cells": [ONE], "reason": "One tower."}
    assert take(planner, plan, "waivers", wanted).status_code == 403
    for change, status in (
        ({"rule": "blank"}, 422),
        ({"cells": [TWO]}, 409),
        ({"reason": ""}, 422),
        ({"reason": " "}, 422),
    ):
        assert take(publisher, plan, "waivers", wanted | change).status_code == status, change
    assert publisher.post(f"/v1/plans/{plan}/waivers", json=wanted).status_code == 428
    given = take(publisher, plan, "waivers", wanted)
    assert given.status_code == 200, given.text
    (waiver,) = given.json()["items"]
    assert (waiver["state"], waiver["cell"], waiver["reason"]) == ("holds", ONE, "One tower.")
    size = {"rule": "sizes.max_area_m2", "cells": [ONE, TWO], "reason": "Countryside."}
    last = take(publisher, plan, "waivers", size).json()["items"][-1]["id"]
    seen = planner.get(f"/v1/plans/{plan}/check").json()
    assert seen["publishable"]
    assert {each["waiver"]["reason"] for each in seen["rules"]} == {"One tower.", "Countryside."}
    tag = planner.get(f"/v1/plans/{plan}").headers["ETag"]
    path = f"/v1/plans/{plan}/waivers/{last}"
    assert planner.delete(path, headers={"If-Match": tag}).status_code == 403
    assert publisher.delete(f"{path}7", headers={"If-Match": tag}).status_code == 404
    ended = publisher.delete(path, headers={"If-Match": tag})
    assert (ended.status_code, ended.json()["items"][0]["state"]) == (200, "ended")
    assert take(planner, plan, "submit").status_code == 409
    assert take(publisher, plan, "waivers", {**size, "cells": [TWO]}).status_code == 200
    assert take(planner, plan, "submit").status_code == 200
    # On the map each lies where its cell does, what is waived too.
    features = planner.get(f"/v1/plans/{plan}/check", params={"f": "geojson"}).json()["features"]
    assert [(each["properties"]["codes"], each["properties"]["waived"]) for each in features] == [
        (ONE, True), (ONE, True), (TWO, True),
    ]  # fmt: skip
    assert shapely.from_geojson(str(features[0]["geometry"]).replace("'", '"')).equals(square(0, 0, 1, 2))
    steps = planner.get(f"/v1/plans/{plan}/history").json()["items"]
    assert [(each["action"], each["rule"], each["codes"]) for each in steps] == [
        ("waive", "caps.households", [ONE]), ("waive", "sizes.max_area_m2", [ONE, TWO]),
        ("end-waiver", "sizes.max_area_m2", [TWO]), ("waive", "sizes.max_area_m2", [TWO]),
        ("submit", None, []),
    ]  # fmt: skip
    states = [each["state"] for each in planner.get(f"/v1/plans/{plan}/waivers").json()["items"]]
    assert states == ["holds", "holds", "ended", "holds"]
    assert client("planner", "440305002").get(f"/v1/plans/{plan}/waivers").status_code == 404


def test_faults_lie_on_the_map(client: Client) -> None:
    admin = client()
    admin.post("/v1/schemes", json={"code": "community", "name": "社区"})
    gap = collection((ONE, square(0, 0, 1, 2)), (TWO, square(1.5, 0, 0.5, 2)))
    plan = draft(admin, cells=gap)["id"]
    answer = admin.post(f"/v1/plans/{plan}/check").json()
    assert not answer["valid"]
    assert "geometry" not in answer["findings"][0]
    (blank,) = admin.get(f"/v1/plans/{plan}/check", headers={"Accept": "application/geo+json"}).json()[
        "features"
    ]
    assert blank["properties"]["kind"] == "blank"
    hole = shapely.from_geojson(str(blank["geometry"]).replace("'", '"'))
    assert shapely.area(shapely.symmetric_difference(hole, square(1, 0, 0.5, 2))) < 1e-9


def test_locks_of_one_bind_all(client: Client) -> None:
    admin, planner = client(), client("planner")
    admin.post("/v1/schemes", json={"code": "community", "name": "社区"})
    plan = draft(planner)["id"]
    assert client("viewer").post(f"/v1/plans/{plan}/lock", headers={"If-Match": '"1"'}).status_code == 403
    locked = take(planner, plan, "lock", {"cells": [ONE]})
    assert (locked.status_code, locked.json()) == (200, {"version": 2, "codes": [ONE]})
    assert take(planner, plan, "lock", {"cells": ["x"]}).status_code == 409
    (lock,) = admin.get(f"/v1/plans/{plan}/locks").json()["items"]
    assert (lock["code"], "planner" in lock["locked_by"]) == (ONE, True)
    merge = {"command": "merge", "cells": [ONE, TWO]}
    admin.headers["Accept-Language"] = "zh"
    refused = take(admin, plan, "edits", merge)
    assert (refused.status_code, refused.json()["detail"]) == (409, f"网格“{ONE}”已锁定；请先解锁。")
    assert admin.post(f"/v1/plans/{plan}/edits/preview", json=merge).status_code == 409
    assert take(admin, plan, "unlock").json()["codes"] == [ONE]
    assert take(admin, plan, "edits", merge).status_code == 200


def test_a_change_of_a_shared_border_is_proposed(client: Client) -> None:
    admin = client()
    for code in ("community", "safety"):
        admin.post("/v1/schemes", json={"code": code, "name": code})
    other = draft(admin, scheme="safety", name="safety")["id"]
    admin.post(f"/v1/plans/{other}/check")
    assert take(admin, other, "publish", {"on": "2026-01-01"}).status_code == 200
    plan = draft(admin)["id"]
    transfer = {"command": "transfer", "to": TWO, "region": NORTH_STRIP}
    seen = admin.post(f"/v1/plans/{plan}/edits/preview", json=transfer).json()
    assert [(each["scheme"], each["code"]) for each in seen["shared"]] == [("safety", ONE), ("safety", TWO)]
    quiet = take(admin, plan, "edits", transfer).json()
    assert (quiet["shared"], quiet["proposals"]) == (seen["shared"], [])
    take(admin, plan, "undo")
    (proposal,) = take(admin, plan, "edits?propose=true", transfer).json()["proposals"]
    assert proposal == {
        "scheme": "safety", "plan": plan + 1, "name": f"spring (community {plan})", "version": 2,
        "created": True, "codes": [ONE, TWO], "refused": [],
    }  # fmt: skip
    made = admin.get(f"/v1/plans/{plan + 1}").json()
    assert (made["state"], made["scheme"]) == ("draft", "safety")
    assert admin.post(f"/v1/plans/{plan + 1}/check").json()["valid"]
    # Whoever may not see the other's ground learns nothing of it.
    bound = client("planner", "440305002")
    assert bound.post(f"/v1/plans/{plan}/edits/preview", json=transfer).status_code == 404
    renumbered = take(admin, plan, "edits", {"command": "renumber", "areas": ["440305001"]})
    assert renumbered.json()["renamed"] == {"440305001-001": ONE, "440305001-002": TWO}
    assert renumbered.json()["entities"] == []


def test_an_account_and_its_token_are_one_person(client: Client, ground: Database) -> None:
    client().post("/v1/schemes", json={"code": "community", "name": "社区", "rules": {"four_eyes": True}})
    with ground.write() as session:
        create_account(session, SYSTEM, "anna", Role.publisher, None, PASSWORD)
        hour = timedelta(hours=1)
        _, secret = create_token(session, SYSTEM, "script", Role.publisher, None, hour, account="anna")
    script, herself = client("publisher"), client("publisher")
    script.headers["Authorization"] = f"Bearer {secret}"
    del herself.headers["Authorization"]
    signed_in = herself.post("/v1/session", json={"name": "anna", "password": PASSWORD})
    herself.headers["X-CSRF-Token"] = signed_in.json()["csrf_token"]
    plan = draft(script)["id"]
    script.post(f"/v1/plans/{plan}/check")
    assert take(script, plan, "submit").status_code == 200
    refused = take(herself, plan, "approve")
    assert (refused.status_code, "nobody approves or publishes their own" in refused.text) == (403, True)
    second = draft(herself)["id"]
    herself.post(f"/v1/plans/{second}/check")
    take(herself, second, "submit")
    assert take(script, second, "approve").status_code == 403
    assert take(client("publisher"), second, "approve").status_code == 200
    with ground.write() as session:
        disable_account(session, SYSTEM, "anna")
        assert session.scalars(select(Token.revoked_at).where(Token.name == "script")).one() is not None
        with pytest.raises(ConflictError, match="account 'anna' is disabled"):
            create_token(session, SYSTEM, "other", Role.publisher, None, hour, account="anna")


def test_what_came_first_is_told_in_chinese(client: Client) -> None:
    admin = client()
    admin.post("/v1/schemes", json={"code": "community", "name": "社区"})
    plan = draft(admin)["id"]
    take(admin, plan, "edits", {"command": "merge", "cells": [ONE, TWO]})
    take(admin, plan, "lock")
    admin.post(f"/v1/plans/{plan}/check")
    admin.headers["Accept-Language"] = "zh"
    late = take(admin, plan, "submit", tag='"1"')
    assert late.status_code == 412
    assert late.json()["detail"] == (
        f"方案 {plan} 的版本是 4，不是 1；此后的步骤：token 1 admin 0 编辑（合并）；"
        "token 1 admin 0 锁定网格；一次检查；请重新读取。"
    )
