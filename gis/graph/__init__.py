"""Which polygons are neighbours: the borders, vertices and ground they share, and the graph of it."""

from gis.graph.neighbour_graph import NeighbourGraph
from gis.graph.shared_borders import (
    Pairs,
    find_neighbours,
    find_overlapping,
    find_shared_borders,
    find_shared_vertices,
    find_spans_beside,
)

__all__ = [
    "NeighbourGraph",
    "Pairs",
    "find_neighbours",
    "find_overlapping",
    "find_shared_borders",
    "find_shared_vertices",
    "find_spans_beside",
]
