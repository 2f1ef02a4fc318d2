"""The map's tile sets: which layers there are, what their tiles tell and to whom, and what is kept of them.

It owns the way from the database and the snapshot to tiles; drawing them is `layers.tiles`', asking for them
`api`'s.
"""

from layers.entities.counts import COUNTED, count_kinds
from layers.tilesets.cache import Tile, TileCache
from layers.tilesets.cells import CellTiles
from layers.tilesets.store import Shelf, Wanted
from layers.tilesets.style import STYLES, style
from layers.tilesets.tile_set import MAXZOOM, Scope, TileSet

__all__ = [
    "COUNTED",
    "MAXZOOM",
    "STYLES",
    "CellTiles",
    "Scope",
    "Shelf",
    "Tile",
    "TileCache",
    "TileSet",
    "Wanted",
    "count_kinds",
    "style",
]
