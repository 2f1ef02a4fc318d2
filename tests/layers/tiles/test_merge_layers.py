"""Layers joined under one name, decoded by mapbox-vector-tile."""

from typing import Any

import mapbox_vector_tile
import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st

from layers.tiles import LineLayer, PointLayer, PolygonLayer, Tile
from layers.tiles.merge_layers import merge_layers

TILE = Tile(14, 13380, 7142)
X, Y = 114.005, 22.463
TEXTS = st.lists(st.sampled_from(["a", "b", "海湾", None]), min_size=3, max_size=3)


def decoded(tile: bytes) -> list[dict[str, Any]]:
    if not tile:
        return []
    (layer,) = mapbox_vector_tile.decode(tile).values()
    found: list[dict[str, Any]] = layer["features"]
    return found


@given(st.lists(TEXTS, min_size=3, max_size=3), st.lists(st.integers(-3, 300), min_size=9, max_size=9))
def test_a_joined_layer_tells_what_its_parts_tell(words: list[list[str | None]], numbers: list[int]) -> None:
    spots = [shapely.Point(X + dx, Y) for dx in (-0.004, 0.0, 0.004)]
    drawn = (
        PolygonLayer(np.array([each.buffer(0.001) for each in spots]), np.arange(3)),
        LineLayer(np.array([shapely.LineString([each, (X, Y + 0.003)]) for each in spots]), np.arange(3, 6)),
        PointLayer(
            np.array([each.x for each in spots]), np.array([each.y for each in spots]), np.arange(6, 9)
        ),
    )
    parts = [
        each.encode(
            "gaps",
            TILE,
            {"kind": np.array(words[n], dtype=object), "size": np.array(numbers[3 * n : 3 * n + 3])},
        )
        for n, each in enumerate(drawn)
    ]
    apart = [feature for part in parts for feature in decoded(part)]
    assert decoded(merge_layers(parts)) == apart
    assert len(apart) == 9
    assert decoded(merge_layers([parts[2], b"", parts[0]])) == decoded(parts[2]) + decoded(parts[0])
    assert merge_layers([b"", parts[1], b""]) == parts[1]
    assert merge_layers([b"", b""]) == b""
