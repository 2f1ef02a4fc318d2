"""Search, gaps, measuring, comparing, the address, printing: what people do with the map."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from pyproj import Geod

from tests.api.web.conftest import FIRST, OTHER_TOWN, SECOND, box, spot, squares, stripes

Open = Callable[..., Any]
GEOD = Geod(ellps="WGS84")

COLOURS = """() => {
  const pen = document.createElement('canvas').getContext('2d');
  pen.drawImage(document.querySelector('#print-page img'), 0, 0, 40, 40);
  const data = pen.getImageData(0, 0, 40, 40).data;
  const seen = new Set();
  for (let at = 0; at < data.length; at += 4) seen.add(data.slice(at, at + 3).join());
  return seen.size;
}"""


def find(opened: Any, text: str) -> None:
    """Type into the search and take the first that is found."""
    opened.page.fill("#query", text)
    opened.page.wait_for_selector("#found [role=option]:not(.note)")
    opened.page.press("#query", "Enter")


def test_search_by_code_name_identity_and_coordinates(open_page: Open, made: dict[str, Any]) -> None:
    opened = open_page()
    page = opened.page
    code = stripes()["code"][4]
    find(opened, code[-6:])
    page.wait_for_selector(f"#sheet .under:has-text('{code}')")
    opened.wait(f"wangge.map.getBounds().contains({list(spot(4.5, 2))})")
    find(opened, "第102网格")
    page.wait_for_selector("#sheet h2:has-text('第102网格')")
    find(opened, "SE-0002")
    page.wait_for_selector("#sheet .under:has-text('SE-0002')")
    # Sensors are not switched on: a pin tells where it is.
    page.wait_for_selector(".pin")
    find(opened, "西门")
    opened.wait(f"[{list(spot(3, 0))}, {list(spot(6, 4))}].every(at => wangge.map.getBounds().contains(at))")
    assert opened.page.evaluate("wangge.map.getZoom()") > 14
    lon, lat = spot(5.5, 3.5)
    for text in (f"{lon}, {lat}", f"{lat}，{lon}"):
        find(opened, text)
        # The sheet takes the focus, and with it what is typed.
        opened.wait("document.activeElement.closest('#sheet') !== null")
        page.wait_for_selector("#sheet .kind:has-text('地点')")
        assert page.inner_text("#sheet h2") == f"{lon:.6f}, {lat:.6f}"
    opened.settle()
    pin, spot_of = page.locator(".pin").bounding_box(), opened.on_screen(5.5, 3.5)
    assert [pin["x"] + pin["width"] / 2, pin["y"] + pin["height"]] == pytest.approx(spot_of, abs=1.5)
    page.keyboard.press("Escape")
    assert page.locator(".pin").count() == 0
    page.fill("#query", "没有这样的")
    page.wait_for_selector("#found .note")
    assert page.inner_text("#found .note") == "没有找到“没有这样的”"


def test_gaps_are_listed_worst_first_and_a_click_flies_there(open_page: Open, interface: Any) -> None:
    opened = open_page(fragment=f"#at={FIRST}")
    page = opened.page
    page.click("#tab-gaps")
    page.wait_for_selector(".gap-row")
    told = interface("/v1/gaps", scheme="community", run=page.evaluate("wangge.state().run"))["items"]
    rows = page.locator("#gap-list .gap-row")
    shown = rows.evaluate_all("all => all.map(e => Number(e.dataset.gap))")
    assert shown == [gap["id"] for gap in told]
    turn = {"high": 0, "medium": 1, "low": 2}
    severities = [turn[gap["severity"]] for gap in told]
    assert severities == sorted(severities)
    assert page.inner_text("#gaps-count") == str(len(told))
    assert all(gap["on"] == str(FIRST) for gap in told)
    last = told[-1]
    rows.last.click()
    page.wait_for_selector("#sheet .kind:has-text('盲区')")
    west, south, east, north = last["box"]
    opened.wait(f"wangge.map.getBounds().contains([{(west + east) / 2}, {(south + north) / 2}])")
    opened.settle()
    drawn = page.evaluate(
        "wangge.map.queryRenderedFeatures({layers: ['gaps-fill', 'gaps-point']}).map(f => f.id)"
    )
    assert last["id"] in drawn
    chosen = severities.count(severities[0])
    page.click(f"[data-severity={told[0]['severity']}]")
    opened.wait(f"document.querySelectorAll('#gap-list .gap-row').length === {chosen}")
    page.select_option("#gap-group", "officer")
    page.wait_for_selector("#gap-list .gap-group")
    run = page.evaluate("wangge.state().run")
    groups = interface(
        "/v1/gaps/groups",
        scheme="community",
        by="officer",
        run=run,
        at=str(FIRST),
        severity=told[0]["severity"],
    )["items"]
    assert page.locator("#gap-list .gap-group").count() == len(groups)
    page.select_option("#gap-run", index=0)
    opened.wait(f"document.querySelector('#gap-run').selectedOptions[0].textContent === '{SECOND}'")


def test_a_scheme_without_cells_or_gaps_says_so(open_page: Open, made: dict[str, Any]) -> None:
    opened = open_page(fragment=f"#scheme={made['empty_scheme']}")
    page = opened.page
    assert "没有生效的网格" in page.inner_text("#map-message")
    page.click("#tab-gaps")
    page.wait_for_selector("#panel-gaps :text('还没有盲区分析结果')")


def test_a_day_before_any_search_has_no_gaps(open_page: Open) -> None:
    opened = open_page(fragment="#at=2020-01-01")
    page = opened.page
    page.click("#tab-gaps")
    page.wait_for_selector("#panel-gaps :text('在此日期之前没有盲区分析结果')")
    # A dash, for nobody has looked: an empty badge would read as no gaps.
    assert page.inner_text("#gaps-count") == "—"
    assert "盲区（未分析）" in page.inner_text("#stats")
    assert page.locator(".stat-alarm").count() == 0
    # A year is not asked for while it is being typed.
    page.select_option("#date", "other")
    page.fill("#other-day", "0202-01-01")
    page.fill("#other-day", str(FIRST))
    opened.asks(f"at={FIRST}")
    assert not any("at=0202" in url for url in opened.requests)


def test_lengths_and_areas_are_those_of_the_ellipsoid(open_page: Open) -> None:
    opened = open_page()
    page = opened.page
    page.click("#tool-ruler")
    corners = [(0.2, 0.3), (4.7, 0.6), (4.1, 3.6)]
    for corner in corners:
        opened.click(*corner)
    query = "wangge.map.getSource('ruler').serialize().data.features"
    query += ".filter(f => f.geometry.type === 'Point').map(f => f.geometry.coordinates)"
    clicked = page.evaluate(query)
    assert len(clicked) == 3
    lon, lat = zip(*clicked, strict=True)
    shown = float(page.get_attribute("#ruler-result", "data-metres"))
    assert math.isclose(shown, GEOD.line_length(lon, lat), rel_tol=1e-6)
    page.click(".segments button >> nth=1")
    shown = float(page.get_attribute("#ruler-result", "data-metres"))
    area, _ = GEOD.polygon_area_perimeter(lon, lat)
    assert math.isclose(shown, abs(area), rel_tol=1e-4)
    assert page.is_hidden("#sheet")
    assert page.evaluate("wangge.map.getCanvas().style.cursor") == "crosshair"
    # What has been measured is there in the other language as well.
    page.click("#language")
    assert float(page.get_attribute("#ruler-result", "data-metres")) == shown
    page.keyboard.press("Escape")
    assert page.is_hidden("#tool-card")
    opened.click(0.5, 1.5)
    page.wait_for_selector("#sheet h2:has-text('第101网格')")


def test_the_scale_is_that_of_the_ground(open_page: Open) -> None:
    opened = open_page()
    page = opened.page
    # Another zoom alone, and another latitude alone.
    for lat, zoom in ((22.5, 10.2), (22.5, 14.9), (51.0, 14.9)):
        page.evaluate(
            "([lat, zoom]) => { wangge.map.jumpTo({ center: [114, lat], zoom }); }",
            [lat, zoom],
        )
        text = page.inner_text("#scale")
        metres = float(text.split()[0]) * {"m": 1, "km": 1000}[text.split()[1]]
        wide = page.eval_on_selector("#scale b", "bar => bar.getBoundingClientRect().width")
        ends = page.evaluate(
            "() => { const y = wangge.map.getContainer().clientHeight / 2;"
            "return [0, 100].map(x => wangge.map.unproject([x, y]).toArray()); }"
        )
        _, _, ground = GEOD.inv(*ends[0], *ends[1])
        assert math.isclose(metres / wide, ground / 100, rel_tol=0.02)
        assert page.get_attribute("#scale", "aria-label") == text


def test_two_days_lie_side_by_side(open_page: Open, interface: Any) -> None:
    opened = open_page()
    page = opened.page
    page.click("#tool-compare")
    page.wait_for_selector("#swipe")
    opened.wait(f"document.getElementById('day-left')?.textContent === '{FIRST}'")
    assert page.input_value("#compare-left") == str(FIRST)
    told = f"新增 {len(stripes())} 个网格，取消 {len(squares())} 个，调整 0 个"
    opened.wait(f"document.getElementById('compare-changes').textContent.includes('{told}')")
    # The day stands there alone when its map is drawn.
    assert any(f"at={FIRST}" in url and "/tiles/cells/" in url for url in opened.requests)
    assert (
        page.evaluate("getComputedStyle(document.getElementById('second')).clipPath")
        == "inset(0px 50% 0px 0px)"
    )
    page.focus("#swipe")
    page.keyboard.press("ArrowLeft")
    assert page.get_attribute("#swipe", "aria-valuenow") == "45"
    opened.wait(f"location.hash.includes('against={FIRST}')")
    # The gaps of either side are those of its day.
    requests = [url for url in opened.requests if "/tiles/gaps/" in url]
    assert len({url.split("run=")[1] for url in requests}) == 2
    # What has changed is listed and marked, cells and gaps, each as the service counts them.
    newest, oldest = (
        max(url.split("run=")[1] for url in requests),
        min(url.split("run=")[1] for url in requests),
    )
    summary = interface(f"/v1/gaps/runs/{newest}/diff", against=oldest)["summary"].values()
    for change in ("appeared", "gone", "lasting"):
        count = sum(each[change] for each in summary)
        shown = page.locator(f"[data-change=gap-{change}] summary b").all_inner_texts()
        assert shown == ([str(count)] if count else [])
    page.click("[data-change=cell-begun] summary")
    opened.wait(
        "document.querySelectorAll('[data-change=cell-begun] .change-row').length"
        f" === {min(len(stripes()), 50)}"
    )
    opened.wait("wangge.map.queryRenderedFeatures({layers: ['change-cells']}).length > 0")
    page.click("[data-change=cell-ended] summary")
    page.click("[data-change=cell-ended] .change-row >> nth=0")
    page.wait_for_selector("#sheet .kind:has-text('网格')")
    page.click("#sheet .sheet-head .icon-button")
    page.click("#tool-compare")
    assert page.locator("#second").count() == 0


@pytest.mark.parametrize("kind", ["entity", "gap"])
def test_the_address_holds_an_entity_or_a_gap(
    open_page: Open, interface: Any, made: dict[str, Any], kind: str
) -> None:
    listed = interface("/v1/gaps", scheme="community", limit=200)["items"]
    gap = next(each for each in listed if each["area_code"] is not None and each["geometry"] is not None)
    number = made["sensor"] if kind == "entity" else gap["id"]
    opened = open_page(fragment=f"#{kind}={number}")
    page = opened.page
    page.wait_for_selector("#sheet .facts")
    opened.settle()
    opened.wait(f"location.hash.includes('{kind}={number}&')")
    if kind == "entity":
        assert page.inner_text("#sheet .under") == "SE-0000"
        return
    name = interface(f"/v1/areas/{gap['area_code']}")["name"]
    assert f"{name} {gap['area_code']}" in page.inner_text("#sheet .facts")
    assert page.evaluate("wangge.map.getFilter('gaps-chosen')") == ["==", ["id"], number]
    # Another address of the same page opens what it names, and one with a place in all that it leaves out.
    page.evaluate(f"location.hash = 'cell={squares()['code'][0]}&at={FIRST}&by=households'")
    opened.wait("wangge.state().at !== null && wangge.state().fill === 'households'")
    # Even if what was shown until now is written a moment later.
    page.evaluate(
        "() => { const before = location.hash; location.hash = 'map=15/22.544/114.054&scheme=community';"
        " history.replaceState(null, '', before); }"
    )
    opened.wait("wangge.state().at === null && wangge.state().fill === 'neighbours'")
    assert page.is_hidden("#sheet")


def test_the_address_holds_what_is_shown(open_page: Open) -> None:
    opened = open_page()
    page = opened.page
    page.select_option("#date", str(FIRST))
    page.select_option("#fill", "enterprises")
    page.uncheck("[data-layer=gaps]")
    find(opened, squares()["code"][7])
    page.wait_for_selector("#sheet .under")
    opened.settle()
    # The address is written a moment after the last change.
    opened.wait("location.hash.includes('cell=') && location.hash.includes('by=enterprises')")
    centre = "(({lat, lng}) => `/${lat.toFixed(5)}/${lng.toFixed(5)}&`)(wangge.map.getCenter())"
    opened.wait(f"location.hash.includes({centre})")
    address = page.url
    again = open_page(fragment="#" + address.split("#")[1])
    again.page.wait_for_selector(f"#sheet .under:has-text('{squares()['code'][7]}')")
    state = again.page.evaluate(
        "(({scheme, at, fill, hidden}) => ({scheme, at, fill, hidden: [...hidden]}))(wangge.state())"
    )
    assert (state["scheme"], state["at"], state["fill"]) == ("community", str(FIRST), "enterprises")
    assert "gaps" in state["hidden"]
    here, there = (each.page.evaluate("wangge.map.getCenter().toArray()") for each in (opened, again))
    assert here == pytest.approx(there, abs=1e-4)
    hostile = open_page(
        fragment="#map=x/y/z&scheme=%3Cb%3E&at=2026-02-30&by=none&cell=..%2F..&method=q&classes=99"
    )
    assert hostile.page.evaluate("wangge.state().scheme") == "community"
    assert hostile.page.evaluate("wangge.state().at") is None
    hostile.page.evaluate(f"location.hash = 'scheme=nothing&at={FIRST}'")
    hostile.asks("scheme=community", f"at={FIRST}")
    hostile.wait("wangge.state().fill === 'neighbours'")


def test_a_page_is_laid_out_for_paper(open_page: Open) -> None:
    opened = open_page(fragment=f"#by=households&at={FIRST}")
    page = opened.page
    opened.wait("wangge.state().run !== null")
    page.evaluate("window.print = () => { window.printed = true; }")
    page.click("#tool-print")
    page.click("#print-view")
    opened.wait("window.printed === true")
    across = page.evaluate(
        "() => { const { clientWidth: w, clientHeight: h } = wangge.map.getContainer();"
        " return wangge.map.unproject([0, h / 2]).distanceTo(wangge.map.unproject([w, h / 2])); }"
    )
    page.emulate_media(media="print")
    assert page.is_hidden("#app")
    assert "社区网格" in page.inner_text("#print-page h1")
    assert str(FIRST) in page.inner_text("#print-page header")
    legend = page.inner_text(".paper-legend")
    assert [word for word in ("户数", "分位数", "严重", "一般", "服务网点") if word not in legend] == []
    assert "object" not in legend
    # The bar is as long as it says, on the picture as it is printed.
    bar, picture = (
        page.locator(each).bounding_box()["width"] for each in (".paper-scale", "#print-page img")
    )
    metres = float(page.inner_text(".paper-scale").removesuffix(" m"))
    assert bar / picture * across == pytest.approx(metres, rel=0.02)
    width, height = page.eval_on_selector(
        "#print-page img", "image => [image.naturalWidth, image.naturalHeight]"
    )
    assert width >= 1800
    assert height >= 1300
    # The picture shows the map: it is not of one colour.
    assert page.evaluate(COLOURS) > 10


def test_english(open_page: Open) -> None:
    opened = open_page(language="en-GB")
    page = opened.page
    assert page.get_attribute("html", "lang") == "en"
    assert page.inner_text("#tab-map") == "Map"
    opened.click(0.5, 1.5)
    page.wait_for_selector("#sheet :text('Backup'), #sheet :text('Officer')")
    page.click("#language")
    assert page.get_attribute("html", "lang") == "zh-CN"
    page.wait_for_selector("#sheet :text('网格员')")
    assert page.inner_text("#tab-map") == "图例与图层"
    assert "没有" not in page.inner_text("#stats")


def test_the_whole_is_the_ground_of_the_caller(open_page: Open) -> None:
    opened = open_page("street")
    west, south, east, north = opened.page.evaluate("wangge.map.getBounds().toArray().flat()")
    own = box(0, 0, 3, 4).bounds
    assert west < own[0] < own[2] < east
    assert south < own[1] < own[3] < north
    assert opened.page.evaluate("wangge.map.getCenter().lng") == pytest.approx(
        (own[0] + own[2]) / 2, abs=6e-4
    )
    assert OTHER_TOWN not in opened.codes("area-names")
    # The plan is one of the whole county, and its days are those of each street.
    opened.wait(f"[...document.getElementById('date').options].some(each => each.value === '{FIRST}')")
