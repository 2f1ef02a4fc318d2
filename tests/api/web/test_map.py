"""The map of the page in a real browser: what is drawn, chosen and told is what the interface answers."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.web.conftest import COLUMNS, FIRST, ROWS, SECOND, TOWN, spot, squares, stripes

Open = Callable[..., Any]


def test_scheme_and_date_are_chosen(open_page: Open) -> None:
    opened = open_page()
    page = opened.page
    assert opened.codes() == set(stripes()["code"])
    opened.wait(f"document.querySelector('#date').selectedOptions[0].textContent === '今天 · {SECOND} 起'")
    page.select_option("#date", str(FIRST))
    opened.asks("at=2026-01-01")
    assert opened.codes() == set(squares()["code"])
    page.select_option("#scheme", "safety")
    opened.asks("scheme=safety")
    assert len(opened.codes()) == 2
    page.select_option("#date", "other")
    page.fill("#other-day", "2025-06-01")
    opened.wait("document.getElementById('map-message').textContent.includes('没有生效的网格')")
    page.select_option("#date", "")
    opened.wait("document.getElementById('map-message').hidden")


def test_a_cell_that_is_clicked_tells_what_the_interface_answers(open_page: Open, interface: Any) -> None:
    opened = open_page()
    page = opened.page
    opened.click(0.5, 1.5)
    page.wait_for_selector("#sheet h2:has-text('第101网格')")
    code = page.inner_text("#sheet .under")
    assert code == stripes()["code"][0]
    told = interface(f"/v1/schemes/community/cells/{code}")
    shown = page.eval_on_selector_all(
        "#sheet [data-count]",
        "all => Object.fromEntries(all.map(e => [e.dataset.count, e.firstChild.textContent]))",
    )
    assert {kind: int(count) for kind, count in shown.items() if count != "0"} == {
        kind: count for kind, count in told["counts"].items() if count
    }
    assert sum(told["counts"].values()) > 0
    first, backup = page.inner_text("[data-rank=A]"), page.inner_text("[data-rank=B]")
    assert "网格长" in first
    assert first.count("网格员") == backup.count("网格员") == 1
    assert "甄*" in first
    assert "甄有名" not in page.content()
    gaps = page.locator("#sheet .gap-row").count()
    assert gaps == len(told["gaps"])
    assert "样例区" in page.inner_text("#sheet .facts")
    # The same place under the other scheme, which a click opens.
    page.click("#sheet button.owner")
    opened.wait("wangge.state().scheme === 'safety'")
    page.wait_for_selector(f"#sheet .under:has-text('{TOWN}900001')")
    page.keyboard.press("Escape")
    assert page.is_hidden("#sheet")


def test_bare_ground_asks_all_schemes(open_page: Open) -> None:
    opened = open_page(fragment="#map=14/22.543/114.056")
    opened.click(-0.6, 1)
    opened.page.wait_for_selector("#sheet .owner")
    owners = opened.page.locator("#sheet .owner").all_inner_texts()
    assert [owner.split("\n")[0] for owner in owners] == ["社区网格", "劳动网格", "安全网格"]
    # A scheme without a plan in force has no cells there to lie outside of.
    told = ["不在任何网格内", "该日没有生效的方案", "不在任何网格内"]
    assert [reason in owner for reason, owner in zip(told, owners, strict=True)] == [True] * 3
    asked = [url for url in opened.requests if "/v1/locate?" in url]
    assert len(asked) == 1
    assert "scheme=" not in asked[0]


def test_the_card_at_the_pointer_names_the_cell(open_page: Open) -> None:
    opened = open_page()
    page = opened.page
    where = page.evaluate("at => wangge.map.project(at)", list(spot(2.5, 3.5)))
    frame = page.eval_on_selector("#map", "map => map.getBoundingClientRect().toJSON()")
    page.mouse.move(frame["left"] + where["x"], frame["top"] + where["y"])
    page.wait_for_selector("#tip:not([hidden])")
    assert page.inner_text("#tip b >> nth=0") == "第103网格"
    assert stripes()["code"][2] in page.inner_text("#tip")


def test_a_measure_is_drawn_in_the_classes_of_the_interface(open_page: Open, interface: Any) -> None:
    opened = open_page(fragment=f"#at={FIRST}")
    page = opened.page
    page.select_option("#fill", "households")
    page.wait_for_selector("#legend .class-row")
    told = interface("/v1/schemes/community/measures/households", at=FIRST, classes=5, method="quantiles")
    assert page.locator("#legend .class-row span:nth-child(2)").all_inner_texts() == [
        f"{low} – {high}" if low != high else str(low) for low, high in told["ranges"]
    ]
    counts = [
        int(text.split()[0]) for text in page.locator("#legend .class-row span:last-child").all_inner_texts()
    ]
    assert counts == told["counts"]
    assert sum(counts) == COLUMNS * ROWS
    page.select_option("#legend select >> nth=0", "equal_interval")
    opened.wait("wangge.state().method === 'equal_interval'")
    told = interface(
        "/v1/schemes/community/measures/households", at=FIRST, classes=5, method="equal_interval"
    )
    opened.wait(f"document.querySelectorAll('#legend .class-row').length === {len(told['breaks'])}")
    opened.settle()
    # Each cell has the colour of its class, once the map has taken the colours over.
    colours = page.eval_on_selector_all(
        "#legend .class-row i",
        "all => all.map(e => getComputedStyle(e).backgroundColor.match(/\\d+/g).map(Number))",
    )
    own = [
        [
            row["code"],
            colours[next(at for at, upper in enumerate(told["breaks"]) if row["households"] <= upper)],
        ]
        for row in page.evaluate(
            "wangge.map.queryRenderedFeatures({layers: ['cells-fill']}).map(f => f.properties)"
        )
    ]
    assert len({code for code, _ in own}) == COLUMNS * ROWS
    page.evaluate("own => { window.own = new Map(own); }", own)
    opened.wait(
        "wangge.map.queryRenderedFeatures({layers: ['cells-fill']}).every(({ properties, layer }) => {"
        " const { r, g, b } = layer.paint['fill-color'];"
        " return [r, g, b].every((part, at) => Math.round(255 * part) === own.get(properties.code)[at]); })"
    )


def test_layers_are_switched(open_page: Open) -> None:
    opened = open_page()
    page = opened.page
    assert opened.codes("entity-service_point", "kind") == {"service_point"}
    page.uncheck("[data-layer=cells]")
    page.check("[data-layer=sensor]")
    page.uncheck("[data-layer=areas]")
    opened.settle()
    assert opened.codes() == set()
    assert opened.codes("entity-sensor", "kind") == {"sensor"}
    assert page.evaluate("wangge.map.getLayoutProperty('area-names', 'visibility')") == "none"
    page.check("[data-layer=cells]")
    opened.settle()
    assert len(opened.codes()) == COLUMNS


def test_what_is_chosen_is_drawn_above_gaps(open_page: Open) -> None:
    opened = open_page()
    page = opened.page
    page.select_option("#scheme", "safety")
    opened.asks("scheme=safety")
    opened.wait("!!wangge.map.getLayer('gaps-fill')")
    order = page.evaluate("wangge.map.getStyle().layers.map(layer => layer.id)")
    ids = [
        "cells-fill",
        "buildings",
        "cells-line",
        "area-borders",
        "gaps-fill",
        "cells-chosen",
        "entity-sensor",
        "area-names",
    ]
    assert [order.index(each) for each in ids] == sorted(order.index(each) for each in ids)


def test_an_entity_is_told_with_its_cells(open_page: Open, interface: Any, made: dict[str, Any]) -> None:
    opened = open_page(fragment="#map=17/22.5406/114.0506")
    page = opened.page
    page.uncheck("[data-layer=labels]")
    point = interface(f"/v1/entities/{made['service_point']}")
    lon, lat = point["geometry"]["coordinates"]
    opened.click((lon - spot(0, 0)[0]) / 0.002, (lat - spot(0, 0)[1]) / 0.002)
    page.wait_for_selector("#sheet h2:has-text('service_point 0')")
    owners = interface(f"/v1/entities/{made['service_point']}/owners")["items"]
    now = {owner["cell_code"] for owner in owners if owner["valid_to"] is None}
    shown = {text.split("\n")[0] for text in page.locator("#sheet .owner").all_inner_texts()}
    assert now <= shown


@pytest.mark.parametrize("account", ["monitor", "chief"])
def test_personal_data_are_shown_to_those_who_may_ask(
    open_page: Open, made: dict[str, Any], account: str
) -> None:
    opened = open_page(account)
    page = opened.page
    page.fill("#query", "EN-0000")
    page.wait_for_selector("#found [role=option]")
    page.keyboard.press("Enter")
    page.wait_for_selector("#sheet h2:has-text('enterprise 0')")
    assert "甄有名" not in page.inner_text("#sheet")
    reveal = page.locator("#sheet .link-button")
    if account == "monitor":
        assert reveal.count() == 0
        return
    reveal.click()
    page.wait_for_selector("#sheet :text('甄有名')")


def test_a_viewer_of_one_town_sees_that_town_alone(open_page: Open) -> None:
    opened = open_page("street", fragment=f"#at={FIRST}&map=15/22.544/114.056")
    own = {code for code in squares()["code"] if code.startswith(TOWN)}
    assert opened.codes() == own
    assert all(code is None or code in own for code in opened.codes("gaps-fill", "cell_code"))
    page = opened.page
    opened.click(COLUMNS - 0.5, 0.5)
    page.wait_for_selector("#sheet .owner")
    assert "不在您的辖区" in page.inner_text("#sheet")
    page.fill("#query", "第20网格")
    page.wait_for_selector("#found .note")
    page.click("#account-button")
    page.wait_for_selector("#account-menu :text('东门街道')")
    page.wait_for_selector(f".stat >> nth=0 >> b:text-is('{len(own)}')")
