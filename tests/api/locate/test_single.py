"""One location: its owners under each scheme, on a day, in a datum, and questions without sense."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.locate import contract, parse_query_string
from gis.datum import convert_coordinates
from tests.api.locate.plans import ON_ONE_DATABASE, good
from tests.layers.snapshot.published import DAYS, STEP, coded, lattice, publish


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
    lon, lat = convert_coordinates(114.0 + STEP / 3, 22.5 + STEP / 3, "wgs84", "gcj02")
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
def test_answers_are_of_the_models_that_describe_them(ask):
    one = good(ask.get("/v1/locate?lon=114.0001&lat=22.5001"))
    assert contract.LocatedPoint.model_validate_json(one.content).owners[0].cell.areas
    place = {"lon": 114.0001, "lat": 22.5001}
    asked = [place, {"lon": 114.9, "lat": 22.5, "id": 7}, {"lon": None, "lat": 0}]
    records = contract.LocatedRecords.model_validate_json(good(ask.post("/v1/locate", json=asked)).content)
    reasons = [each.owners["community"].reason for each in records.points]
    assert reasons == [None, "outside", "invalid_coordinates"]
    body = {name: [each[name] for each in asked] for name in ("lon", "lat")}
    columns = contract.LocatedColumns.model_validate_json(good(ask.post("/v1/locate", json=body)).content)
    assert columns.schemes["community"].reason == reasons
    assert columns.areas
    geometry = {"type": "Point", "coordinates": [114.0001, 22.5001]}
    features = [{"type": "Feature", "geometry": each, "properties": {}} for each in (geometry, None)]
    answer = good(ask.post("/v1/locate", json={"type": "FeatureCollection", "features": features}))
    collection = contract.PointCollection.model_validate_json(answer.content)
    assert [each.properties["community_reason"] for each in collection.features] == [
        None,
        "invalid_coordinates",
    ]


@given(st.text(alphabet="ab=&%+;é 41", max_size=30))
def test_parameters_are_read_as_the_library_reads_them(query):
    told: dict[str, list[str]] = {}
    for name, value in parse_qsl(query.encode().decode("latin-1"), keep_blank_values=True):
        told.setdefault(name, []).append(value)
    assert parse_query_string(query.encode()) == told
