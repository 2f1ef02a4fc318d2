"""Divisions and imports over HTTP take what the commands take; a dry run counts and keeps nothing."""

import json
from typing import Any

import httpx
import pytest
import shapely
from shapely.geometry import mapping

from layers.db.database import Database
from layers.plans.schemes import create_scheme
from tests.api.routes.conftest import Client, square
from tests.api.routes.test_jobs import ended

TOWNS = ["440305001", "440305002"]


@pytest.fixture
def admin(client: Client, ground: Database) -> httpx.Client:
    with ground.write() as session:
        create_scheme(session, "community", "c", working_crs="EPSG:4547")
    return client()


def divided(admin: httpx.Client, **options: Any) -> dict[str, Any]:
    body = {"scheme": "community", "name": "d", "size_m": 300, **options}
    job = ended(admin, admin.post("/v1/divisions", json=body))
    assert job["state"] == "done", job["error"]
    result: dict[str, Any] = job["result"]
    return result


def cells_of(admin: httpx.Client, plan: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = admin.get(f"/v1/plans/{plan}/cells", params={"limit": 1000}).json()["items"]
    return found


def test_a_division_takes_the_options_of_the_command(admin: httpx.Client) -> None:
    lowest = cells_of(admin, divided(admin)["plan"])
    assert {each["area_code"] for each in lowest} == set(TOWNS)
    county = cells_of(admin, divided(admin, level="county")["plan"])
    assert {each["area_code"] for each in county} == {"440305"}
    ragged = cells_of(admin, divided(admin, min_share=0)["plan"])
    whole = cells_of(admin, divided(admin, min_share=1)["plan"])
    assert len(ragged) > len(lowest) > len(whole)
    assert min(each["area_m2"] for each in ragged) < 0.25 * 300**2
    plain = cells_of(admin, divided(admin, code_layout="plain")["plan"])
    assert all(each["code"].startswith((f"{TOWNS[0]}-", f"{TOWNS[1]}-")) for each in plain)
    turned = cells_of(admin, divided(admin, crs="EPSG:32650")["plan"])
    assert {each["geometry"]["coordinates"][0][0][0] for each in turned} != {
        each["geometry"]["coordinates"][0][0][0] for each in lowest
    }


def test_a_dry_run_counts_what_would_be_made(admin: httpx.Client) -> None:
    told = divided(admin, dry_run=True)
    assert admin.get("/v1/plans").json()["items"] == []
    plan = divided(admin)["plan"]
    made = cells_of(admin, plan)
    assert told == {
        "plan": None,
        "cells": len(made),
        "areas": 2,
        "area_m2": pytest.approx(sum(each["area_m2"] for each in made)),
        "first_code": made[0]["code"],
        "last_code": made[-1]["code"],
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [({"crs": "EPSG:4326"}, "EPSG:4326"), ({"crs": "no CRS"}, "no CRS"), ({"min_share": 2}, "min_share"),
     ({"method": "hexagons"}, "method must be square, blocks"), ({"code_layout": "x"}, "code_layout")],
)  # fmt: skip
def test_what_cannot_be_divided_by_is_told_at_once(
    admin: httpx.Client, options: dict[str, Any], message: str
) -> None:
    body = {"scheme": "community", "name": "d", "size_m": 300, **options}
    refused = admin.post("/v1/divisions", json=body)
    assert refused.status_code == 422
    assert message in refused.json()["detail"]


def test_a_level_that_no_area_has_is_named(admin: httpx.Client) -> None:
    body = {"scheme": "community", "name": "d", "size_m": 300, "level": "village"}
    job = ended(admin, admin.post("/v1/divisions", json=body))
    assert job["error"] == "No area has the level 'village' (levels: county, town)."


def collection(*rows: tuple[dict[str, Any], shapely.Geometry]) -> bytes:
    features = [{"type": "Feature", "properties": each, "geometry": mapping(shape)} for each, shape in rows]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def test_imports_name_the_fields_of_the_file(admin: httpx.Client) -> None:
    wards = collection(
        ({"WARD": 11, "label": "东", "grade": "ward", "of": "440305001"}, square(0, 0, 1, 2)),
        ({"WARD": 12, "label": "西", "grade": "ward", "of": "440305001"}, square(1, 0, 1, 2)),
    )
    file = {"file": ("wards.geojson", wards)}
    fields = {"code_field": "WARD", "name_field": "label", "level_field": "grade", "parent_field": "of"}
    assert ended(admin, admin.post("/v1/imports/areas", files=file, data=fields))["result"]["inserted"] == 2
    area = admin.get("/v1/areas/12").json()
    assert (area["name"], area["level"], area["parent"]) == ("西", "ward", "440305001")
    given = {"scheme": "community", "name": "p", "area_code": "440305001"}
    fields = {"code_field": "WARD", "name_field": "label", "area_field": "of"}
    job = ended(admin, admin.post("/v1/imports/cells", files=file, data=given | fields))
    found = [
        (each["code"], each["name"], each["area_code"]) for each in cells_of(admin, job["result"]["plan"])
    ]
    assert found == [("11", "东", "440305001"), ("12", "西", "440305001")]
    numbered = ended(admin, admin.post("/v1/imports/cells", files=file, data=given | {"code_field": "#"}))
    assert [each["code"] for each in cells_of(admin, numbered["result"]["plan"])] == ["1", "2"]
    missing = ended(admin, admin.post("/v1/imports/cells", files=file, data=given | {"code_field": "x"}))
    assert "has no field 'x'" in missing["error"]
