"""Maps of a plan of cells to keep and to print: one offline HTML file, or an A3 sheet.

The live map of the service is `api.web`, its tiles are `layers.tilesets`.
"""

from layers.maps.html_map import render_html_map, write_html_map
from layers.maps.leaders import join_leaders
from layers.maps.notice import notice_workbook, render_notice
from layers.maps.print_map import PrintMap, render_print_map

__all__ = [
    "PrintMap",
    "join_leaders",
    "notice_workbook",
    "render_html_map",
    "render_notice",
    "render_print_map",
    "write_html_map",
]
