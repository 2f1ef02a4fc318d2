"""A small city in a database, a service that shows it, and a real browser that looks at its page."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import geopandas as gpd
import httpx
import numpy as np
import pytest
import shapely
from playwright.sync_api import Browser, BrowserContext, Error, Page

from api.security.accounts import create_account
from api.security.principal import SYSTEM, Role
from api.security.sign_in_links import create_link
from api.settings import ServiceSettings
from gis.areas import build_hierarchy
from gis.crs import LONLAT
from layers.basemap import replace_basemap
from layers.db.database import Database
from layers.entities.lifecycle import create_entity
from layers.gaps.runs import search_gaps
from layers.imports.areas import import_areas
from layers.models import Officer, Post
from layers.plans.check import check_plan
from layers.plans.drafts import create_draft
from layers.plans.publish import publish
from layers.plans.schemes import create_scheme
from tests.api.routes.conftest import serving
from tests.plain_http import NO_CERTIFICATES

WEST, SOUTH, STEP, COLUMNS, ROWS = 114.05, 22.54, 0.002, 6, 4
COUNTY, TOWN, OTHER_TOWN = "440304", "440304001", "440304002"
FIRST, SECOND = date(2026, 1, 1), date(2026, 3, 1)
SENSOR = {
    "kind": "sensor",
    "range_m": 1250.0,
    "status": "silent",
    "synthetic": "True",
    "maker": "北斗仪器",
    "checked": "2026-03-01T08:30:00",
}
# A machine that draws maps without a graphics card may be slow, and have much else to do.
PATIENCE_S = 90
# Of the browser itself, which puts the page together without a graphics card.
OF_THE_BROWSER = ("GPU stall due to ReadPixels",)
PASSWORD = "a long enough password"
OFFICER, PHONE = "甄有名", "13900007788"


def box(column: float, row: float, width: float = 1, height: float = 1) -> shapely.Polygon:
    """A rectangle of the ground in steps of about 200 m, with a vertex at every half step."""
    west, south, east, north = (round(2 * value) for value in (column, row, column + width, row + height))
    ring = [(x, south) for x in range(west, east)]
    ring += [(east, y) for y in range(south, north)]
    ring += [(x, north) for x in range(east, west, -1)]
    ring += [(west, y) for y in range(north, south, -1)]
    return shapely.Polygon([(WEST + x * STEP / 2, SOUTH + y * STEP / 2) for x, y in ring])


def spot(column: float, row: float) -> tuple[float, float]:
    """A place on the ground, in steps."""
    return WEST + column * STEP, SOUTH + row * STEP


def town_of(column: float) -> str:
    return TOWN if column < COLUMNS / 2 else OTHER_TOWN


def squares() -> gpd.GeoDataFrame:
    """The cells of the first plan: 24 squares, whose codes begin with their town's."""
    places = [(column, row) for column in range(COLUMNS) for row in reversed(range(ROWS))]
    codes = [f"{town_of(column)}{number:06d}" for number, (column, _) in enumerate(places, 1)]
    return _cells(codes, [box(*place) for place in places])


def stripes() -> gpd.GeoDataFrame:
    """The cells of the second plan: a stripe for each column, under codes of its own."""
    codes = [f"{town_of(column)}{101 + column:06d}" for column in range(COLUMNS)]
    return _cells(codes, [box(column, 0, 1, ROWS) for column in range(COLUMNS)])


def halves() -> gpd.GeoDataFrame:
    """The cells of the other scheme: one for each town."""
    half = COLUMNS // 2
    made = _cells([f"{TOWN}900001", f"{OTHER_TOWN}900001"], [box(0, 0, half, ROWS), box(half, 0, half, ROWS)])
    return made.assign(联系电话=PHONE, 公示电话="0755-1234567")


def _cells(codes: list[str], shapes: list[shapely.Polygon]) -> gpd.GeoDataFrame:
    names = [f"第{int(code[-3:])}网格" for code in codes]
    return gpd.GeoDataFrame(
        {"code": codes, "name": names, "area_code": [code[:9] for code in codes]}, geometry=shapes, crs=LONLAT
    )


def build(url: str) -> dict[str, Any]:
    """Fill a database; return the ids that tests ask for."""
    half = COLUMNS // 2
    areas = gpd.GeoDataFrame(
        {
            "code": [COUNTY, TOWN, OTHER_TOWN],
            "name": ["样例区", "东门街道", "西门街道"],
            "level": ["county", "town", "town"],
            "parent": [None, COUNTY, COUNTY],
        },
        geometry=[box(0, 0, COLUMNS, ROWS), box(0, 0, half, ROWS), box(half, 0, half, ROWS)],
        crs=LONLAT,
    )
    made: dict[str, Any] = {}
    with closing(Database(url)) as database:
        database.migrate()
        import_areas(database, build_hierarchy(areas), on=FIRST)
        replace_basemap(
            database,
            {
                "roads": gpd.GeoDataFrame(
                    {"class_name": ["main"], "name": ["中心路"]},
                    geometry=[shapely.LineString([spot(0, 2.1), spot(COLUMNS, 2.1)])],
                    crs=LONLAT,
                )
            },
        )
        random = np.random.default_rng(3)
        with database.write() as session:
            for kind, count in (("household", 60), ("enterprise", 12), ("sensor", 4), ("service_point", 1)):
                for number in range(count):
                    # All service stands at one end.
                    column, row = (
                        (0.3, 0.4) if kind == "service_point" else random.uniform((0, 0), (COLUMNS, ROWS))
                    )
                    entity = create_entity(
                        session,
                        kind,
                        f"{kind[:2].upper()}-{number:04d}",
                        name=f"{kind} {number}" if kind != "household" else None,
                        class_name="A",
                        attributes=SENSOR if kind == "sensor" else {},
                        personal={"contact": OFFICER, "phone": PHONE} if kind == "enterprise" else {},
                        geometry=shapely.Point(*np.round(spot(column, row), 7)),
                        on=FIRST,
                    )
                    made.setdefault(kind, entity.id)
        _publish(database, "community", "社区网格", squares(), FIRST)
        _publish(database, "safety", "安全网格", halves(), FIRST)
        _publish(database, "community", "社区网格", stripes(), SECOND)
        with database.write() as session:
            scheme = create_scheme(session, "labour", "劳动网格")
            made["empty_scheme"] = scheme.code
        for scheme_code, day in (("community", FIRST), ("community", SECOND), ("safety", FIRST)):
            search_gaps(database, scheme_code, created_by="test", on=day)
        with database.write() as session:
            for name, role, area in (
                ("monitor", Role.viewer, None),
                ("street", Role.viewer, TOWN),
                ("chief", Role.publisher, None),
            ):
                create_account(session, SYSTEM, name, role, area, PASSWORD)
    return made


def _publish(database: Database, code: str, name: str, cells: gpd.GeoDataFrame, on: date) -> None:
    from layers.models import Scheme

    with database.write() as session:
        scheme = session.query(Scheme).filter_by(code=code).one_or_none() or create_scheme(
            session, code, name, rules={"out_of_reach": {"distance_m": 600.0}}
        )
        plan = create_draft(session, scheme.id, cells, name=f"{on}", created_by="test", area_code=COUNTY)
        assert check_plan(session, plan.id).is_valid
        number, scheme_id = plan.id, scheme.id
    with database.write() as session:
        publish(session, number, on)
        for rank, duty in (("A", "leader"), ("A", "officer"), ("B", "officer")):
            officer = Officer(
                external_id=f"{code}-{on}-{rank}-{duty}",
                area_code=TOWN,
                personal={"name": OFFICER, "phone": PHONE},
                attributes={},
                valid_from=on,
                version=1,
            )
            session.add(officer)
            session.flush()
            session.add(
                Post(
                    officer_id=officer.id,
                    scheme_id=scheme_id,
                    cell_code=cells["code"][0],
                    duty=duty,
                    rank=rank,
                    valid_from=on,
                    version=1,
                )
            )


@pytest.fixture(scope="session")
def city(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The file of the city, and the ids of some of its things."""
    path = tmp_path_factory.mktemp("city") / "city.gpkg"
    return path, build(f"sqlite:///{path}")


@pytest.fixture(scope="session")
def made(city: tuple[Path, dict[str, Any]]) -> dict[str, Any]:
    """The ids of some things of the city."""
    return city[1]


@pytest.fixture(scope="session")
def service(city: tuple[Path, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a service of the city."""
    settings = ServiceSettings(database=f"sqlite:///{city[0]}", uploads=tmp_path_factory.mktemp("uploads"))
    with serving(settings) as address:
        yield address


@pytest.fixture
def link(city: tuple[Path, dict[str, Any]]) -> str:
    """The secret of a fresh one-time link of the account monitor."""
    with closing(Database(f"sqlite:///{city[0]}")) as database, database.write() as session:
        _, secret = create_link(session, SYSTEM, "monitor", timedelta(minutes=5))
    return secret


@pytest.fixture(scope="session")
def cookies(service: str) -> Callable[[str], list[dict[str, Any]]]:
    """The cookie of a session of an account, signed in once for all tests."""
    kept: dict[str, list[dict[str, Any]]] = {}

    def cookie(name: str) -> list[dict[str, Any]]:
        if name not in kept:
            answer = httpx.post(
                f"{service}/v1/session",
                json={"name": name, "password": PASSWORD},
                timeout=60,
                verify=NO_CERTIFICATES,
            )
            assert answer.status_code == 201
            kept[name] = [
                {"name": key, "value": value, "url": service} for key, value in answer.cookies.items()
            ]
        return kept[name]

    return cookie


@pytest.fixture
def interface(service: str, cookies: Callable[[str], list[dict[str, Any]]]) -> Iterator[Callable[..., Any]]:
    """Ask the interface as the account monitor, past the page."""
    pairs = {each["name"]: each["value"] for each in cookies("monitor")}
    with httpx.Client(base_url=service, cookies=pairs, timeout=60, verify=NO_CERTIFICATES) as client:

        def ask(path: str, **query: Any) -> Any:
            answer = client.get(path, params=query)
            assert answer.status_code == 200, answer.text
            return answer.json()

        yield ask


@dataclass
class Opened:
    """A page with all it complained about and all it asked for."""

    page: Page
    context: BrowserContext
    problems: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    forgiven: tuple[str, ...] = ()

    def hear(self, kind: str, text: str) -> None:
        """Keep a console message that is a complaint."""
        if kind in ("error", "warning") and not any(each in text for each in self.forgiven + OF_THE_BROWSER):
            self.problems.append(text)

    def wait(self, condition: str) -> None:
        """Wait until an expression holds (Playwright's own waiting needs eval, which the page forbids)."""
        ends = time.monotonic() + PATIENCE_S
        while (left := ends - time.monotonic()) > 0:
            # The page looks by itself: asked from here again and again, it would draw more slowly.
            script = f"""() => new Promise((resolve, reject) => {{
                const ends = Date.now() + {1000 * left};
                const look = () => {{
                    try {{
                        // There is no element yet while the page is being loaded.
                        const holds = document.documentElement !== null && Boolean({condition});
                        if (!holds && Date.now() < ends) return;
                        resolve(holds);
                    }} catch (error) {{
                        reject(error);
                    }}
                    clearInterval(again);
                }};
                const again = setInterval(look, 20);
                look();
            }})"""
            try:
                if self.page.evaluate(script):
                    return
            except Error as error:
                # The page is being loaded anew.
                if "context was destroyed" not in error.message:
                    raise
                self.page.wait_for_timeout(50)
        raise AssertionError(f"never came true: {condition}; {self.problems}")

    def settle(self) -> None:
        """Wait until the map has drawn all it has asked for."""
        self.wait("wangge.map.loaded() && wangge.map.areTilesLoaded() && !wangge.map.isMoving()")

    def ready(self, name: str = "map") -> None:
        """Wait until the map stands, of the planner's page if the name is plan."""
        self.wait(f"document.documentElement.dataset.ready === '{name}'")
        self.settle()

    def asks(self, *parts: str) -> None:
        """Wait until the cells drawn are those of an address with these parts."""
        found = "(wangge.map.getSource('cells')?.tiles?.[0] ?? '')"
        self.wait(" && ".join(f"{found}.includes('{part}')" for part in parts))
        self.settle()

    def codes(self, layer: str = "cells-fill", name: str = "code") -> set[str]:
        """What the map draws of a layer."""
        query = "([layer, name]) => wangge.map.queryRenderedFeatures({layers: [layer]})"
        query += ".map(f => f.properties[name])"
        return set(self.page.evaluate(query, [layer, name]))

    def on_screen(self, column: float, row: float) -> list[float]:
        """Where a place of the ground, in steps, is on the screen."""
        query = (
            "([lon, lat]) => { const p = wangge.map.project([lon, lat]); const b = wangge.map.getContainer()"
        )
        query += ".getBoundingClientRect(); return [p.x + b.left, p.y + b.top]; }"
        place: list[float] = self.page.evaluate(query, list(spot(column, row)))
        return place

    def click(self, column: float, row: float) -> None:
        """Click a place of the ground, in steps."""
        self.page.mouse.click(*self.on_screen(column, row))


@pytest.fixture
def open_page(
    browser: Browser, service: str, cookies: Callable[[str], list[dict[str, Any]]]
) -> Iterator[Callable[..., Opened]]:
    """Open the page as an account; at the end nothing may have gone wrong or been asked for elsewhere."""
    opened: list[Opened] = []

    def opener(
        account: str | None = "monitor",
        *,
        fragment: str = "",
        size: tuple[int, int] = (1280, 800),
        language: str = "zh-CN",
        forgiven: tuple[str, ...] = (),
        touch: bool = False,
        address: str = service,
    ) -> Opened:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale=language,
            has_touch=touch,
            reduced_motion="reduce",
        )
        if account is not None:
            context.add_cookies(cookies(account))  # type: ignore[arg-type]
        context.set_default_timeout(1000 * PATIENCE_S)
        page = context.new_page()
        record = Opened(page, context, forgiven=forgiven)
        page.on("pageerror", lambda error: record.problems.append(str(error)))
        page.on("console", lambda message: record.hear(message.type, message.text))
        page.on("request", lambda request: record.requests.append(request.url))
        page.goto(f"{address}/{fragment}")
        opened.append(record)
        if account is not None:
            record.ready("plan" if fragment.startswith("plan") else "map")
        return record

    yield opener
    for record in opened:
        assert record.problems == []
        allowed = (f"{service}/", "data:", "blob:")
        assert [url for url in record.requests if not url.startswith(allowed)] == []
        record.context.close()
