"""Plans follow one another over HTTP: every date keeps its answers, and the histories of entities add up."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.layers.squares import spot
from tests.service import dataset
from tests.service.dataset import ALL_SQUARES, Owners, draft_plan, nth_day, owners_on, publish_plan
from tests.service.processes import serving

PLANS: tuple[tuple[date, Owners], ...] = (
    (nth_day(0), {square: "a" if square[0] < 2 else "b" for square in ALL_SQUARES}),
    (
        nth_day(60),
        {square: "a" if square[0] < 1 else "c" if square[0] < 3 else "b" for square in ALL_SQUARES},
    ),
    (nth_day(120), {square: f"d{square[0]}" for square in ALL_SQUARES}),
)
ENTITIES = 40
DAYS = tuple(map(nth_day, (0, 59, 60, 89, 90, 119, 120, 149, 150, 3000)))
"""The days on which something changes, those before them, and one long after."""

MOVED, MOVED_ON, MOVED_TO = 3, nth_day(90), (3, 1)
ENDED, ENDED_ON = 5, nth_day(150)


@pytest.fixture
def client(copy_of: Callable[[str], str], tmp_path: Path) -> Iterator[httpx.Client]:
    """A service with entities since the first day and three plans, one of them moved and one ended since."""
    url = copy_of("migrated")
    token = dataset.prepare_database(url, dataset.county_and_towns())
    entities = dataset.write_entities(tmp_path / "entities.csv", ENTITIES, 0)
    dataset.load_entities(url, entities, nth_day(0))
    with serving(tmp_path, url, token) as server:
        client = server.client
        client.post("/v1/schemes", json={"code": "community", "name": "社区"}).raise_for_status()
        for on, owners in PLANS:
            publish_plan(client, draft_plan(client, owners), on).raise_for_status()
        place = spot(MOVED_TO)
        changes = {"geometry": {"type": "Point", "coordinates": [place.x, place.y]}, "on": str(MOVED_ON)}
        change(client, "patch", MOVED, json=changes)
        change(client, "delete", ENDED, params={"on": str(ENDED_ON)})
        yield client


def entities(client: httpx.Client) -> dict[int, dict[str, Any]]:
    """Read all entities, in pages."""
    found: dict[int, dict[str, Any]] = {}
    query: dict[str, Any] = {"limit": 15, "ended": True}
    while True:
        page = client.get("/v1/entities", params=query).raise_for_status().json()
        found |= {int(each["external_id"]): each for each in page["items"]}
        if page["next"] is None:
            return found
        query["cursor"] = page["next"]


def change(client: httpx.Client, method: str, number: int, **given: Any) -> None:
    """Change or end an entity."""
    found = entities(client)[number]
    condition = {"If-Match": f'"{found["version"]}"'}
    client.request(method, f"/v1/entities/{found['id']}", headers=condition, **given).raise_for_status()


def plan_of(on: date) -> Owners:
    """Return the owners in force on a day."""
    return next(owners for since, owners in reversed(PLANS) if since <= on)


def place_on(number: int, on: date) -> tuple[int, int] | None:
    """Return where an entity is on a day, None when it is no more."""
    if number == ENDED and on >= ENDED_ON:
        return None
    return MOVED_TO if number == MOVED and on >= MOVED_ON else dataset.square_of(number, 0)


def test_every_date_keeps_its_answers_and_histories_add_up(client: httpx.Client) -> None:
    assert_every_date_keeps_its_answers(client)
    assert_histories_add_up(client)


def assert_every_date_keeps_its_answers(client: httpx.Client) -> None:
    places = [spot(square) for square in ALL_SQUARES]
    asked = {"lon": [place.x for place in places], "lat": [place.y for place in places]}
    for on in DAYS:
        expected = plan_of(on)
        assert owners_on(client, on) == expected
        query = {"scheme": "community", "at": str(on)}
        many = client.post("/v1/locate", params=query, json=asked).raise_for_status().json()
        assert many["schemes"]["community"]["code"] == [expected[square] for square in ALL_SQUARES]
        cells = client.get("/v1/schemes/community/cells", params={"at": str(on)}).raise_for_status().json()
        assert [each["code"] for each in cells["items"]] == sorted(set(expected.values()))
    before = nth_day(-1)
    assert owners_on(client, before) == dict.fromkeys(ALL_SQUARES)
    plans = client.get("/v1/plans").raise_for_status().json()["items"]
    assert [each["state"] for each in plans] == ["superseded", "superseded", "published"]


def assert_histories_add_up(client: httpx.Client) -> None:
    held: dict[date, Counter[str]] = {on: Counter() for on in DAYS}
    for number, entity in entities(client).items():
        rows = client.get(f"/v1/entities/{entity['id']}/owners").raise_for_status().json()["items"]
        spans = [(date.fromisoformat(row["valid_from"]), row["valid_to"], row["cell_code"]) for row in rows]
        assert spans[0][0] == nth_day(0)
        for (_, until, code), (since, _, following) in pairwise(spans):
            assert until == str(since)
            assert code != following
        assert spans[-1][1] == (str(ENDED_ON) if number == ENDED else None)
        for on in DAYS:
            place = place_on(number, on)
            expected = [] if place is None else [plan_of(on)[place]]
            found = [
                code for since, until, code in spans if since <= on and (until is None or str(on) < until)
            ]
            assert found == expected, (number, on)
            held[on].update(found)
    for on, counted in held.items():
        places = [place_on(number, on) for number in range(ENTITIES)]
        assert counted == Counter(plan_of(on)[place] for place in places if place is not None)
        assert counted.total() == ENTITIES - (on >= ENDED_ON)
