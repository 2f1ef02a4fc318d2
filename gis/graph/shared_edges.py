"""The edges that two polygons of a coverage have in common."""

import numpy as np
import shapely
from numpy.typing import ArrayLike

from gis.arrays import FloatArray, IntArray
from gis.compiled import compiled

_SHORTEST_RING = 3


def find_shared_edges(geometries: ArrayLike) -> tuple[IntArray, IntArray, FloatArray]:
    """Find the edges that two polygons of a coverage have in common.

    Parameters
    ----------
    geometries
        n Polygons or MultiPolygons in one CRS, a valid coverage; None and empty ones have no neighbours.

    Returns
    -------
    i, j : ndarray of int64
        Positions of the two, i < j; a pair occurs once for each edge.
    edges : ndarray of float64
        Shape (m, 4), x and y of both ends, aligned with them, the lexicographically smaller end first.
    """
    xy, owner = shapely.get_coordinates(np.asarray(geometries, dtype=object), return_index=True)
    # Adding nothing makes -0.0 equal to 0.0 in its bits too.
    xy = xy + 0.0
    one, other = _match(xy.view(np.uint64), owner)
    start, end = xy[one], xy[one + 1]
    swap = (start[:, 0] > end[:, 0]) | ((start[:, 0] == end[:, 0]) & (start[:, 1] > end[:, 1]))
    edges = np.where(swap[:, None], np.hstack([end, start]), np.hstack([start, end]))
    # Polygons are walked in their order, so that the one that has the edge first comes first.
    return owner[one], owner[other], edges


@compiled
def _match(bits: IntArray, owner: IntArray) -> tuple[IntArray, IntArray]:
    """Return the pairs of equal edges, each by its first vertex.

    A ring ends where its first vertex comes again, since rings of valid polygons pass each vertex once.
    """
    size = 16
    while size < 2 * len(bits):
        size *= 2
    table = np.full(size, -1, dtype=np.int64)
    one, other = np.empty(len(bits), dtype=np.int64), np.empty(len(bits), dtype=np.int64)
    count, k = 0, 0
    while k < len(bits):
        first = k
        while True:
            x0, y0, x1, y1 = bits[k, 0], bits[k, 1], bits[k + 1, 0], bits[k + 1, 1]
            # The same for both directions.
            mixed = (x0 + y0 * np.uint64(0x9E3779B97F4A7C15)) ^ (x0 >> np.uint64(29))
            mixed += (x1 + y1 * np.uint64(0x9E3779B97F4A7C15)) ^ (x1 >> np.uint64(29))
            mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)
            place = np.int64((mixed ^ (mixed >> np.uint64(32))) & np.uint64(size - 1))
            while table[place] >= 0:
                e = table[place]
                same = bits[e, 0] == x0 and bits[e, 1] == y0 and bits[e + 1, 0] == x1 and bits[e + 1, 1] == y1
                back = bits[e, 0] == x1 and bits[e, 1] == y1 and bits[e + 1, 0] == x0 and bits[e + 1, 1] == y0
                if same or back:
                    break
                place = (place + 1) & (size - 1)
            if table[place] < 0:
                table[place] = k
            elif owner[table[place]] != owner[k]:
                one[count], other[count] = table[place], k
                count += 1
            k += 1
            if k - first >= _SHORTEST_RING and bits[k, 0] == bits[first, 0] and bits[k, 1] == bits[first, 1]:
                break
        k += 1
    return one[:count], other[:count]
