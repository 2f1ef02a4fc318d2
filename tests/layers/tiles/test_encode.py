import mapbox_vector_tile
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis.errors import InputError
from layers.tiles.encode import LINE, POINT, POLYGON, Paths, encode_layer

unit = st.integers(-100_000, 100_000)
place = st.tuples(unit, unit)
number = st.integers(-(2**63), 2**64 - 1)
value = st.one_of(
    st.none(),
    st.text(max_size=200),
    st.booleans(),
    number,
    st.floats(allow_nan=False),
    st.just(float("nan")),
)


def decoded(message):
    """What an independent decoder reads, y to the south."""
    return mapbox_vector_tile.decode(message, default_options={"y_coord_down": True})


def paths_of(features):
    """Lay features, lists of paths of places, out as arrays."""
    listed = [path for feature in features for path in feature]
    sizes = [len(path) for path in listed]
    owners = [row for row, feature in enumerate(features) for _ in feature]
    xy = np.array([place for path in listed for place in path], dtype=np.int64).reshape(-1, 2)
    return Paths(xy, np.concatenate(([0], np.cumsum(sizes))), np.array(owners, dtype=np.int64))


def simple(count):
    return paths_of([[[(row, row)]] for row in range(count)])


def geometries(message):
    return [feature["geometry"] for feature in decoded(message)["layer"]["features"]]


@given(st.lists(st.lists(place, min_size=1, max_size=5), min_size=1, max_size=8))
def test_points(features):
    message = encode_layer(
        "layer", POINT, paths_of([[places] for places in features]), np.arange(len(features)), {}
    )
    for places, geometry in zip(features, geometries(message), strict=True):
        found = geometry["coordinates"]
        assert [tuple(each) for each in (found if geometry["type"] == "MultiPoint" else [found])] == places


@given(st.lists(st.lists(st.lists(place, min_size=2, max_size=6), min_size=1, max_size=3), min_size=1))
def test_lines(features):
    message = encode_layer("layer", LINE, paths_of(features), np.arange(len(features)), {})
    for lines, geometry in zip(features, geometries(message), strict=True):
        found = geometry["coordinates"]
        found = found if geometry["type"] == "MultiLineString" else [found]
        assert [[tuple(each) for each in line] for line in found] == lines


@given(st.lists(st.tuples(place, st.integers(4, 500), st.booleans(), st.booleans()), min_size=1, max_size=6))
def test_polygons_with_holes_and_parts(squares):
    features, expected = [], []
    for (x, y), size, holed, doubled in squares:
        rings = [[(x, y), (x + size, y), (x + size, y + size), (x, y + size)]]
        if holed:
            rings.append([(x + 1, y + 1), (x + 1, y + 2), (x + 2, y + 2), (x + 2, y + 1)])
        parts = [rings]
        if doubled:
            parts.append([[(px + 600, py) for px, py in rings[0]]])
        features.append([ring for part in parts for ring in part])
        expected.append([[[*ring, ring[0]] for ring in part] for part in parts])
    message = encode_layer("layer", POLYGON, paths_of(features), np.arange(len(features)), {})
    for parts, geometry in zip(expected, geometries(message), strict=True):
        found = geometry["coordinates"]
        found = found if geometry["type"] == "MultiPolygon" else [found]
        assert [[[tuple(each) for each in ring] for ring in part] for part in found] == parts


@given(st.data(), st.integers(1, 12))
def test_values_of_every_kind(data, count):
    columns = {
        key: data.draw(st.lists(value, min_size=count, max_size=count)) for key in ("one", "二", "three")
    }
    ids = data.draw(st.lists(st.integers(0, 2**63 - 1), min_size=count, max_size=count))
    found = decoded(encode_layer("层", POINT, simple(count), np.array(ids), columns))["层"]
    assert (found["version"], found["extent"]) == (2, 4096)
    for row, feature in enumerate(found["features"]):
        told = {key: values[row] for key, values in columns.items()}
        told = {key: each for key, each in told.items() if each is not None and each == each}
        assert feature["id"] == ids[row]
        assert feature["properties"] == told
        assert {key: type(each) for key, each in feature["properties"].items()} == {
            key: type(each) for key, each in told.items()
        }


@pytest.mark.parametrize(
    "column",
    [
        np.array([3, -4, 3]),
        np.array([3, 250, 3], dtype=np.uint8),
        np.array([0.5, np.nan, 0.5]),
        np.array([0.5, 0.25, 8.0], dtype=np.float32),
        np.array([True, False, True]),
        np.array(["a", "格", "a"]),
        np.array(["a", None, "a"], dtype=object),
        np.array([1, True, 1.0], dtype=object),
    ],
    ids=lambda column: str(column.dtype),
)
def test_arrays_of_every_type_are_told_as_lists_are(column):
    assert decoded(encode_layer("layer", POINT, simple(3), np.arange(3), {"key": column})) == decoded(
        encode_layer("layer", POINT, simple(3), np.arange(3), {"key": column.tolist()})
    )


def test_a_value_stands_in_the_table_once():
    columns = {"one": ["same value"] * 50, "two": ["same value"] * 50}
    assert encode_layer("layer", POINT, simple(50), np.arange(50), columns).count(b"same value") == 1


def test_tiles_are_layers_one_after_another():
    one, two = (encode_layer(name, POINT, simple(2), np.arange(2), {}) for name in ("one", "two"))
    assert set(decoded(one + two)) == {"one", "two"}
    assert encode_layer("none", POINT, simple(0), np.arange(0), {"key": []}) == b""


def test_only_the_identified_carry_their_id():
    some, all_ = (
        encode_layer("layer", POINT, simple(2), np.array([70_000, 80_000]), {}, identified=which)
        for which in (np.array([True, False]), None)
    )
    assert [feature["id"] for feature in decoded(some)["layer"]["features"]] == [70_000, 0]
    assert [feature["id"] for feature in decoded(all_)["layer"]["features"]] == [70_000, 80_000]


@pytest.mark.parametrize(
    ("ids", "columns", "sentence"),
    [
        ([-1], {}, "A feature of a tile cannot have the id -1: it is negative."),
        ([1], {"key": [1, 2]}, "The column key has 2 values for 1 features of a tile."),
        ([1], {"key": [b"bytes"]}, "The column key holds a bytes that a tile cannot hold."),
        ([1], {"key": [1 << 64]}, "The column key holds a int that a tile cannot hold."),
        (
            [1],
            {"key": np.array(["2026-01-01"], dtype="M8[s]")},
            "The column key holds a datetime64 that a tile",
        ),
    ],
    ids=["id", "length", "type", "range", "date"],
)
def test_what_cannot_be_told(ids, columns, sentence):
    with pytest.raises(InputError, match=f"^{sentence}"):
        encode_layer("layer", POINT, simple(1), np.array(ids), columns)
