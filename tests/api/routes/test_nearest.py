"""The nearest entities over HTTP: in order, in the caller's area, as they are now, nothing personal."""

from typing import Any

import httpx
from pyproj import Geod

from tests.api.routes.conftest import SOUTH, STEP, WEST, Client

PHONE = "13800001234"


def place(column: float) -> tuple[float, float]:
    return WEST + column * STEP, SOUTH + 0.5 * STEP


def add(client: httpx.Client, name: str, column: float, kind: str = "sensor") -> httpx.Response:
    body = {
        "kind": kind,
        "external_id": name,
        "personal": {"phone": PHONE},
        "geometry": {"type": "Point", "coordinates": place(column)},
    }
    answer = client.post("/v1/entities", json=body)
    assert answer.status_code == 201, answer.text
    return answer


def near(client: httpx.Client, column: float, **asked: Any) -> list[str]:
    lon, lat = place(column)
    answer = client.get("/v1/entities/nearest", params={"lon": lon, "lat": lat, "kind": "sensor", **asked})
    assert answer.status_code == 200, answer.text
    assert PHONE not in answer.text
    metres = [each["distance_m"] for each in answer.json()["items"]]
    assert metres == sorted(metres)
    return [each["external_id"] for each in answer.json()["items"]]


def test_the_nearest_come_first_and_as_they_are_now(client: Client) -> None:
    admin = client()
    assert near(admin, 0.5) == []
    made = {name: add(admin, name, column) for name, column in (("a", 0.5), ("b", 1.5), ("c", 3.5))}
    add(admin, "home", 0.5, kind="household")
    assert near(admin, 0.4) == ["a", "b", "c"]
    assert near(admin, 3.0, k=2) == ["c", "b"]
    assert near(admin, 0.4, kind="household") == ["home"]
    assert near(admin, 0.4, kind="nothing") == []
    first = admin.get("/v1/entities/nearest", params={"lon": WEST, "lat": SOUTH, "kind": "sensor", "k": 1})
    truth = Geod(ellps="WGS84").inv(WEST, SOUTH, *place(0.5))[2]
    assert abs(first.json()["items"][0]["distance_m"] - truth) < 0.001
    assert near(admin, 0.5, within_m=1) == ["a"]

    moved = admin.patch(
        made["a"].headers["Location"],
        json={"geometry": {"type": "Point", "coordinates": place(3.9)}},
        headers={"If-Match": made["a"].headers["ETag"]},
    )
    assert moved.status_code == 200
    assert near(admin, 0.4) == ["b", "c", "a"]
    ended = admin.delete(made["b"].headers["Location"], headers={"If-Match": made["b"].headers["ETag"]})
    assert ended.status_code == 200
    assert near(admin, 0.4) == ["c", "a"]
    lon, lat = place(0.4)
    asked = {"lon": lon, "lat": lat, "kind": "sensor", "f": "geojson"}
    collection = admin.get("/v1/entities/nearest", params=asked).json()
    assert [each["properties"]["external_id"] for each in collection["features"]] == ["c", "a"]
    assert collection["features"][0]["geometry"]["type"] == "Point"


def test_nobody_finds_what_lies_outside_their_area(client: Client) -> None:
    admin = client()
    for number in range(6):
        add(admin, f"s{number}", 0.25 + 0.6 * number)
    # The border of the towns is at 2.
    assert near(client("viewer", "440305001"), 3.9) == ["s2", "s1", "s0"]
    assert near(client("viewer", "440305002"), 0.1, k=2) == ["s3", "s4"]
    assert near(client("viewer", "440305"), 0.1, k=4) == ["s0", "s1", "s2", "s3"]
    assert near(client("viewer", "440399"), 0.1) == []


def test_senseless_questions_are_refused(client: Client) -> None:
    admin = client()
    given = {"lon": 114, "lat": 22, "kind": "sensor"}
    for wrong in ({"lon": 181}, {"lat": "nan"}, {"k": 0}, {"k": 101}, {"within_m": -1}, {"kind": ""}):
        assert admin.get("/v1/entities/nearest", params={**given, **wrong}).status_code == 422, wrong
    assert admin.get("/v1/entities/nearest", params={"lon": 114, "lat": 22}).status_code == 422
