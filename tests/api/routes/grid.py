"""Cells, entities and runs of gaps for the tests of the map over HTTP, and how tiles are read."""

import math
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import httpx
import mapbox_vector_tile

from layers.db.database import Database, bump_revision
from layers.models import Gap, GapRun, Scheme
from tests.api.routes.conftest import SOUTH, STEP, WEST, square
from tests.layers.snapshot.published import publish

DAY, LATER = date(2026, 1, 1), date(2026, 3, 1)
WEST_TOWN, EAST_TOWN = "440305001", "440305002"
NAME, PHONE = "张伟三", "13800001234"
ZOOM = 12


def eventually(holds: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something holds that follows a change in the background."""
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.05)


def address(column: float, row: float, zoom: int = ZOOM) -> str:
    """The tile of a place, in steps from the south-west of the ground."""
    lon, lat = WEST + column * STEP, SOUTH + row * STEP
    down = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2
    return f"{zoom}/{int((lon + 180) / 360 * 2**zoom)}/{int(down * 2**zoom)}"


def told(client: httpx.Client, layer: str, place: str, **query: Any) -> dict[str, list[dict[str, Any]]]:
    """What a tile tells: by layer the properties of its features."""
    answer = client.get(f"/tiles/{layer}/{place}.mvt", params=query)
    assert answer.status_code in {200, 204}, answer.text
    if answer.status_code == 204:
        return {}
    layers = mapbox_vector_tile.decode(answer.content)
    return {name: [each["properties"] for each in found["features"]] for name, found in layers.items()}


def codes(tile: dict[str, list[dict[str, Any]]], layer: str = "cells", key: str = "code") -> set[str]:
    return {each[key] for each in tile.get(layer, [])}


def cells(height: int = 1) -> list[tuple[str, Any]]:
    return [
        (
            f"{'440305001' if column < 2 else '440305002'}00000{column + 4 * row}",
            square(column, row, 1, height),
        )
        for row in range(0, 2, height)
        for column in range(4)
    ]


def publish_cells(database: Database, on: date, height: int = 1) -> None:
    drawn = cells(height)
    publish(database, "community", drawn, on, areas=tuple(code[:9] for code, _ in drawn))


def entity(client: httpx.Client, number: int, column: float, row: float = 0.5) -> None:
    answer = client.post(
        "/v1/entities",
        json={
            "kind": "enterprise",
            "external_id": f"e{number}",
            "name": NAME,
            "class_name": "shop",
            "personal": {"contact": NAME, "phone": PHONE},
            "attributes": {"note": PHONE},
            "geometry": {"type": "Point", "coordinates": [WEST + column * STEP, SOUTH + row * STEP]},
        },
    )
    assert answer.status_code == 201, answer.text


def add_run(database: Database, area_code: str | None, on: date, kinds: list[str]) -> int:
    with database.write() as session:
        scheme = session.query(Scheme).one()
        run = GapRun(
            scheme_id=scheme.id, area_code=area_code, on=on, rules={}, summary={}, created_by="test",
            created_at=datetime.now(UTC),
        )  # fmt: skip
        session.add(run)
        session.flush()
        for number, kind in enumerate(kinds):
            shape = square(number, 0)
            session.add(
                Gap(
                    run_id=run.id, kind=kind, severity="high", cell_code=cells()[number][0],
                    area_code=cells()[number][0][:9], area_m2=5.0, households=number, enterprises=2,
                    rule="r", detail=NAME, figures={},
                    geometry=shape.centroid if kind == "unassigned" else shape,
                )
            )  # fmt: skip
        bump_revision(session)
        return run.id
