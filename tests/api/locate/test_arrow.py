"""Locations as an Arrow stream: the answer of the other forms, and nothing believed of the bytes."""

import random

import numpy as np
import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.locate import arrow, read_points
from api.locate.points import MAX_ARROW_POINTS
from gis.errors import InputError, LimitError
from tests.api.locate.plans import BAOAN, GRID, ON_ONE_DATABASE, columns, good
from tests.layers.snapshot.published import telling_points

HEADER = {"content-type": arrow.MEDIA_TYPE}


def stream(table, compression=None):
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=7)
    return sink.getvalue().to_pybytes()


def lonlat(lon, lat, **more):
    return pa.table({"lon": pa.array(lon), "lat": pa.array(lat), **more})


def opened(answer):
    assert good(answer).headers["content-type"] == arrow.MEDIA_TYPE
    return pa.ipc.open_stream(answer.content).read_all()


def test_it_says_what_columns_of_json_say(ask):
    points = telling_points(GRID, count=60)
    lon, lat = points[:, 0].tolist(), points[:, 1].tolist()
    lon[3], lat[4] = None, 91.0
    more = {"id": list(range(len(lon))), "text": pa.array(["a"] * len(lon)).dictionary_encode()}
    for who in (ask.state.who, BAOAN):
        ask.state.who = who
        for query in ("", "?scheme=community", "?scheme=safety&datum=gcj02&at=2024-02-01"):
            told = good(ask.post(f"/v1/locate{query}", content=orjson.dumps({"lon": lon, "lat": lat}))).json()
            body = stream(lonlat(lon, lat, **more))
            table = opened(ask.post(f"/v1/locate{query}", content=body, headers=HEADER))
            assert table.schema.metadata == {
                b"at": told["at"].encode(),
                b"revision": str(told["revision"]).encode(),
            }
            for scheme, found in told["schemes"].items():
                prefix = "" if query else f"{scheme}_"
                cells = found["cells"]
                expected = {
                    "cell_code": found["code"],
                    "cell_name": [code and cells[code]["name"] for code in found["code"]],
                    "area_code": [code and cells[code]["area_code"] for code in found["code"]],
                    "reason": found["reason"],
                }
                got = {name: table.column(prefix + name).to_pylist() for name in expected}
                assert got == expected
            assert table.num_columns == 4 * len(told["schemes"])
            # A dictionary of words that are distinct is what pandas calls categories.
            assert len(table.to_pandas()) == len(lon)


@ON_ONE_DATABASE
def test_no_points_and_many(ask):
    nothing = opened(ask.post("/v1/locate", content=stream(lonlat([], [])), headers=HEADER))
    assert nothing.num_rows == 0
    points = np.tile(telling_points(GRID, count=10), (400, 1))
    answer = ask.post("/v1/locate?scheme=community", content=stream(lonlat(*points.T)), headers=HEADER)
    codes = opened(answer).column("cell_code").to_pylist()
    told = good(ask.post("/v1/locate?scheme=community", json=columns(points))).json()
    assert codes == told["schemes"]["community"]["code"]


@pytest.mark.parametrize(
    "kind", [pa.float64(), pa.float32(), pa.int64(), pa.int8(), pa.uint64(), pa.float16()], ids=str
)
def test_numbers_of_every_kind_are_read(kind):
    table = pa.table({"备注": ["x", "y", "z"], "纬度": [22.5, 23, None], "经度": pa.array([114, None, 7])})
    table = table.set_column(2, "经度", table.column("经度").cast(kind))
    points = read_points(stream(table), arrow.MEDIA_TYPE + "; charset=binary")
    assert np.array_equal(points.lon, [114, np.nan, 7], equal_nan=True)
    assert np.array_equal(points.lat, [22.5, 23, np.nan], equal_nan=True)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "no Arrow stream"),
        (b"lon,lat\n1,2\n", "no Arrow stream"),
        (stream(lonlat([1.0], [2.0]))[:-40], "no Arrow stream"),
        (stream(pa.table({"lon": [1.0]})), "no column lat"),
        (stream(lonlat(["1"], [2.0])), "column lon of the Arrow stream holds no numbers"),
        (stream(pa.table([[1.0], [1.0], [2.0]], names=["lon", "lon", "lat"])), "column lon twice"),
        (stream(lonlat([1.0] * 9, [2.0] * 9), "zstd"), "compressed"),
        (stream(lonlat([1.0] * 9, [2.0] * 9), "lz4"), "compressed"),
        (stream(lonlat([1.0], [2.0], a=pa.array(["a" * 99]).dictionary_encode()), "zstd"), "compressed"),
    ],
)
def test_bytes_without_sense_are_refused(body, detail):
    with pytest.raises(InputError, match=detail):
        read_points(body, arrow.MEDIA_TYPE)


def test_too_many_points_are_refused():
    many = np.zeros(MAX_ARROW_POINTS + 1, dtype=np.int8)
    sink = pa.BufferOutputStream()
    table = lonlat(many, many)
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(LimitError, match="1,000,000"):
        read_points(sink.getvalue().to_pybytes(), arrow.MEDIA_TYPE)


@settings(deadline=None, max_examples=300)
@given(st.randoms(use_true_random=False), st.integers(1, 8))
def test_spoiled_streams_are_read_or_refused(chance: random.Random, spoiled: int):
    """A reader that trusted lengths and offsets would end the process here."""
    body = bytearray(
        stream(lonlat([1.0, None, 3.0], [4, 5, 6], a=pa.array(["a", "b", "a"]).dictionary_encode()))
    )
    for _ in range(spoiled):
        body[chance.randrange(len(body))] = chance.randrange(256)
    try:
        points = read_points(bytes(body), arrow.MEDIA_TYPE)
    except (InputError, LimitError):
        return
    assert points.lon.dtype == points.lat.dtype == np.float64


@given(st.lists(st.sampled_from([None, "a", "b", "c"]), min_size=1), st.data())
def test_words_are_the_values_at_the_picks(values, data):
    picks = data.draw(st.lists(st.integers(-1, len(values) - 1)))
    column = arrow.dictionary_column(values, np.array(picks, dtype=np.int64))
    column.validate(full=True)
    assert column.to_pylist() == [None if pick < 0 else values[pick] for pick in picks]
    assert len(set(column.dictionary.to_pylist())) == len(column.dictionary)
