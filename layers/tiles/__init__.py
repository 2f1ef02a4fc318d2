"""Vector tiles of coverages, polygons, lines and points: arrays in, bytes out.

Which layers there are, their attributes, and who may see them is decided in `layers.tilesets`.
"""

from layers.tiles.coverage_layer import CoverageLayer
from layers.tiles.line_layer import LineLayer
from layers.tiles.point_layer import PointLayer
from layers.tiles.polygon_layer import PolygonLayer
from layers.tiles.tile import BUFFER, EXTENT, MAX_ZOOM, Tile, tiles_intersecting

__all__ = [
    "BUFFER",
    "EXTENT",
    "MAX_ZOOM",
    "CoverageLayer",
    "LineLayer",
    "PointLayer",
    "PolygonLayer",
    "Tile",
    "tiles_intersecting",
]
