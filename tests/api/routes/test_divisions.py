"""Divisions and imports over HTTP take what the commands take; a dry run counts and keeps nothing."""

import inspect
import json
from datetime import date
from typing import Any, get_args

import geopandas as gpd
import httpx
import pytest
import shapely
from shapely.geometry import mapping

from api.cli.divide.catalogue import PLAN_METHODS
from api.schemas.divisions import DivisionRequest
from gis.crs import LONLAT
from layers.basemap import replace_basemap
from layers.db.database import Database, bump_revision
from layers.divisions import METHODS
from layers.models import Assignment, Entity
from layers.plans.schemes import create_scheme, find_scheme
from tests.api.routes.conftest import Client, square
from tests.api.routes.grid import cells
from tests.api.routes.test_jobs import ended
from tests.layers.snapshot.published import publish

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


DAY = date(2026, 1, 1)
UNITS = {"units_scheme": "units", "weights": [{"column": "enterprises"}], "on": "2026-01-01"}


@pytest.fixture
def planner(admin: httpx.Client, ground: Database) -> httpx.Client:
    """Units in force with 1 to 8 enterprises each, and streets and a building on the base map."""
    drawn = cells()
    publish(ground, "units", drawn, DAY, areas=tuple(code[:9] for code, _ in drawn))
    with ground.write() as session:
        scheme = find_scheme(session, "units").id
        for count, (code, shape) in enumerate(drawn, 1):
            for number in range(count):
                entity = Entity(
                    kind="enterprise", external_id=f"{code}{number}", attributes={"employees": 2},
                    personal={"phone": "13800001234"}, valid_from=DAY, version=1, area_code=code[:9],
                    geometry=shape.centroid,
                )  # fmt: skip
                session.add(entity)
                session.flush()
                session.add(
                    Assignment(
                        entity_id=entity.id,
                        scheme_id=scheme,
                        cell_code=code,
                        method="inside",
                        share=1.0,
                        valid_from=DAY,
                    )
                )
        bump_revision(session)
    # It ends within the east town.
    street = shapely.LineString([(113.9, 22.5101), (114.03, 22.5101)])
    house = shapely.box(114.005, 22.5095, 114.006, 22.5105)
    rows = {"class_name": [None], "name": ["House"]}
    frames = {"roads": street, "buildings": house}
    replace_basemap(
        ground, {kind: gpd.GeoDataFrame(rows, geometry=[each], crs=LONLAT) for kind, each in frames.items()}
    )
    return admin


def test_units_are_balanced_by_what_the_database_counts(planner: httpx.Client) -> None:
    told = divided_by(planner, "balanced", zones=4, dry_run=True, **UNITS)
    assert (told["plan"], told["cells"], told["units"]) == (None, 4, 8)
    (load,) = told["loads"]
    assert (load["load"], load["total"], load["ideal"]) == ("enterprises", 36, 9)
    made = divided_by(planner, "balanced", zones=4, **UNITS)
    assert {**told, "plan": made["plan"]} == made
    drawn = cells_of(planner, made["plan"])
    assert sorted(each["area_code"] for each in drawn) == sorted(2 * TOWNS)
    assert "13800001234" not in json.dumps(drawn)
    employees = [{"column": "enterprise.employees", "cap": 50}]
    whole = divided_by(planner, "balanced", max_weight=50, dry_run=True, **{**UNITS, "weights": employees})
    assert whole["loads"][0]["total"] == 72
    assert whole["loads"][0]["max"] <= 50


def test_blocks_follow_the_base_map_and_name_what_they_cut(planner: httpx.Client) -> None:
    cut = divided_by(planner, "blocks", target_area_m2=1e6, keep_buildings=False)
    assert cut["cells"] >= 4
    assert cut["notes"] == ["no line closes a block in 1 of 2 areas ('440305002' (地440305002))"]
    kept = divided_by(planner, "blocks", target_area_m2=1e6, dry_run=True)
    assert kept["cut"] == len(kept["cut_buildings"])


def test_schemes_are_unified_into_the_draft_of_units_that_fit_both(
    planner: httpx.Client, ground: Database
) -> None:
    shapes = dict(cells())
    drawn = list(shapes.values())
    halves = [(code, shapely.union_all(some)) for code, some in (("E", drawn[:4]), ("F", drawn[4:]))]
    publish(ground, "halves", halves, DAY, areas=("440305", "440305"))
    given = {"schemes": ["units", "halves"], "on": "2026-01-01"}
    told = divided_by(planner, "unify", dry_run=True, **given)
    assert (told["plan"], told["units"], told["slivers"], told["mismatches"]) == (None, 8, 0, [])
    made = divided_by(planner, "unify", **given)
    units = cells_of(planner, made["plan"])
    assert {each["attributes"]["units"] for each in units} == set(shapes)
    assert {each["attributes"]["halves"] for each in units} == {"E", "F"}
    assert sorted(each["code"] for each in units)[0] == "U000001"


def test_cells_in_force_are_evened_out_with_the_moves(planner: httpx.Client, ground: Database) -> None:
    shapes = dict(cells())
    corners = (0, 3)
    owners = {code: f"{code[:9]}{'ab'[place in corners]}" for place, code in enumerate(shapes)}
    drawn = [
        (owner, shapely.coverage_union_all([shapes[code] for code in shapes if owners[code] == owner]))
        for owner in sorted(set(owners.values()))
    ]
    publish(ground, "community", drawn, DAY, areas=tuple(code[:9] for code, _ in drawn))
    made = divided_by(planner, "rebalance", budget=1, **UNITS)
    assert {each["code"] for each in cells_of(planner, made["plan"])} == set(owners.values())
    assert made["moved_units"] == len(made["moves"]) > 0
    assert all(each["from_code"] == owners[each["unit_code"]] for each in made["moves"])
    assert made["pareto"][0]["moved_share"] == 0
    worst = [made[when]["loads"][0]["greatest_deviation"] for when in ("before", "after")]
    assert worst[1] < worst[0]


def divided_by(caller: httpx.Client, method: str, **options: Any) -> dict[str, Any]:
    body = {"scheme": "community", "name": "d", "method": method, **options}
    job = ended(caller, caller.post("/v1/divisions", json=body))
    assert job["state"] == "done", job["error"]
    result: dict[str, Any] = job["result"]
    return result


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "balanced", **UNITS}, "give zones, max_weight or seeds"),
        ({"method": "balanced", **UNITS, "zones": 2, "max_weight": 9}, "zones or max_weight, not both"),
        ({"method": "balanced", **UNITS, "zones": 0}, "body.balanced.zones"),
        ({"method": "balanced", "zones": 2}, "body.balanced.weights: Field required"),
        ({"method": "balanced", "zones": 2, "weights": []}, "body.balanced.weights"),
        ({"method": "balanced", "weights": [{"column": "a", "tolerance": 2}]}, "weights.0.tolerance"),
        ({"method": "balanced", "weights": [{"column": "a", "cap": "x"}]}, "weights.0.cap"),
        ({"method": "balanced", **UNITS, "zones": 2, "size_m": 3}, "body.balanced.size_m"),
        ({"method": "blocks", "target_area_m2": 0}, "body.blocks.target_area_m2"),
        ({"method": "blocks", "barriers": ["walls"]}, "body.blocks.barriers.0"),
        ({"method": "blocks", "crs": "EPSG:4326"}, "EPSG:4326"),
        ({"method": "rebalance", **UNITS, "budget": 1.5}, "body.rebalance.budget"),
        ({"method": "unify", "schemes": ["units"]}, "body.unify.schemes"),
    ],
)  # fmt: skip
def test_a_body_that_does_not_fit_its_method_names_the_field(
    admin: httpx.Client, options: dict[str, Any], message: str
) -> None:
    refused = admin.post("/v1/divisions", json={"scheme": "community", "name": "d", **options})
    assert refused.status_code == 422
    assert message in refused.json()["detail"]
    assert admin.get("/v1/jobs").json()["items"] == []


def test_a_division_that_fails_says_why_and_keeps_nothing(planner: httpx.Client) -> None:
    for options, said in (
        ({**UNITS, "weights": [{"column": "people"}], "zones": 4}, "have no field 'people'"),
        ({**UNITS, "zones": 9}, "9"),
        ({**UNITS, "units_scheme": None, "zones": 4}, "cells are grouped with units_scheme"),
    ):
        body = {"scheme": "community", "name": "d", "method": "balanced", **options}
        job = ended(planner, planner.post("/v1/divisions", json=body))
        assert job["state"] == "failed"
        assert said in job["error"]
    for schemes, said in (
        (["units", "units"], "Scheme 'units' is named twice"),
        (["units", "community"], "No cells of scheme 'community' are in force"),
    ):
        body = {"scheme": "community", "name": "d", "method": "unify", "schemes": schemes}
        assert said in ended(planner, planner.post("/v1/divisions", json=body))["error"]
    unknown = {
        "scheme": "community",
        "name": "d",
        "method": "balanced",
        **UNITS,
        "units_scheme": "x",
        "zones": 4,
    }
    assert planner.post("/v1/divisions", json=unknown).status_code == 404
    assert all(each["scheme"] == "units" for each in planner.get("/v1/plans").json()["items"])


def test_a_caller_divides_the_ground_of_the_own_area_alone(planner: httpx.Client, client: Client) -> None:
    west = client("planner", TOWNS[0])
    body = {"scheme": "community", "name": "d", "method": "balanced", "zones": 2, **UNITS}
    assert west.post("/v1/divisions", json={**body, "area_code": TOWNS[1]}).status_code == 403
    assert west.post("/v1/divisions", json=body).status_code == 403
    made = divided_by(west, "balanced", zones=2, area_code=TOWNS[0], **UNITS)
    assert {each["area_code"] for each in cells_of(west, made["plan"])} == {TOWNS[0]}
    assert made["units"] == 4


def test_the_doors_of_divisions_agree() -> None:
    models = {
        each.model_fields["method"].annotation.__args__[0]: each
        for each in get_args(get_args(DivisionRequest)[0])
    }
    assert models.keys() == METHODS.keys() == PLAN_METHODS.keys()
    ground = {"scheme", "name", "method", "dry_run"}
    for name, model in models.items():
        taken = inspect.signature(METHODS[name]).parameters.keys() - {"session", "scheme", "note", "progress"}
        assert model.model_fields.keys() - ground == taken, name


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
