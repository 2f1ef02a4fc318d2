"""Values that are read as JSON and that no database keeps: refused with a sentence, wherever they come in."""

import pytest

from layers.db.database import Database
from layers.plans.schemes import create_scheme
from tests.api.routes.conftest import Client

POLYGON = "[[[114.0,22.5],[114.1,22.5],[114.1,22.6],[114.0,22.6],[114.0,22.5]]]"
FEATURE = (
    '{"type":"Feature","properties":{"code":"a","note":VALUE},'
    '"geometry":{"type":"Polygon","coordinates":' + POLYGON + "}}"
)
BODIES = {
    "/v1/entities": '{"kind":"shop","external_id":"1","attributes":{"note":VALUE}}',
    "/v1/officers": '{"external_id":"1","area_code":"440305001","personal":{"name":VALUE}}',
    "/v1/plans": '{"scheme":"community","name":"p","cells":{"type":"FeatureCollection","features":['
    + FEATURE
    + "]}}",
}
UNKEPT = {
    "not a number": "NaN",
    "infinite": "1e400",
    "too long": str(1 << 64),
    "half a character": r'"\ud800"',
    "deep": "[" * 300 + "]" * 300,
    "NUL": r'"a\u0000"',
}


@pytest.mark.parametrize("path", BODIES)
def test_a_value_that_cannot_be_kept_is_refused(path: str, ground: Database, client: Client) -> None:
    with ground.write() as session:
        create_scheme(session, "community", "c", working_crs="EPSG:4547")
    admin = client()
    json = {"Content-Type": "application/json"}
    for what, value in UNKEPT.items():
        answer = admin.post(path, content=BODIES[path].replace("VALUE", value), headers=json)
        assert answer.status_code == 422, (what, answer.text)
        assert answer.json()["detail"].startswith(("body: A value cannot be kept", "body: Text holds a NUL"))
    kept = admin.post(path, content=BODIES[path].replace("VALUE", r'"\\u0000 𝔘"'), headers=json)
    assert kept.status_code == 201, kept.text


@pytest.mark.parametrize("code", [".", "..", ".a", "-a"])
def test_the_code_of_a_scheme_is_a_step_of_an_address(code: str, client: Client) -> None:
    # A browser takes "/v1/schemes/.." for "/v1".
    answer = client().post("/v1/schemes", json={"code": code, "name": "x", "working_crs": "EPSG:4547"})
    assert answer.status_code == 422
