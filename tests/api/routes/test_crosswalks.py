"""The crosswalk of schemes and plans over HTTP, on ground whose squares are counted."""

import csv
import io
from datetime import date
from typing import Any

import httpx
import pytest

from layers.db.database import Database, bump_revision
from layers.models import Entity
from tests.api.routes.conftest import Client, square
from tests.layers.snapshot.published import publish

DAY = date(2026, 1, 1)


@pytest.fixture
def two(ground: Database) -> Database:
    """A scheme of halves and one of quarters that leaves the east town out, and entities in both."""
    publish(
        ground,
        "halves",
        [("W", square(0, 0, 2, 2)), ("E", square(2, 0, 2, 2))],
        DAY,
        areas=("440305001", "440305002"),
    )
    publish(
        ground,
        "quarters",
        [("Q1", square(0, 0, 1, 2)), ("Q2", square(1, 0, 1, 2))],
        DAY,
        areas=("440305001",) * 2,
    )
    with ground.write() as session:
        for number, (kind, place) in enumerate(
            [
                ("household", square(0, 0)),
                ("household", square(0, 1)),
                ("household", square(1, 0)),
                ("enterprise", square(3, 1)),
            ]
        ):
            session.add(
                Entity(
                    kind=kind,
                    external_id=f"e{number}",
                    attributes={},
                    personal={},
                    valid_from=DAY,
                    version=1,
                    area_code="440305002" if kind == "enterprise" else "440305001",
                    geometry=place.centroid,
                )
            )
        bump_revision(session)
    return ground  # fmt: skip


def rows_of(answer: httpx.Response) -> dict[tuple[str | None, str | None], dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return {(row["from_code"], row["to_code"]): row for row in answer.json()["items"]}


def test_a_crosswalk_tells_ground_and_entities_of_each_pair(client: Client, two: Database) -> None:
    given = {"from_scheme": "halves", "to_scheme": "quarters", "at": "2026-02-01"}
    viewer = client("viewer")
    rows = rows_of(viewer.get("/v1/crosswalk", params=given))
    assert set(rows) == {("W", "Q1"), ("W", "Q2"), ("E", None)}
    assert rows["W", "Q1"]["area_share"] == pytest.approx(0.5, abs=1e-3)
    assert [rows["W", code]["households"] for code in ("Q1", "Q2")] == [2, 1]
    assert rows["W", "Q1"]["households_share"] == pytest.approx(2 / 3)
    assert (rows["E", None]["area_share"], rows["E", None]["enterprises"]) == (1.0, 1)
    back = rows_of(
        viewer.get(
            "/v1/crosswalk", params={"from_scheme": "quarters", "to_scheme": "halves", "at": "2026-02-01"}
        )
    )
    assert set(back) == {("Q1", "W"), ("Q2", "W"), (None, "E")}
    text = viewer.get("/v1/crosswalk.csv", params=given).content.decode("utf-8-sig")
    assert len(list(csv.DictReader(io.StringIO(text)))) == 3
    assert viewer.get("/v1/crosswalk.xlsx", params=given).content[:2] == b"PK"


def test_a_plan_is_a_side_too_and_scope_holds(client: Client, two: Database) -> None:
    admin = client()
    body = {"scheme": "quarters", "name": "copy", "from_plan": "in force", "area_code": "440305001"}
    plan = admin.post("/v1/plans", json=body).json()["id"]
    rows = rows_of(admin.get("/v1/crosswalk", params={"from_plan": plan, "to_scheme": "quarters"}))
    assert {pair: row["area_share"] for pair, row in rows.items()} == {
        ("Q1", "Q1"): 1.0,
        ("Q2", "Q2"): 1.0,
    }
    bound = client("viewer", "440305001")
    seen = rows_of(bound.get("/v1/crosswalk", params={"from_scheme": "halves", "to_scheme": "quarters"}))
    assert set(seen) == {("W", "Q1"), ("W", "Q2")}
    given = {"from_plan": plan, "to_scheme": "halves"}
    assert client("viewer", "440305002").get("/v1/crosswalk", params=given).status_code == 404


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        ({"from_scheme": "halves"}, 422, "either a scheme or a plan"),
        ({"from_scheme": "halves", "to_scheme": "quarters", "to_plan": 1}, 422, "either a scheme or a plan"),
        ({"from_scheme": "halves", "to_scheme": "no"}, 404, "no scheme"),
        ({"from_plan": 999, "to_scheme": "halves"}, 404, "no plan number 999"),
        ({"from_scheme": "halves", "to_scheme": "halves", "at": "2025-01-01"}, 422, "there on 2025-01-01"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused(
    client: Client, two: Database, given: dict[str, Any], status: int, said: str
) -> None:
    refused = client("viewer").get("/v1/crosswalk", params=given)
    assert refused.status_code == status
    assert said in refused.json()["detail"]
