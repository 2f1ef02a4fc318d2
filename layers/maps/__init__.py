"""Offline maps: one HTML file that draws a plan of cells with nothing loaded from elsewhere.

It owns the page, its styles and its vendored Leaflet; where the frames come from, and the service's live
map, belong to others.
"""

from layers.maps.page import make_map, write_map

__all__ = ["make_map", "write_map"]
