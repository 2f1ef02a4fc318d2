"""Maps over HTTP: drawn from the database, of the caller's area, with nobody's name, shut in a sandbox."""

import io
import json
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import httpx
import numpy as np
import pytest
import shapely
from playwright.sync_api import Browser
from pypdf import PdfReader

from api.routes.maps import MAPS_AT_ONCE
from gis.classes import ClassificationMethod
from layers.db.database import Database, bump_revision
from layers.entities.lifecycle import create_entity
from layers.models import BasemapFeature
from tests.api.routes.conftest import SOUTH, WEST, Client, square
from tests.api.routes.grid import eventually
from tests.api.routes.test_jobs import ended
from tests.api.routes.test_plans import collection, scheme

DAY = "2026-01-01"


@pytest.fixture
def mapped(client: Client, ground: Database) -> httpx.Client:
    """Cells in force with a leader, homes and a service point, a run of gaps, and a road."""
    admin = client()
    scheme(admin)
    cells = collection(*((f"44030500{1 + n // 2}-{n}", square(n, 0, 1, 2)) for n in range(4)))
    made = admin.post("/v1/plans", json={"scheme": "community", "name": "spring", "cells": cells})
    plan = f"/v1/plans/{made.json()['id']}"
    tag = admin.post(f"{plan}/check").headers["ETag"]
    done = admin.post(f"{plan}/publish", json={"on": DAY}, headers={"If-Match": tag})
    assert done.status_code == 200, done.text
    with ground.write() as session:
        for kind, east in (("household", 0.035), ("service_point", 0.005)):
            place = shapely.Point(WEST + east, SOUTH + 0.015)
            create_entity(session, kind, kind, geometry=place, personal={"name": "张伟"}, name="张伟")
        line = square(0, 0, 4, 2).exterior
        session.add(BasemapFeature(kind="roads", class_name="main", name=None, geometry=line))
        bump_revision(session)
    assert ended(admin, admin.post("/v1/gaps", json={"scheme": "community"}))["state"] == "done"
    officer = {
        "external_id": "G07",
        "on": DAY,
        "area_code": "440305001",
        "personal": {"name": "甄有名", "phone": "13912345678"},
    }
    made = admin.post("/v1/officers", json=officer)
    assert made.status_code == 201, made.text
    post = {"scheme": "community", "cell_code": "440305001-0", "duty": "leader", "rank": "A", "on": DAY}
    given = admin.post(f"/v1/officers/{made.json()['id']}/posts", json=post)
    assert given.status_code == 201, given.text
    return admin


def data(page: str) -> str:
    found = re.search(r'<script type="application/json" id="wangge-data">(.*?)</script>', page, re.DOTALL)
    assert found
    return found[1]


def test_a_map_comes_in_three_forms_and_tells_no_name(mapped: httpx.Client, today: date) -> None:
    page = mapped.get("/maps/community.html", params={"lang": "en"})
    assert page.status_code == 200, page.text
    told = data(page.text)
    assert all(code in told for code in ("440305001-0", "440305002-2", "G07", "out_of_reach"))
    printed = mapped.get("/maps/community.pdf", params={"lang": "en"})
    assert printed.headers["content-type"] == "application/pdf"
    words = PdfReader(io.BytesIO(printed.content)).pages[0].extract_text()
    assert f"spring · {today}" in words
    assert "G07" in words
    picture = mapped.get("/maps/community.png", params={"measure": "households"})
    assert picture.content.startswith(b"\x89PNG")
    assert not re.search("甄有名|13912345678|张伟", page.text + words)


def test_a_map_shows_leaders_by_published_name_where_the_scheme_wants_that(
    mapped: httpx.Client, today: date
) -> None:
    post = mapped.get("/v1/posts").json()["items"][0]
    tag = mapped.get(f"/v1/posts/{post['id']}").headers["ETag"]
    named = {"published_name": "一号值班室"}
    changed = mapped.patch(f"/v1/posts/{post['id']}", json=named, headers={"If-Match": tag})
    assert changed.status_code == 200, changed.text
    assert "一号值班室" not in mapped.get("/maps/community.html").text
    tag = mapped.get("/v1/schemes/community").headers["ETag"]
    rules = {"rules": {"publish_leaders": True}}
    assert mapped.patch("/v1/schemes/community", json=rules, headers={"If-Match": tag}).status_code == 200
    told = data(mapped.get("/maps/community.html").text)
    assert "一号值班室" in told
    assert not re.search("甄有名|G07", told)
    away = {"since": str(today), "until": str(today + timedelta(days=1))}
    assert mapped.post(f"/v1/officers/{post['officer_id']}/absences", json=away).status_code == 201
    assert "一号值班室" not in mapped.get("/maps/community.html").text


@pytest.mark.parametrize("method", ClassificationMethod)
def test_a_map_has_the_classes_of_the_page(
    mapped: httpx.Client, ground: Database, method: ClassificationMethod
) -> None:
    with ground.write() as session:
        for number, east in enumerate(np.repeat([0.012, 0.023, 0.034], [2, 3, 9])):
            place = shapely.Point(WEST + east, SOUTH + 0.015 + 0.0001 * number)
            create_entity(session, "household", f"H{number}", geometry=place)
        bump_revision(session)

    def measure(key: str = "") -> dict[str, Any]:
        asked = {"classes": 3, "method": method} if key else {}
        answer: dict[str, Any] = mapped.get(
            f"/v1/schemes/community/measures{key and '/' + key}", params=asked
        ).json()
        return answer

    eventually(lambda: measure("households")["max"] == 10)
    query = {"measure": "households", "method": method, "classes": 3, "lang": "en"}
    told = json.loads(data(mapped.get("/maps/community.html", params=query).text))
    assert (told["measure"], told["method"]) == ("households", method)
    fields = {field["key"]: field["ranges"] for field in told["cells"]["fields"]}
    pages = {each["key"]: measure(each["key"])["ranges"] for each in measure()["items"]}
    assert fields == pages
    assert len(fields["households"]) > 1
    printed = mapped.get("/maps/community.pdf", params=query)
    words = PdfReader(io.BytesIO(printed.content)).pages[0].extract_text().splitlines()
    for low, high in pages["households"]:
        assert (f"{low}" if low == high else f"{low} – {high}") in words


def test_only_the_callers_area_is_drawn(mapped: httpx.Client, client: Client) -> None:
    viewer = client("viewer", "440305001")
    told = data(viewer.get("/maps/community.html").text)
    assert "440305001-0" in told
    assert "440305002" not in told
    assert viewer.get("/maps/community.html", params={"area": "440305002"}).status_code == 404
    assert "440305002" not in data(mapped.get("/maps/community.html", params={"area": "440305001"}).text)


def test_what_cannot_be_drawn_is_said(mapped: httpx.Client) -> None:
    for path, status in (
        ("/maps/nothing.html", 404),
        ("/maps/community.html?at=1999-01-01", 404),
        ("/maps/community.html?area=nowhere", 404),
        ("/maps/community.html?measure=beauty", 422),
        ("/maps/community.html?measure=households&method=jenks", 422),
        ("/maps/community.html?measure=households&classes=10", 422),
        ("/maps/community.docx", 422),
    ):
        answer = mapped.get(path)
        assert answer.status_code == status, path
        assert answer.headers["content-type"] == "application/problem+json"


def test_the_page_runs_in_its_sandbox_and_reaches_nothing(mapped: httpx.Client, browser: Browser) -> None:
    context = browser.new_context(extra_http_headers={"Authorization": mapped.headers["Authorization"]})
    page = context.new_page()
    asked, wrong = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    address = f"{str(mapped.base_url).rstrip('/')}/maps/community.html"
    page.goto(address)
    page.wait_for_selector("html[data-ready=true]", timeout=90_000)
    assert page.evaluate("self.origin") == "null"
    assert wrong == []
    assert [url for url in asked if url != address and not url.startswith("data:")] == []
    context.close()


def test_a_caller_has_a_few_maps_drawn_at_once(mapped: httpx.Client, client: Client) -> None:
    def draw(asking: httpx.Client) -> httpx.Response:
        return asking.get("/maps/community.png")

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(draw, [mapped] * 12))
        others = draw(client("viewer"))
    codes = Counter(each.status_code for each in answers)
    assert set(codes) == {200, 429}
    assert codes[200] >= MAPS_AT_ONCE
    busy = next(each for each in answers if each.status_code == 429)
    assert busy.headers["Retry-After"] == "5"
    assert busy.json()["detail"] == "2 maps are being drawn for you already; wait until one has come."
    # Neither others nor the caller afterwards are held up.
    assert others.status_code == draw(mapped).status_code == 200
