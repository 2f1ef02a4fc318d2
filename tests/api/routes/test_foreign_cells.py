"""Gaps at the border of two streets tell a caller bound to one of them no cell of the other."""

import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest

from gis.gaps import Text
from gis.gaps.kind import Figure
from layers.db.database import Database, bump_revision
from layers.models import Gap, GapRun, Scheme
from tests.api.routes.conftest import Client, square
from tests.api.routes.grid import DAY, EAST_TOWN, WEST_TOWN, address, publish_cells, told
from tests.api.routes.test_exports import exported_by
from tests.invented_gap import TOO_DARK, registered

OWN, FOREIGN = f"{WEST_TOWN}000001", f"{EAST_TOWN}000002"
INVENTED = dataclasses.replace(
    TOO_DARK,
    figures=(Figure("shaded_by", "string", "The cell that shades it", names_cells=True),),
    rule=lambda _: Text("有光", "light"),
    detail=lambda facts: Text("暗", f"Shaded by {facts.figures['shaded_by'] or 'a cell outside your area'}."),
)
GAPS: dict[str, tuple[dict[str, Any], str]] = {
    "overlap": (
        {"min_area_m2": 0.01, "cells": [OWN, FOREIGN]},
        f"Cell {OWN} and a cell outside your area overlap by 5.00 m².",
    ),
    "blank": (
        {"min_area_m2": 0.01, "cells": [OWN, FOREIGN], "hairline": False},
        f"A blank of 5.00 m² in area {WEST_TOWN} beside cells {OWN} and a cell outside your area.",
    ),
    "unassigned": (
        {"entity_kind": "shop", "entity_id": "s", "reason": "other_plan", "cell": FOREIGN},
        "shop s: It is in a cell of another plan.",
    ),
    INVENTED.name: ({"shaded_by": FOREIGN}, "Shaded by a cell outside your area."),
    "forgotten": ({"cell": FOREIGN}, "What is so there can be told only to a caller bound to no area."),
}


def add_run(database: Database) -> int:
    with database.write() as session:
        scheme = session.query(Scheme).one()
        summary = {"gaps": len(GAPS), "kinds": {kind: {"gaps": 1} for kind in GAPS}, "skipped": {}}
        run = GapRun(
            scheme_id=scheme.id, area_code=None, on=DAY, rules={}, summary=summary, created_by="test",
            created_at=datetime.now(UTC),
        )  # fmt: skip
        session.add(run)
        session.flush()
        for kind, (figures, _) in GAPS.items():
            session.add(
                Gap(
                    run_id=run.id, kind=kind, severity="high", cell_code=OWN, area_code=WEST_TOWN,
                    area_m2=5.0, households=0, enterprises=0, rule="r", detail=f"It meets {FOREIGN}.",
                    figures=figures,
                    geometry=square(1, 0),
                )
            )  # fmt: skip
        bump_revision(session)
        return run.id


@pytest.mark.parametrize("role", ["viewer", "admin"])
def test_no_door_names_a_cell_of_the_other_street(client: Client, ground: Database, role: str) -> None:
    publish_cells(ground, DAY)
    older, run = add_run(ground), add_run(ground)
    admin, bound = client(), client(role, WEST_TOWN)
    with registered(INVENTED):
        query = {"scheme": "community", "run": run}
        found = {gap["kind"]: gap for gap in bound.get("/v1/gaps", params=query).json()["items"]}
        assert {kind: gap["detail"] for kind, gap in found.items()} == {
            kind: sentence for kind, (_, sentence) in GAPS.items()
        }
        assert found["overlap"]["figures"]["cells"] == found["blank"]["figures"]["cells"] == [OWN, None]
        assert "网格 " + OWN + "与辖区外的一个网格重叠" in found["overlap"]["detail_text"]["zh"]
        listed = {"scheme": "community", "at": str(DAY), "run": run}
        doors = [
            ("/v1/gaps", query),
            (f"/v1/gaps/{found['overlap']['id']}", {}),
            (f"/v1/gaps/runs/{run}/diff", {"against": older}),
            (f"/v1/schemes/community/cells/{OWN}", {}),
            ("/v1/lists/gaps.csv", listed),
            ("/v1/lists/gaps", {**listed, "lang": "en"}),
            ("/maps/community.html", {}),
        ]
        for path, params in doors:
            answer = bound.get(path, params=params)
            assert answer.status_code == 200, answer.text
            assert FOREIGN not in answer.text, path
        for path, params in doors[:-1]:
            assert FOREIGN in admin.get(path, params=params).text, path
        _, file = exported_by(bound, layer="gaps", scheme="community", format="csv", run=run)
        assert OWN in file.text
        assert FOREIGN not in file.text
        assert FOREIGN in exported_by(admin, layer="gaps", scheme="community", format="csv", run=run)[1].text
        # Asking for the other's gaps by its code tells as little.
        named = {**query, "cell": FOREIGN}
        assert bound.get("/v1/gaps", params=named).json()["items"] == []
        assert {gap["kind"] for gap in admin.get("/v1/gaps", params=named).json()["items"]} == {
            "overlap", "blank", INVENTED.name,
        }  # fmt: skip
        tile = told(bound, "gaps", address(1.5, 0.5), **query)
        assert tile
        assert FOREIGN not in str(tile)


def test_an_overlap_of_two_streets_is_one_of_both(client: Client, ground: Database) -> None:
    publish_cells(ground, DAY)
    older, run = add_run(ground), add_run(ground)
    streets = {WEST_TOWN: (OWN, FOREIGN), EAST_TOWN: (FOREIGN, OWN)}
    for town, (own, foreign) in streets.items():
        bound = client("viewer", town)
        query = {"scheme": "community", "run": run, "kind": "overlap"}
        (gap,) = bound.get("/v1/gaps", params=query).json()["items"]
        assert (gap["cell_code"], gap["area_code"]) == (own, town)
        assert [each for each in gap["figures"]["cells"] if each] == [own]
        assert bound.get(f"/v1/gaps/{gap['id']}").json()["detail"] == gap["detail"]
        listed = {**query, "at": str(DAY), "by": "community"}
        (row,) = bound.get("/v1/lists/gaps", params=listed).json()["items"]
        assert (row["cell_code"], row["area_code"]) == (own, town)
        (group,) = bound.get("/v1/gaps/groups", params=listed).json()["items"]
        assert (group["key"], group["high"]) == (town, 1)
        sheet = bound.get(f"/v1/schemes/community/cells/{own}").json()
        assert gap["id"] in [each["id"] for each in sheet["gaps"]]
        assert (
            bound.get(f"/v1/areas/{town}/sheet", params={"scheme": "community"}).json()["gaps"]["high"] >= 1
        )
        summary = bound.get(f"/v1/gaps/runs/{run}").json()["summary"]
        assert summary["kinds"]["overlap"]["high"] == 1
        diff = bound.get(f"/v1/gaps/runs/{run}/diff", params={"against": older})
        assert diff.json()["summary"]["overlap"]["lasting"] == 1
        _, file = exported_by(bound, layer="gaps", scheme="community", format="csv", run=run, kind="overlap")
        page = bound.get("/maps/community.html")
        tile = told(bound, "gaps", address(1.5, 0.5), scheme="community", run=run)
        assert [each["kind"] for each in tile["gaps"]].count("overlap") == 1
        for text in (gap, row, sheet, diff.text, file.text, page.text, tile):
            assert foreign not in str(text)
        assert own in file.text
    (gap,) = client("viewer").get("/v1/gaps", params=query).json()["items"]
    assert (gap["cell_code"], gap["figures"]["cells"]) == (OWN, [OWN, FOREIGN])
    elsewhere = client("viewer", "440306").get("/v1/gaps", params={"scheme": "community"}).json()
    assert elsewhere["items"] == []
