"""Encoded tiles kept in memory, bounded by bytes, by what they show and not by when they were made."""

import gzip
from dataclasses import dataclass
from threading import Lock

from cachetools import LRUCache

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
        self._tiles: LRUCache[str, EncodedTile] = LRUCache(max_bytes, getsizeof=lambda tile: len(tile.body))
        # Even a look changes which tile goes next.
        self._lock = Lock()

    def __len__(self) -> int:
        """Return the number of tiles kept."""
        return len(self._tiles)

    @property
    def total_bytes(self) -> int:
        """The bytes of all bodies kept."""
        return int(self._tiles.currsize)

    def get(self, etag: str) -> EncodedTile | None:
        """Return a tile by its fingerprint, if it is kept."""
        with self._lock:
            return self._tiles.get(etag)

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
            # One that is larger than all the room is not kept.
            if len(found.body) <= self._tiles.maxsize:
                with self._lock:
                    self._tiles[etag] = found
        return found
