"""Gaps over HTTP: looked for by a job, listed, compared, and told to those alone who see the ground."""

import json
from collections import Counter
from datetime import date
from typing import Any

import httpx
import pytest
import shapely
from sqlalchemy import select

from layers.db.database import Database
from layers.entities.lifecycle import create_entity, end_entity
from layers.gaps.runs import search_gaps
from layers.models import Entity, Gap, GapRun
from layers.staff.officers import create_officer
from layers.staff.posts import add_post
from tests.api.routes.conftest import SOUTH, STEP, WEST, Client, square
from tests.api.routes.test_jobs import ended
from tests.api.routes.test_plans import collection, scheme

TOWNS = {
    "440305001": (("440305001-1", square(0, 0, 1, 2)), ("440305001-2", square(1, 0, 1, 2))),
    "440305002": (("440305002-1", square(2, 0, 1, 2)), ("440305002-2", square(3, 0, 1, 2))),
}
DAY = date(2026, 1, 1)


def place(column: float, row: float) -> shapely.Point:
    return shapely.Point(WEST + column * STEP, SOUTH + row * STEP)


@pytest.fixture
def planned(client: Client, ground: Database) -> httpx.Client:
    """A scheme in force in both towns with homes, a service point in the west, and homes beyond all cells."""
    admin = client()
    scheme(admin)
    for area, cells in TOWNS.items():
        body = {"scheme": "community", "name": area, "area_code": area, "cells": collection(*cells)}
        plan = admin.post("/v1/plans", json=body).json()["id"]
        tag = admin.post(f"/v1/plans/{plan}/check").headers["ETag"]
        done = admin.post(f"/v1/plans/{plan}/publish", json={"on": str(DAY)}, headers={"If-Match": tag})
        assert done.status_code == 200, done.text
    with ground.write() as session:
        for number, column in enumerate((0.5, 1.5, 2.5, 3.5)):
            create_entity(
                session, "household", f"h{number}", attributes={"households": 60 * number}, on=None,
                geometry=place(column, 1.5), personal={"name": "张伟"}, name="张伟",
            )  # fmt: skip
        create_entity(session, "service_point", "s", geometry=place(0.5, 1), class_name="PARTY")
        create_entity(session, "household", "lost", geometry=place(0.5, -1))
        create_entity(session, "enterprise", "nowhere", geometry=None)
    return admin


def search_by_job(client: httpx.Client, **body: Any) -> int:
    job = ended(client, client.post("/v1/gaps", json={"scheme": "community", **body}))
    assert job["state"] == "done", job
    number: int = job["result"]["run"]
    return number


def search(database: Database, area_code: str | None = None, on: date | None = None) -> int:
    return search_gaps(database, "community", created_by="test", area_code=area_code, on=on).id


def listed(client: httpx.Client, **query: Any) -> list[dict[str, Any]]:
    answer = client.get("/v1/gaps", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def test_a_job_finds_gaps_that_are_listed_most_severe_first(planned: httpx.Client, ground: Database) -> None:
    run = search_by_job(planned)
    found = listed(planned, run=run)
    assert [(each["kind"], each["cell_code"]) for each in found if each["severity"] == "high"] == [
        ("out_of_reach", "440305002-2"), ("out_of_reach", "440305002-1"), ("out_of_reach", "440305001-2"),
    ]  # fmt: skip
    ranks = [("high", "medium", "low").index(each["severity"]) for each in found]
    assert ranks == sorted(ranks)
    lost = [each for each in found if each["kind"] == "unassigned"]
    assert {(each["figures"]["entity_id"], each["figures"]["reason"]) for each in lost} == {
        ("lost", "outside"), ("nowhere", "empty_geometry"),
    }  # fmt: skip
    assert "张伟" not in str(found)
    far = found[0]
    assert (far["households"], far["enterprises"], far["area_code"]) == (180, 0, "440305002")
    assert far["figures"]["distance_m"] == 1000
    assert far["figures"]["households_in_all"] == 180
    assert far["box"] == pytest.approx(shapely.bounds(shapely.geometry.shape(far["geometry"])), abs=1e-7)
    # The newest run is what is meant when none is named, with its scheme or without.
    assert listed(planned) == listed(planned, scheme="community") == found
    assert planned.get(f"/v1/gaps/{far['id']}").json() == far
    record = planned.get(f"/v1/gaps/runs/{run}").json()
    assert (record["scheme"], record["area_code"], record["summary"]["gaps"]) == (
        "community",
        None,
        len(found),
    )
    assert record["rules"]["out_of_reach"]["distance_m"] == 1000
    with ground.read() as session:
        assert session.scalars(select(GapRun)).one().created_by == record["created_by"]


def states(client: httpx.Client, **query: Any) -> dict[str, tuple[str, int | None]]:
    """What the list of gaps says of each kind of the scheme."""
    (analysis,) = client.get("/v1/gaps", params=query).json()["analysis"]
    return {each["kind"]: (each["state"], each["gaps"]) for each in analysis["kinds"]}


def test_a_list_without_gaps_says_whether_anybody_has_looked(
    planned: httpx.Client, client: Client, ground: Database, today: date
) -> None:
    assert set(states(planned).values()) == {("not_analysed", None)}
    sheet = "/v1/schemes/community/cells/440305002-2"
    empty = planned.get(sheet).json()
    assert (empty["gap_run"], empty["gaps"]) == (None, [])
    assert {each["state"] for each in empty["gap_analysis"]} == {"not_analysed"}
    part = search(ground, "440305001")
    # What has looked at the west says nothing of a cell in the east.
    assert planned.get(sheet).json()["gap_run"] is None
    assert planned.get("/v1/gaps").json()["analysis"][0]["whole"] is False
    assert [each["whole"] for each in planned.get("/v1/gaps/runs").json()["items"]] == [False]
    whole = search(ground)
    found = listed(planned, run=whole)
    for kind in ("blank", "overlap", "unassigned", "out_of_reach"):
        count = sum(each["kind"] == kind for each in found)
        # Whatever the list is narrowed to, it says what was looked for.
        assert states(planned, kind="blank")[kind] == ("analysed", count)
        assert states(planned, run=whole)[kind] == ("analysed", count)
    told = planned.get(sheet).json()
    assert {each["kind"]: each["gaps"] for each in told["gap_analysis"]} == {
        "blank": 0, "overlap": 0, "out_of_reach": 1,
    }  # fmt: skip
    assert (told["gap_run"], told["gap_run_on"]) == (whole, str(today))
    runs = client("viewer", "440305001").get("/v1/gaps/runs").json()["items"]
    assert [(each["id"], each["whole"]) for each in runs] == [(whole, True), (part, True)]


def test_gaps_are_chosen_by_what_they_are_and_where(planned: httpx.Client, ground: Database) -> None:
    search(ground)
    every = listed(planned)
    for name, key in (("kind", "kind"), ("severity", "severity"), ("cell", "cell_code")):
        for value in {each[key] for each in every} - {None}:
            assert listed(planned, **{name: value}) == [each for each in every if each[key] == value]
    box = f"{WEST + 3.1 * STEP},{SOUTH},{WEST + 4 * STEP},{SOUTH + STEP}"
    assert {each["cell_code"] for each in listed(planned, box=box)} == {"440305002-2"}
    pages, cursor = [], None
    for _ in every:
        page = planned.get("/v1/gaps", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        pages += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert pages == every
    plain = listed(planned, geometry=False)
    assert all("geometry" not in each and "box" in each for each in plain)
    answer = planned.get("/v1/gaps", headers={"Accept": "application/geo+json"})
    assert answer.headers["Content-Type"] == "application/geo+json"
    assert [each["id"] for each in answer.json()["features"]] == [each["id"] for each in every]
    assert [each["geometry"] for each in answer.json()["features"]] == [each["geometry"] for each in every]
    same = planned.get("/v1/gaps", headers={"If-None-Match": planned.get("/v1/gaps").headers["ETag"]})
    assert same.status_code == 304
    assert planned.get("/v1/gaps", params={"severity": "huge"}).status_code == 422
    assert planned.get("/v1/gaps", params={"run": 99}).status_code == 404
    assert planned.get("/v1/gaps", params={"scheme": "power"}).status_code == 404


def test_a_caller_sees_the_gaps_of_their_ground_in_whatever_run(
    planned: httpx.Client, client: Client, ground: Database
) -> None:
    whole = search(ground)
    east = client("planner", "440305002")
    mine = [each for each in listed(planned) if each["area_code"] == "440305002"]
    assert listed(east) == listed(east, run=whole) == mine != []
    record = east.get(f"/v1/gaps/runs/{whole}").json()
    assert record["created_by"] is None
    assert record["summary"]["gaps"] == len(mine)
    assert record["summary"]["kinds"]["out_of_reach"] == {
        "gaps": 2, "high": 2, "medium": 0, "low": 0, "enterprises": 0, "households": 300,
        "area_m2": pytest.approx(sum(each["area_m2"] for each in mine), abs=0.01),
    }  # fmt: skip
    hidden = next(each for each in listed(planned) if each["area_code"] != "440305002")
    assert east.get(f"/v1/gaps/{hidden['id']}").status_code == 404
    west = client("planner", "440305001")
    own = search_by_job(west)
    assert west.get(f"/v1/gaps/runs/{own}").json()["area_code"] == "440305001"
    assert {each["area_code"] for each in listed(west, run=own)} == {"440305001"}
    for path in (f"/v1/gaps/runs/{own}", f"/v1/gaps?run={own}", f"/v1/gaps/runs/{own}/diff?against={whole}"):
        assert east.get(path).status_code == 404
    assert [each["id"] for each in east.get("/v1/gaps/runs").json()["items"]] == [whole]
    assert [each["id"] for each in planned.get("/v1/gaps/runs").json()["items"]] == [own, whole]
    assert east.post("/v1/gaps", json={"scheme": "community", "area_code": "440305001"}).status_code == 403
    assert client("viewer").post("/v1/gaps", json={"scheme": "community"}).status_code == 403
    # The newest of all the ground comes before a newer one of a part.
    assert {each["run"] for each in listed(planned)} == {whole}
    assert {each["run"] for each in listed(west)} == {own}


def test_a_search_of_a_day_to_come_is_not_the_newest(planned: httpx.Client, ground: Database) -> None:
    present = search(ground)
    ahead = search(ground, on=date(2226, 1, 1))
    assert {each["run"] for each in listed(planned)} == {present}
    assert planned.get("/tiles/gaps.json?scheme=community").json()["run"] == present
    assert {each["run"] for each in listed(planned, run=ahead)} == {ahead}
    sheet = planned.get("/v1/schemes/community/cells/440305002-2").json()
    assert sheet["gap_run"] == present


def test_runs_are_listed_in_pages_the_last_first(planned: httpx.Client, ground: Database) -> None:
    runs = [search(ground, on=DAY), search(ground), search(ground, "440305001")]
    first = planned.get("/v1/gaps/runs", params={"limit": 2, "scheme": "community"}).json()
    rest = planned.get("/v1/gaps/runs", params={"limit": 2, "cursor": first["next"]}).json()
    assert [each["id"] for each in first["items"] + rest["items"]] == runs[::-1]
    assert rest["next"] is None


def test_two_runs_are_compared(planned: httpx.Client, client: Client, ground: Database) -> None:
    before = search(ground)
    tag = planned.get("/v1/schemes/community").headers["ETag"]
    changed = planned.patch(
        "/v1/schemes/community", json={"rules": {"severity": {"high_households": 500, "high_m2": 5e6}}},
        headers={"If-Match": tag},
    )  # fmt: skip
    assert changed.status_code == 200, changed.text
    with ground.write() as session:
        create_entity(session, "service_point", "t", geometry=place(3, 1))
        create_entity(session, "enterprise", "shop", geometry=place(0.5, -2))
        lost = session.scalars(select(Entity).where(Entity.external_id == "lost")).one()
        end_entity(session, lost.id, lost.version)
    after = search(ground)
    answer = planned.get(f"/v1/gaps/runs/{after}/diff", params={"against": before}).json()
    assert answer["summary"]["unassigned"] == {"appeared": 1, "gone": 1, "lasting": 1}
    assert [each["figures"]["entity_id"] for each in answer["appeared"]] == ["shop"]
    assert [(each["figures"]["entity_id"], each["run"]) for each in answer["gone"]
            if each["kind"] == "unassigned"] == [("lost", before)]  # fmt: skip
    assert answer["rules_changed"] is True
    assert answer["not_compared"] == []
    reach = {each["cell_code"]: each for each in answer["lasting"] if each["kind"] == "out_of_reach"}
    assert reach["440305002-2"]["area_m2"] < reach["440305002-2"]["before"]["area_m2"]
    assert reach["440305002-2"]["before"]["severity"] == "high"
    reverse = planned.get(f"/v1/gaps/runs/{before}/diff", params={"against": after}).json()
    assert [each["id"] for each in reverse["gone"]] == [each["id"] for each in answer["appeared"]]
    same = planned.get(f"/v1/gaps/runs/{after}/diff", params={"against": after, "limit": 1}).json()
    assert len(same["lasting"]) == 1 < sum(each["lasting"] for each in same["summary"].values())
    assert same["appeared"] == same["gone"] == []
    # A run of a part is compared with one of all on the part alone.
    part = search(ground, "440305002")
    answer = planned.get(f"/v1/gaps/runs/{part}/diff", params={"against": after}).json()
    assert answer["area_code"] == "440305002"
    assert answer["appeared"] == answer["gone"] == []
    assert answer["summary"]["out_of_reach"]["lasting"] == 2
    other = search(ground, "440305001")
    apart = planned.get(f"/v1/gaps/runs/{part}/diff", params={"against": other})
    assert apart.status_code == 422
    assert "different ground" in apart.json()["detail"]
    bound = (
        client("viewer", "440305001").get(f"/v1/gaps/runs/{after}/diff", params={"against": before}).json()
    )
    told = bound["appeared"] + bound["gone"] + bound["lasting"]
    assert {each["area_code"] for each in told} == {"440305001"}


def test_what_cannot_be_searched_is_told(planned: httpx.Client, ground: Database) -> None:
    job = ended(planned, planned.post("/v1/gaps", json={"scheme": "community", "on": "2020-01-01"}))
    assert (job["state"], "no cells in force on 2020-01-01" in job["error"]) == ("failed", True)
    far = {"scheme": "community", "on": "2226-01-01"}
    assert "confirm it if it is meant" in planned.post("/v1/gaps", json=far).json()["detail"]
    assert planned.post("/v1/gaps", json={"scheme": "power"}).status_code == 404
    assert planned.post("/v1/gaps", json={"scheme": "community", "area_code": "9"}).status_code == 404
    with ground.read() as session:
        assert session.scalars(select(Gap)).all() == session.scalars(select(GapRun)).all() == []


def test_rules_of_a_scheme_are_checked_shown_and_applied(planned: httpx.Client, ground: Database) -> None:
    def patch(rules: dict[str, Any]) -> httpx.Response:
        tag = planned.get("/v1/schemes/community").headers["ETag"]
        headers = {"If-Match": tag, "Content-Type": "application/json"}
        return planned.patch("/v1/schemes/community", content=json.dumps({"rules": rules}), headers=headers)

    answer = patch({"out_of_reach": {"by_class": {"PARTY": 5000}}, "unassigned": {"kinds": ["enterprise"]}})
    assert answer.status_code == 200, answer.text
    shown = planned.get("/v1/schemes/community").json()
    assert shown["rules"]["out_of_reach"] == {"by_class": {"PARTY": 5000}}
    assert shown["gap_rules"]["out_of_reach"]["min_ground_m2"] == 100
    assert shown["gap_rules"]["unassigned"] == {"kinds": ["enterprise"]}
    run = search(ground)
    assert [(each["kind"], each["figures"]["entity_id"]) for each in listed(planned, run=run)] == [
        ("unassigned", "nowhere")
    ]
    assert planned.get(f"/v1/gaps/runs/{run}").json()["rules"] == shown["gap_rules"]
    wrong = patch({"out_of_reach": {"distence_m": 5}})
    assert (wrong.status_code, "distence_m" in wrong.json()["detail"]) == (422, True)
    assert patch({"severity": {"high_m2": 10**400}}).status_code == 422
    assert patch({"out_of_reach": {"by_class": {"\ud800": 1}}}).status_code == 422
    assert patch({"max_distance_m": 50}).status_code == 409
    assert planned.get("/v1/schemes/community").json()["rules"] == shown["rules"]
    assert "unassigned" not in patch({"unassigned": None}).json()["rules"]


def test_gaps_say_where_they_are_and_who_answers_and_come_in_groups(
    planned: httpx.Client, client: Client, ground: Database
) -> None:
    with ground.write() as session:
        street = create_officer(
            session,
            "G-1",
            area_code="440305001",
            personal={"name": "张伟"},
            attributes={"duty": "leader"},
            on=DAY,
        )
        assert street.id
        holder = create_officer(session, "G-2", area_code="440305002", personal={}, attributes={}, on=DAY)
        for code in ("440305002-1", "440305002-2"):
            add_post(
                session,
                holder,
                scheme="community",
                cell_code=code,
                duty="leader",
                rank="A",
                on=DAY,
                scope=None,
            )
    search(ground)
    found = listed(planned)
    for each in found:
        town = each["area_code"]
        assert each["area"] == (None if town is None else f"地440305 / 地{town}")
        answers = {"440305001": "G-1", "440305002": "G-2", None: None}[town]
        assert each["person_number"] == answers, each
        entity = each["figures"].get("entity_id")
        assert (each["entity"] or {}).get("external_id") == entity
    assert "张伟" not in str(found)
    lost = next(each for each in found if each["figures"].get("entity_id") == "lost")
    assert planned.get(f"/v1/entities/{lost['entity']['id']}").json()["external_id"] == "lost"
    ranks = ("high", "medium", "low")
    for by, key in (("community", "area_code"), ("officer", "person_number"), ("kind", "kind")):
        groups = planned.get("/v1/gaps/groups", params={"by": by, "scheme": "community"}).json()["items"]
        assert {each["key"]: each["gaps"] for each in groups} == Counter(each[key] for each in found)
        worst = [tuple(-each[severity] for severity in ranks) for each in groups]
        assert worst == sorted(worst)
        for each in groups:
            assert each["kinds"] == Counter(gap["kind"] for gap in found if gap[key] == each["key"])
            name = {"community": "area", "officer": "officer", "kind": "kind"}[by]
            if each["key"] is not None:
                own = [gap for gap in found if gap[key] == each["key"]]
                assert listed(planned, **{name: each["key"]}) == own
    (street_group, *rest) = planned.get(
        "/v1/gaps/groups", params={"by": "street", "scheme": "community"}
    ).json()["items"]
    assert (street_group["key"], street_group["name"]) == ("440305", "地440305")
    assert [each["key"] for each in rest] == [None]
    east = client("viewer", "440305002")
    groups = east.get("/v1/gaps/groups", params={"by": "officer", "scheme": "community"}).json()["items"]
    assert [each["key"] for each in groups] == ["G-2"]
    assert east.get("/v1/gaps", params={"area": "440305001"}).status_code == 404
