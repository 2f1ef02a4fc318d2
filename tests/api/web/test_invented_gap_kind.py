"""A kind of gap that the product does not have, on the page: its list, filter, sheet and hatching."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.settings import ServiceSettings
from layers.db.database import Database
from layers.gaps.runs import search_gaps
from layers.plans.schemes import find_scheme, update_rules
from tests.api.routes.conftest import serving
from tests.api.web.conftest import PASSWORD
from tests.invented_gap import registered

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def service(city: tuple[Path, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service of a copy of the city, whose cells have been searched for the kind too."""
    folder = tmp_path_factory.mktemp("dark")
    path = folder / "city.gpkg"
    shutil.copyfile(city[0], path)
    with registered() as kind:
        with closing(Database(f"sqlite:///{path}")) as database:
            with database.write() as session:
                update_rules(session, find_scheme(session, "community"), {kind.name: {"lamp_m": 50}})
            search_gaps(database, "community", created_by="test")
        settings = ServiceSettings(database=f"sqlite:///{path}", uploads=tmp_path_factory.mktemp("uploads"))
        with serving(settings) as address:
            yield address


@pytest.fixture(scope="module")
def cookies(service: str) -> Callable[[str], list[dict[str, Any]]]:
    """The cookie of a session of an account at that service."""

    def cookie(name: str) -> list[dict[str, Any]]:
        answer = httpx.post(f"{service}/v1/session", json={"name": name, "password": PASSWORD}, timeout=60)
        assert answer.status_code == 201, answer.text
        return [{"name": key, "value": value, "url": service} for key, value in answer.cookies.items()]

    return cookie


def test_its_gaps_are_listed_opened_and_hatched(open_page: Open) -> None:
    opened = open_page()
    page = opened.page
    page.click("#tab-gaps")
    page.wait_for_selector("#gap-list .gap-row")
    page.select_option("#gap-kind", label="照明不足")
    row = "#gap-list .gap-row:has-text('照明不足')"
    page.wait_for_selector(row)
    opened.wait(
        "[...document.querySelectorAll('#gap-list .gap-row')].every(e => e.innerText.includes('照明不足'))"
    )
    page.click(row)
    page.wait_for_selector("#sheet :text('照明不足')")
    sheet = page.inner_text("#sheet")
    assert "路灯不远于 50 米" in sheet
    assert "最近的路灯在" in sheet
    opened.settle()
    assert page.evaluate("wangge.map.hasImage('hatch-0-high')")
    assert "too_dark" in opened.codes("gaps-fill", "kind")
    page.click("#language")
    page.wait_for_selector("#sheet :text('Too dark')")
    assert "a lamp within 50 m" in page.inner_text("#sheet")
