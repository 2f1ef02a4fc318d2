"""Tile sets of the map: which layers there are, their attributes, who may see them, and what is cached.

They are built from the database and the snapshot; `layers.tiles` encodes them.
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
