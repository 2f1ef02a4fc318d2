"""Who reaches the page, and how: by keyboard, with a screen reader, on a phone, on a network of its own."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe

from api.settings import ServiceSettings
from tests.api.routes.conftest import serving
from tests.api.web.conftest import FIRST, PATIENCE_S

Open = Callable[..., Any]


# The choices whose text is wider than the room that it has.
TOO_WIDE = """() => {
  const pen = document.createElement('canvas').getContext('2d');
  return ['scheme', 'date'].filter((id) => {
    const choice = document.getElementById(id);
    const style = getComputedStyle(choice);
    pen.font = style.font;
    const room = choice.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    return pen.measureText(choice.selectedOptions[0].textContent).width > room;
  });
}"""


def faults(page: Any) -> list[str]:
    """What axe finds that is serious or worse."""
    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {json.dumps([node['html'][:160] for node in each['nodes']], ensure_ascii=False)}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


def test_axe_finds_nothing_serious(open_page: Open) -> None:
    gate = open_page(None, forgiven=("401",))
    gate.page.wait_for_selector("#gate:not([hidden])")
    assert faults(gate.page) == []
    opened = open_page(fragment=f"#at={FIRST}")
    page = opened.page
    assert faults(page) == []
    page.select_option("#fill", "households")
    page.wait_for_selector("#legend .class-row")
    opened.click(0.5, 1.5)
    page.wait_for_selector("#sheet .tile")
    assert faults(page) == []
    page.click("#tab-gaps")
    page.wait_for_selector("#gap-list .gap-row")
    page.fill("#query", "4403")
    page.wait_for_selector("#found [role=option]")
    assert faults(page) == []
    page.keyboard.press("Escape")
    page.click("#tool-ruler")
    page.click("#account-button")
    assert faults(page) == []
    page.click("#tool-compare")
    page.wait_for_selector("#swipe")
    assert faults(page) == []


def test_the_keyboard_alone_is_enough(open_page: Open) -> None:
    opened = open_page(fragment="#map=15.6/22.544/114.0509")
    page = opened.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement === wangge.map.getCanvas()")
    page.keyboard.press("Enter")
    page.wait_for_selector("#sheet h2:has-text('第101网格')")
    opened.wait("document.activeElement.tagName === 'H2'")
    assert page.inner_text("#announcer") == "第101网格"
    page.keyboard.press("Escape")
    assert page.is_hidden("#sheet")
    assert page.evaluate("document.activeElement === wangge.map.getCanvas()")
    page.keyboard.press("/")
    page.keyboard.type("第103")
    page.wait_for_selector("#found [role=option]")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_selector("#sheet h2:has-text('第103网格')")
    page.focus("#tab-map")
    page.keyboard.press("ArrowRight")
    assert page.is_visible("#panel-gaps")
    # What is drawn anew by a choice leaves the focus where it was.
    page.click("#tab-map")
    page.select_option("#fill", "households")
    page.focus("#method")
    page.keyboard.press("ArrowDown")
    opened.wait("wangge.state().method !== 'quantiles'")
    assert page.evaluate("document.activeElement.id") == "method"
    page.click("#tool-ruler")
    page.focus("#segment-area")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "segment-area"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "tool-ruler"
    assert page.is_visible("#sheet")


def test_a_phone(open_page: Open) -> None:
    opened = open_page(size=(390, 844), touch=True)
    page = opened.page
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.is_hidden("#panel-body")
    assert page.evaluate(TOO_WIDE) == []
    page.click("#language")
    assert page.evaluate(TOO_WIDE) == []
    page.click("#language")
    assert page.inner_text("#panel-handle") == "图例与图层"
    page.tap("#panel-handle")
    assert page.is_visible("#fill")
    page.tap("#panel-handle")
    where = opened.on_screen(2.95, 1.05)
    page.touchscreen.tap(*where)
    page.wait_for_selector("#sheet .tile")
    sheet = page.eval_on_selector("#sheet", "sheet => sheet.getBoundingClientRect().toJSON()")
    assert (sheet["left"], sheet["width"]) == (0, 390)
    assert sheet["bottom"] == 844
    assert page.is_hidden("#panel")
    assert faults(page) == []
    page.tap("#sheet .icon-button")
    assert page.is_visible("#panel-handle")
    # A tool takes the room that the panel had.
    page.tap("#panel-handle")
    page.tap("#tool-ruler")
    assert page.is_hidden("#panel-body")
    page.tap("#tool-ruler")
    # What is flown to lies above the sheet.
    page.tap("#panel-handle")
    page.tap("#tab-gaps")
    page.tap("#gap-list .gap-row")
    page.wait_for_selector("#sheet .tile")
    opened.settle()
    ground = page.evaluate("wangge.state().chosen.record.box")
    middle = [(ground[0] + ground[2]) / 2, (ground[1] + ground[3]) / 2]
    down = page.evaluate("at => wangge.map.project(at).y + wangge.map.getContainer().offsetTop", middle)
    stage, sheet = (page.locator(each).bounding_box() for each in ("#stage", "#sheet"))
    assert stage["y"] + down < sheet["y"]


def test_a_service_that_is_away_is_told_and_asked_again(open_page: Open) -> None:
    opened = open_page(forgiven=("ERR_", "Failed to load", "AJAXError", "Failed to fetch"))
    page = opened.page
    page.route("**/v1/schemes/**", lambda route: route.abort())
    opened.click(0.5, 1.5)
    page.wait_for_selector("#sheet [role=alert]")
    assert "无法连接服务" in page.inner_text("#sheet [role=alert]")
    page.unroute("**/v1/schemes/**")
    page.click("#sheet [role=alert] button")
    page.wait_for_selector("#sheet .tile")
    page.route("**/v1/gaps?**", lambda route: route.fulfill(status=503, json={"detail": "busy"}))
    page.click("#tab-gaps")
    page.select_option("#gap-run", index=1)
    page.wait_for_selector("#gap-list [role=alert]")
    assert "服务繁忙" in page.inner_text("#gap-list")
    page.route("**/v1/areas/**", lambda route: route.abort())
    page.fill("#query", "东门街道")
    page.press("#query", "Enter")
    page.wait_for_selector("#sheet [role=alert]:has-text('无法连接服务')")
    # What is said follows the language.
    page.click("#language")
    page.wait_for_selector("#sheet [role=alert]:has-text('cannot be reached')")
    page.click("#language")
    page.route("**/tiles/cells.json*", lambda route: route.abort())
    page.click("#tool-compare")
    page.wait_for_selector("#tool-card [role=alert]")
    assert page.inner_text("#day-left") == str(FIRST)
    assert page.evaluate("document.querySelector('#compare-left').value") == str(FIRST)
    page.unroute("**/tiles/cells.json*")
    page.click("#tool-card [role=alert] button")
    page.wait_for_selector("#compare-changes:has-text('调整')")
    page.press("body", "Escape")
    page.route("**/tiles/cells.json*", lambda route: route.abort())
    page.select_option("#scheme", "safety")
    page.wait_for_selector("#map-message [role=alert]")
    page.unroute("**/tiles/cells.json*")
    page.click("#map-message button")
    opened.asks("scheme=safety")
    assert page.is_hidden("#map-message")
    # A page that could not begin stays signed in, and begins when it is asked to.
    page.route("**/v1/page", lambda route: route.abort())
    page.reload()
    page.wait_for_selector("#map-message [role=alert]")
    assert page.is_hidden("#gate")
    page.unroute("**/v1/page")
    page.click("#map-message button")
    opened.ready()


def test_tiles_that_fail_are_told_and_asked_for_again(open_page: Open) -> None:
    opened = open_page(forgiven=("500",))
    page = opened.page
    page.route("**/tiles/cells/**", lambda route: route.fulfill(status=500))
    page.select_option("#scheme", "safety")
    page.wait_for_selector("#notification.shown:has-text('正在重试')")
    page.unroute("**/tiles/cells/**")
    query = "wangge.map.queryRenderedFeatures({layers: ['cells-fill']}).map(each => each.properties.code)"
    opened.wait(f"wangge.map.getLayer('cells-fill') && new Set({query}).size === 2")


def test_a_browser_that_draws_no_map_is_told_so(open_page: Open) -> None:
    opened = open_page(forgiven=("WebGL",))
    page = opened.page
    page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    page.reload()
    page.wait_for_selector("#map-message:has-text('WebGL 2')")
    assert page.is_hidden("#gate")


def test_a_slow_search_says_that_it_goes_on(open_page: Open) -> None:
    opened = open_page()
    page = opened.page
    page.route("**/v1/search?*", lambda route: None)
    page.fill("#query", "东门街道")
    page.wait_for_selector("#found:has-text('正在加载')")
    # What nobody waits for any more does not come late and open the list again.
    with page.expect_event("requestfailed", lambda request: "/v1/search" in request.url):
        page.press("#query", "Escape")
    assert page.is_hidden("#found")


@pytest.fixture
def intranet() -> Iterator[tuple[str, list[str]]]:
    """Another server of the network, with tiles of one colour: its address, and what it was asked."""
    picture, asked = BytesIO(), []
    matplotlib.image.imsave(picture, np.full((256, 256, 3), (200, 120, 40), dtype=np.uint8))

    class Tiles(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "image/png")
            self.send_header("Access-Control-Allow-Origin", "*")
            self.end_headers()
            self.wfile.write(picture.getvalue())

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Tiles)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def test_tiles_of_the_intranet_lie_beneath(
    browser: Any, city: tuple[Path, Any], intranet: tuple[str, list[str]], cookies: Any, tmp_path: Path
) -> None:
    address, asked = intranet
    settings = ServiceSettings(
        database=f"sqlite:///{city[0]}",
        uploads=tmp_path,
        title="<b>某区</b>",
        base_tiles=f"{address}/tiles/{{z}}/{{x}}/{{y}}.png",
        base_tiles_attribution="测绘院",
    )
    with serving(settings) as own:
        context = browser.new_context(locale="zh-CN")
        context.set_default_timeout(1000 * PATIENCE_S)
        context.add_cookies([{**each, "url": own} for each in cookies("monitor")])
        page = context.new_page()
        problems: list[str] = []
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.goto(own)
        page.wait_for_selector("html[data-ready=map]", state="attached")
        assert page.inner_text("#credit") == "测绘院"
        assert page.title() == "<b>某区</b>"
        assert page.inner_text(".brand") == "<b>某区</b>"
        assert asked
        page.uncheck("[data-layer=tiles]")
        assert page.evaluate("wangge.map.getLayoutProperty('intranet', 'visibility')") == "none"
        assert problems == []
        context.close()
