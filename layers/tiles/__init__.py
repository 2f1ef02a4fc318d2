"""Vector tiles of coverages, polygons, lines and points: arrays in, bytes out.

It owns geometry and encoding; which layers there are, what they tell and to whom is left to those who serve
them.
"""

from layers.tiles.coverage import Coverage
from layers.tiles.lines import Lines
from layers.tiles.points import Points
from layers.tiles.polygons import Polygons
from layers.tiles.tile import BUFFER, EXTENT, MAX_ZOOM, Address, touching

__all__ = ["BUFFER", "EXTENT", "MAX_ZOOM", "Address", "Coverage", "Lines", "Points", "Polygons", "touching"]
