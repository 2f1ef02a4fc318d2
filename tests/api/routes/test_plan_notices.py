"""The filing notice of a plan: over HTTP, at the command line, and as it is printed."""

import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_pdf import PdfPages
from pypdf import PdfReader

from layers.db.database import Database
from layers.lists.notice import NoticeTable
from layers.maps.mpl_style import printing
from layers.maps.notice import TablePages
from layers.models import Plan, Scheme
from tests.api.conftest import Run
from tests.api.routes.conftest import Client
from tests.layers.plans.redrawn import TODAY, publish_with_entities, redraw_copy


@pytest.fixture
def drafted(database: Database) -> int:
    rng = np.random.default_rng(1)
    with database.write() as session:
        publish_with_entities(session, rng)
        return redraw_copy(session, rng).id


@pytest.fixture
def ground(drafted: int, database: Database) -> Database:
    """In the place of the county of two towns."""
    return database


def pages(content: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(content)).pages]


def test_a_notice_tells_what_changes_who_moves_and_from_when(client: Client, drafted: int) -> None:
    viewer = client("viewer")
    path = f"/v1/plans/{drafted}/notice"
    on = {"on": TODAY.isoformat()}
    told = viewer.get(path, params=on | {"lang": "en"}).json()
    facts = {each["name"]: each["value"] for each in told["facts"]}
    assert (told["begins"], facts["In force from"]) == ("2026-03-01", "2026-03-01")
    changes, moves, people, handover, waived = told["tables"]
    assert waived["rows"] == []
    difference = viewer.get(f"/v1/plans/{drafted}/diff", params=on).json()
    assert [row[1] for row in changes["rows"]] == [each["code"] for each in difference["codes"]]
    assert sum(row[3] for row in moves["rows"]) == difference["summary"]["moved_entities"]
    assert facts["New codes"] == str(len(difference["born"]))
    assert {row[0] for row in people["rows"]} >= set(difference["born"]) | set(difference["ended"])
    assert {row[0] for row in handover["rows"]} == {
        each["external_id"] for each in viewer.get(f"/v1/plans/{drafted}/handover", params=on).json()["items"]
    }
    assert not re.search(r"Officer \d", str(told))
    assert client("viewer", "440304001").get(path).status_code == 404
    printed = pages(viewer.get(f"{path}.pdf", params=on | {"lang": "zh"}).content)
    assert "网格划分调整备案" in printed[0]
    assert "2026-03-01" in printed[0]
    assert ["调整前" in printed[1], "调整后" in printed[2]] == [True, True]
    tables = "".join(printed[3:])
    assert all(row[1] in tables for row in changes["rows"])
    book = zipfile.ZipFile(io.BytesIO(viewer.get(f"{path}.xlsx", params=on).content))
    pictures = [name for name in book.namelist() if name.startswith("xl/media/")]
    sheets = [name for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
    assert (len(pictures), len(sheets)) == (2, 8)


def test_waived_rules_are_told(client: Client, drafted: int, database: Database) -> None:
    publisher = client("publisher")
    path = f"/v1/plans/{drafted}"
    with database.write() as session:
        scheme = session.get_one(Scheme, session.get_one(Plan, drafted).scheme_id)
        scheme.rules = {**scheme.rules, "sizes": {"max_area_m2": 1}}
    broken = publisher.post(f"{path}/check").json()["rules"]
    wanted = {"rule": "sizes.max_area_m2", "cells": [broken[0]["code"]], "reason": "Countryside."}
    given = publisher.post(
        f"{path}/waivers", json=wanted, headers={"If-Match": publisher.get(path).headers["etag"]}
    )
    assert given.status_code == 200, given.text
    told = publisher.get(f"{path}/notice", params={"on": TODAY.isoformat(), "lang": "en"}).json()["tables"][
        -1
    ]
    assert told["title"] == "Waived rules"
    assert [row[:3] for row in told["rows"]] == [[broken[0]["code"], "sizes.max_area_m2", "Countryside."]]


def test_the_command_writes_either_form(
    wangge: Run, drafted: int, database: Database, tmp_path: Path
) -> None:
    url = database.url.render_as_string(hide_password=False)
    target = tmp_path / "notice.pdf"
    outcome = wangge(
        "plan", "notice", drafted, "-o", target, "--on", TODAY, "--lang", "en", "--database", url
    )
    assert outcome.code == 0, outcome.err
    assert "In force from: 2026-03-01" in outcome.out
    assert "Filing notice of a change of cells" in pages(target.read_bytes())[0]
    refused = wangge("plan", "notice", drafted, "-o", tmp_path / "notice.doc", "--database", url)
    assert (refused.code, "give it the extension .pdf or .xlsx" in refused.err) == (2, True)


def test_long_tables_and_long_texts_go_on_over_pages() -> None:
    rows = [[f"C{number:04d}", "一个很长的网格名称" * 12, "word " * 60, 1.5] for number in range(120)]
    target = io.BytesIO()
    with printing(), PdfPages(target) as document:
        sheets = TablePages(document, "title")
        sheets.write_table(NoticeTable("Long", ["Code", "Name", "Words", "Number"], rows), "none")
        sheets.write_table(NoticeTable("Empty", ["Code", "Name"], []), "none")
        sheets.end()
    tables = pages(target.getvalue())
    assert len(tables) > 3
    assert all("Code" in page for page in tables)
    assert all(row[0] in "".join(tables) for row in rows)
    assert "none" in tables[-1]
