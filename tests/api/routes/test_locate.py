import csv
import io
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import date
from threading import Thread
from time import monotonic, sleep
from types import SimpleNamespace

import geopandas as gpd
import httpx
import numpy as np
import orjson
import pytest
import uvicorn
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from api import problems
from api.location.points import MOST_POINTS, numbers
from api.routes.locate import LARGE_BODY, router
from api.security import caller
from api.security.access import demands
from api.security.principal import SYSTEM, Principal, Role
from gis.datum import convert
from gis.locate import PointLocator
from layers.snapshot import SnapshotHolder
from tests.api.conftest import Run
from tests.layers.snapshot.published import DAYS, STEP, coded, lattice, publish, telling_points

# What has nothing to do with the database is tested on one.
ON_ONE_DATABASE = pytest.mark.parametrize("copy_of", ["sqlite"], indirect=True)

TODAY = date(2024, 7, 1)
GRID = coded(lattice(4, 3))
FINE = coded(lattice(8, 6, step=STEP / 2), prefix="s")
COMMUNITIES = ("440305001001", "440306001")


def bound(area_code, *covered):
    return Principal("token", 1, "test", Role.integrator, SYSTEM.rights, area_code, frozenset(covered))


BAOAN = bound("440306", "440306", "440306001")


@contextmanager
def serving(database, who):
    app = FastAPI(openapi_url=None)
    app.include_router(router)
    problems.install(app)
    app.state.snapshots = SnapshotHolder(database, today=lambda: TODAY)
    app.state.snapshots.refresh()
    state = SimpleNamespace(who=who)

    async def signed_in(scope, receive, send):
        caller.put(scope, state.who)
        await app(scope, receive, send)

    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(signed_in, lifespan="off", log_config=None))
    thread = Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        sleep(0.005)
    port = listening.getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client:
        yield SimpleNamespace(get=client.get, post=client.post, state=state)
    server.should_exit = True
    thread.join()
    listening.close()


@pytest.fixture
def serve():
    """Serve `/v1/locate` over a database to somebody, until the test ends."""
    with ExitStack() as stack:
        yield lambda database, who=SYSTEM: stack.enter_context(serving(database, who))


@pytest.fixture
def ask(database, serve):
    """Ask about two plans that are in force."""
    publish(database, "community", GRID, DAYS[0], areas=COMMUNITIES)
    publish(database, "safety", FINE, DAYS[0])
    return serve(database)


def oracle(cells=GRID):
    codes, polygons = zip(*cells, strict=True)
    return PointLocator(gpd.GeoDataFrame({"code": codes}, geometry=list(polygons), crs=4326))


def good(answer):
    assert answer.status_code == 200, answer.text
    return answer


def columns(points):
    return {"lon": points[:, 0].tolist(), "lat": points[:, 1].tolist()}


def test_every_route_says_who_may_call_it():
    app = FastAPI(openapi_url=None)
    app.include_router(router)
    listed = {(method, each.path): each.access for each in demands(app) for method in each.methods}
    assert listed["GET", "/v1/locate"].right == "read"
    assert listed["POST", "/v1/locate"].right == "bulk"


def test_one_location(ask):
    answer = good(ask.get("/v1/locate", params={"lon": 114.0001, "lat": 22.5001})).json()
    assert answer["at"] == "2024-07-01"
    assert answer["revision"] == 2
    community, safety = answer["owners"]
    assert community == {
        "scheme": "community",
        "cell": {
            "code": "009",
            "name": "网格 009",
            "area_code": "440305001001",
            "area_m2": 10_000.0,
            "areas": [
                {"code": "440305001001", "name": "大新社区", "level": "community"},
                {"code": "440305001", "name": "南头街道", "level": "street"},
                {"code": "440305", "name": "南山区", "level": "district"},
            ],
        },
        "reason": None,
    }
    assert safety["cell"]["code"] == "s041"


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


def test_a_running_service_follows_a_publish_and_keeps_to_areas(ground, client):
    towns = ("440305001", "440305002")
    everywhere, here = client("integrator"), client("integrator", "440305002")
    viewer = client("viewer")
    place = {"lon": [114.0001, 114.0011], "lat": [22.5001, 22.5001]}
    for start in (1, 101):
        day = DAYS[0] if start == 1 else DAYS[1]
        publish(ground, "community", coded(lattice(2, 1), start=start), day, areas=towns)
        deadline = monotonic() + 1.0
        expected = [f"{start:03d}", f"{start + 1:03d}"]
        while True:
            told = good(everywhere.post("/v1/locate", json=place)).json()["schemes"]
            if told and told["community"]["code"] == expected:
                break
            assert monotonic() < deadline, told
            sleep(0.02)
        bound_to = good(here.post("/v1/locate", json=place)).json()["schemes"]["community"]
        assert bound_to["code"] == [None, expected[1]]
        assert bound_to["reason"] == ["forbidden", None]
    assert viewer.post("/v1/locate", json=place).status_code == 403
    one = good(viewer.get("/v1/locate", params={"lon": 114.0001, "lat": 22.5001})).json()
    assert one["owners"][0]["cell"]["code"] == "101"
    assert httpx.get(f"{viewer.base_url}/v1/locate?lon=114&lat=22", trust_env=False).status_code == 401


@ON_ONE_DATABASE
def test_large_bodies_get_the_same_answer_in_a_thread(database, serve):
    publish(database, "community", GRID, DAYS[0])
    ask = serve(database)
    points = telling_points(GRID, count=20_000)
    body = orjson.dumps(columns(points))
    assert len(body) > LARGE_BODY
    owners = oracle().owners(points[:, 0], points[:, 1])
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


def test_as_of_a_day(database, serve):
    for number, day in enumerate(DAYS):
        publish(database, "community", coded(lattice(4, 3), start=100 * number + 1), day)
    ask = serve(database)
    inside = {"lon": 114.0001, "lat": 22.5001}
    asked = {"2023-12-31": None, "2024-01-01": "009", "2024-02-29": "009", "2024-03-01": "109"}
    asked |= {"2024-05-31": "109", "2024-06-01": "209", "2031-01-01": "209"}
    for day, code in asked.items():
        one = good(ask.get("/v1/locate", params={**inside, "at": day})).json()
        assert one["at"] == day
        assert (one["owners"][0]["cell"] or {}).get("code") == code
        many = good(ask.post("/v1/locate", params={"at": day}, json={"lon": [114.0001], "lat": [22.5001]}))
        assert many.json()["schemes"]["community"]["code"] == [code]
    with ThreadPoolExecutor(8) as pool:
        days = list(asked) * 8
        told = list(pool.map(lambda day: ask.get("/v1/locate", params={**inside, "at": day}).json(), days))
    assert [(one["owners"][0]["cell"] or {}).get("code") for one in told] == [asked[day] for day in days]


def test_a_datum_is_converted_alike_singly_and_in_bulk(ask):
    lon, lat = convert(114.0 + STEP / 3, 22.5 + STEP / 3, "wgs84", "gcj02")
    inside = {"lon": float(lon), "lat": float(lat), "datum": "gcj02", "scheme": "community"}
    one = good(ask.get("/v1/locate", params=inside)).json()
    assert one["owners"][0]["cell"]["code"] == "009"
    assert one["lon"] == pytest.approx(114.0 + STEP / 3, abs=1e-9)
    body = {"lon": [float(lon), None], "lat": [float(lat), 22.5]}
    many = good(ask.post("/v1/locate?scheme=community&datum=GCJ02", json=body)).json()
    assert many["schemes"]["community"]["code"] == ["009", None]
    plain = good(ask.post("/v1/locate?scheme=community", json=body)).json()
    assert plain["schemes"]["community"]["code"] != ["009", None]


def test_schemes_may_be_chosen(ask):
    inside = "lon=114.0001&lat=22.5001"
    for query, schemes in (
        ("scheme=safety", ["safety"]),
        ("scheme=safety,community", ["safety", "community"]),
        ("scheme=safety&scheme=community&scheme=safety", ["safety", "community"]),
    ):
        answer = good(ask.get(f"/v1/locate?{inside}&{query}")).json()
        assert [owner["scheme"] for owner in answer["owners"]] == schemes
    header = {"content-type": "text/csv"}
    text = good(ask.post("/v1/locate", content="lon,lat\n114.0001,22.5001\n", headers=header)).text
    assert text.splitlines()[0] == (
        "lon,lat,community_cell_code,community_cell_name,community_area_code,community_reason,"
        "safety_cell_code,safety_cell_name,safety_area_code,safety_reason"
    )
    assert ask.get(f"/v1/locate?{inside}&scheme=power").status_code == 404


def test_no_record_is_dropped_whatever_its_coordinates_are(ask):
    bad = [None, "114", True, [1], {}, 1e400, 200, -181, 10**30]
    body = {"lon": [114.0001, *bad], "lat": [22.5001, *[22.5001] * len(bad)]}
    text = json.dumps(body).replace("Infinity", "1e308")
    told = good(ask.post("/v1/locate?scheme=community", content=text)).json()["schemes"]["community"]
    assert told["code"] == ["009", *[None] * len(bad)]
    assert told["reason"] == [None, *["invalid_coordinates"] * len(bad)]

    text = "lon,lat\n114.0001,22.5001\n,22.5\nabc,22.5\nnan,22.5\n1_14.0,22.5\n114.0001,91\n"
    table = good(ask.post("/v1/locate?scheme=community", content=text, headers={"content-type": "text/csv"}))
    reasons = [row["reason"] for row in csv.DictReader(io.StringIO(table.text))]
    assert reasons == ["", *["invalid_coordinates"] * 5]

    features = [
        {"type": "Feature", "properties": {"cell_code": "mine"}, "geometry": None},
        {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": []}},
    ]
    told = good(
        ask.post("/v1/locate?scheme=community", json={"type": "FeatureCollection", "features": features})
    )
    assert [each["properties"]["reason"] for each in told.json()["features"]] == ["invalid_coordinates"] * 2
    assert told.json()["features"][0]["properties"]["source_cell_code"] == "mine"


def test_csv_keeps_its_columns_and_starts_no_formula(database, serve):
    publish(database, "community", GRID, DAYS[0], name="=HYPERLINK(1)")
    ask = serve(database)
    text = '\ufeff编号;经度;纬度;cell_code;备注\n007;114.0001;22.5001;x;"a;""b"\n\n'
    for encoding in ("utf-8", "gb18030"):
        body = text.lstrip("\ufeff").encode(encoding) if encoding == "gb18030" else text.encode()
        table = good(
            ask.post("/v1/locate?scheme=community", content=body, headers={"content-type": "text/csv"})
        )
        rows = list(csv.DictReader(io.StringIO(table.text)))
        assert rows == [
            {
                "编号": "007",
                "经度": "114.0001",
                "纬度": "22.5001",
                "source_cell_code": "x",
                "备注": 'a;"b',
                "cell_code": "009",
                "cell_name": "'=HYPERLINK(1) 009",
                "area_code": "440305001001",
                "reason": "",
            }
        ]


@ON_ONE_DATABASE
@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("", "lon is missing"),
        ("lon=114", "lat is missing"),
        ("lon=abc&lat=22", "lon='abc' is no number"),
        ("lon=nan&lat=22", "lon='nan' is no number"),
        ("lon=22.5&lat=114", "lat='114' is no number of degrees from -90 to 90"),
        ("lon=114&lat=22&lat=23", "lat is given 2 times"),
        ("lon=114&lat=22&at=yesterday", "at='yesterday' is no date"),
        ("lon=114&lat=22&at=2024-02-30", "is no date"),
        ("lon=114&lat=22&at=2024-W09-5", "is no date"),
        ("lon=114&lat=22&datum=moon", "'moon' is no datum"),
        ("lon=114&lat=22&schema=safety", "no parameter 'schema'"),
        ("lon=114&lat=22&scheme=", "scheme is empty"),
    ],
)
def test_questions_without_sense_are_refused(ask, query, detail):
    answer = ask.get(f"/v1/locate?{query}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert detail in answer.json()["detail"]


@ON_ONE_DATABASE
@pytest.mark.parametrize(
    ("kind", "body", "detail"),
    [
        ("application/json", b"", "no JSON"),
        ("application/json", b'{"lon": [NaN], "lat": [1]}', "no JSON"),
        ("application/json", b"3", "The body must be"),
        ("application/json", b'{"lon": 1, "lat": 2}', "The body must be"),
        ("application/json", b'{"lon": [1], "lat": []}', "must pair up"),
        ("application/json", b'{"lon": [1], "lat": [1], "id": [7]}', "without 'id'"),
        ("application/json", b'[{"lon": 1}]', "Record 1 is no object"),
        ("application/json", b'{"type": "FeatureCollection"}', "no list 'features'"),
        ("application/json", b'{"type": "FeatureCollection", "features": [4]}', "is no Feature"),
        (
            "application/geo+json",
            b'{"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": {"type": "Line"}}]}',
            "is no Point",
        ),
        (
            "application/geo+json",
            b'{"type": "FeatureCollection", "crs": {"type": "name", "properties": 3857}, "features": []}',
            "names another crs",
        ),
        (
            "application/geo+json",
            b'{"type": "FeatureCollection", "crs": {"properties": 7}, "features": []}',
            "names another crs",
        ),
        ("text/csv", b"", "no columns lon and lat"),
        ("text/csv", b"a,b\n1,2\n", "no columns lon and lat"),
        ("text/csv", b"lon,lat\n1,2,3\n", "Record 1 has 3 fields"),
        ("text/csv", b'lon,lat\n1,"2\n', "cannot be read as CSV"),
        ("text/csv", b"lon,lat\n\xff\xff,2\n", "neither UTF-8 nor GB 18030"),
    ],
)
def test_bodies_without_sense_are_refused(ask, kind, body, detail):
    answer = ask.post("/v1/locate", content=body, headers={"content-type": kind})
    assert answer.status_code == 422, answer.text
    assert detail in answer.json()["detail"]


@ON_ONE_DATABASE
def test_too_many_points_are_refused(ask):
    many = MOST_POINTS + 1
    bodies = [
        ("application/json", orjson.dumps({"lon": [1] * many, "lat": [1] * many})),
        ("application/json", orjson.dumps([{"lon": 1, "lat": 1}] * many)),
        ("application/json", orjson.dumps({"type": "FeatureCollection", "features": [{}] * many})),
        ("text/csv", b"lon,lat\n" + b"1,1\n" * many),
    ]
    for kind, body in bodies:
        answer = ask.post("/v1/locate", content=body, headers={"content-type": kind})
        assert answer.status_code == 413
        assert "100,000" in answer.json()["detail"]


@settings(deadline=None)
@given(
    st.lists(
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(-(2**63), 2**64 - 1),
            st.floats(),
            st.text(max_size=3),
            st.lists(st.floats()),
        )
    )
)
def test_values_are_numbers_or_none(values):
    naive = [
        float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else float("nan")
        for value in values
    ]
    assert np.array_equal(numbers(values), np.array(naive, dtype=float), equal_nan=True)
