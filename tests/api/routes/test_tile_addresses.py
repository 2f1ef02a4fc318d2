"""Addresses of tiles: the first and the last of the pyramid, and what lies beyond."""

import pytest
from starlette.requests import Request

from api.routes.tiles import MAXZOOM, _parse_tile
from gis.errors import NotFoundError
from layers.tiles import Tile


def parse(z: object, x: object, y: object) -> Tile:
    named = {"z": str(z), "x": str(x), "y": str(y)}
    return _parse_tile(Request({"type": "http", "headers": [], "path_params": named}))


@pytest.mark.parametrize("z", [0, 1, MAXZOOM])
def test_the_first_and_the_last_tile_of_a_zoom(z: int) -> None:
    last = (1 << z) - 1
    assert parse(z, 0, 0) == Tile(z, 0, 0)
    assert parse(z, last, last) == Tile(z, last, last)
    assert parse(z, 0, last) == Tile(z, 0, last)
    for x, y in ((last + 1, 0), (0, last + 1), (last + 1, last + 1)):
        with pytest.raises(NotFoundError, match="no such tile"):
            parse(z, x, y)


@pytest.mark.parametrize(
    ("z", "x", "y"),
    [
        (MAXZOOM + 1, 0, 0),
        (-1, 0, 0),
        ("", 0, 0),
        (1, "0.5", 0),
        ("١", 0, 0),
        (1, 0, "1" * 9),
        ("z", "x", "y"),
    ],
)
def test_what_is_no_tile_is_not_found(z: object, x: object, y: object) -> None:
    with pytest.raises(NotFoundError, match="no such tile"):
        parse(z, x, y)
