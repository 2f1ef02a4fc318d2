"""Who is to answer for the cells of a plan: proposed, chosen, appointed by publishing, handed over."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from api.cli.plans import plan as plan_commands
from layers.db.database import Database
from tests.api.routes.conftest import Client, square
from tests.api.routes.test_plans import SHAPES, collection, draft, scheme

PERSON = {"姓名": "李雷", "手机": "13800001234"}
MERGED = collection(("440305001-3", square(0, 0, 2, 2)))


def put_in_force(client: httpx.Client, plan: dict[str, Any], on: str) -> dict[str, Any]:
    path = f"/v1/plans/{plan['id']}"
    client.post(f"{path}/check", params={"on": on})
    tag = client.get(path).headers["ETag"]
    done = client.post(f"{path}/publish", json={"on": on}, headers={"If-Match": tag})
    assert done.status_code == 200, done.text
    answer: dict[str, Any] = done.json()
    return answer


@pytest.fixture
def staffed(client: Client) -> httpx.Client:
    """A plan of two cells with a leader each, and an officer without a post."""
    admin = client()
    scheme(admin)
    first = put_in_force(admin, draft(admin), "2026-01-01")
    assert first["posts"] == {"carried": 0, "ended": 0, "vacant": 2}
    for number in (1, 2, 3):
        body = {"external_id": f"G-{number}", "area_code": "440305001", "personal": PERSON}
        officer = admin.post("/v1/officers", json=body).json()
        if number < 3:
            post = {"scheme": "community", "cell_code": f"440305001-{number}", "duty": "leader"}
            made = admin.post(f"/v1/officers/{officer['id']}/posts", json=post)
            assert made.status_code == 201, made.text
    return admin


def test_a_proposal_is_changed_and_publishing_appoints(staffed: httpx.Client, client: Client) -> None:
    plan = draft(staffed, cells=MERGED)
    path = f"/v1/plans/{plan['id']}"
    viewer = client("viewer", "440305001")
    proposed = viewer.get(f"{path}/officers")
    assert proposed.status_code == 200, proposed.text
    (cell,) = proposed.json()["items"]
    assert (cell["code"], cell["begins"], cell["chosen"]) == ("440305001-3", True, False)
    assert [(each["code"], each["share"]) for each in cell["predecessors"]] == [
        ("440305001-1", 0.5),
        ("440305001-2", 0.5),
    ]
    (post,) = cell["posts"]
    assert (post["external_id"], post["name"], post["phone"]) == ("G-1", "李*", "*********34")
    assert viewer.get(f"{path}/officers", params={"reveal": "true"}).status_code == 403
    chosen = {
        "posts": [{"officer_id": 2, "duty": "leader"}, {"officer_id": 3, "duty": "officer", "rank": "B"}]
    }
    target = f"{path}/officers/440305001-3"
    assert viewer.put(target, json=chosen, headers={"If-Match": '"1"'}).status_code == 403
    assert staffed.put(target, json=chosen).status_code == 428
    tag = staffed.get(path).headers["ETag"]
    done = staffed.put(target, json=chosen, headers={"If-Match": tag})
    assert done.status_code == 200, done.text
    assert staffed.put(target, json=chosen, headers={"If-Match": tag}).status_code == 412
    tag = done.headers["ETag"]
    for body, cell_code, status in (
        ({"posts": [{"officer_id": 99, "duty": "leader"}]}, "440305001-3", 404),
        ({"posts": []}, "440305001-9", 404),
        ({"posts": [{"officer_id": 2, "duty": "king"}]}, "440305001-3", 422),
    ):
        refused = staffed.put(f"{path}/officers/{cell_code}", json=body, headers={"If-Match": tag})
        assert refused.status_code == status, refused.text
    (cell,) = staffed.get(f"{path}/officers").json()["items"]
    assert cell["chosen"]
    assert [(each["external_id"], each["rank"]) for each in cell["posts"]] == [("G-2", "A"), ("G-3", "B")]
    handed = {each["external_id"]: each for each in viewer.get(f"{path}/handover").json()["items"]}
    assert {number: (each["cells_lost"], each["cells_gained"]) for number, each in handed.items()} == {
        "G-1": (["440305001-1"], []),
        "G-2": (["440305001-2"], ["440305001-3"]),
        "G-3": ([], ["440305001-3"]),
    }
    published = put_in_force(staffed, plan, "2027-01-01")
    assert published["posts"] == {"carried": 2, "ended": 2, "vacant": 0}
    assert published["unstaffed"] == 0
    again = {each["external_id"]: each for each in viewer.get(f"{path}/handover").json()["items"]}
    assert again == handed
    sheet = viewer.get("/v1/lists/handover.csv", params={"plan": plan["id"], "lang": "en"})
    assert sheet.text.lstrip("\ufeff").splitlines()[1].startswith("G-1,李*,*********34,440305001-1,,")
    assert viewer.get("/v1/lists/handover.xlsx", params={"plan": plan["id"]}).content[:2] == b"PK"
    assert viewer.get("/v1/lists/handover").status_code == 422
    assert {number: (each["given_to"], each["taken_from"]) for number, each in handed.items()} == {
        "G-1": (["G-2", "G-3"], []),
        "G-2": ([], ["G-1"]),
        "G-3": ([], ["G-1"]),
    }
    html = viewer.get(f"{path}/handover.html", params={"lang": "en"})
    assert html.text.count("<section>") == 3
    assert "李*" in html.text
    assert "not kept in this database" in html.text
    assert "PDF" in viewer.get(f"{path}/handover.pdf", params={"officer": 2}).content[:8].decode()
    assert viewer.get(f"{path}/handover.html", params={"reveal": "true"}).status_code == 403
    assert "李雷" in staffed.get(f"{path}/handover.html", params={"reveal": "true"}).text
    elsewhere = client("viewer", "440305002")
    assert elsewhere.get("/v1/lists/handover", params={"plan": plan["id"]}).status_code == 404
    assert elsewhere.get(f"{path}/handover.html").status_code == 404
    (cell,) = staffed.get(f"{path}/officers").json()["items"]
    assert [each["external_id"] for each in cell["posts"]] == ["G-2", "G-3"]
    tag = staffed.get(path).headers["ETag"]
    late = staffed.put(target, json=chosen, headers={"If-Match": tag})
    assert (late.status_code, late.json()["detail"]) == (409, f"Plan {plan['id']} is published already.")
    entry = next(
        each for each in staffed.get("/v1/audit").json()["items"]
        if each["action"] == "plan published" and each["subject"] == f"plan {plan['id']}"
    )  # fmt: skip
    assert entry["details"]["posts"] == published["posts"]


def test_a_choice_is_taken_back_and_a_cell_may_be_left_vacant(staffed: httpx.Client) -> None:
    plan = draft(staffed, cells=collection(*SHAPES))
    path = f"/v1/plans/{plan['id']}"
    tag = staffed.get(path).headers["ETag"]
    for code, posts in (("1", []), ("2", []), ("2", None)):
        done = staffed.put(
            f"{path}/officers/440305001-{code}", json={"posts": posts}, headers={"If-Match": tag}
        )
        assert done.status_code == 200, done.text
        tag = done.headers["ETag"]
    told = staffed.get(f"{path}/officers").json()
    assert (told["total"], told["vacant"]) == (2, 1)
    assert [(each["begins"], each["chosen"]) for each in told["items"]] == [(False, True), (False, False)]
    published = put_in_force(staffed, plan, "2027-01-01")
    assert published["posts"] == {"carried": 0, "ended": 1, "vacant": 0}
    assert (published["kept"], published["unstaffed"]) == (2, 1)


def test_the_command_lists_them(
    staffed: httpx.Client, ground: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = draft(staffed, cells=MERGED)
    url = ground.url.render_as_string(hide_password=False)
    plan_commands(["officers", str(plan["id"]), "--database", url], standalone_mode=False)
    assert capsys.readouterr().out.splitlines() == [
        "440305001-3\tG-1 (leader A)\tfrom 440305001-1 50%, 440305001-2 50%",
        "1 cells, 0 vacant",
    ]


@pytest.mark.parametrize("form", ["xlsx", "csv", "pdf", "html"])
def test_the_command_writes_the_handover(
    staffed: httpx.Client, ground: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    plan = draft(staffed, cells=MERGED)
    url = ground.url.render_as_string(hide_password=False)
    file = tmp_path / f"交接.{form}"
    plan_commands(["handover", str(plan["id"]), "-o", str(file), "--database", url], standalone_mode=False)
    assert capsys.readouterr().out == f"2 officers have something to hand over, written to {file}\n"
    starts = {"xlsx": b"PK", "csv": b"\xef\xbb\xbf", "pdf": b"%PDF", "html": b"<!DOCTYPE html>"}
    assert file.read_bytes().startswith(starts[form])
