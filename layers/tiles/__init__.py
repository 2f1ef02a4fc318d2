"""Vector tiles of coverages, polygons, lines and points: arrays in, bytes out.

It owns geometry and encoding; which layers there are, what they tell and to whom is left to those who serve
them.
"""

from layers.tiles.coverage_layer import Coverage
from layers.tiles.line_layer import Lines
from layers.tiles.point_layer import Points
from layers.tiles.polygon_layer import Polygons
from layers.tiles.tile import BUFFER, EXTENT, MAX_ZOOM, Address, touching

__all__ = ["BUFFER", "EXTENT", "MAX_ZOOM", "Address", "Coverage", "Lines", "Points", "Polygons", "touching"]
