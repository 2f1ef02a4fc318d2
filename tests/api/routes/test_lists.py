"""Lists over HTTP: every number opens the rows that it counts, and they leave as Excel or CSV."""

import csv
import io
from datetime import date
from importlib import import_module
from typing import Any

import httpx
import pytest

from layers.db.database import Database
from layers.gaps.runs import search_gaps
from layers.lists import LISTS, listing
from layers.models import Entity, Officer, Post
from tests.api.routes.conftest import SOUTH, STEP, WEST, Client
from tests.api.routes.grid import DAY, EAST_TOWN, LATER, WEST_TOWN, add_run, eventually, publish_cells
from tests.layers.formats.test_spreadsheet import cells_of

CELL = "440305001000000"


@pytest.fixture
def town(client: Client, ground: Database) -> httpx.Client:
    """Cells of two days, five enterprises of which one ends, officers; the client of an administrator."""
    publish_cells(ground, DAY)
    admin = client()
    for number, column in enumerate((0.2, 0.4, 0.6, 1.5, 3.5), 1):
        made = admin.post(
            "/v1/entities",
            json={
                "kind": "enterprise",
                "external_id": f"e{number}",
                "name": f"店{number}",
                "geometry": {"type": "Point", "coordinates": [WEST + column * STEP, SOUTH + 0.5 * STEP]},
                "on": DAY.isoformat(),
            },
        )
        assert made.status_code == 201, made.text
        if number == 2:
            ended = admin.delete(
                made.headers["Location"],
                headers={"If-Match": made.headers["ETag"]},
                params={"on": LATER.isoformat()},
            )
            assert ended.status_code == 200, ended.text
    with ground.write() as session:
        for number, area, cell in (
            ("G-1", WEST_TOWN, CELL),
            ("G-2", EAST_TOWN, None),
            ("G-3", WEST_TOWN, None),
        ):
            officer = Officer(
                external_id=number,
                area_code=area,
                personal={"name": "欧阳娜", "phone": "13800001234"},
                attributes={"duty": "leader"} if cell is None else {},
                valid_from=DAY,
                version=1,
            )
            session.add(officer)
            session.flush()
            if cell is not None:
                post = {"scheme_id": 1, "cell_code": cell, "duty": "officer", "rank": "A", "version": 1}
                session.add(Post(officer_id=officer.id, valid_from=DAY, **post))
    publish_cells(ground, LATER, height=2)
    # The service follows a database that others write.
    eventually(lambda: admin.get("/v1/schemes/community/measures/area_m2").status_code == 200)
    return admin


def read(client: httpx.Client, name: str, **query: Any) -> dict[str, Any]:
    answer = client.get(f"/v1/lists/{name}", params={"scheme": "community", "at": DAY.isoformat(), **query})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_what_a_sheet_counts_is_what_its_list_has(town: httpx.Client, today: date) -> None:
    seen = []
    for day in (DAY, LATER, date(2025, 12, 31)):
        sheet = town.get(f"/v1/schemes/community/cells/{CELL}", params={"at": day.isoformat()})
        counts = sheet.json()["counts"] if sheet.status_code == 200 else {"enterprise": 0}
        for kind, count in counts.items():
            found = read(town, "entities", cell=CELL, kind=kind, at=day.isoformat())
            assert (found["total"], len(found["items"])) == (count, count)
        seen.append(counts["enterprise"])
    assert seen == [3, 2, 0]
    area = town.get(f"/v1/areas/{WEST_TOWN}/sheet", params={"scheme": "community"}).json()
    now = {"at": today.isoformat()}
    assert read(town, "cells", area=WEST_TOWN, **now)["total"] == area["cells"]
    assert read(town, "entities", area=WEST_TOWN, **now)["total"] == area["counts"]["enterprise"]


def test_rows_come_in_parts_and_name_cell_area_and_person(town: httpx.Client) -> None:
    whole = read(town, "entities", kind="enterprise")
    parts = [read(town, "entities", kind="enterprise", limit=2, offset=first)["items"] for first in (0, 2, 4)]
    assert [row for part in parts for row in part] == whole["items"]
    by_number = {row["external_id"]: row for row in whole["items"]}
    first = by_number["e1"]
    assert (first["cell_code"], first["area"]) == (CELL, "地440305 / 地440305001")
    assert (first["person"], first["person_number"], first["person_duty"]) == ("欧**", "G-1", "网格员")
    # Where the cell has nobody, the leader of its town answers.
    assert [by_number[number]["person_number"] for number in ("e4", "e5")] == ["G-3", "G-2"]
    english = read(town, "entities", kind="enterprise", lang="en")
    assert (english["title"], english["items"][0]["person_duty"]) == ("Objects", "Officer")


def test_a_list_leaves_as_excel_and_as_csv(town: httpx.Client) -> None:
    query = {"scheme": "community", "at": DAY.isoformat(), "kind": "enterprise"}
    rows = read(town, "entities", kind="enterprise")
    headings = [column["heading"] for column in rows["columns"]]
    workbook = town.get("/v1/lists/entities.xlsx", params=query)
    assert "filename*=UTF-8''%E5%AF%B9%E8%B1%A1" in workbook.headers["Content-Disposition"]
    name, cells = cells_of(workbook.content)
    assert (name, [cells[f"{letter}1"][1] for letter in "ABCDE"]) == ("对象清单", headings[:5])
    code = chr(ord("A") + headings.index("网格编码"))
    assert cells[f"{code}2"] == ("s", CELL)
    text = town.get("/v1/lists/entities.csv", params=query).content
    assert text.startswith(b"\xef\xbb\xbf")
    table = list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"))))
    assert [row["网格编码"] for row in table] == [row["cell_code"] for row in rows["items"]]
    assert all(row["责任人编号"] and row["所属区划"] for row in table)
    assert "13800001234" not in text.decode().replace("联系", "")


def test_names_are_plain_only_where_asked_for_allowed_and_recorded(
    town: httpx.Client, client: Client
) -> None:
    assert (
        client("viewer")
        .get("/v1/lists/cells.csv", params={"scheme": "community", "reveal": True})
        .status_code
        == 403
    )
    plain = read(client("publisher"), "cells", reveal=True)
    assert {row["person"] for row in plain["items"]} == {"欧阳娜"}
    bound = read(client("publisher", WEST_TOWN), "entities", reveal=True)
    assert {row["person_phone"] for row in bound["items"]} == {"13800001234"}
    entries = town.get("/v1/audit", params={"action": "personal data revealed"}).json()["items"]
    assert [entry["subject"] for entry in entries] == ["3 officer", "2 officer"]


def test_each_caller_has_lists_of_their_own_ground(
    town: httpx.Client, client: Client, ground: Database
) -> None:
    east = client("viewer", EAST_TOWN)
    # An own entity in a cell of the other town: the cell is not named, nor who answers for it.
    with ground.write() as session:
        stray = session.query(Entity).filter_by(external_id="e1").one()
        stray.area_code = EAST_TOWN
    (row,) = (row for row in read(east, "entities")["items"] if row["external_id"] == "e1")
    assert (row["cell_code"], row["cell_name"], row["person_number"]) == (None, None, "G-2")
    hits = east.get("/v1/search", params={"text": "店1", "scheme": "community"}).json()["items"]
    assert [(hit["code"], hit["cell_code"]) for hit in hits] == [("e1", None)]
    assert read(town, "entities", area=EAST_TOWN)["items"][0]["cell_code"] == CELL
    with ground.write() as session:
        session.query(Entity).filter_by(external_id="e1").one().area_code = WEST_TOWN
    assert [row["external_id"] for row in read(east, "entities")["items"]] == ["e5"]
    assert read(east, "entities", area=EAST_TOWN)["total"] == 1
    for name in LISTS:
        answer = east.get(
            f"/v1/lists/{name}",
            params={"scheme": "community", "area": WEST_TOWN, "since": DAY.isoformat(), "text": "x"},
        )
        assert answer.status_code == 404, name


def test_what_changed_between_two_days(town: httpx.Client) -> None:
    found = read(town, "cell-changes", since=DAY.isoformat(), at=LATER.isoformat())
    counts = town.get(
        "/v1/schemes/community/changes", params={"since": DAY.isoformat(), "at": LATER.isoformat()}
    ).json()
    said = [row["change"] for row in found["items"]]
    assert [said.count(word) for word in ("新增", "取消", "调整")] == [
        counts[key] for key in ("begun", "ended", "changed")
    ]
    assert sum(counts[key] for key in ("begun", "ended", "changed")) == found["total"] > 0
    assert all(row["cell_name"] and row["area"] for row in found["items"])
    only = read(town, "cell-changes", since=DAY.isoformat(), at=LATER.isoformat(), kind="ended")
    assert only["total"] == counts["ended"]


def test_gaps_of_a_run_and_how_they_changed(town: httpx.Client, client: Client, ground: Database) -> None:
    assert read(town, "gaps") | {"columns": []} == {
        "name": "gaps", "title": "盲区清单", "columns": [], "items": [], "total": 0, "most_rows": 10_000,
        "notes": ["空白：未分析", "重叠：未分析", "未归属：未分析", "服务不可达：未分析"],
    }  # fmt: skip
    add_run(ground, None, DAY, ["blank", "blank", "overlap"])
    add_run(ground, None, LATER, ["blank"])
    found = read(town, "gaps")
    assert [row["kind"] for row in found["items"]] == ["覆盖空白", "覆盖空白", "网格重叠"] or found[
        "total"
    ] == 3
    assert {row["severity"] for row in found["items"]} == {"严重"}
    assert found["items"][0]["person_number"] == "G-1"
    assert read(client("viewer", EAST_TOWN), "gaps")["total"] == 1
    assert (
        read(town, "gaps", kind="overlap")["total"] == read(town, "gaps", at=LATER.isoformat())["total"] == 1
    )
    # In a run without a summary of kinds nothing is compared; on one day nothing has changed.
    assert read(town, "gap-changes", since=DAY.isoformat())["total"] == 0


def test_what_is_asked_wrongly_is_said(town: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert town.get("/v1/lists/nothing").status_code == 404
    assert town.get("/v1/lists/cells.pdf", params={"scheme": "community"}).status_code in {404, 422}
    lacking = town.get("/v1/lists/entities")
    assert (lacking.status_code, lacking.json()["detail"]) == (422, "This list needs the parameter scheme.")
    later = town.get(
        "/v1/lists/cell-changes", params={"scheme": "community", "since": "2027-01-01", "at": "2026-01-01"}
    )
    assert later.status_code == 422
    # The package has the router under the name of the module.
    monkeypatch.setattr(import_module("api.routes.lists"), "MAX_ROWS", 3)
    assert listing.MAX_ROWS > 3
    many = town.get("/v1/lists/entities.csv", params={"scheme": "community"})
    assert (many.status_code, "4 rows" in many.json()["detail"]) == (413, True)


def test_the_cells_without_an_officer_and_of_a_class_are_listed(town: httpx.Client) -> None:
    every = {row["cell_code"] for row in read(town, "cells")["items"]}
    staffed, vacant = (read(town, "cells", staffed=value) for value in (True, False))
    assert {row["cell_code"] for row in staffed["items"]} == {CELL}
    assert {row["cell_code"] for row in vacant["items"]} == every - {CELL}
    counted = town.get("/v1/schemes/community/changes", params={"since": str(DAY), "at": str(DAY)}).json()
    assert vacant["total"] == counted["unstaffed"]
    for measure in ("enterprises", "area_m2"):
        found = town.get(f"/v1/schemes/community/measures/{measure}", params={"at": str(DAY)}).json()
        lower = [None, *found["breaks"]]
        listed = []
        for above, up_to, count in zip(lower, found["breaks"], found["counts"], strict=False):
            bounds = {"up_to": up_to} | ({} if above is None else {"above": above})
            part = read(town, "cells", measure=measure, **bounds)
            assert part["total"] == count
            listed += [row["cell_code"] for row in part["items"]]
        assert sorted(listed) == sorted(every)
    file = town.get("/v1/lists/cells.csv", params={"scheme": "community", "at": str(DAY), "staffed": False})
    assert len(file.text.splitlines()) == 1 + vacant["total"]
    assert town.get("/v1/lists/cells", params={"scheme": "community", "measure": "x"}).status_code == 404


def test_what_a_gap_affects_is_listed(town: httpx.Client, ground: Database) -> None:
    for number, (kind, column) in enumerate((("household", 0.3), ("service_point", 3.9), ("sensor", 0.2))):
        made = town.post(
            "/v1/entities",
            json={
                "kind": kind,
                "external_id": f"x{number}",
                "attributes": {"households": 7},
                "geometry": {"type": "Point", "coordinates": [WEST + column * STEP, SOUTH + 0.5 * STEP]},
                "on": DAY.isoformat(),
            },
        )
        assert made.status_code == 201
    run = search_gaps(ground, "community", created_by="test", on=DAY)
    found = town.get("/v1/gaps", params={"run": run.id}).json()["items"]
    assert {gap["kind"] for gap in found} >= {"out_of_reach"}
    affecting = [gap for gap in found if gap["households"] or gap["enterprises"]]
    assert affecting
    for gap in affecting:
        rows = {
            number: read(town, "entities", gap=gap["id"], affected=number)["items"]
            for number in ("households", "enterprises")
        }
        assert len(rows["enterprises"]) == gap["enterprises"]
        assert 7 * len(rows["households"]) == gap["households"]
        both = read(town, "entities", gap=gap["id"])
        assert both["total"] == sum(map(len, rows.values()))
        for row in both["items"]:
            assert town.get(f"/v1/entities/{row['id']}").json()["external_id"] == row["external_id"]
            assert row["cell_code"] == gap["cell_code"]
