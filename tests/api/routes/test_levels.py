"""Levels over HTTP: schemes over the units of others, plans of units, and changes carried through."""

import json
from typing import Any

import httpx
import pytest
import shapely

from tests.api.routes.conftest import SOUTH, STEP, WEST, Client, square
from tests.api.routes.test_divisions import ended
from tests.api.routes.test_plans import collection

DAY, NEXT = "2026-01-01", "2026-02-01"
UNITS = {f"u{column}{row}": square(column, row) for column in range(2) for row in range(2)}
"""The units of the west town: two columns of two."""
COLUMNS = {code: f"m{code[1]}" for code in UNITS}


def publish(admin: httpx.Client, plan: int, on: str = DAY) -> dict[str, Any]:
    checked = admin.post(f"/v1/plans/{plan}/check", params={"on": on})
    assert checked.json()["publishable"], checked.text
    tag = admin.get(f"/v1/plans/{plan}").headers["ETag"]
    done = admin.post(f"/v1/plans/{plan}/publish", json={"on": on}, headers={"If-Match": tag})
    assert done.status_code == 200, done.text
    answer: dict[str, Any] = done.json()
    return answer


def draft(admin: httpx.Client, scheme: str, **given: Any) -> httpx.Response:
    body = {"scheme": scheme, "name": scheme, "area_code": "440305001", **given}
    return admin.post("/v1/plans", json=body)


@pytest.fixture
def admin(client: Client) -> httpx.Client:
    """A caller of a service with units in force, and a scheme over them."""
    admin = client()
    for body in (
        {"code": "unit", "name": "单元网格"},
        {"code": "management", "name": "管理网格", "unit_scheme": "unit", "rules": {"units": {"max": 5}}},
    ):
        made = admin.post("/v1/schemes", json=body)
        assert made.status_code == 201, made.text
    publish(admin, draft(admin, "unit", cells=collection(*UNITS.items())).json()["id"])
    return admin


def test_schemes_tell_their_level_and_coverage(admin: httpx.Client) -> None:
    found = admin.get("/v1/schemes/management")
    assert found.json()["unit_scheme"] == "unit"
    assert found.json()["coverage"] == "whole"
    assert found.json()["unit_rule"] == {"min": 1, "max": 5, "adjacent": True, "one_area": True}
    assert admin.get("/v1/schemes/unit").json()["unit_rule"] is None
    assert admin.get("/v1/schemes/unit").json()["border"] is None
    official = {"code": "official", "name": "单元", "rules": {"profile": "gbt47678"}}
    assert admin.post("/v1/schemes", json=official).json()["border"] == "#ff00ff"
    unknown = admin.post("/v1/schemes", json={"code": "x", "name": "x", "unit_scheme": "nowhere"})
    assert (unknown.status_code, unknown.json()["detail"]) == (404, "There is no scheme 'nowhere'.")
    zones = admin.post("/v1/schemes", json={"code": "zones", "name": "专属网格", "coverage": "part"}).json()
    assert zones["coverage"] == "part"
    tag = {"If-Match": '"1"'}
    over = admin.post("/v1/schemes", json={"code": "over", "name": "上", "unit_scheme": "zones"})
    assert over.status_code == 201
    cycle = admin.patch("/v1/schemes/zones", json={"unit_scheme": "over"}, headers=tag)
    assert cycle.status_code == 409
    assert cycle.json()["detail"] == (
        "The cells of scheme 'over' are made of those of 'zones'; they cannot be its units."
    )
    changed = admin.patch("/v1/schemes/zones", json={"unit_scheme": "unit"}, headers=tag)
    assert (changed.status_code, changed.json()["unit_scheme"]) == (200, "unit")


def test_units_make_a_plan_and_come_back_in_pages_and_files(admin: httpx.Client) -> None:
    rows = [{"unit": unit, "cell": cell, "name": f"第{cell}网格"} for unit, cell in COLUMNS.items()]
    made = draft(admin, "management", units=rows, units_on=DAY)
    assert made.status_code == 201, made.text
    plan = made.json()
    assert (plan["units_on"], plan["carried"]) == (DAY, None)
    first = admin.get(f"/v1/plans/{plan['id']}/units", params={"limit": 3}).json()
    rest = admin.get(f"/v1/plans/{plan['id']}/units", params={"limit": 3, "cursor": first["next"]}).json()
    assert {each["unit"]: each["cell"] for each in [*first["items"], *rest["items"]]} == COLUMNS
    one = admin.get(f"/v1/plans/{plan['id']}/units", params={"cell": "m1"}).json()["items"]
    assert [(each["unit"], each["name"]) for each in one] == [("u10", "第m1网格"), ("u11", "第m1网格")]
    table = admin.get(f"/v1/plans/{plan['id']}/units.csv")
    assert table.content.decode("utf-8-sig").splitlines()[:2] == ["unit,cell,name,kind", "u00,m0,第m0网格,"]
    book = admin.get(f"/v1/plans/{plan['id']}/units.xlsx")
    assert book.content[:2] == b"PK"
    # The file makes the same plan again.
    form = {"scheme": "management", "name": "again", "area_code": "440305001", "units": "true"}
    job = ended(admin, admin.post("/v1/imports/cells", files={"file": ("u.csv", table.content)}, data=form))
    again = admin.get(f"/v1/plans/{job['result']['plan']}/units").json()["items"]
    assert again == admin.get(f"/v1/plans/{plan['id']}/units").json()["items"]
    answer = admin.post("/v1/imports/cells", files={"file": ("u.xlsx", book.content)}, data=form)
    from_book = ended(admin, answer)
    assert from_book["state"] == "done", from_book["error"]
    assert again == admin.get(f"/v1/plans/{from_book['result']['plan']}/units").json()["items"]
    wrong = {"file": ("u.csv", b"unit,cell\nu00,m0\nx9,m0\n")}
    refused = ended(admin, admin.post("/v1/imports/cells", files=wrong, data=form))
    assert "Unit 'x9' of cell 'm0' is not among those of scheme 'unit'" in refused["error"]


@pytest.mark.parametrize(
    ("scheme", "given", "message"),
    [
        ("management", {}, "Give either the cells of the plan, or its units."),
        ("management", {"units": {}}, "no rows"),
        ("management", {"units": {"u00": " "}}, "Record 1 of the table of units has no cell"),
        (
            "management",
            {"units": [{"unit": "u00", "cell": "a"}, {"unit": "u00", "cell": "b"}]},
            "Unit 'u00' is in several cells ('a', 'b')",
        ),
        ("management", {"units": COLUMNS, "units_on": "2025-01-01"}, "has none in force"),
        ("unit", {"units": COLUMNS}, "not made of units"),
        (
            "management",
            {"cells": collection(("a", square(0, 0, 1.5, 2)), ("b", square(1.5, 0, 0.5, 2)))},
            "as a whole: 'u10' (",
        ),
    ],
)
def test_what_makes_no_plan_over_units_is_told(
    admin: httpx.Client, scheme: str, given: dict[str, Any], message: str
) -> None:
    refused = draft(admin, scheme, **given)
    assert refused.status_code == 422, refused.text
    assert message in refused.json()["detail"]


def test_a_change_of_units_makes_a_draft_and_levels_agree(admin: httpx.Client) -> None:
    publish(admin, draft(admin, "management", units=COLUMNS).json()["id"])
    united = shapely.coverage_union_all([UNITS[code] for code in ("u00", "u01", "u10")])
    merged = {"n": united, "u11": UNITS["u11"]}
    done = publish(admin, draft(admin, "unit", cells=collection(*merged.items())).json()["id"], NEXT)
    (carried,) = done["carried"]
    assert carried == {"plan_id": carried["plan_id"], "scheme": "management", "decisions": 1, "problems": 0}
    plan = admin.get(f"/v1/plans/{carried['plan_id']}").json()
    assert (plan["state"], plan["carried"]["plan"], plan["carried"]["on"]) == (
        "draft",
        done["plan"]["id"],
        NEXT,
    )
    assert plan["carried"]["units"] == {"kept": 1, "moved": 0, "begun": 1, "ended": 3, "in_no_cell": 0}
    assert "it goes to m0." in plan["carried"]["decisions"]["sentences"][0]

    def owners(column: float, row: float) -> dict[str, str]:
        place = {"lon": WEST + column * STEP, "lat": SOUTH + row * STEP, "at": NEXT}
        found = admin.get("/v1/locate", params=place).json()
        return {each["scheme"]: each["cell"]["code"] for each in found["owners"] if each["cell"]}

    # Until the draft is published the plan in force answers on the upper level.
    assert owners(1.5, 0.5) == {"unit": "n", "management": "m1"}
    publish(admin, carried["plan_id"], NEXT)
    assert owners(1.5, 0.5) == {"unit": "n", "management": "m0"}
    table = admin.get(f"/v1/plans/{carried['plan_id']}/units").json()["items"]
    cell_of_unit = {each["unit"]: each["cell"] for each in table}
    for column, row in ((0.3, 0.2), (0.3, 1.7), (1.2, 1.4), (1.9, 0.1)):
        found = owners(column, row)
        assert cell_of_unit[found["unit"]] == found["management"]


def test_ground_that_a_part_scheme_leaves_out_is_outside(admin: httpx.Client) -> None:
    zones = {"code": "zones", "name": "专属网格", "unit_scheme": "unit", "coverage": "part"}
    assert admin.post("/v1/schemes", json=zones).status_code == 201
    publish(admin, draft(admin, "zones", units={"u00": "school"}).json()["id"])
    found = {}
    for column in (0.5, 1.5):
        place = {"lon": WEST + column * STEP, "lat": SOUTH + 0.5 * STEP, "scheme": "zones", "at": NEXT}
        (owner,) = admin.get("/v1/locate", params=place).json()["owners"]
        found[column] = (owner["cell"] and owner["cell"]["code"], owner["reason"])
    assert found == {0.5: ("school", None), 1.5: (None, "outside")}


def test_sheets_and_maps_show_levels_together(admin: httpx.Client) -> None:
    made = draft(admin, "management", units=COLUMNS, units_on=DAY).json()
    publish(admin, made["id"])
    upper = admin.get("/v1/schemes/management/cells/m1", params={"at": DAY}).json()
    assert (upper["units"], upper["unit_of"]) == (["u10", "u11"], [])
    unit = admin.get("/v1/schemes/unit/cells/u10", params={"at": DAY}).json()
    above = {"scheme": "management", "code": "m1", "name": upper["name"]}
    assert (unit["units"], unit["unit_of"]) == ([], [above])
    drawn = {}
    for scheme in ("unit", "management"):
        page = admin.get(f"/maps/{scheme}.html", params={"at": DAY, "lang": "en"}).text
        drawn[scheme] = json.loads(page.split('id="wangge-data">')[1].split("</script>")[0])
    assert drawn["unit"]["units"] is None
    assert drawn["management"]["units"]["geo"] == drawn["unit"]["cells"]["geo"]


def test_another_area_is_not_told_of_the_units(admin: httpx.Client, client: Client) -> None:
    plan = draft(admin, "management", units=COLUMNS).json()["id"]
    east = client("viewer", "440305002")
    for path in (f"/v1/plans/{plan}/units", f"/v1/plans/{plan}/units.csv"):
        assert east.get(path).status_code == 404
