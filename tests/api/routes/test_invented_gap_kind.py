"""A kind of gap that the product does not have goes from rules to maps without another line in it."""

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import mapbox_vector_tile
import pytest
from pypdf import PdfReader
from sqlalchemy import select

from gis.gaps import GAP_KINDS, GapKind
from layers.db.database import Database
from layers.entities.lifecycle import create_entity
from layers.formats import read_layer
from layers.models import Gap
from tests.api.routes.conftest import Client, square
from tests.api.routes.grid import address
from tests.api.routes.test_exports import exported_by
from tests.api.routes.test_gaps import DAY, listed, place, search
from tests.api.routes.test_plans import collection, scheme
from tests.invented_gap import registered

CELLS = [f"44030500{1 + column // 2}-{column}" for column in range(4)]


@pytest.fixture
def too_dark() -> Iterator[GapKind]:
    """The kind, in the catalogue."""
    with registered() as kind:
        yield kind


@pytest.fixture
def lit(too_dark: GapKind, client: Client, ground: Database) -> httpx.Client:
    """Four cells in force, a lamp in the first, and a rule that lamps be near."""
    admin = client()
    scheme(admin)
    cells = collection(*((code, square(column, 0, 1, 2)) for column, code in enumerate(CELLS)))
    made = admin.post("/v1/plans", json={"scheme": "community", "name": "spring", "cells": cells})
    plan = f"/v1/plans/{made.json()['id']}"
    tag = admin.post(f"{plan}/check").headers["ETag"]
    done = admin.post(f"{plan}/publish", json={"on": str(DAY)}, headers={"If-Match": tag})
    assert done.status_code == 200, done.text
    with ground.write() as session:
        create_entity(session, "sensor", "lamp 1", geometry=place(0.5, 1))
    assert change_rules(admin, {too_dark.name: {"lamp_m": 500}}).status_code == 200
    return admin


def change_rules(client: httpx.Client, rules: dict[str, Any]) -> httpx.Response:
    tag = client.get("/v1/schemes/community").headers["ETag"]
    return client.patch("/v1/schemes/community", json={"rules": rules}, headers={"If-Match": tag})


def test_its_rules_search_storage_list_and_comparison(
    lit: httpx.Client, client: Client, ground: Database
) -> None:
    assert lit.get("/v1/schemes/community").json()["gap_rules"]["too_dark"] == {
        "lamp_m": 500.0, "lamps": ["sensor"],
    }  # fmt: skip
    wrong = change_rules(lit, {"too_dark": {"lamp_km": 1}})
    assert (wrong.status_code, "too_dark.lamp_km" in wrong.json()["detail"]) == (422, True)

    before = search(ground)
    found = listed(lit, run=before, kind="too_dark")
    assert sorted(gap["cell_code"] for gap in found) == CELLS[1:]
    with ground.read() as session:
        kept = session.scalars(select(Gap).where(Gap.kind == "too_dark").order_by(Gap.id)).all()
    assert [gap.figures for gap in kept] == [gap["figures"] for gap in found]
    near = next(gap for gap in found if gap["cell_code"] == CELLS[1])
    away = near["figures"]["away_m"]
    assert away == pytest.approx(1029, abs=5)
    assert near["rule"] == near["rule_text"]["en"] == "a lamp within 500 m"
    assert near["rule_text"]["zh"] == "路灯不远于 500 米"
    assert near["detail"] == near["detail_text"]["en"] == f"The nearest lamp is {away:g} m away."
    assert near["severity"] == "high"
    assert lit.get(f"/v1/gaps/{near['id']}").json() == near
    sheet = lit.get(f"/v1/schemes/community/cells/{CELLS[1]}").json()
    assert [gap["detail_text"] for gap in sheet["gaps"] if gap["kind"] == "too_dark"] == [near["detail_text"]]
    assert lit.get(f"/v1/gaps/runs/{before}").json()["summary"]["kinds"]["too_dark"]["gaps"] == 3
    # A caller sees of it what lies in their own area.
    east = client("viewer", "440305002")
    assert {gap["cell_code"] for gap in listed(east, run=before, kind="too_dark")} == set(CELLS[2:])
    assert east.get(f"/v1/gaps/runs/{before}").json()["summary"]["kinds"]["too_dark"]["gaps"] == 2

    with ground.write() as session:
        create_entity(session, "sensor", "lamp 2", geometry=place(3.5, 1))
    after = search(ground)
    answer = lit.get(f"/v1/gaps/runs/{after}/diff", params={"against": before}).json()
    assert answer["summary"]["too_dark"] == {"appeared": 0, "gone": 1, "lasting": 2}
    assert [gap["cell_code"] for gap in answer["gone"] if gap["kind"] == "too_dark"] == [CELLS[3]]
    assert answer["not_compared"] == []


def test_its_catalogue_and_description(lit: httpx.Client) -> None:
    items = {each["name"]: each for each in lit.get("/v1/gaps/kinds").json()["items"]}
    assert list(items) == list(GAP_KINDS)
    assert items["too_dark"]["label"] == {"zh": "照明不足", "en": "Too dark"}
    assert items["too_dark"]["symbol"] == {"hatch": [0]}
    assert items["too_dark"]["default_rule"] == {"lamp_m": 100.0, "lamps": ["sensor"]}
    assert [(each["name"], each["unit"]) for each in items["too_dark"]["figures"]] == [
        ("lamp_m", "m"), ("away_m", "m"), ("place", None),
    ]  # fmt: skip
    schema = lit.get("/openapi.json").json()["components"]["schemas"]["Gap"]["properties"]["figures"]
    described = next(each for each in schema["anyOf"] if each.get("title") == "too_dark")
    assert described["required"] == ["lamp_m", "away_m", "place"]
    assert described["properties"]["away_m"]["description"] == "How far the nearest is, m."


def test_its_tiles_export_and_maps(lit: httpx.Client, ground: Database, tmp_path: Path) -> None:
    run = search(ground)
    tile = lit.get(f"/tiles/gaps/{address(1, 1)}.mvt", params={"scheme": "community", "run": run})
    features = mapbox_vector_tile.decode(tile.content)["gaps"]["features"]
    assert {
        each["properties"]["cell_code"] for each in features if each["properties"]["kind"] == "too_dark"
    } == set(CELLS[1:])

    _, answer = exported_by(lit, layer="gaps", scheme="community", format="gpkg", kind="too_dark", run=run)
    path = tmp_path / "gaps.gpkg"
    path.write_bytes(answer.content)
    exported = read_layer(path, role="gaps")
    assert set(exported["cell_code"]) == set(CELLS[1:])
    assert set(exported["rule"]) == {"a lamp within 500 m"}
    assert set(exported["place"]) == set(CELLS[1:])

    for language, label, rule in (
        ("zh", "照明不足", "路灯不远于 500 米"),
        ("en", "Too dark", "a lamp within 500 m"),
    ):
        page = lit.get("/maps/community.html", params={"lang": language}).text
        assert label in page
        assert rule in page
        sheet = lit.get("/maps/community.pdf", params={"lang": language})
        words = PdfReader(io.BytesIO(sheet.content)).pages[0].extract_text()
        assert re.search(rf"{label}\s+3", words)


def test_its_gaps_stay_readable_when_it_is_known_no_more(
    lit: httpx.Client, too_dark: GapKind, ground: Database
) -> None:
    runs = [search(ground), search(ground)]
    assert change_rules(lit, {too_dark.name: None}).status_code == 200
    del GAP_KINDS[too_dark.name]
    try:
        gap = listed(lit, run=runs[1], kind="too_dark")[0]
        assert gap["rule_text"] == {"zh": "a lamp within 500 m", "en": "a lamp within 500 m"}
        assert gap["detail_text"]["zh"] == gap["detail"]
        answer = lit.get(f"/v1/gaps/runs/{runs[1]}/diff", params={"against": runs[0]}).json()
        assert answer["not_compared"] == ["too_dark"]
        assert "too_dark" in lit.get("/maps/community.html").text
        assert "too_dark" not in json.dumps(lit.get("/v1/schemes/community").json())
    finally:
        GAP_KINDS[too_dark.name] = too_dark
