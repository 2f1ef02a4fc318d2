"""Posts at every level over HTTP: given, changed, ended; absences, groups, and who answers on which day."""

from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from api.security.accounts import change_password, create_account, create_token, link_officer
from api.security.principal import SYSTEM, Role
from gis.errors import ConflictError
from layers.db.database import Database
from tests.api.routes.conftest import SOUTH, STEP, WEST, Client
from tests.api.routes.grid import eventually
from tests.api.routes.test_plan_officers import MERGED, put_in_force
from tests.api.routes.test_plans import draft, scheme
from tests.plain_http import NO_CERTIFICATES

TOWN, COUNTY = "440305001", "440305"
CELLS = [f"{TOWN}-{number}" for number in (1, 2)]
TODAY = date.today()
PERSON = {"姓名": "李雷", "手机": "13800001234"}


def good(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


def days(number: int) -> str:
    return str(TODAY + timedelta(days=number))


@pytest.fixture
def admin(client: Client) -> httpx.Client:
    """A plan of two cells, and officers G-1 to G-6 of the town."""
    admin = client()
    scheme(admin)
    put_in_force(admin, draft(admin), "2026-01-01")
    for number in range(1, 7):
        body = {"external_id": f"G-{number}", "area_code": TOWN, "personal": PERSON, "on": "2026-01-01"}
        good(admin.post("/v1/officers", json=body), 201)
    return admin


def give(admin: httpx.Client, officer: int, status: int = 201, **post: Any) -> Any:
    body = {"officer_id": officer, "duty": "leader", "on": "2026-01-01", **post}
    return good(admin.post("/v1/posts", json=body), status)


def answerable(caller: httpx.Client, at: str, column: float = 0.5) -> list[tuple[Any, ...]]:
    query = {"lon": WEST + column * STEP, "lat": SOUTH + STEP / 2, "at": at, "officers": "true"}
    officers = good(caller.get("/v1/locate", params=query))["owners"][0]["officers"]
    return [(each["level"], each["external_id"], each["rank"], each["acting"]) for each in officers]


def test_posts_of_a_street_and_a_district_are_answered_on_both_sides_of_a_day(admin: httpx.Client) -> None:
    give(admin, 1, scheme="community", cell_code=CELLS[0])
    give(admin, 2, scheme="community", area_code=TOWN, on="2026-03-01")
    give(admin, 3, area_code=COUNTY, until="2026-06-01", published_name="区长值班室", published_phone="12345")
    cell, town, county = (
        ("cell", "G-1", "A", False),
        ("town", "G-2", "A", False),
        ("county", "G-3", "A", False),
    )
    for at, expected in (
        ("2026-02-28", [cell, county]),
        ("2026-03-01", [cell, town, county]),
        ("2026-05-31", [cell, town, county]),
        ("2026-06-01", [cell, town]),
    ):
        assert answerable(admin, at) == expected
    # The cell beside has nobody, and the same street and district.
    assert answerable(admin, "2026-03-01", 1.5) == [town, county]


def test_while_an_officer_is_away_the_backup_acts_or_the_place_is_vacant(admin: httpx.Client) -> None:
    give(admin, 1, scheme="community", cell_code=CELLS[0])
    give(admin, 2, scheme="community", cell_code=CELLS[0], rank="B")
    give(admin, 3, scheme="community", cell_code=CELLS[1])
    away = {"since": "2026-03-01", "until": "2026-03-05", "reason": "病假"}
    for officer in (1, 3):
        told = good(admin.post(f"/v1/officers/{officer}/absences", json=away), 201)
        assert told["reason"] is None
    first, backup = ("cell", "G-1", "A", False), ("cell", "G-2", "B", False)
    acting = ("cell", "G-2", "B", True)
    for at, expected, beside in (
        ("2026-02-28", [first, backup], [("cell", "G-3", "A", False)]),
        ("2026-03-01", [acting], []),
        ("2026-03-04", [acting], []),
        ("2026-03-05", [first, backup], [("cell", "G-3", "A", False)]),
    ):
        assert answerable(admin, at) == expected
        assert answerable(admin, at, 1.5) == beside
        sheet = good(admin.get(f"/v1/schemes/community/cells/{CELLS[1]}", params={"at": at}))
        assert sheet["responsible"][0]["vacant"] == (beside == [])
        vacant = good(
            admin.get("/v1/lists/cells", params={"scheme": "community", "at": at, "staffed": "false"})
        )
        assert [row["cell_code"] for row in vacant["items"]] == ([] if beside else [CELLS[1]])
    sheet = good(admin.get(f"/v1/schemes/community/cells/{CELLS[0]}", params={"at": "2026-03-01"}))
    assert [(each["external_id"], each["absent"], each["acting"]) for each in sheet["officers"]] == [
        ("G-2", False, True),
        ("G-1", True, False),
    ]
    shown = good(admin.get("/v1/officers/1/absences", params={"reveal": "true"}))["items"]
    assert [each["reason"] for each in shown] == ["病假"]
    assert good(admin.get("/v1/officers/1/absences"))["items"][0]["reason"] is None
    for body, status, said in (
        ({**away, "until": "2026-03-02"}, 409, "is away from 2026-03-01 to 2026-03-05 already"),
        ({"since": "2026-03-09", "until": "2026-03-09"}, 422, "before it begins"),
    ):
        assert said in good(admin.post("/v1/officers/1/absences", json=body), status)["detail"]


def test_an_absence_ends_today_and_one_to_come_never_begins(admin: httpx.Client) -> None:
    for since, until, end in ((-2, 5, 0), (10, 20, 10)):
        body = {"since": days(since), "until": days(until)}
        made = good(admin.post("/v1/officers/1/absences", json=body), 201)
        path = f"/v1/absences/{made['id']}"
        assert admin.delete(path).status_code == 428
        tag = admin.get(path).headers["ETag"]
        ended = admin.delete(path, headers={"If-Match": tag})
        assert good(ended)["valid_to"] == days(end)
        assert admin.delete(path, headers={"If-Match": tag}).status_code == 412
    assert len(good(admin.get("/v1/officers/1/absences"))["items"]) == 1


def test_a_post_is_at_one_place_that_is_there_and_is_given_once(admin: httpx.Client, client: Client) -> None:
    made = give(admin, 1, scheme="community", cell_code=CELLS[0])
    for post, status, said in (
        ({}, 422, "one place"),
        ({"cell_code": CELLS[0]}, 422, "needs the scheme"),
        ({"scheme": "community", "cell_code": CELLS[0], "area_code": TOWN}, 422, "one place"),
        ({"scheme": "community", "cell_code": "none"}, 404, "no cell 'none'"),
        ({"scheme": "community", "cell_code": CELLS[0], "on": "2025-12-01"}, 422, "in force from 2026-01-01"),
        ({"scheme": "community", "group": "P"}, 404, "no group 'P'"),
        ({"area_code": "1"}, 404, "no area '1'"),
        ({"entity_id": 99}, 404, "no entity number 99"),
        ({"area_code": TOWN, "until": "2026-01-01"}, 422, "before it begins"),
        ({"scheme": "community", "cell_code": CELLS[0]}, 409, f"already, as number {made['id']}"),
    ):
        assert said in give(admin, 1, status, **post)["detail"], post
    bound = client("publisher", TOWN)
    assert give(bound, 1, 404, area_code=COUNTY)["detail"] == f"There is no area '{COUNTY}'."
    assert give(bound, 1, 201, area_code=TOWN)["level"] == "area"
    give(admin, 1, 201, area_code=COUNTY)
    seen = good(bound.get("/v1/posts"))["items"]
    assert [(each["level"], each["area_code"]) for each in seen] == [
        ("cell", None),
        ("area", TOWN),
        ("area", None),
    ]
    assert good(bound.get("/v1/posts", params={"area_code": COUNTY}))["items"] == []
    assert good(client("publisher", "440305002").get("/v1/posts"))["items"] == []


def test_a_post_is_changed_by_who_has_seen_it_and_lists_in_pages(admin: httpx.Client) -> None:
    for number in (1, 2, 3):
        give(admin, number, scheme="community", area_code=TOWN)
    page = good(admin.get("/v1/posts", params={"limit": 2}))
    rest = good(admin.get("/v1/posts", params={"limit": 2, "cursor": page["next"]}))
    assert [each["officer_id"] for each in (*page["items"], *rest["items"])] == [1, 2, 3]
    path = f"/v1/posts/{page['items'][0]['id']}"
    tag = admin.get(path).headers["ETag"]
    body = {"part_time": True, "published_name": " 值班室 ", "valid_to": days(30)}
    changed = admin.patch(path, json=body, headers={"If-Match": tag})
    assert good(changed)["published_name"] == "值班室"
    assert (good(changed)["part_time"], good(changed)["valid_to"]) == (True, days(30))
    assert admin.patch(path, json=body, headers={"If-Match": tag}).status_code == 412
    tag = changed.headers["ETag"]
    for body, status in (({"valid_to": days(0)}, 422), ({"rank": "B"}, 422), ({"valid_to": None}, 200)):
        good(admin.patch(path, json=body, headers={"If-Match": tag}), status)
    assert answerable(admin, days(0))[0][:2] == ("town", "G-1")
    sheet = good(admin.get(f"/v1/areas/{TOWN}/sheet", params={"scheme": "community"}))
    (town, county) = sheet["responsible"]
    assert [each["name"] for each in town["officers"]] == ["值班室", "李*", "李*"]
    assert (county["level"], county["vacant"], county["officers"]) == ("county", True, [])


def test_a_group_has_posts_and_hands_its_place_on_when_its_cells_end(admin: httpx.Client) -> None:
    path = "/v1/schemes/community/groups"
    body = {"code": "P1", "name": "东片", "cells": [CELLS[0]], "on": "2026-01-01"}
    made = admin.post(path, json=body)
    assert (good(made, 201)["area_code"], good(made, 201)["cells"]) == (TOWN, [CELLS[0]])
    for other, status, said in (
        ({**body}, 409, "a group 'P1'"),
        ({**body, "code": "P2"}, 409, "is in group 'P1'"),
        ({**body, "code": "P2", "cells": ["none"]}, 404, "no cell 'none'"),
    ):
        assert said in good(admin.post(path, json=other), status)["detail"]
    give(admin, 4, scheme="community", group="P1")
    give(admin, 5, scheme="community", area_code=TOWN)
    expected = [("group", "G-4", "A", False), ("town", "G-5", "A", False)]
    assert answerable(admin, "2026-06-01") == expected
    put_in_force(admin, draft(admin, cells=MERGED), "2026-07-01")
    assert answerable(admin, "2026-07-01") == answerable(admin, "2026-06-30", 0.5) == expected
    assert answerable(admin, "2026-07-01", 1.5) == expected
    assert answerable(admin, "2026-06-30", 1.5) == expected[1:]
    for at, cells in (("2026-06-30", [CELLS[0]]), ("2026-07-01", [f"{TOWN}-3"])):
        assert good(admin.get(f"{path}/P1", params={"at": at}))["cells"] == cells
    tag = admin.get(f"{path}/P1").headers["ETag"]
    assert admin.delete(f"{path}/P1").status_code == 428
    assert good(admin.delete(f"{path}/P1", headers={"If-Match": tag}))["valid_to"] == days(0)
    assert answerable(admin, days(0)) == expected[1:]
    assert "has ended" in give(admin, 4, 409, scheme="community", group="P1", on=days(0))["detail"]


def test_posts_of_an_enterprise_move_and_end_with_it(admin: httpx.Client) -> None:
    place = {"type": "Point", "coordinates": [WEST + STEP / 2, SOUTH + STEP / 2]}
    entity = good(
        admin.post("/v1/entities", json={"kind": "enterprise", "external_id": "E1", "geometry": place}), 201
    )
    give(admin, 1, scheme="community", cell_code=CELLS[1])
    give(admin, 2, entity_id=entity["id"], duty="inspector", on=days(0))
    path = f"/v1/entities/{entity['id']}"

    def levels() -> list[tuple[str, list[str]]]:
        told = good(admin.get(f"{path}/officers", params={"scheme": "community"}))["responsible"]
        return [(each["level"], [one["external_id"] for one in each["officers"]]) for each in told]

    assert levels() == [("entity", ["G-2"]), ("cell", []), ("town", []), ("county", [])]
    moved = {"geometry": {"type": "Point", "coordinates": [WEST + 1.5 * STEP, SOUTH + STEP / 2]}}
    tag = admin.get(path).headers["ETag"]
    good(admin.patch(path, json=moved, headers={"If-Match": tag}))
    assert levels() == [("entity", ["G-2"]), ("cell", ["G-1"]), ("town", []), ("county", [])]
    tag = admin.get(path).headers["ETag"]
    good(admin.delete(path, headers={"If-Match": tag}))
    assert good(admin.get("/v1/officers/2/posts"))["items"][0]["valid_to"] == days(0)


def test_rotation_is_due_by_the_rule_of_the_scheme(admin: httpx.Client) -> None:
    give(admin, 1, scheme="community", cell_code=CELLS[0], on="2026-01-31")
    give(admin, 2, scheme="community", cell_code=CELLS[1], on="2026-02-01")
    query = {"due_by": "2026-02-28"}
    assert good(admin.get("/v1/posts", params=query))["items"] == []
    tag = admin.get("/v1/schemes/community").headers["ETag"]
    for rules, status in (({"rotation_months": 0}, 422), ({"rotation_months": 1}, 200)):
        good(admin.patch("/v1/schemes/community", json={"rules": rules}, headers={"If-Match": tag}), status)
    (due,) = good(admin.get("/v1/posts", params=query))["items"]
    assert (due["officer_id"], due["rotation_due"]) == (1, "2026-02-28")
    rows = good(admin.get("/v1/lists/rotation", params={"scheme": "community", "at": "2026-02-28"}))["items"]
    assert [(row["person_number"], row["rotation_due"]) for row in rows] == [("G-1", "2026-02-28")]
    rows = good(admin.get("/v1/lists/posts", params={"scheme": "community", "at": "2026-02-28"}))["items"]
    assert [(row["person_number"], row["place"]) for row in rows] == [("G-1", CELLS[0]), ("G-2", CELLS[1])]


def test_ending_an_officer_ends_the_accounts_tokens_and_sessions(
    admin: httpx.Client, ground: Database
) -> None:
    give(admin, 1, scheme="community", cell_code=CELLS[0])
    with ground.write() as session:
        account = create_account(
            session, SYSTEM, "lilei", Role.viewer, TOWN, "correct horse battery", officer_id=1
        )
        create_account(session, SYSTEM, "other", Role.viewer, TOWN, "correct horse battery")
        _, token = create_token(session, SYSTEM, "app", Role.viewer, TOWN, timedelta(days=1), officer_id=1)
        assert account.officer_id == 1
    with httpx.Client(base_url=admin.base_url, verify=NO_CERTIFICATES) as browser:
        body = {"name": "lilei", "password": "correct horse battery"}
        assert browser.post("/v1/session", json=body).is_success
        assert browser.get("/v1/areas").status_code == 200
        tag = admin.get("/v1/officers/1").headers["ETag"]
        told = good(admin.delete("/v1/officers/1", headers={"If-Match": tag}))["ended"]
        assert told == {"posts": 1, "accounts": ["lilei"], "tokens": 1, "sessions": 1}
        eventually(lambda: browser.get("/v1/areas").status_code == 401)
        assert browser.post("/v1/session", json=body).status_code == 401
    program = {"Authorization": f"Bearer {token}"}
    eventually(
        lambda: httpx.get(f"{admin.base_url}/v1/areas", headers=program, trust_env=False).status_code == 401
    )
    with ground.write() as session:
        # The account does not come back with another password, and none is made for who has left.
        with pytest.raises(ConflictError, match="has left"):
            change_password(session, SYSTEM, "lilei", "another horse battery")
        with pytest.raises(ConflictError, match="has left"):
            link_officer(session, SYSTEM, "other", 1)
