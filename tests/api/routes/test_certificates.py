"""Certificates of plans over HTTP."""

import pytest
import shapely

from layers.db.database import Database
from layers.models import Area
from layers.plans import queries
from tests.api.routes.conftest import Client, square
from tests.api.routes.test_plans import collection, draft, wait_for_job

WEST, EAST = square(0, 0, 1, 2), square(1, 0, 1, 2)
COMMUNITY = "440305001001"


def add_community(ground: Database) -> None:
    with ground.write() as session:
        shape = shapely.union_all([WEST, EAST])
        session.add(Area(code=COMMUNITY, name="社区", level="village", parent="440305001", geometry=shape))


def plan_of(admin, *codes: str):
    admin.post("/v1/schemes", json={"code": "community", "name": "社区网格", "working_crs": "EPSG:4547"})
    return draft(admin, area_code="440305001", cells=collection(*zip(codes, (WEST, EAST), strict=True)))


def test_a_plan_is_certified_clause_by_clause(client: Client, ground: Database) -> None:
    add_community(ground)
    admin = client()
    plan = plan_of(admin, f"{COMMUNITY}001", f"{COMMUNITY}002")
    answer = admin.get(f"/v1/plans/{plan['id']}/conform", params={"profile": "gbt47678", "language": "en"})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["profile"], told["cells"]) == ("gbt47678", 2)
    states = {each["clause"]: each["state"] for each in told["clauses"]}
    assert states["code_form"] == states["order"] == states["reuse"] == states["no_blank"] == "passed"
    assert states["size"] == "warning"
    assert states["whole_buildings"] == states["levels"] == "not_looked_at"
    chinese = admin.get(
        f"/v1/plans/{plan['id']}/conform", params={"profile": "gbt47678"}, headers={"Accept-Language": "zh"}
    )
    assert chinese.json()["title"] == "GB/T 47678 单元网格"


def test_the_profile_of_the_scheme_is_the_default(client: Client, ground: Database) -> None:
    add_community(ground)
    admin = client()
    plan = plan_of(admin, "a", f"{COMMUNITY}002")
    path = f"/v1/plans/{plan['id']}/conform"
    refused = admin.get(path)
    assert refused.status_code == 422
    assert refused.json()["detail"].endswith(
        "name no profile to judge the plan by; give the parameter profile."
    )
    version = {"If-Match": admin.get("/v1/schemes/community").headers["etag"]}
    wrong = admin.patch("/v1/schemes/community", json={"rules": {"profile": "gb"}}, headers=version)
    assert wrong.status_code == 422
    assert "There is no profile 'gb'" in wrong.text
    changed = admin.patch("/v1/schemes/community", json={"rules": {"profile": "cn"}}, headers=version)
    assert changed.status_code == 200, changed.text
    told = admin.get(path, params={"language": "en"}).json()
    assert (told["profile"], told["conforms"]) == ("cn", False)
    (form,) = (each for each in told["clauses"] if each["clause"] == "code_form")
    assert [each["codes"] for each in form["offences"]] == [["a"]]
    assert admin.get(path, params={"profile": "plain"}).json()["profile"] == "plain"


def test_a_caller_bound_elsewhere_sees_no_plan(client: Client, ground: Database) -> None:
    add_community(ground)
    plan = plan_of(client(), f"{COMMUNITY}001", f"{COMMUNITY}002")
    path, asked = f"/v1/plans/{plan['id']}/conform", {"profile": "cn"}
    assert client("viewer", "440305002").get(path, params=asked).status_code == 404
    assert client("viewer", "440305001").get(path, params=asked).status_code == 200


def test_a_job_certifies_a_plan_too_large_for_a_request(
    client: Client, ground: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_community(ground)
    admin = client()
    path = f"/v1/plans/{plan_of(admin, f'{COMMUNITY}001', f'{COMMUNITY}002')['id']}/conform"
    chosen = {"profile": "gbt47678", "language": "zh"}
    at_once = admin.get(path, params=chosen).json()
    monkeypatch.setattr(queries, "MAX_REQUEST_CELLS", 1)
    refused = admin.get(path, params=chosen)
    assert refused.status_code == 413
    assert "POST to the same address" in refused.json()["detail"]
    unnamed = admin.post(path)
    assert unnamed.status_code == 422
    assert "give the parameter profile" in unnamed.json()["detail"]
    queued = admin.post(path, params=chosen)
    assert queued.status_code == 202, queued.text
    assert wait_for_job(admin, queued)["result"] == at_once
