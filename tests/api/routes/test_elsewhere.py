"""What a caller bound to one area learns of another by writing, or by its own things that reach there:
nothing."""

from typing import Any

import httpx
import pytest

from layers.db.database import Database
from tests.api.routes.conftest import SOUTH, STEP, WEST, Client
from tests.api.routes.grid import DAY, EAST_TOWN, WEST_TOWN, address, eventually, publish_cells, told
from tests.api.routes.test_exports import exported_by

FOREIGN_CELL = f"{EAST_TOWN}000002"


def place(*columns: float) -> dict[str, Any]:
    points = [[WEST + column * STEP, SOUTH + 0.5 * STEP] for column in columns]
    if len(points) == 1:
        return {"type": "Point", "coordinates": points[0]}
    return {"type": "LineString", "coordinates": points}


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["detail"]


def test_a_write_elsewhere_is_refused_in_one_wording(client: Client) -> None:
    admin, bound = client(), client("admin", WEST_TOWN)
    foreign = admin.post("/v1/entities", json={"kind": "shop", "external_id": "s1", "geometry": place(2.5)})
    assert foreign.status_code == 201
    officer = {"external_id": "G1", "area_code": EAST_TOWN}
    assert admin.post("/v1/officers", json=officer).status_code == 201
    nowhere = {"type": "Point", "coordinates": [10.0, 10.0]}
    answers = [
        bound.post("/v1/entities", json={"kind": "shop", "external_id": name, "geometry": where})
        for name, where in (
            ("s1", place(0.5)),
            ("s1", place(2.5)),
            ("s2", place(2.5)),
            ("s2", nowhere),
            ("s2", None),
        )
    ]
    answers += [
        bound.post("/v1/officers", json={"external_id": name, "area_code": area})
        for name, area in (
            ("G1", WEST_TOWN),
            ("G1", EAST_TOWN),
            ("G2", EAST_TOWN),
            ("G2", "no such area"),
            ("G2", None),
        )
    ]
    own = bound.post("/v1/entities", json={"kind": "shop", "external_id": "own", "geometry": place(0.5)})
    mine = bound.post("/v1/officers", json={"external_id": "own", "area_code": WEST_TOWN})
    answers += [
        bound.patch(
            own.headers["Location"], json={"geometry": place(2.5)}, headers={"If-Match": own.headers["ETag"]}
        ),
        bound.patch(
            mine.headers["Location"],
            json={"area_code": EAST_TOWN},
            headers={"If-Match": mine.headers["ETag"]},
        ),
        bound.post("/v1/exports", json={"layer": "areas", "area_code": EAST_TOWN}),
        bound.post("/v1/divisions", json={"scheme": "s", "name": "d", "area_code": EAST_TOWN, "size_m": 100}),
    ]
    wording = f"This lies outside area '{WEST_TOWN}', to which the caller is bound, "
    wording += "or belongs to a record outside it."
    assert {refusal(each) for each in answers} == {(403, wording)}
    # What is one's own is told as before.
    taken = bound.post("/v1/entities", json={"kind": "shop", "external_id": "own", "geometry": place(0.5)})
    assert refusal(taken) == (409, "The shop 'own' is there already.")
    assert bound.post("/v1/officers", json={"external_id": "own", "area_code": WEST_TOWN}).status_code == 409
    assert [each["external_id"] for each in admin.get("/v1/entities").json()["items"]] == ["s1", "own"]


def test_the_cell_of_an_own_entity_that_lies_elsewhere_is_forbidden(client: Client, ground: Database) -> None:
    publish_cells(ground, DAY)
    admin, bound = client(), client("viewer", WEST_TOWN)
    # It begins in the west; most of it is in the east.
    pipe = {"kind": "pipe", "external_id": "p", "geometry": place(1.8, 1.9, 3.7)}
    made = admin.post("/v1/entities", json=pipe)
    own = admin.post("/v1/entities", json={"kind": "pipe", "external_id": "q", "geometry": place(0.5)})
    assert [each.json()["area_code"] for each in (made, own)] == [WEST_TOWN] * 2
    path = made.headers["Location"]
    owners = [asking.get(f"{path}/owners").json()["items"][0] for asking in (admin, bound)]
    assert [(each["cell_code"], each["method"], each["reason"]) for each in owners] == [
        (FOREIGN_CELL, "share", None), (None, "none", "forbidden"),
    ]  # fmt: skip
    of_cell = {"scheme": "community", "cell": FOREIGN_CELL}
    found = [asking.get("/v1/entities", params=of_cell).json()["items"] for asking in (admin, bound)]
    assert [[each["external_id"] for each in items] for items in found] == [["p"], []]
    for form in ("csv", "geojson"):
        _, file = exported_by(bound, layer="entities", scheme="community", format=form)
        assert "440305001000000" in file.text
        assert FOREIGN_CELL not in file.text
    assert FOREIGN_CELL in exported_by(admin, layer="entities", scheme="community", format="csv")[1].text
    empty, _ = exported_by(bound, layer="entities", format="csv", **of_cell)
    assert empty["result"]["rows"] == 0

    def cells_told(asking: httpx.Client, column: float) -> set[Any]:
        tile = told(asking, "entities", address(column, 0.5, 16), scheme="community")
        return {each.get("cell_code") for each in tile.get("entities", [])}

    eventually(lambda: cells_told(bound, 0.5) == {"440305001000000"})
    eventually(lambda: cells_told(bound, 1.9) == {None})


@pytest.mark.parametrize("role", ["viewer", "admin"])
def test_the_posts_of_an_own_officer_elsewhere_name_no_cell(
    client: Client, ground: Database, role: str
) -> None:
    publish_cells(ground, DAY)
    admin, bound = client(), client(role, WEST_TOWN)
    officer = admin.post("/v1/officers", json={"external_id": "G1", "area_code": WEST_TOWN}).headers[
        "Location"
    ]
    for cell in (FOREIGN_CELL, f"{WEST_TOWN}000000"):
        given = {"scheme": "community", "cell_code": cell, "duty": "leader"}
        assert admin.post(f"{officer}/posts", json=given).status_code == 201
    posts = [asking.get(f"{officer}/posts").json()["items"] for asking in (admin, bound)]
    own = f"{WEST_TOWN}000000"
    assert [[each["cell_code"] for each in held] for held in posts] == [[FOREIGN_CELL, own], [None, own]]
