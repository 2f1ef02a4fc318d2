"""Encoded tiles kept in memory, bounded by bytes, under what they show and not under when they were made."""

import gzip
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from layers.tiles import Address
from layers.tilesets.tile_set import Scope, TileSet

BYTES = 64 << 20
"""Bytes of tiles kept, compressed."""

# Fast beats small: the tile is on its way to the next room.
_LEVEL = 1


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile as it is sent: the fingerprint of what it shows, and its bytes, compressed by gzip.

    There are no bytes where all it could show is too small to be drawn.
    """

    tag: str
    body: bytes


class TileCache:
    """Tiles by what they show; safe in many threads at once.

    Parameters
    ----------
    most_bytes
        The bound of all bodies together.
    """

    def __init__(self, most_bytes: int = BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._tiles: OrderedDict[str, Tile] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        """Return the number of tiles kept."""
        return len(self._tiles)

    @property
    def bytes(self) -> int:
        """The bytes of all bodies kept."""
        return self._bytes

    def held(self, tag: str) -> Tile | None:
        """Return a tile by its fingerprint, if it is kept."""
        with self._lock:
            found = self._tiles.get(tag)
            if found is not None:
                self._tiles.move_to_end(tag)
            return found

    def tile(self, tiles: TileSet, address: Address, scope: Scope) -> Tile | None:
        """Return a tile of a set for a caller, kept or encoded now; None where there is nothing."""
        tag = tiles.tag(address, scope)
        if tag is None:
            return None
        found = self.held(tag)
        if found is None:
            drawn = tiles.tile(address, scope)
            # No time within: the same rows give the same bytes in every process.
            found = Tile(tag, gzip.compress(drawn, _LEVEL, mtime=0) if drawn else b"")
            self._keep(found)
        return found

    def _keep(self, tile: Tile) -> None:
        with self._lock:
            if tile.tag in self._tiles or len(tile.body) > self._most_bytes:
                return
            self._tiles[tile.tag] = tile
            self._bytes += len(tile.body)
            while self._bytes > self._most_bytes:
                _, gone = self._tiles.popitem(last=False)
                self._bytes -= len(gone.body)
