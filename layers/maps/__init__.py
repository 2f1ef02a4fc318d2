"""Maps to keep and to print: one offline HTML file, or an A3 sheet, of a plan of cells.

It owns the documents, their styles and the vendored Leaflet; where the frames come from, and the
service's live map, belong to others.
"""

from layers.maps.html_map import render_html_map, write_html_map
from layers.maps.leaders import join_leaders
from layers.maps.print_map import PrintMap, render_print_map

__all__ = ["PrintMap", "join_leaders", "render_html_map", "render_print_map", "write_html_map"]
