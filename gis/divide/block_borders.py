"""The borders between pieces of blocks: how long they are, and how easily blocks join across them."""

from typing import NamedTuple

import numpy as np
import shapely

from gis.arrays import BoolArray, FloatArray, Geometries, IntArray
from gis.divide.block_lines import BlockLines

_ON_LINE_M = 1e-5


class Borders(NamedTuple):
    """Pairs of pieces on the same ground that have a border in common.

    Attributes
    ----------
    first, second
        Shape (m,), positions of the two, first < second, each pair once, sorted.
    length_m
        Shape (m,), length of the border.
    open_m
        Shape (m,), the sum of its edges' lengths times the openness of the lines that they lie on (see
        `BlockLines`); the whole length where no line lies, minus infinity where a barrier does.
    """

    first: IntArray
    second: IntArray
    length_m: FloatArray
    open_m: FloatArray


def find_borders(
    polygons: Geometries,
    ground: IntArray,
    lines: BlockLines,
    *,
    beside: BoolArray | None = None,
) -> Borders:
    """Find the borders across which pieces may join.

    Parameters
    ----------
    polygons
        Shape (n,), a valid coverage.
    ground
        Shape (n,), ints: only pieces on the same ground join.
    lines
        Those of which the borders are made.
    beside
        Shape (n,): borders of these pieces alone; of all when not given.
    """
    # Compiled code takes a while to load.
    from gis.graph.shared_edges import find_shared_edges

    i, j, edges = find_shared_edges(polygons)
    kept = ground[i] == ground[j]
    if beside is not None:
        kept &= beside[i] | beside[j]
    i, j, edges = i[kept], j[kept], edges[kept]
    length = np.hypot(edges[:, 2] - edges[:, 0], edges[:, 3] - edges[:, 1])
    openness = _edge_openness(edges, lines)
    keys, pair = np.unique(i * len(polygons) + j, return_inverse=True)
    total = np.bincount(pair, weights=length, minlength=len(keys)).astype(float)
    open_m = np.bincount(pair, weights=length * openness, minlength=len(keys)).astype(float)
    open_m[pair[openness == 0]] = -np.inf
    count = max(len(polygons), 1)
    return Borders(keys // count, keys % count, total, open_m)


def _edge_openness(edges: FloatArray, lines: BlockLines) -> FloatArray:
    """Return the openness of each edge: that of the strictest line on which its middle lies."""
    # Compiled code takes a while to load.
    from gis.faces.segment_grid import points_beside

    result = np.ones(len(edges))
    strict = np.flatnonzero(lines.openness < 1)
    xy, line = shapely.get_coordinates(lines.geometry[strict], return_index=True)
    start = np.flatnonzero(line[1:] == line[:-1])
    middles = (edges[:, :2] + edges[:, 2:]) / 2
    segment, edge = points_beside(middles, xy[start], xy[start + 1], np.full(len(start), _ON_LINE_M))
    np.minimum.at(result, edge, lines.openness[strict[line[start[segment]]]])
    return result
