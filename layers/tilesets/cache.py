"""Encoded tiles kept in memory, bounded by bytes, under what they show and not under when they were made."""

import gzip
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from layers.tiles import Tile
from layers.tilesets.tile_set import TileSet, VisibleAreas

MAX_BYTES = 64 << 20
"""Bytes of tiles kept, compressed."""

# Fast beats small: the tile is on its way to the next room.
_GZIP_LEVEL = 1


@dataclass(frozen=True, slots=True)
class EncodedTile:
    """A tile as it is sent: the fingerprint of what it shows, and its bytes, compressed by gzip.

    There are no bytes where all it could show is too small to be drawn.
    """

    etag: str
    body: bytes


class TileCache:
    """Tiles by what they show; safe in many threads at once.

    Parameters
    ----------
    max_bytes
        The bound of all bodies together.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._tiles: OrderedDict[str, EncodedTile] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        """Return the number of tiles kept."""
        return len(self._tiles)

    @property
    def total_bytes(self) -> int:
        """The bytes of all bodies kept."""
        return self._bytes

    def get(self, etag: str) -> EncodedTile | None:
        """Return a tile by its fingerprint, if it is kept."""
        with self._lock:
            found = self._tiles.get(etag)
            if found is not None:
                self._tiles.move_to_end(etag)
            return found

    def get_or_encode(self, tile_set: TileSet, tile: Tile, scope: VisibleAreas) -> EncodedTile | None:
        """Return a tile of a set for a caller, kept or encoded now; None where there is nothing."""
        etag = tile_set.etag(tile, scope)
        if etag is None:
            return None
        found = self.get(etag)
        if found is None:
            drawn = tile_set.encode_tile(tile, scope)
            # No time within: the same rows give the same bytes in every process.
            found = EncodedTile(etag, gzip.compress(drawn, _GZIP_LEVEL, mtime=0) if drawn else b"")
            self._put(found)
        return found

    def _put(self, tile: EncodedTile) -> None:
        with self._lock:
            if tile.etag in self._tiles or len(tile.body) > self._max_bytes:
                return
            self._tiles[tile.etag] = tile
            self._bytes += len(tile.body)
            while self._bytes > self._max_bytes:
                _, gone = self._tiles.popitem(last=False)
                self._bytes -= len(gone.body)
