"""Measures of a whole plan over HTTP, of a draft by its attributes and of one in force by what is counted."""

from typing import Any

import pytest

from tests.api.routes.conftest import Client, square
from tests.api.routes.grid import DAY, EAST_TOWN, WEST_TOWN, entity
from tests.api.routes.test_plans import collection, draft, scheme


def drawn(loads: list[Any]) -> dict[str, Any]:
    shapes = collection(*((f"440305001-{place}", square(place / 2, 0, 0.5, 2)) for place in range(4)))
    for feature, load in zip(shapes["features"], loads, strict=True):
        feature["properties"] |= {"households": load, "floors": 3, "note": "x"}
    return shapes


def test_a_draft_shares_out_its_attributes(client: Client) -> None:
    admin = client()
    scheme(admin)
    plan = draft(admin, cells=drawn([90, 100, 110, 100]))
    path = f"/v1/plans/{plan['id']}/measures"
    found = admin.get(path, params={"tolerance": 0.05}).json()
    assert (found["plan"], found["scheme"], found["counted_on"]) == (plan["id"], "community", None)
    assert (found["cells"], found["in_parts"], found["out_of_tolerance"]) == (4, 0, 2)
    (load,) = found["loads"]
    assert {key: load[key] for key in ("load", "total", "ideal", "min", "max")} == {
        "load": "households", "total": 400, "ideal": 100, "min": 90, "max": 110,
    }  # fmt: skip
    assert load["greatest_deviation"] == pytest.approx(0.1)
    assert load["balance"] == found["balance"] == pytest.approx(97.5)
    listed = [(each["code"], each["value"]) for each in found["cells_out_of_tolerance"]]
    assert listed == [("440305001-0", 90), ("440305001-2", 110)]
    # A cell is 0.5 by 2 steps, about 515 m by 2,215 m.
    assert found["polsby_popper"] == pytest.approx(
        4 * 3.1416 * 514 * 2215 / (2 * (514 + 2215)) ** 2, abs=2e-3
    )
    assert found["compactness"] == pytest.approx(100 * found["polsby_popper"] ** 0.5, abs=0.1)
    chosen = admin.get(path, params={"load": ["floors", "area_m2"], "tolerance": 0}).json()
    assert [(each["load"], round(each["balance"], 2)) for each in chosen["loads"]] == [
        ("floors", 100), ("area_m2", pytest.approx(100, abs=0.05)),
    ]  # fmt: skip
    tag = admin.get(path).headers["ETag"]
    assert admin.get(path, headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"load": "houshold"}, "no load 'houshold' (near it: households)"),
        ({"load": "note"}, "no load 'note'"),
        ({"load": "households"}, "'households' has no value"),
        ({"tolerance": -1}, "greater than or equal to 0"),
    ],
)
def test_what_is_no_load(client: Client, query: dict[str, Any], sentence: str) -> None:
    admin = client()
    scheme(admin)
    plan = draft(admin, cells=drawn([1, 2, None, 4]))
    path = f"/v1/plans/{plan['id']}/measures"
    refused = admin.get(path, params=query)
    assert refused.status_code in (400, 422)
    assert sentence in refused.text
    assert admin.get(path).json()["loads"] == []


def test_a_plan_in_force_shares_out_what_is_counted(client: Client) -> None:
    admin = client()
    scheme(admin)
    plan = draft(
        admin, cells=collection(*((f"440305001-{place}", square(place, 0, 1, 2)) for place in (0, 1)))
    )
    path = f"/v1/plans/{plan['id']}"
    assert admin.post(f"{path}/check").json()["valid"]
    tag = admin.post(f"{path}/submit", headers={"If-Match": admin.get(path).headers["ETag"]}).headers["ETag"]
    published = admin.post(f"{path}/publish", json={"on": str(DAY)}, headers={"If-Match": tag})
    assert published.status_code == 200, published.text
    for number, column in enumerate((0.5, 0.6, 0.7, 1.5, 2.5)):
        entity(admin, number, column)
    found = admin.get(f"{path}/measures").json()
    (load,) = found["loads"]
    assert (load["load"], load["total"], load["min"], load["max"]) == ("enterprises", 4, 1, 3)
    assert found["counted_on"] >= str(DAY)
    assert load["out_of_tolerance"] == found["out_of_tolerance"] == 2
    assert client("viewer", WEST_TOWN).get(f"{path}/measures").json() == found
    assert client("viewer", EAST_TOWN).get(f"{path}/measures").status_code == 404


def test_what_lies_on_the_ground_of_a_draft_is_counted_within_the_callers_area(client: Client) -> None:
    admin = client()
    scheme(admin)
    plan = draft(
        admin, cells=collection(*((f"440305001-{place}", square(place, 0, 1, 2)) for place in (0, 1)))
    )
    # One on the border belongs to the lower code, and the last to neither.
    for number, column in enumerate((0.5, 0.6, 1, 1.5, 2.5)):
        entity(admin, number, column)
    path = f"/v1/plans/{plan['id']}/measures/counts"
    found = admin.get(path).json()
    assert (found["plan"], found["version"]) == (plan["id"], 1)
    assert [(each["code"], each["counts"]) for each in found["items"]] == [
        ("440305001-0", {"enterprise": 3}), ("440305001-1", {"enterprise": 1}),
    ]  # fmt: skip
    assert client("viewer", WEST_TOWN).get(path).json()["items"] == found["items"]
    assert client("viewer", EAST_TOWN).get(path).status_code == 404
