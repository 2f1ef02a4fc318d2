"""Maps to keep and to print: one offline HTML file, or an A3 sheet, of a plan of cells.

It owns the documents, their styles and the vendored Leaflet; where the frames come from, and the
service's live map, belong to others.
"""

from layers.maps.html_map import make_map, write_map
from layers.maps.leaders import with_leaders
from layers.maps.print_map import Sheet, draw_sheet

__all__ = ["Sheet", "draw_sheet", "make_map", "with_leaders", "write_map"]
