"""The forms in which many locations come: what is kept, what is refused."""

import csv
import io
import json

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.locate.points import MAX_POINTS, to_floats
from tests.api.locate.plans import GRID, ON_ONE_DATABASE, good
from tests.layers.snapshot.published import DAYS, publish


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
        ("text/csv", b"", "begins with a blank line"),
        ("text/csv", b"a,b\n1,2\n", "no columns lon and lat"),
        ("text/csv", b"lon,lat\n1,2,3\n", "record 1 (line 2) has 3 fields"),
        ("text/csv", b'lon,lat\n1,"2\n', "record 1 (line 2) opens a quotation mark that is never closed"),
        (
            "text/csv",
            b"lon,lat\n\xc9\xee\xdb\xda,2\n\xc9,2",
            "the encoding of the text with the charset of the media type",
        ),
        ("text/csv; charset=utf-8", b"lon,lat\n\xff\xff,2\n", "line 2 is not text in UTF-8"),
        ("text/csv; charset=klingon", b"lon,lat\n1,2\n", "no encoding 'klingon'"),
    ],
)
def test_bodies_without_sense_are_refused(ask, kind, body, detail):
    answer = ask.post("/v1/locate", content=body, headers={"content-type": kind})
    assert answer.status_code == 422, answer.text
    assert detail in answer.json()["detail"]


@ON_ONE_DATABASE
def test_too_many_points_are_refused(ask):
    many = MAX_POINTS + 1
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
    assert np.array_equal(to_floats(values), np.array(naive, dtype=float), equal_nan=True)
