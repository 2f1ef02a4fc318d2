"""100,000 locations have the same owners by every way: command line, single and bulk HTTP, SQL on PostGIS."""

import csv
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import psycopg
import pyogrio
import pytest
import shapely

from api.settings import DataSettings
from gis.crs import LONLAT
from gis.divide import divide_square
from gis.topology import repair_topology
from layers.formats import write_layer
from layers.sample.district import make_district
from tests.service import dataset
from tests.service.processes import Server, run_wangge, serving, wait_for_job

LOCATIONS, SINGLES, COMMANDS = 100_000, 20_000, 4
BESIDE = 0.02
"""How far locations lie around the cells, as a share of their extent."""

ANSWERED_AT_ONCE = 200

Codes = list[str | None]


def sample() -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """The areas of a small sample district, and the squares into which its communities are divided."""
    areas = make_district(DataSettings().code_tables_folder(), scale=0.1).areas
    return areas[["code", "name", "level", "parent", "geometry"]], divide_square(areas, size_m=100)


def shenzhen(shared_data: Path) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """The traffic zones of Shenzhen, mended, and the ground that they fill."""
    zones = pyogrio.read_dataframe(shared_data / "shenzhen" / "traffic_zones.shp").to_crs(4547)
    codes = zones["TAZID"].astype(int).astype(str)
    cells = repair_topology(
        gpd.GeoDataFrame({"code": codes}, geometry=zones.geometry.array, crs=zones.crs)
    ).cells
    cells = cells.to_crs(LONLAT)
    city = gpd.GeoDataFrame(
        {"code": ["440300"], "name": ["深圳市"], "level": ["city"], "parent": [None]},
        geometry=[shapely.coverage_union_all(cells.geometry.array)],
        crs=LONLAT,
    )
    return city, cells.assign(area_code="440300")


def telling_locations(cells: gpd.GeoDataFrame, seed: int) -> np.ndarray:
    """Vertices, midpoints and other places of edges, places around vertices, inside and outside; (n, 2)."""
    random = np.random.default_rng(seed)
    vertices, owner = shapely.get_coordinates(cells.geometry.array, return_index=True)
    begin, end = vertices[:-1][owner[1:] == owner[:-1]], vertices[1:][owner[1:] == owner[:-1]]
    part = random.uniform(0, 1, (len(begin), 1))
    chosen = [vertices, (begin + end) / 2, begin + part * (end - begin)]
    chosen = [random.permutation(np.unique(each, axis=0))[: LOCATIONS // 5] for each in chosen]
    # One step of the numbers beside a border is the other side of it.
    chosen.append(np.nextafter(random.permutation(chosen[0])[: LOCATIONS // 10], random.choice([-180, 180])))
    west, south, east, north = cells.total_bounds
    rest = LOCATIONS - sum(map(len, chosen))
    low = west - BESIDE * (east - west), south - BESIDE * (north - south)
    high = east + BESIDE * (east - west), north + BESIDE * (north - south)
    return np.concatenate([*chosen, random.uniform(low, high, (rest, 2))])


@pytest.fixture
def given(request: pytest.FixtureRequest) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Areas and cells."""
    if request.param == "sample":
        return sample()
    return shenzhen(request.getfixturevalue("shared_data"))


@pytest.fixture
def served(
    given: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame], copy_of: Callable[[str], str], tmp_path: Path
) -> Iterator[tuple[Server, str]]:
    """A server of the published cells, and its database."""
    areas, cells = given
    url = copy_of("migrated")
    token = dataset.prepare_database(url, areas)
    write_layer(tmp_path / "cells.gpkg", cells)
    with serving(tmp_path, url, token) as server:
        scheme = {"code": "community", "name": "社区"}
        server.client.post("/v1/schemes", json=scheme).raise_for_status()
        with (tmp_path / "cells.gpkg").open("rb") as file:
            sent = server.client.post(
                "/v1/imports/cells",
                files={"file": ("cells.gpkg", file)},
                data={"scheme": "community", "name": "first"},
            )
        job = wait_for_job(server.client, sent.raise_for_status().json())
        assert job["state"] == "done", job
        number = job["result"]["plan"]
        checked = server.client.post(f"/v1/plans/{number}/check", timeout=120).raise_for_status().json()
        assert checked["valid"], checked["summary"]
        dataset.publish_plan(server.client, checked["plan"], dataset.FIRST_DAY).raise_for_status()
        yield server, url


def by_assign(folder: Path, cells: Path, places: np.ndarray) -> Codes:
    """Ask `wangge assign`."""
    with (folder / "places.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("id", "lon", "lat"))
        rows.writerows((number, repr(x), repr(y)) for number, (x, y) in enumerate(places.tolist()))
    run_wangge(folder, "assign", "places.csv", "--cells", cells, "-o", "assigned.csv")
    with (folder / "assigned.csv").open(encoding="utf-8", newline="") as file:
        return [row["cell_code"] or None for row in csv.DictReader(file)]


def by_locate(folder: Path, cells: Path, x: float, y: float) -> str | None:
    """Ask `wangge locate`."""
    found = run_wangge(folder, "locate", "--cells", cells, "--json", "--", repr(x), repr(y), codes=(0, 1))
    return found["code"]


def in_bulk(server: Server, places: np.ndarray) -> Codes:
    """Ask `POST /v1/locate`."""
    asked = {"lon": places[:, 0].tolist(), "lat": places[:, 1].tolist()}
    answer = server.client.post("/v1/locate", params={"scheme": "community"}, json=asked)
    codes: Codes = answer.raise_for_status().json()["schemes"]["community"]["code"]
    return codes


def one_by_one(server: Server, places: np.ndarray) -> Codes:
    """Ask `GET /v1/locate` for each, many requests under way on one connection."""
    host, port = server.address.removeprefix("http://").split(":")
    found: Codes = []
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        answers = connection.makefile("rb")
        for start in range(0, len(places), ANSWERED_AT_ONCE):
            asked = places[start : start + ANSWERED_AT_ONCE].tolist()
            connection.sendall(
                b"".join(
                    f"GET /v1/locate?lon={x!r}&lat={y!r}&scheme=community HTTP/1.1\r\n"
                    f"Host: {host}\r\nAuthorization: Bearer {server.token}\r\n\r\n".encode()
                    for x, y in asked
                )
            )
            found += [_code_of(_read_answer(answers)) for _ in asked]
    return found


def _read_answer(stream: Any) -> Any:
    status = stream.readline()
    assert status.split()[1] == b"200", status
    length = 0
    while (line := stream.readline()) != b"\r\n":
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return json.loads(stream.read(length))


def _code_of(answer: Any) -> str | None:
    (owner,) = answer["owners"]
    return None if owner["cell"] is None else owner["cell"]["code"]


def by_sql(url: str, places: np.ndarray) -> Codes:
    """Ask PostGIS for the lowest code of the cells that a location touches."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute("CREATE TEMPORARY TABLE places (id integer, place geometry(Point, 4326))")
        with connection.cursor().copy("COPY places FROM STDIN") as copy:
            points = shapely.set_srid(shapely.points(places), 4326)
            for row in enumerate(shapely.to_wkb(points, hex=True, include_srid=True).tolist()):
                copy.write_row(row)
        found = connection.execute(
            """
            SELECT (SELECT c.code FROM cells c JOIN schemes s ON s.id = c.scheme_id
                    WHERE s.code = 'community' AND c.valid_from <= current_date
                    AND (c.valid_to IS NULL OR c.valid_to > current_date)
                    AND ST_Intersects(c.geometry, p.place)
                    ORDER BY c.code COLLATE "C" LIMIT 1)
            FROM places p ORDER BY p.id
            """
        ).fetchall()
    return [row[0] for row in found]


@pytest.mark.parametrize(
    ("given", "copy_of"),
    [("sample", "sqlite"), ("sample", "postgresql"), ("shenzhen", "postgresql")],
    indirect=True,
)
def test_every_way_names_the_same_owners(
    request: pytest.FixtureRequest,
    served: tuple[Server, str],
    tmp_path: Path,
    show: Callable[[str], None],
) -> None:
    server, url = served
    cells = tmp_path / "exported.gpkg"
    run_wangge(tmp_path, "export", "cells", "-o", cells, "--scheme", "community", "--database", url)
    places = telling_locations(gpd.GeoDataFrame(pyogrio.read_dataframe(cells)), 1)
    assert len(places) == LOCATIONS
    codes = in_bulk(server, places)
    owned = sum(code is not None for code in codes)
    assert LOCATIONS / 2 < owned < LOCATIONS
    assert by_assign(tmp_path, cells, places) == codes
    sql = ""
    if not url.startswith("sqlite"):
        assert by_sql(url, places) == codes
        sql = f", and {LOCATIONS:,} by SQL"
    some = np.random.default_rng(2).permutation(LOCATIONS)[:SINGLES]
    assert one_by_one(server, places[some]) == [codes[each] for each in some]
    for each in some[:COMMANDS].tolist():
        assert by_locate(tmp_path, cells, *places[each].tolist()) == codes[each]
    ways = f"bulk HTTP and assign, {SINGLES:,} by single HTTP, {COMMANDS} by locate"
    name = request.node.callspec.id
    show(f"{name}: {LOCATIONS:,} locations, {owned:,} owned: the same by {ways}{sql}")
