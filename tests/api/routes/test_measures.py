"""Measures of cells in classes, and the sheet of a cell, over HTTP."""

from typing import Any

import numpy as np
import pytest

from layers.db.database import Database
from tests.api.routes.conftest import SOUTH, STEP, WEST, Client
from tests.api.routes.grid import (
    DAY,
    EAST_TOWN,
    LATER,
    WEST_TOWN,
    add_run,
    cells,
    entity,
    eventually,
    publish_cells,
)

CELL = "440305001000000"
SCHEME = "/v1/schemes/community"


@pytest.fixture
def published(ground: Database) -> Database:
    """Eight cells, four in each town."""
    publish_cells(ground, DAY)
    return ground


def test_measures_are_those_of_the_cells_one_may_see(published: Database, client: Client) -> None:
    admin, viewer = client(), client("viewer", WEST_TOWN)
    for number, column in enumerate((0.5, 0.6, 1.5, 2.5, 2.6, 2.7)):
        entity(admin, number, column)

    def answer(of: Any) -> dict[str, Any]:
        found: dict[str, Any] = of.get(f"{SCHEME}/measures").json()
        return found

    def figures(of: Any) -> dict[str, Any]:
        return next(each for each in answer(of)["items"] if each["key"] == "enterprises")

    eventually(lambda: figures(admin)["sum"] == 6)
    assert answer(admin)["cells"] == 8
    assert answer(viewer)["cells"] == 4
    assert figures(viewer) == {
        "key": "enterprises",
        "labels": {"zh": "企业数", "en": "Enterprises"},
        "quantity": "count",
        "unit": None,
        "aggregation": "sum",
        "prominence": "headline",
        "min": 0,
        "max": 2,
        "mean": 0.75,
        "sum": 3,
    }
    ground = next(each for each in answer(viewer)["items"] if each["key"] == "area_m2")
    assert answer(viewer)["area_m2"] == pytest.approx(ground["sum"], abs=1)
    classes = admin.get(
        f"{SCHEME}/measures/enterprises", params={"method": "natural_breaks", "classes": 3}
    ).json()
    assert classes["breaks"] == [0, 1, 3] or classes["breaks"] == [0, 2, 3]
    assert sum(classes["counts"]) == 8
    assert sum(classes["histogram"]["counts"]) == 8
    own = viewer.get(f"{SCHEME}/measures/enterprises").json()
    assert (own["max"], sum(own["counts"])) == (2, 4)


def test_classes_of_another_day_and_of_nothing(published: Database, client: Client) -> None:
    admin = client()
    publish_cells(published, LATER, height=2)
    eventually(lambda: admin.get(f"{SCHEME}/measures").json()["cells"] == 4)
    assert admin.get(f"{SCHEME}/measures", params={"at": "2026-02-01"}).json()["cells"] == 8
    nothing = admin.get(f"{SCHEME}/measures/area_m2", params={"at": "2020-01-01"}).json()
    assert (nothing["cells"], nothing["breaks"], nothing["ranges"], nothing["min"]) == (0, [], [], None)
    assert nothing["histogram"] == {"edges": [], "counts": []}
    assert admin.get(f"{SCHEME}/measures/beauty").status_code == 404
    assert admin.get("/v1/schemes/none/measures").status_code == 404
    assert admin.get(f"{SCHEME}/measures/area_m2", params={"classes": 20}).status_code == 422


def test_a_break_is_the_greatest_value_of_its_class(published: Database, client: Client) -> None:
    admin = client()
    for number, column in enumerate(np.repeat([0.5, 1.5, 2.5], [1, 2, 5])):
        entity(admin, number, float(column) + 0.01 * number)

    def found() -> dict[str, Any]:
        answer: dict[str, Any] = admin.get(f"{SCHEME}/measures/enterprises", params={"classes": 9}).json()
        return answer

    eventually(lambda: found()["max"] == 5)
    values = [1, 2, 5, 0, 0, 0, 0, 0]
    answer = found()
    assert answer["ranges"] == [[0, 0], [1, 1], [2, 5]]
    bounds = answer["breaks"]
    lower = [-1, *bounds[:-1]]
    assert answer["counts"] == [
        sum(a < value <= b for value in values) for a, b in zip(lower, bounds, strict=True)
    ]


def test_a_sheet_tells_all_of_a_cell(published: Database, client: Client) -> None:
    admin, viewer = client(), client("viewer", WEST_TOWN)
    entity(admin, 1, 0.5)
    for rank, name in (("B", "李雷雷"), ("A", "韩梅梅")):
        officer = admin.post(
            "/v1/officers",
            json={
                "external_id": rank,
                "area_code": WEST_TOWN,
                "personal": {"name": name},
                "on": "2026-01-01",
            },
        )
        post = {"scheme": "community", "cell_code": CELL, "duty": "leader", "rank": rank, "on": "2026-01-01"}
        assert admin.post(f"{officer.headers['Location']}/posts", json=post).status_code == 201
    run = add_run(published, None, DAY, ["blank", "blank"])
    sheet = viewer.get(f"{SCHEME}/cells/{CELL}").json()
    assert [each["code"] for each in sheet["areas"]] == [WEST_TOWN, "440305"]
    assert sheet["counts"]["enterprise"] == 1
    assert sheet["counts"]["household"] == 0
    shown = viewer.get(f"{SCHEME}/measures").json()["items"]
    assert list(sheet["measures"]) == [each["key"] for each in shown]
    assert sheet["measures"]["enterprises"] == 1
    # Of the stored figures, 10,000 m² and 400 m, and of a square's shape at this latitude.
    assert sheet["measures"]["polsby_popper"] == pytest.approx(np.pi / 4, abs=1e-3)
    assert sheet["measures"]["parts"] == 1
    assert sheet["measures"]["walk_minutes"] == pytest.approx(2 * 755 / 80, abs=0.3)
    assert [(each["rank"], each["personal"]["name"]) for each in sheet["officers"]] == [
        ("A", "韩**"),
        ("B", "李**"),
    ]
    assert (sheet["gap_run"], [each["kind"] for each in sheet["gaps"]]) == (run, ["blank"])
    assert sheet["box"] == pytest.approx([WEST, SOUTH, WEST + STEP, SOUTH + STEP])
    assert viewer.get(f"{SCHEME}/cells/{CELL}", params={"reveal": True}).status_code == 403
    plain = admin.get(f"{SCHEME}/cells/{CELL}", params={"reveal": True}).json()
    assert [each["personal"]["name"] for each in plain["officers"]] == ["韩梅梅", "李雷雷"]
    revealed = admin.get("/v1/audit", params={"action": "personal data revealed"}).json()["items"]
    assert len(revealed) == 1
    earlier = admin.get(f"{SCHEME}/cells/{CELL}", params={"at": "2025-01-01"})
    assert earlier.status_code == 404
    foreign = next(code for code, _ in cells() if code.startswith(EAST_TOWN))
    assert viewer.get(f"{SCHEME}/cells/{foreign}").status_code == 404
    assert admin.get(f"{SCHEME}/cells/{foreign}").status_code == 200


def test_a_sheet_one_has_is_not_sent_again(published: Database, client: Client) -> None:
    admin = client()
    first = admin.get(f"{SCHEME}/cells/{CELL}")
    again = admin.get(f"{SCHEME}/cells/{CELL}", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    entity(admin, 1, 0.5)
    changed = admin.get(f"{SCHEME}/cells/{CELL}", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200


def test_cells_are_found_by_code_and_name(published: Database, client: Client) -> None:
    admin = client()
    listed = admin.get(f"{SCHEME}/cells", params={"text": "2000003", "geometry": False}).json()["items"]
    assert [each["code"] for each in listed] == ["440305002000003"]
    assert "geometry" not in listed[0]
    assert len(admin.get(f"{SCHEME}/cells", params={"text": "网格"}).json()["items"]) == 8
    assert admin.get(f"{SCHEME}/cells", params={"text": "%"}).json()["items"] == []
