"""Every way to ask gives the answer of the locator, and tells nothing of the areas of others."""

import csv
import io
from datetime import timedelta

import geopandas as gpd
import numpy as np
import orjson
import pyarrow as pa
import pytest
from sqlalchemy import text

from api.locate import arrow
from api.routes.locate import LARGE_BODY_BYTES
from tests.api.conftest import Run
from tests.api.locate.plans import BAOAN, GRID, ON_ONE_DATABASE, columns, good, oracle
from tests.layers.snapshot.published import DAYS, lattice, publish, telling_points


def test_every_path_gives_the_answer_of_the_locator(ask, tmp_path, wangge: Run):
    points = telling_points(GRID, count=60)
    expected = [oracle().locate(*point) for point in points]
    assert None in expected
    query = "/v1/locate?scheme=community"

    singly = [
        good(ask.get("/v1/locate", params={"lon": lon, "lat": lat, "scheme": "community"})).json()
        for lon, lat in points
    ]
    assert [one["owners"][0]["cell"] and one["owners"][0]["cell"]["code"] for one in singly] == expected

    bulk = good(ask.post(query, json=columns(points))).json()["schemes"]["community"]
    assert bulk["code"] == expected
    assert bulk["reason"] == [None if code else "outside" for code in expected]
    assert set(bulk["cells"]) == {code for code in expected if code}

    records = [{"id": row, "lon": lon, "lat": lat} for row, (lon, lat) in enumerate(points)]
    told = good(ask.post(query, json=records)).json()
    assert [point["owners"]["community"]["code"] for point in told["points"]] == expected
    assert [point["id"] for point in told["points"]] == list(range(len(points)))
    assert told["cells"]["community"] == bulk["cells"]
    assert bulk["cells"]["009"] == {
        "code": "009",
        "name": "网格 009",
        "area_code": "440305001001",
        "area_m2": 10_000.0,
    }
    assert [area["name"] for area in told["areas"]["440305001001"]] == ["大新社区", "南头街道", "南山区"]

    features = [
        {
            "type": "Feature",
            "id": row,
            "properties": None,
            "geometry": {"type": "Point", "coordinates": place},
        }
        for row, place in enumerate(points.tolist())
    ]
    collection = good(ask.post(query, json={"type": "FeatureCollection", "features": features}))
    assert collection.headers["content-type"] == "application/geo+json"
    assert [each["properties"]["cell_code"] for each in collection.json()["features"]] == expected

    body = "name,lon,lat\n" + "".join(f"a,{lon!r},{lat!r}\n" for lon, lat in points.tolist())
    table = good(ask.post(query, content=body, headers={"content-type": "text/csv"}))
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert [row["cell_code"] or None for row in rows] == expected

    codes, polygons = zip(*GRID, strict=True)
    file = tmp_path / "cells.gpkg"
    gpd.GeoDataFrame({"code": codes}, geometry=list(polygons), crs=4326).to_file(file)
    for row in [0, 5, 20, 60, len(points) - 1, len(points) - 7]:
        lon, lat = points[row].tolist()
        told = wangge("locate", "--cells", file, "--json", "--", repr(lon), repr(lat))
        assert told.summary["code"] == expected[row]


@pytest.mark.parametrize("copy_of", ["postgresql"], indirect=True)
def test_postgis_gives_the_same_owners(database, serve):
    """The rule in SQL: of the closed cells that hold the location, the lowest code as bytes."""
    random = np.random.default_rng(5)
    codes = random.permutation([f"{number:03d}" for number in range(1, 31)] + list("aBcÄ区z") * 1)
    cells = list(zip(codes.tolist(), lattice(6, 6), strict=True))
    publish(database, "community", cells, DAYS[0])
    points = telling_points(cells, count=2_000)
    told = good(serve(database).post("/v1/locate?scheme=community", json=columns(points))).json()
    statement = text(
        """
        SELECT (SELECT min(code COLLATE "C") FROM cells WHERE ST_Intersects(geometry, place))
        FROM unnest(CAST(:lon AS float8[]), CAST(:lat AS float8[])) WITH ORDINALITY AS point(lon, lat, row),
             LATERAL ST_SetSRID(ST_MakePoint(lon, lat), 4326) AS place
        ORDER BY row
        """
    )
    with database.read() as session:
        owners = session.scalars(
            statement, {"lon": points[:, 0].tolist(), "lat": points[:, 1].tolist()}
        ).all()
    assert told["schemes"]["community"]["code"] == owners
    assert None in owners


@ON_ONE_DATABASE
def test_large_bodies_get_the_same_answer_in_a_thread(database, serve):
    publish(database, "community", GRID, DAYS[0])
    ask = serve(database)
    points = telling_points(GRID, count=20_000)
    body = orjson.dumps(columns(points))
    assert len(body) > LARGE_BODY_BYTES
    owners = oracle().find_owners(points[:, 0], points[:, 1])
    told = good(ask.post("/v1/locate", content=body)).json()["schemes"]["community"]["code"]
    assert told == [oracle().codes[owner] if owner >= 0 else None for owner in owners]


def test_nothing_is_told_of_cells_in_the_areas_of_others(ask):
    points = telling_points(GRID, count=60)
    everywhere = good(ask.post("/v1/locate", json=columns(points))).json()["schemes"]
    ask.state.who = BAOAN
    body = good(ask.post("/v1/locate", json=columns(points)))
    here = body.json()["schemes"]
    areas = {code: cell["area_code"] for code, cell in everywhere["community"]["cells"].items()}
    for code, told, reason in zip(
        everywhere["community"]["code"], here["community"]["code"], here["community"]["reason"], strict=True
    ):
        if code is None:
            assert (told, reason) == (None, "outside")
        elif areas[code] == "440306001":
            assert (told, reason) == (code, None)
        else:
            assert (told, reason) == (None, "forbidden")
    assert {cell["area_code"] for cell in here["community"]["cells"].values()} == {"440306001"}
    assert here["safety"]["cells"] == {}
    assert "大新社区" not in body.text
    assert "440305001001" not in body.text

    for (lon, lat), told, reason in zip(
        points, here["community"]["code"], here["community"]["reason"], strict=True
    ):
        one = good(ask.get("/v1/locate", params={"lon": lon, "lat": lat, "scheme": "community"})).json()
        owner = one["owners"][0]
        assert (owner["cell"] and owner["cell"]["code"], owner["reason"]) == (told, reason)

    for form in (
        {"content": f"lon,lat\n{114.0001},{22.5001}\n", "headers": {"content-type": "text/csv"}},
        {"json": [{"lon": 114.0001, "lat": 22.5001}]},
    ):
        text = good(ask.post("/v1/locate", **form)).text
        assert "forbidden" in text
        assert "大新" not in text
        assert "009" not in text


@ON_ONE_DATABASE
def test_a_day_without_a_plan_is_not_ground_without_a_cell(ask):
    """Each form of the answer tells the two apart."""
    for day, reason in ((DAYS[0] - timedelta(1), "no_plan"), (DAYS[0], "outside")):
        query = f"scheme=community&at={day}"
        place, one = {"lon": 114.9, "lat": 22.5}, f"/v1/locate?{query}"
        assert good(ask.get(f"{one}&lon=114.9&lat=22.5")).json()["owners"][0]["reason"] == reason
        body = {"lon": [114.9, 200], "lat": [22.5, 22.5]}
        told = good(ask.post(one, json=body)).json()["schemes"]["community"]["reason"]
        assert told == [reason, "invalid_coordinates"]
        told = good(ask.post(one, json=[place])).json()["points"][0]["owners"]["community"]["reason"]
        assert told == reason
        text = {"content-type": "text/csv"}
        table = good(ask.post(one, content="lon,lat\n114.9,22.5\n", headers=text)).text
        assert table.splitlines()[1].split(",")[-1] == reason
        geometry = {"type": "Point", "coordinates": [114.9, 22.5]}
        feature = {"type": "Feature", "geometry": geometry, "properties": {}}
        told = good(ask.post(one, json={"type": "FeatureCollection", "features": [feature]})).json()
        assert told["features"][0]["properties"]["reason"] == reason
        stream = arrow.write_columns({name: pa.array([value]) for name, value in place.items()}, 1, {})
        answer = good(ask.post(one, content=stream, headers={"content-type": arrow.MEDIA_TYPE}))
        assert pa.ipc.open_stream(answer.content).read_all()["reason"].to_pylist() == [reason]
