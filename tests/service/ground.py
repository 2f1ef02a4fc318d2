"""Ground for the tests of the service: areas, entities and plans, whose owners are known.

The squares are those of `tests.layers.storage.ground`; everything here goes in by the ways users have.
"""

import csv
import json
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import geopandas as gpd
import httpx

from gis.crs import LONLAT
from layers.formats import write_layer
from tests.layers.storage import ground
from tests.layers.storage.ground import COUNTY, EAST_TOWN, SQUARES, SQUARES_OF, WEST_TOWN, spot
from tests.service.processes import wangge

FIRST = date(2026, 1, 1)
PLACES = sorted(SQUARES)

Owners = Mapping[tuple[int, int], str]
EVEN: Owners = {square: "a" if square[0] < 2 else "b" for square in PLACES}
ODD: Owners = {square: "a" if square[0] < 1 else "b" for square in PLACES}


def day(number: int) -> date:
    """Return a day of this year."""
    return FIRST + timedelta(days=number)


def areas() -> gpd.GeoDataFrame:
    """Return the county and its two towns."""
    codes = [COUNTY, WEST_TOWN, EAST_TOWN]
    return gpd.GeoDataFrame(
        {
            "code": codes,
            "name": [f"地{code}" for code in codes],
            "level": ["county", "town", "town"],
            "parent": [None, COUNTY, COUNTY],
        },
        geometry=[ground.join(SQUARES_OF[code]) for code in codes],
        crs=LONLAT,
    )


def prepare(folder: Path, database: str, frame: gpd.GeoDataFrame) -> str:
    """Migrate a database, load areas, and return a token of an administrator."""
    at = ("--database", database)
    wangge(folder, "migrate", *at)
    write_layer(folder / "areas.gpkg", frame)
    wangge(folder, "load", "areas", folder / "areas.gpkg", *at)
    made = wangge(folder, "token", "create", "tests", "--role", "admin", "--everywhere", "--json", *at)
    return str(made["token"])


def place_of(number: int, edition: int) -> tuple[int, int]:
    """Return the square in which an entity lies in an edition: it moves on with each."""
    return PLACES[(number + edition) % len(PLACES)]


def write_entities(path: Path, count: int, edition: int) -> Path:
    """Write an edition of households: each tells its edition, and lies in the square of `place_of`."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("id", "kind", "edition", "lon", "lat"))
        for number in range(count):
            place = spot(place_of(number, edition))
            rows.writerow((number, "household", f"edition {edition}", place.x, place.y))
    return path


def draft(client: httpx.Client, owners: Owners, name: str = "plan") -> dict[str, Any]:
    """Draw a plan of the whole ground, check it, and return it."""
    cells = ground.cells(owners, parent=COUNTY)
    given = {"scheme": "community", "name": name, "cells": json.loads(cells.to_json())}
    plan = client.post("/v1/plans", json=given).raise_for_status().json()
    checked = client.post(f"/v1/plans/{plan['id']}/check").raise_for_status().json()
    assert checked["valid"], checked
    found: dict[str, Any] = checked["plan"]
    return found


def publish(client: httpx.Client, plan: dict[str, Any], on: date) -> httpx.Response:
    """Put a plan in force."""
    condition = {"If-Match": f'"{plan["version"]}"'}
    return client.post(f"/v1/plans/{plan['id']}/publish", json={"on": str(on)}, headers=condition)


def owner_of(client: httpx.Client, square: tuple[int, int], on: date) -> str | None:
    """Ask who owns a place in a square on a day."""
    place = spot(square)
    query = {"lon": repr(place.x), "lat": repr(place.y), "scheme": "community", "at": str(on)}
    (owner,) = client.get("/v1/locate", params=query).raise_for_status().json()["owners"]
    return None if owner["cell"] is None else str(owner["cell"]["code"])


def owners_on(client: httpx.Client, on: date) -> dict[tuple[int, int], str | None]:
    """Ask, one by one, who owns each square on a day."""
    return {square: owner_of(client, square, on) for square in PLACES}
