"""The compact text, read back by a slow decoder."""

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.maps.encoding import encode_geometry, encode_numbers

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def decode(text: str, signed: bool = False) -> list[int]:
    numbers, value, shift = [], 0, 0
    for character in text:
        digit = ALPHABET.index(character)
        value |= (digit & 31) << shift
        shift += 5
        if digit < 32:
            numbers.append((value >> 1) ^ -(value & 1) if signed else value)
            value = shift = 0
    return numbers


def read_back(record: dict) -> list[list[list[tuple[float, float]]]]:
    """Return per feature its rings of rounded vertices."""
    xy = np.cumsum(np.reshape(decode(record["xy"], signed=True), (-1, 2)), axis=0)
    vertices = iter(map(tuple, (xy / 1e6).tolist()))
    sizes = iter(decode(record["sizes"]))
    return [[[next(vertices) for _ in range(next(sizes))] for _ in range(n)] for n in decode(record["rings"])]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(-(2**33), 2**33)))
def test_numbers_survive(values: list[int]) -> None:
    assert decode(encode_numbers(np.array(values, dtype=np.int64), signed=True), signed=True) == values
    magnitudes = [abs(value) for value in values]
    assert decode(encode_numbers(np.array(magnitudes, dtype=np.int64))) == magnitudes


def rings_of(geometry: shapely.Geometry | None) -> list[list[tuple[float, float]]]:
    if geometry is None or geometry.is_empty:
        return []
    if hasattr(geometry, "geoms"):
        top = max(shapely.get_dimensions(part) for part in geometry.geoms)
        return [
            ring for part in geometry.geoms if shapely.get_dimensions(part) == top for ring in rings_of(part)
        ]
    if geometry.geom_type == "Polygon":
        paths = [list(ring.coords)[:-1] for ring in (geometry.exterior, *geometry.interiors)]
    else:
        paths = [list(geometry.coords)]
    return [[(round(p[0], 6), round(p[1], 6)) for p in path] for path in paths]


GEOMETRIES = [
    shapely.box(114, 22, 114.1, 22.1).difference(shapely.box(114.02, 22.02, 114.03, 22.03)),
    None,
    shapely.MultiPolygon([shapely.box(-70, -33, -69, -32), shapely.box(-68, -33, -67, -32)]),
    shapely.Polygon(),
    shapely.LineString([(0, 0, 5), (1.1234564, 2, 5), (3, 4, 5)]),
    shapely.MultiPoint([(1, 2), (3, 4)]),
    shapely.GeometryCollection([shapely.Point(1, 1), shapely.MultiPolygon([shapely.box(5, 5, 6, 6)])]),
    shapely.Point(179.999999, -79.9),
    shapely.Point(),
    shapely.MultiLineString([[(0, 0), (1, 1)], [(2, 2), (3, 3)]]),
]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from(GEOMETRIES)))
def test_geometry_survives(geometries: list[shapely.Geometry | None]) -> None:
    record = encode_geometry(np.array([*geometries, None], dtype=object)[:-1])
    expected = [rings_of(geometry) for geometry in geometries]
    assert record["n"] == len(record["dims"]) == len(geometries)
    for ours, theirs in zip(read_back(record), expected, strict=True):
        assert [len(ring) for ring in ours] == [len(ring) for ring in theirs]
        for ring, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(ring, other, atol=1e-9)
