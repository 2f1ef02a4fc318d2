"""What a number counts, who answers for it and how to call them, where one is, the way to the documents."""

from collections.abc import Callable
from typing import Any

from tests.api.web.conftest import FIRST, OFFICER, PASSWORD, PHONE, SECOND, TOWN, spot, squares

Open = Callable[..., Any]


def test_from_a_street_to_its_lists_its_cells_and_a_call(
    open_page: Open, service: str, interface: Any
) -> None:
    opened = open_page("chief", fragment=f"#at={FIRST}")
    page = opened.page
    page.fill("#query", "东门街道")
    page.wait_for_selector("#found-0:has-text('东门街道')")
    page.press("#query", "Enter")
    page.wait_for_selector("#sheet h2:has-text('东门街道')")
    opened.settle()
    drawn = "wangge.map.queryRenderedFeatures({layers: ['area-chosen']}).length > 0"
    opened.wait(drawn)
    # The number of the tile, the rows of the list, and those of the file are the same.
    tile = page.locator("#sheet .tile-list:has-text('住户')")
    count = int(tile.locator("b").inner_text())
    assert (
        count == interface(f"/v1/areas/{TOWN}/sheet", scheme="community", at=FIRST)["counts"]["household"] > 0
    )
    tile.click()
    page.wait_for_selector(f"#sheet .under:has-text('共 {count} 条')")
    assert page.locator(".list-row").count() == count
    opened.wait(f"!({drawn})")
    text = page.request.get(page.get_attribute("#sheet [data-export=csv]", "href")).text()
    assert text.startswith("\ufeff类型,对象编号")
    assert len(text.splitlines()) == count + 1
    workbook = page.request.get(page.get_attribute("#sheet [data-export=xlsx]", "href"))
    assert workbook.body().startswith(b"PK")
    identity = page.inner_text(".list-row >> nth=1 >> b")
    page.click(".list-row >> nth=1")
    page.wait_for_selector(f"#sheet h2:has-text('{identity}')")
    page.click(".sheet-back")
    page.wait_for_selector(".list-row")
    page.click(".sheet-back")
    page.wait_for_selector("#sheet h2:has-text('东门街道')")

    # A number can be called once it is shown in full, and not before.
    code = squares()["code"][0]
    page.fill("#query", code)
    page.wait_for_selector(f"#found-0:has-text('{code}')")
    page.press("#query", "Enter")
    page.wait_for_selector("#sheet .rank .phone")
    assert page.locator("#sheet a.phone").count() == 0
    page.click("#sheet .link-button:has-text('显示完整信息')")
    page.wait_for_selector("#sheet a.phone")
    assert set(page.locator("#sheet a.phone").evaluate_all("all => all.map(a => a.href)")) == {f"tel:{PHONE}"}

    # Names are searched for only when that is asked for: one Enter marks the offer, the next takes it.
    page.fill("#query", OFFICER)
    page.wait_for_selector("#found .note")
    page.press("#query", "Enter")
    page.wait_for_selector("#found-0[aria-selected=true]:has-text('按姓名或电话查找')")
    assert not any("reveal=true" in url for url in opened.requests if "/v1/search" in url)
    page.press("#query", "Enter")
    page.wait_for_selector("#found .group:has-text('责任人')")
    page.click(f"#found [role=option]:has-text('{OFFICER}'):has-text('-A-leader') >> nth=0")
    page.wait_for_selector("#sheet .kind:has-text('责任人')")
    page.click("#sheet .owner >> nth=0")
    page.wait_for_selector("#sheet .kind:has-text('网格')")

    # The question mark shows the keys; what is said follows the language.
    page.keyboard.press("Escape")
    page.locator("canvas.maplibregl-canvas").focus()
    page.keyboard.press("?")
    page.wait_for_selector("#tool-card kbd")
    page.keyboard.press("?")
    assert page.locator("#tool-card").is_hidden()
    page.click("#tool-share")
    page.wait_for_selector("#notification:has-text('链接已复制')")
    page.click("#language")
    page.wait_for_selector("#notification:has-text('Link copied')")


def test_where_one_is_and_how_sure_that_is(open_page: Open, interface: Any) -> None:
    opened = open_page(size=(390, 844), touch=True, fragment=f"#at={FIRST}")
    page, context = opened.page, opened.context
    lon, lat = spot(1.05, 1.5)
    context.grant_permissions(["geolocation"])
    context.set_geolocation({"longitude": lon, "latitude": lat, "accuracy": 25})
    page.click("#tool-where")
    # Ten metres from the border of the cell.
    page.wait_for_selector("#sheet .warning")
    assert "± 25 m" in page.inner_text("#sheet .warning")
    opened.wait("wangge.map.queryRenderedFeatures({layers: ['accuracy-fill']}).length > 0")
    owner = interface("/v1/locate", lon=lon, lat=lat, scheme="community", at=FIRST)["owners"][0]["cell"][
        "code"
    ]
    assert owner in page.inner_text("#sheet")
    assert page.inner_text("#sheet h2") == f"{lon:.6f}, {lat:.6f}"
    page.click("#segment-gcj02")
    moved = interface("/v1/locate", lon=lon, lat=lat, datum="gcj02")
    page.wait_for_selector(f"#sheet h2:has-text('{moved['lon']:.6f}')")
    context.set_geolocation({"longitude": spot(1.5, 1.5)[0], "latitude": lat, "accuracy": 25})
    page.click("#segment-wgs84")
    page.click("#where-again")
    page.wait_for_selector("#sheet:not(:has(.warning)) p:has-text('距网格边界')")
    # Without https browsers tell no place; the page says so and asks for none.
    page.evaluate("Object.defineProperty(window, 'isSecureContext', {value: false})")
    page.click("#where-again")
    page.wait_for_selector("#tool-card .warning:has-text('https')")


def test_the_documentation_leads_to_signing_in_and_back(open_page: Open, service: str) -> None:
    # The browser itself reports what is refused before signing in.
    opened = open_page(None, forgiven=("401",))
    page = opened.page
    page.goto(f"{service}/docs")
    page.wait_for_selector("#gate-form")
    page.fill("[name=name]", "monitor")
    page.fill("[name=password]", PASSWORD)
    page.click("#gate-form .button-main")
    page.wait_for_selector("#page .swagger-ui .info")
    assert page.url == f"{service}/docs"


def test_classes_gaps_and_vacancies_open_their_lists_and_a_cell_tells_what_is_personal(
    open_page: Open, service: str, interface: Any
) -> None:
    opened = open_page("chief", fragment=f"#at={FIRST}&by=enterprises")
    page = opened.page

    def go(fragment: str) -> None:
        page.goto("about:blank")
        page.goto(f"{service}/{fragment}")
        opened.ready()

    def listed(count: int) -> None:
        """Wait for a list of so many rows, all of which leave as a file."""
        page.wait_for_selector(f"#sheet .under:has-text('共 {count} 条')")
        assert page.locator(".list-row").count() == count
        text = page.request.get(page.get_attribute("#sheet [data-export=csv]", "href")).text()
        assert len(text.splitlines()) == count + 1

    # The number of a class opens its cells.
    classes = interface("/v1/schemes/community/measures/enterprises", at=FIRST)
    page.wait_for_selector("#legend button.class-row")
    for place, count in enumerate(classes["counts"]):
        page.click(f"#legend .class-row >> nth={place}")
        listed(count)

    # What a gap affects is on that day what its list has.
    gap = next(
        each
        for each in interface("/v1/gaps", scheme="community", limit=1000)["items"]
        if each["kind"] == "out_of_reach" and each["households"] > 1
    )
    go(f"#at={SECOND}&gap={gap['id']}")
    page.wait_for_selector("#sheet [data-affected=households]")
    page.click("#sheet [data-affected=households]")
    listed(gap["households"])

    # Cells without an officer, from the comparison.
    unstaffed = interface("/v1/schemes/community/changes", since=FIRST, at=SECOND)["unstaffed"]
    go(f"#at={SECOND}")
    page.click("#tool-compare")
    page.click("#compare-unstaffed button")
    listed(unstaffed)

    # What a cell publishes is read by all, what is personal of it in full only by those who ask for it.
    go(f"#scheme=safety&at={FIRST}&cell={TOWN}900001")
    page.wait_for_selector("#sheet [data-part=personal]")
    assert "0755-1234567" in page.inner_text("#sheet")
    assert PHONE not in page.inner_text("#sheet [data-part=personal]")
    page.click("#sheet .sheet-block:has([data-part=personal]) .link-button")
    page.wait_for_selector(f"#sheet [data-part=personal]:has-text('{PHONE}')")
    page.click("#language")
    page.wait_for_selector("#sheet h3:has-text('Personal data')")
