"""A measure that is invented here goes from the database to the page without another line in the product."""

import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import mapbox_vector_tile
import numpy as np
import pytest
import shapely
from playwright.sync_api import Browser
from pypdf import PdfReader

from api.settings import ServiceSettings
from gis.classes import class_counts
from gis.measures import MEASURES, Aggregation, CellFigures, Measure
from layers.db.database import Database
from layers.entities.lifecycle import create_entity
from layers.maps.map_data import read_map_data
from layers.tiles import Tile, tiles_intersecting
from tests.api.routes.conftest import serving
from tests.api.web.conftest import COLUMNS, FIRST, PASSWORD, ROWS, TOWN, build, spot, squares

Open = Callable[..., Any]
Ask = Callable[..., httpx.Response]

KEY = "lamps_per_ha"
HECTARE = 1e4
# So many stand in the first cells; the others have none that anybody recorded.
LAMPS = [1, 2, 2, 5, 7, 9, 12, 30]


def _density(cells: CellFigures) -> np.ndarray:
    lamps = cells.counts["lamp"]
    return np.where(lamps > 0, lamps / (cells.areas_m2 / HECTARE), np.nan)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The city of the page's tests with lamps, while there is a measure of them."""
    measure = Measure(
        KEY,
        {"zh": "路灯密度", "en": "Lamp density"},
        unit="/ha",
        compute=_density,
        entity_kinds=("lamp",),
        decimals=3,
        aggregation=Aggregation.mean,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(MEASURES, KEY, measure)
        path = tmp_path_factory.mktemp("lamps") / "city.gpkg"
        build(f"sqlite:///{path}")
        with closing(Database(f"sqlite:///{path}")) as opened, opened.write() as session:
            for cell, count in enumerate(LAMPS):
                # Cells are numbered down the columns from the north.
                column, row = cell // ROWS, ROWS - 1 - cell % ROWS
                for number in range(count):
                    place = spot(column + 0.3 + 0.01 * number, row + 0.3)
                    lamp = f"L{cell}-{number}"
                    create_entity(session, "lamp", lamp, geometry=shapely.Point(*place), on=FIRST)
        yield path
    assert KEY not in MEASURES


@pytest.fixture(scope="module")
def service(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a service of that city."""
    settings = ServiceSettings(
        database=f"sqlite:///{database}", uploads=tmp_path_factory.mktemp("uploads"), request_s=90
    )
    with serving(settings) as address:
        yield address


@pytest.fixture(scope="module")
def cookies(service: str) -> Callable[[str], list[dict[str, Any]]]:
    """The cookie of a session."""
    answer = httpx.post(f"{service}/v1/session", json={"name": "monitor", "password": PASSWORD}, timeout=60)
    assert answer.status_code == 201
    kept = [{"name": key, "value": value, "url": service} for key, value in answer.cookies.items()]
    return lambda name: kept


@pytest.fixture(scope="module")
def ask(service: str, cookies: Callable[[str], list[dict[str, Any]]]) -> Iterator[Ask]:
    """Ask the interface for something of the first day."""
    pairs = {each["name"]: each["value"] for each in cookies("monitor")}
    with httpx.Client(base_url=service, cookies=pairs, timeout=90) as client:

        def get(path: str, **query: Any) -> httpx.Response:
            answer = client.get(path, params={"at": str(FIRST), **query})
            assert answer.status_code in (200, 204), answer.text
            return answer

        yield get


@pytest.fixture(scope="module")
def expected(database: Path) -> dict[str, float]:
    """The densities by code, by hand."""
    with closing(Database(f"sqlite:///{database}")) as opened, opened.read() as session:
        cells = read_map_data(session, "community", FIRST, None).cells
    sizes = dict(zip(cells["code"], cells["area_m2"], strict=True))
    codes = squares()["code"].tolist()
    return {
        code: round(count / (sizes[code] / HECTARE), 3) for code, count in zip(codes, LAMPS, strict=False)
    }


def close(value: float) -> Any:
    """Nearly a value: areas are rounded to a tenth."""
    return pytest.approx(value, abs=0.002)


def tiles(ask: Ask, zoom: int) -> dict[str, list[dict[str, Any]]]:
    """The attributes in the tiles of a zoom, by layer."""
    west, south, east, north = ask("/tiles/cells.json", scheme="community").json()["bounds"]
    found: dict[str, list[dict[str, Any]]] = {}
    for tile in tiles_intersecting((west, south, east, north), zoom):
        assert isinstance(tile, Tile)
        answer = ask(f"/tiles/cells/{tile.z}/{tile.x}/{tile.y}.mvt", scheme="community")
        for name, layer in mapbox_vector_tile.decode(answer.content).items() if answer.content else ():
            found.setdefault(name, []).extend(each["properties"] for each in layer["features"])
    return found


def test_tiles_tell_it_of_cells_and_of_groups(ask: Ask, expected: dict[str, float]) -> None:
    attributes = tiles(ask, 16)["cells"]
    assert {each["code"]: each[KEY] for each in attributes if KEY in each} == close(expected)
    assert len({each["code"] for each in attributes}) == COLUMNS * ROWS
    described = ask("/tiles/cells.json", scheme="community").json()["vector_layers"]
    fields = {layer["id"]: layer["fields"] for layer in described}
    assert fields["cells"][KEY] == fields["cell_groups"][KEY] == "Number"
    first = next(layer["minzoom"] for layer in described if layer["id"] == "cells")
    groups = {each["area_code"]: each for each in tiles(ask, first - 1)["cell_groups"]}
    own = [value for code, value in expected.items() if code.startswith(TOWN)]
    assert groups[TOWN][KEY] == close(sum(own) / len(own))
    assert [code for code, each in groups.items() if KEY in each] == [TOWN]


def test_the_interface_lists_and_classes_it(ask: Ask, expected: dict[str, float]) -> None:
    listed = ask("/v1/schemes/community/measures").json()
    (item,) = (each for each in listed["items"] if each["key"] == KEY)
    assert item["labels"] == {"zh": "路灯密度", "en": "Lamp density"}
    assert (item["quantity"], item["unit"], item["aggregation"]) == ("number", "/ha", "mean")
    values = np.array(list(expected.values()))
    assert [item[each] for each in ("min", "max", "mean")] == close(
        [values.min(), values.max(), values.mean()]
    )
    assert item["sum"] is None
    classed = ask(f"/v1/schemes/community/measures/{KEY}", classes=3).json()
    assert classed["unit"] == "/ha"
    assert len(classed["breaks"]) == 3
    assert classed["counts"] == class_counts(values, np.array(classed["breaks"]) + 0.002).tolist()
    assert sum(classed["counts"]) == len(LAMPS) < classed["cells"]
    described = ask("/v1/page").json()["measures"]
    assert {each["key"] for each in described} == {each["key"] for each in listed["items"]}


@pytest.mark.parametrize(("language", "name"), [("zh", "路灯密度"), ("en", "Lamp density")])
def test_maps_colour_by_it(ask: Ask, language: str, name: str) -> None:
    query = {"measure": KEY, "classes": 3, "lang": language}
    page = ask("/maps/community.html", **query).text
    found = re.search(r'<script type="application/json" id="wangge-data">(.*?)</script>', page, re.DOTALL)
    assert found
    data = json.loads(found[1])
    (field,) = (each for each in data["cells"]["fields"] if each["key"] == KEY)
    assert (data["measure"], field["label"], field["unit"]) == (KEY, name, "/ha")
    classed = ask(f"/v1/schemes/community/measures/{KEY}", classes=3).json()
    assert field["ranges"] == classed["ranges"]
    assert field["values"].count(None) == COLUMNS * ROWS - len(LAMPS)
    printed = ask("/maps/community.pdf", **query).content
    words = PdfReader(io.BytesIO(printed)).pages[0].extract_text().splitlines()
    assert name in words
    for low, high in classed["ranges"]:
        assert f"{low:,.6g} /ha – {high:,.6g} /ha" in words
    assert {"zh": "无数据", "en": "No data"}[language] in words


def test_the_file_of_a_map_says_it_in_its_legend(ask: Ask, browser: Browser, tmp_path: Path) -> None:
    query = {"measure": KEY, "classes": 3, "lang": "en"}
    path = tmp_path / "map.html"
    path.write_bytes(ask("/maps/community.html", **query).content)
    page = browser.new_page()
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready=true]", timeout=90_000)
    assert (
        page.evaluate("document.querySelector('#wg-fill').selectedOptions[0].textContent") == "Lamp density"
    )
    rows = page.locator("#wg-legend .wg-class").all_inner_texts()
    assert len(rows) == 4
    assert all(row.count(" /ha") == 2 for row in rows[:3])
    assert rows[3] == "No data"
    page.close()


def test_the_page_has_it_in_address_legend_and_card(
    open_page: Open, ask: Ask, expected: dict[str, float]
) -> None:
    opened = open_page(fragment=f"#at={FIRST}&by={KEY}&classes=3")
    page = opened.page
    page.wait_for_selector("#legend .class-row")
    assert page.evaluate("wangge.state().fill") == KEY
    opened.wait("document.querySelector('#fill').selectedOptions[0]?.textContent === '路灯密度'")
    classed = ask(f"/v1/schemes/community/measures/{KEY}", classes=3, method="quantiles").json()
    ranges = page.locator("#legend .class-row span:nth-child(2)").all_inner_texts()
    assert len(ranges) == 3
    for text, ends in zip(ranges, classed["ranges"], strict=True):
        assert text == " – ".join(f"{round(end + 1e-9, 1):g} /ha" for end in ends)
    opened.settle()
    code = squares()["code"][0]
    page.mouse.move(*opened.on_screen(0.5, ROWS - 0.5))
    page.wait_for_selector(f"#tip:not([hidden]) :text('{code}')")
    card = f"路灯密度{expected[code]:.1f} /ha"
    opened.wait(f"document.querySelector('#tip .row').textContent === '{card}'")
    opened.wait(f"location.hash.includes('by={KEY}')")
    page.click("[data-language-switch]:visible")
    opened.wait("document.querySelector('#fill').selectedOptions[0]?.textContent === 'Lamp density'")
    # An address that names another measure, or none that there is.
    page.evaluate(f"location.hash = 'at={date(2026, 1, 1)}&by=households'")
    opened.wait("wangge.state().fill === 'households'")
    page.evaluate(f"location.hash = 'by={KEY}'")
    opened.wait(f"wangge.state().fill === '{KEY}'")
    # Of an address with another choice and an unknown measure only that choice is taken.
    page.evaluate("location.hash = 'by=lamps_per_acre&method=equal_interval'")
    opened.wait("wangge.state().method === 'equal_interval'")
    assert page.evaluate("wangge.state().fill") == KEY
    opened.wait(f"location.hash.includes('by={KEY}')")
