"""Signing in and out of the page, by password and by a one-time link, and when a session ends."""

from collections.abc import Callable
from typing import Any

from tests.api.web.conftest import PASSWORD, TOWN, stripes

Open = Callable[..., Any]
REFUSED = ("401", "Failed to load resource")


def test_password(open_page: Open) -> None:
    opened = open_page(None, forgiven=REFUSED)
    page = opened.page
    page.wait_for_selector("#gate:not([hidden])")
    # Nothing of the map is fetched for somebody who is nobody.
    assert not any(
        "maplibre-gl.mjs" not in url and ("/tiles/" in url or "/v1/schemes" in url) for url in opened.requests
    )
    page.fill("[name=name]", "monitor")
    page.fill("[name=password]", "not the password at all")
    page.press("[name=password]", "Enter")
    page.wait_for_selector("#gate-problem:not([hidden])")
    assert page.inner_text("#gate-problem") == "用户名或密码不正确。"
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    opened.ready()
    assert page.is_hidden("#gate")
    assert PASSWORD not in page.content()
    page.click("#account-button")
    assert "全部辖区" in page.inner_text("#account-menu")
    page.click("#account-menu .button")
    page.wait_for_selector("#gate:not([hidden])")
    page.reload()
    page.wait_for_selector("#gate:not([hidden])")


def test_a_link_signs_in_once(open_page: Open, link: str) -> None:
    opened = open_page(None, fragment=f"#link={link}", forgiven=REFUSED)
    opened.ready()
    assert link not in opened.page.url
    assert all(link not in url for url in opened.requests)
    again = open_page(None, fragment=f"#link={link}", forgiven=REFUSED)
    again.page.wait_for_selector("#gate-problem:not([hidden])")
    assert "只能使用一次" in again.page.inner_text("#gate-problem")
    assert link not in again.page.url


def test_a_session_that_ends_asks_to_sign_in_again(open_page: Open) -> None:
    opened = open_page(None, forgiven=(*REFUSED, "AJAXError"))
    page = opened.page
    page.fill("[name=name]", "monitor")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    opened.ready()
    page.select_option("#scheme", "safety")
    opened.asks("scheme=safety")
    opened.context.clear_cookies()
    # What is chosen is not in the address yet when the session is over.
    page.evaluate(
        "() => { const wait = window.setTimeout;"
        " window.setTimeout = (deed, time, ...given) => wait(deed, time === 200 ? 60_000 : time, ...given); }"
    )
    opened.click(0.5, 1.5)
    page.wait_for_selector("#gate:not([hidden])")
    assert "登录已过期" in page.inner_text("#gate-problem")
    assert "cell=" not in page.url
    page.fill("[name=name]", "monitor")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    # What was refused is there now, and all that was chosen.
    page.wait_for_selector("#sheet .tile")
    page.wait_for_selector("html[data-ready=map]", state="attached")
    opened.asks("scheme=safety")
    assert page.is_hidden("#gate")


def test_another_person_begins_anew(open_page: Open) -> None:
    opened = open_page(None, forgiven=(*REFUSED, "AJAXError"))
    page = opened.page
    for name in ("monitor", "street"):
        page.fill("[name=name]", name)
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        # Unlike an expression, a selector is waited for through the reload.
        page.wait_for_selector(f"#account-button:has-text('{name}')")
        page.wait_for_selector("html[data-ready=map]")
        opened.ready()
        if name == "monitor":
            opened.context.clear_cookies()
            page.select_option("#scheme", "safety")
            page.wait_for_selector("#gate:not([hidden])")
    assert page.locator("#map canvas").count() == 1
    assert "safety" not in page.url
    assert opened.codes() == {code for code in stripes()["code"] if code.startswith(TOWN)}
