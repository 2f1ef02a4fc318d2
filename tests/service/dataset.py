"""Ground for the tests of the service: areas, entities and plans, whose owners are known.

The squares are those of `tests.layers.squares`; plans are made and asked of a server.
"""

import csv
import json
from collections.abc import Mapping
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import geopandas as gpd
import httpx

from api.security.accounts import create_token
from api.security.principal import SYSTEM, Role
from gis.areas import build_hierarchy
from gis.crs import LONLAT
from layers.db.database import Database
from layers.imports.areas import import_areas
from layers.imports.entities import import_entities
from tests.layers import squares
from tests.layers.squares import COUNTY, EAST_TOWN, SQUARES, SQUARES_OF, WEST_TOWN, spot

FIRST_DAY = date(2026, 1, 1)
ALL_SQUARES = sorted(SQUARES)

Owners = Mapping[tuple[int, int], str]
EVEN_SPLIT: Owners = {square: "a" if square[0] < 2 else "b" for square in ALL_SQUARES}
ODD_SPLIT: Owners = {square: "a" if square[0] < 1 else "b" for square in ALL_SQUARES}


def nth_day(number: int) -> date:
    """Return a day of this year."""
    return FIRST_DAY + timedelta(days=number)


def county_and_towns() -> gpd.GeoDataFrame:
    """Return the county and its two towns."""
    codes = [COUNTY, WEST_TOWN, EAST_TOWN]
    return gpd.GeoDataFrame(
        {
            "code": codes,
            "name": [f"地{code}" for code in codes],
            "level": ["county", "town", "town"],
            "parent": [None, COUNTY, COUNTY],
        },
        geometry=[squares.join(SQUARES_OF[code]) for code in codes],
        crs=LONLAT,
    )


def prepare_database(url: str, frame: gpd.GeoDataFrame) -> str:
    """Migrate a database, bring areas in, and return a token of an administrator."""
    with closing(Database(url)) as database:
        database.migrate()
        import_areas(database, build_hierarchy(frame))
        with database.write() as session:
            _, token = create_token(session, SYSTEM, "tests", Role.admin, None, timedelta(hours=1))
    return token


def load_entities(url: str, path: Path, on: date) -> None:
    """Load a file of entities."""
    with closing(Database(url)) as database:
        import_entities(database, path, on=on)


def square_of(number: int, edition: int) -> tuple[int, int]:
    """Return the square in which an entity lies in an edition: it moves on with each."""
    return ALL_SQUARES[(number + edition) % len(ALL_SQUARES)]


def write_entities(path: Path, count: int, edition: int) -> Path:
    """Write an edition of households: each tells its edition, and lies in the square of `place_of`."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("id", "kind", "edition", "lon", "lat"))
        for number in range(count):
            point = spot(square_of(number, edition))
            rows.writerow((number, "household", f"edition {edition}", point.x, point.y))
    return path


def draft_plan(client: httpx.Client, owners: Owners, name: str = "plan") -> dict[str, Any]:
    """Draw a plan of the whole ground, check it, and return it."""
    cells = squares.cells(owners, parent=COUNTY)
    body = {"scheme": "community", "name": name, "cells": json.loads(cells.to_json())}
    plan = client.post("/v1/plans", json=body).raise_for_status().json()
    checked = client.post(f"/v1/plans/{plan['id']}/check").raise_for_status().json()
    assert checked["valid"], checked
    found: dict[str, Any] = checked["plan"]
    return found


def publish_plan(client: httpx.Client, plan: dict[str, Any], on: date) -> httpx.Response:
    """Put a plan in force."""
    condition = {"If-Match": f'"{plan["version"]}"'}
    return client.post(f"/v1/plans/{plan['id']}/publish", json={"on": str(on)}, headers=condition)


def owner_of(client: httpx.Client, square: tuple[int, int], on: date) -> str | None:
    """Ask who owns a place in a square on a day."""
    point = spot(square)
    query = {"lon": repr(point.x), "lat": repr(point.y), "scheme": "community", "at": str(on)}
    (owner,) = client.get("/v1/locate", params=query).raise_for_status().json()["owners"]
    return None if owner["cell"] is None else str(owner["cell"]["code"])


def owners_on(client: httpx.Client, on: date) -> dict[tuple[int, int], str | None]:
    """Ask, one by one, who owns each square on a day."""
    return {square: owner_of(client, square, on) for square in ALL_SQUARES}
