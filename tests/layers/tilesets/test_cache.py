"""Tiles kept in memory: by what they show, and within a bound of bytes."""

import gzip

import numpy as np
import shapely

from layers.tiles import PointLayer, Tile
from layers.tilesets import TileCache, TileSet
from layers.tilesets.tile_set import LayerPart, hash_features, object_array

LON, LAT = np.arange(8) * 10.0 - 35.0, np.full(8, 10.0)
WORLD = Tile(0, 0, 0)


def tile_set(words: list[str], areas: list[str | None] | None = None) -> TileSet:
    shapes = shapely.points(LON, LAT)
    told = {"word": object_array(words)}
    drawn = PointLayer(LON, LAT, np.arange(8))
    codes = None if areas is None else object_array(areas)
    return TileSet(
        "t", [LayerPart("t", drawn, told, hash_features(shapes, told), shapely.bounds(shapes), codes)]
    )


def test_what_shows_the_same_is_encoded_once() -> None:
    cache = TileCache()
    before, after = tile_set(["a"] * 8), tile_set(["a"] * 8)
    first = cache.get_or_encode(before, WORLD, None)
    assert first is not None
    assert cache.get_or_encode(after, WORLD, None) is first
    assert gzip.decompress(first.body) == before.encode_tile(WORLD, None)
    changed = cache.get_or_encode(tile_set(["a"] * 7 + ["b"]), WORLD, None)
    assert changed is not None
    assert changed.etag != first.etag
    assert len(cache) == 2


def test_callers_who_see_the_same_share_it_and_others_do_not() -> None:
    cache = TileCache()
    tiles = tile_set([*"abcdefgh"], ["1", "1", "2", "2", "2", "3", "3", None])
    narrow, alike, all_of_it = (frozenset(each) for each in ("12", ["1", "2", "9"], "123"))
    assert cache.get_or_encode(tiles, WORLD, narrow) is cache.get_or_encode(tiles, WORLD, alike)
    tags = {cache.get_or_encode(tiles, WORLD, each).etag for each in (narrow, all_of_it, None)}  # type: ignore[union-attr]
    assert len(tags) == 3
    assert cache.get_or_encode(tiles, WORLD, frozenset("9")) is None


def test_the_oldest_are_forgotten_when_there_is_no_room() -> None:
    tiles = tile_set([*"abcdefgh"])
    addresses = [Tile(4, x, 7) for x in range(16)]
    sizes = [len(found.body) for each in addresses if (found := TileCache().get_or_encode(tiles, each, None))]
    assert len(sizes) > 3
    cache = TileCache(max_bytes=sizes[-1] + sizes[-2])
    for each in addresses:
        cache.get_or_encode(tiles, each, None)
        assert cache.total_bytes <= sizes[-1] + sizes[-2]
    assert len(cache) == 2
    last = tiles.etag(addresses[max(x for x in range(16) if tiles.etag(addresses[x], None))], None)
    assert last is not None
    assert cache.get(last) is not None
