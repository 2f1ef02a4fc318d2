"""How the page starts: cells before all else, each thing asked for once, nothing needlessly waited for."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.api.web.conftest import FIRST, stripes

Open = Callable[..., Any]


def test_cells_are_asked_for_before_what_lies_around_them(open_page: Open) -> None:
    opened = open_page()
    layers = [url.partition("/tiles/")[2].split("/")[0] for url in opened.requests if ".mvt" in url]
    assert {"cells", "areas", "base", "gaps", "entities"} == set(layers)
    last = max(at for at, layer in enumerate(layers) if layer == "cells")
    assert last < min(at for at, layer in enumerate(layers) if layer != "cells")


def test_nothing_is_asked_for_twice(open_page: Open) -> None:
    opened = open_page(fragment=f"#at={FIRST}&by=households")
    opened.page.wait_for_selector("#legend .class-row")
    opened.page.wait_for_selector(".stat >> nth=2")
    again = {url: times for url, times in Counter(opened.requests).items() if times > 1}
    assert {url for url in again if "icon.svg" not in url} == set()


@pytest.mark.parametrize("hidden", ["cells", "areas", "base,gaps"])
def test_what_is_hidden_stays_hidden(open_page: Open, hidden: str) -> None:
    opened = open_page(fragment=f"#off={hidden}")
    asked = {url.partition("/tiles/")[2].split("/")[0] for url in opened.requests if ".mvt" in url}
    assert asked & {*hidden.split(",")} <= {"gaps"}
    assert opened.codes() == (set() if hidden == "cells" else set(stripes()["code"]))
    opened.page.check(f"[data-layer={hidden.split(',')[0]}]")
    opened.settle()
    assert opened.codes() == set(stripes()["code"])


def test_classes_that_take_long_are_painted_when_they_come(open_page: Open) -> None:
    opened = open_page()
    page = opened.page
    held: list[Any] = []
    page.route("**/measures/households?**", lambda route: held.append(route))
    address = page.url.partition("#")[0]
    page.goto("about:blank")
    page.goto(f"{address}#by=households")
    opened.wait("document.documentElement.dataset.ready === 'map'")
    colour = "wangge.map.getPaintProperty('cells-fill', 'fill-color')[0]"
    assert opened.codes() == set(stripes()["code"])
    assert page.evaluate(colour) == "match"
    for route in held:
        route.continue_()
    opened.wait(f"{colour} === 'case'")
    opened.settle()
    assert opened.codes() == set(stripes()["code"])
