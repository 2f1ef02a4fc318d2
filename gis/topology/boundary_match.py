"""Whether the boundaries of two polygons match, but for vertices that only one of them has.

Vertices alone decide it, far faster than an overlay.
"""

import numpy as np
import shapely

from gis.arrays import FloatArray, IntArray
from gis.faces.rings import RingVertices


def boundaries_match(one: shapely.Geometry, other: shapely.Geometry, tolerance_m: float) -> bool:
    """Return whether two polygons differ at most by hairlines along their rims.

    Parameters
    ----------
    one
        A valid Polygon or MultiPolygon in metres.
    other
        Likewise; its boundary may have more vertices along the edges of the first.
    tolerance_m
        The largest distance of a vertex from its partner, or from the edge it is on.

    Returns
    -------
    bool
        True if every vertex of the first has a partner, and between them the boundaries follow the same
        edges: then they differ by no ground wider than four times the tolerance. False means nothing.
    """
    if shapely.is_empty(one) or shapely.is_empty(other):
        return False
    corners, after = _boundary_vertices(one)
    other_vertices, following = _boundary_vertices(other)
    tree = shapely.STRtree(np.asarray(shapely.points(corners), dtype=object))
    mine, near = tree.query_nearest(
        shapely.points(other_vertices), max_distance=tolerance_m, all_matches=False
    )
    partner = np.full(len(other_vertices), -1, dtype=np.int64)
    partner[mine] = near
    met = partner >= 0
    if len(np.unique(near)) < len(corners) or not len(near):
        return False
    # Each vertex without a partner points to the next one that has one; twice as far in every round.
    onward, back = following.copy(), np.empty_like(following)
    back[following] = np.arange(len(following))
    for step in (onward, back):
        for _ in range(len(step).bit_length() + 1):
            waiting = ~met[step]
            if not waiting.any():
                break
            step[waiting] = step[step[waiting]]
        if not met[step].all():
            return False
    edges = np.column_stack([partner[met], partner[onward[met]]])
    edges = edges[edges[:, 0] != edges[:, 1]]
    expected = np.column_stack([np.arange(len(corners)), after])
    if len(edges) != len(expected) or (_sorted_pairs(edges) != _sorted_pairs(expected)).any():
        return False
    between = np.flatnonzero(~met)
    ends = np.stack([corners[partner[back[between]]], corners[partner[onward[between]]]], axis=1)
    away = shapely.distance(shapely.linestrings(ends), shapely.points(other_vertices[between]))
    return bool((away <= tolerance_m).all())


def _boundary_vertices(polygon: shapely.Geometry) -> tuple[FloatArray, IntArray]:
    """Return the vertices of all rings, the interior to the left, and for each the next one of its ring."""
    rings = RingVertices.of(np.array([shapely.orient_polygons(polygon)], dtype=object))
    return rings.xy, rings.next_vertex()


def _sorted_pairs(pairs: IntArray) -> IntArray:
    return np.asarray(pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))])
