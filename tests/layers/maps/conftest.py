"""A map file opened in a browser without a network, and a small plan to draw."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from playwright.sync_api import Browser, Error, Page

PATIENCE_S = 90


@dataclass
class Opened:
    """A page with all it complained about and all it asked for."""

    page: Page
    problems: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def hear(self, kind: str, text: str) -> None:
        """Keep a console message that is a complaint."""
        if kind in ("error", "warning"):
            self.problems.append(text)

    def wait(self, condition: str) -> None:
        """Wait until an expression holds (Playwright's own waiting needs eval, which the page forbids)."""
        ends = time.monotonic() + PATIENCE_S
        while time.monotonic() < ends:
            if self.page.evaluate(condition):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"never came true: {condition}")


@pytest.fixture
def open_map(browser: Browser) -> Iterator[Callable[..., Opened]]:
    """Open a map file offline; at the end nothing may have gone wrong or been asked for elsewhere."""
    opened: list[Opened] = []

    def opener(path: Path, width: int = 1280, height: int = 800) -> Opened:
        context = browser.new_context(viewport={"width": width, "height": height}, offline=True)
        page = context.new_page()
        record = Opened(page)
        page.on("pageerror", lambda error: record.problems.append(str(error)))
        page.on(
            "console",
            lambda message: record.hear(message.type, message.text),
        )
        page.on("request", lambda request: record.requests.append(request.url))
        page.goto(path.as_uri())
        opened.append(record)
        try:
            page.wait_for_selector("html[data-ready=true]", timeout=1000 * PATIENCE_S)
        except Error as error:
            raise AssertionError(f"the map did not become ready: {record.problems}") from error
        return record

    yield opener
    for record in opened:
        assert record.problems == []
        assert [url for url in record.requests if not url.startswith(("file:", "data:"))] == []
        record.page.context.close()


@pytest.fixture(scope="session")
def areas() -> gpd.GeoDataFrame:
    """Two areas side by side under one parent, in Shenzhen."""
    shapes = [shapely.box(114.00, 22.50, 114.04, 22.53), shapely.box(114.00, 22.50, 114.02, 22.53)]
    shapes.append(shapely.box(114.02, 22.50, 114.04, 22.53))
    return gpd.GeoDataFrame(
        {
            "code": ["440300", "440300001", "440300002"],
            "name": ["样例区", "东门街道", "西门街道"],
            "parent": [None, "440300", "440300"],
        },
        geometry=shapes,
        crs=4326,
    )


@pytest.fixture(scope="session")
def cells() -> gpd.GeoDataFrame:
    """Twelve cells of about a kilometre, the fifth with a hole, with loads and with columns about people."""
    corners = [(x, y) for y in range(3) for x in range(4)]
    lon, lat = [114.0, 114.01, 114.02, 114.03, 114.04], [22.5, 22.51, 22.52, 22.53]
    shapes = [shapely.box(lon[x], lat[y], lon[x + 1], lat[y + 1]) for x, y in corners]
    hole = shapely.box(114.004, 22.514, 114.006, 22.516)
    shapes[4] = shapely.difference(shapes[4], hole)
    area = [f"44030000{1 + x // 2}" for x, _ in corners]
    return gpd.GeoDataFrame(
        {
            "code": [f"{parent}{n:06d}" for n, parent in enumerate(area, 1)],
            "name": [f"网格{n}" for n in range(1, 13)],
            "kind": "square",
            "area_code": area,
            "area_m2": np.linspace(1_100_000, 1_200_000, 12),
            "perimeter_m": 4200.5,
            "households": [*range(0, 1100, 100), np.nan],
            "officer_name": "甄有名",
            "phone": 13912345678,
        },
        geometry=shapes,
        crs=4326,
    )


@pytest.fixture(scope="session")
def gaps(cells: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Three gaps, one without a shape."""
    return gpd.GeoDataFrame(
        {
            "kind": ["unassigned", "blank", "out_of_reach"],
            "severity": ["low", "high", "medium"],
            "cell_code": [None, cells["code"][1], cells["code"][1]],
            "area_m2": [0.0, 2500.0, 90000.0],
            "households": [3, 0, 120],
            "enterprises": [0, 0, 4],
            "rule": ["", "blank", "500 m"],
            "detail": "",
        },
        geometry=[
            shapely.Point(),
            shapely.box(114.012, 22.502, 114.014, 22.504),
            shapely.Point(114.015, 22.505),
        ],
        crs=4326,
    )
