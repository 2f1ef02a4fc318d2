"""Posts at every level over HTTP: given, changed, ended; absences, groups, and who answers on which day."""

from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from tests.api.routes.conftest import SOUTH, STEP, WEST, Client
from tests.api.routes.test_plan_officers import put_in_force
from tests.api.routes.test_plans import draft, scheme

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
