"""The map's tile sets: which layers there are, what their tiles tell and to whom, and what is kept of them.

It owns the way from the database and the snapshot to tiles; drawing them is `layers.tiles`', asking for them
`api`'s.
"""

from layers.entities.counts import count_by_kind
from layers.tilesets.cache import EncodedTile, TileCache
from layers.tilesets.cells import CellTileSet
from layers.tilesets.measures import MeasureClassification, MeasureSummary, VisibleMeasures
from layers.tilesets.store import TileSetKey, TileSetStore
from layers.tilesets.style import STYLES, build_style
from layers.tilesets.tile_set import MAXZOOM, TileSet, VisibleAreas

__all__ = [
    "MAXZOOM",
    "STYLES",
    "CellTileSet",
    "EncodedTile",
    "MeasureClassification",
    "MeasureSummary",
    "TileCache",
    "TileSet",
    "TileSetKey",
    "TileSetStore",
    "VisibleAreas",
    "VisibleMeasures",
    "build_style",
    "count_by_kind",
]
