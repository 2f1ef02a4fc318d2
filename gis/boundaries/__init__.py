"""Boundaries in words (四至): by what streets, rivers, railways and neighbours each cell is bounded.

Reading files, and storing what is found, is left to the commands.
"""

from gis.boundaries.describe import CellBoundaries, describe_boundaries
from gis.boundaries.phrases import SIDES, Bound, BoundKind, boundary_sentence, side_phrase

__all__ = [
    "SIDES",
    "Bound",
    "BoundKind",
    "CellBoundaries",
    "boundary_sentence",
    "describe_boundaries",
    "side_phrase",
]
