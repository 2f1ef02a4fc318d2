"""What the page offers to print and to keep, and that it shows what the page shows."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route

from layers.maps.choropleth import sample_ramp
from layers.maps.map_data import MAX_REQUEST_CELLS
from tests.api.web.conftest import FIRST, Opened
from tests.api.web.test_tools import COLOURS
from tests.plain_http import get

Open = Callable[..., Opened]


def links(page: Page) -> list[str]:
    """The addresses that the open card offers."""
    return [each.get_attribute("href") or "" for each in page.locator("#tool-card a").all()]


def test_the_maps_offered_show_what_the_page_shows(
    open_page: Open, service: str, cookies: Callable[[str], list[dict[str, Any]]]
) -> None:
    opened = open_page(fragment=f"#by=households&method=natural_breaks&classes=3&at={FIRST}")
    page = opened.page
    page.click("#tool-print")
    page.wait_for_selector("#print-html")
    shown = f"?lang=zh&at={FIRST}&measure=households&method=natural_breaks&classes=3"
    assert links(page) == [f"{service}/maps/community.{form}{shown}" for form in ("pdf", "png", "html")]
    pairs = {each["name"]: each["value"] for each in cookies("monitor")}
    drawn = get(links(page)[2], cookies=pairs, timeout=60).text
    told = json.loads(drawn.split('id="wangge-data">')[1].split("</script>")[0])
    field = next(each for each in told["cells"]["fields"] if each["key"] == "households")
    page.wait_for_selector("#legend .class-row")
    legend = page.locator("#legend .class-row span:first-of-type").all_inner_texts()
    assert legend == [f"{low:g}" if low == high else f"{low:g} – {high:g}" for low, high in field["ranges"]]
    opened.wait("document.querySelector('#fill').options.length > 2")
    page.select_option("#fill", "neighbours")
    opened.wait("!document.querySelector('#print-pdf')?.href.includes('measure')")
    page.wait_for_selector("#print-pdf")
    assert links(page)[0].endswith(f"/maps/community.pdf?lang=zh&at={FIRST}")


def test_the_browsers_own_command_prints_what_is_shown_now(open_page: Open) -> None:
    opened = open_page(forgiven=("401",))
    page = opened.page
    for scheme, name in (("community", "社区网格"), ("safety", "安全网格")):
        page.select_option("#scheme", scheme)
        opened.asks(f"scheme={scheme}")
        page.pdf()
        assert name in page.inner_text("#print-page h1")
        assert page.evaluate(COLOURS) > 10
    opened.context.clear_cookies()
    page.select_option("#scheme", "community")
    page.wait_for_selector("#gate:not([hidden])")
    page.pdf()
    assert page.locator("#print-page > *").count() == 0


def test_classes_have_the_same_tints_on_paper(open_page: Open) -> None:
    ramps = "async () => { const { ramp } = await import('/web/js/map/palette.js');"
    ramps += " return [1, 2, 3, 4, 5, 6, 7, 8, 9].map(ramp); }"
    assert open_page().page.evaluate(ramps) == [sample_ramp(count) for count in range(1, 10)]


def test_no_map_is_offered_where_none_can_be_drawn(open_page: Open) -> None:
    opened = open_page(fragment="#at=2020-01-01&lang=zh")
    page = opened.page
    page.click("#tool-print")
    page.wait_for_selector("#tool-card .quiet")
    assert page.inner_text("#tool-card .quiet") == "该体系在此日期没有生效的网格。"
    assert links(page) == []
    # Another day while the card is open.
    page.select_option("#date", "")
    page.wait_for_selector("#print-pdf")
    assert len(links(page)) == 3
    page.select_option("#scheme", "labour")
    opened.wait("document.querySelector('#print-pdf') === null")
    assert links(page) == []


@pytest.mark.parametrize(("cells", "offered"), [(MAX_REQUEST_CELLS, 3), (MAX_REQUEST_CELLS + 1, 0)])
def test_no_map_is_offered_of_more_cells_than_are_drawn(open_page: Open, cells: int, offered: int) -> None:
    opened = open_page()
    page = opened.page

    def told(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "cells": cells})

    page.route("**/v1/schemes/community/measures", told)
    page.click("#tool-print")
    page.wait_for_selector("#tool-card .quiet")
    assert len(links(page)) == offered
    assert ("20,000" in page.inner_text("#tool-card")) == (offered == 0)


def test_a_service_that_cannot_tell_is_asked_again(open_page: Open) -> None:
    opened = open_page(forgiven=("ERR_FAILED",))
    page = opened.page
    page.route("**/measures", lambda route: route.abort())
    page.click("#tool-print")
    page.wait_for_selector("#tool-card [role=alert]")
    assert page.is_visible("#print-view")
    page.unroute("**/measures")
    page.click("#tool-card [role=alert] button")
    page.wait_for_selector("#print-pdf")
    assert page.locator("#tool-card [role=alert]").count() == 0


def test_attributes_of_an_entity_are_told_in_words(open_page: Open, made: dict[str, Any]) -> None:
    opened = open_page(fragment=f"#entity={made['sensor']}")
    page = opened.page
    page.wait_for_selector("#sheet h2:has-text('sensor 0')")

    def facts() -> dict[str, str]:
        rows = page.locator("#sheet .sheet-block:has(h3:has-text('属性'), h3:has-text('Attributes')) .facts")
        names, values = (rows.locator(tag).all_inner_texts() for tag in ("dt", "dd"))
        return dict(zip(names, values, strict=True))

    # What has no word of ours is told as it is, and the kind not twice.
    rest = {"checked": "2026-03-01 08:30", "maker": "北斗仪器"}
    assert facts() == {"监测半径": "1.25 km", "状态": "失联", "合成数据": "是"} | rest
    page.click("#language")
    page.wait_for_selector("#sheet h3:has-text('Attributes')")
    assert facts() == {"Range": "1.25 km", "State": "Silent", "Synthetic data": "Yes"} | rest
