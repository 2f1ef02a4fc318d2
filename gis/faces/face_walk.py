"""The faces that noded segments bound, found by walking along each with the face on the left."""

import numpy as np
import shapely

from gis.arrays import BoolArray, FloatArray, Geometries, IntArray
from gis.compiled import compiled
from gis.faces.orientation import turn
from gis.faces.segments import NodedSegments


def walk_faces(noded: NodedSegments) -> Geometries:
    """Return the bounded faces of noded segments.

    Returns
    -------
    ndarray of Polygon
        A valid coverage that has every vertex of the segments; segments with the same face on both sides
        bound nothing and vanish.
    """
    ends = noded.ends
    following = _following(noded.xy, ends)
    is_border = _have_two_faces(following)
    if not is_border.all():
        ends = ends[is_border]
        following = _following(noded.xy, ends)
    if not len(ends):
        return np.array([], dtype=object)
    vertex, ring, walk, is_shell = _rings(noded.xy, ends.ravel(), following)
    lines = np.asarray(shapely.linearrings(noded.xy[vertex], indices=ring), dtype=object)
    shells = np.flatnonzero(is_shell)
    face = np.full(len(lines), -1)
    face[shells] = np.arange(len(shells))
    face_of_walk = np.full(len(vertex), -1)
    face_of_walk[walk[shells]] = face[shells]
    holes = np.flatnonzero(~is_shell)
    face[holes] = face_of_walk[walk[holes]]
    free = holes[face[holes] < 0]
    first_vertex = vertex[np.searchsorted(ring, np.arange(len(lines)))]
    part = _connected_parts(ends, len(noded.xy))
    face[free] = _faces_around(
        noded.xy[first_vertex[free]], part[first_vertex[free]], lines[shells], part[first_vertex[shells]]
    )
    rings = np.concatenate([shells, holes[face[holes] >= 0]])
    order = rings[np.argsort(face[rings], kind="stable")]
    return np.asarray(shapely.polygons(lines[order], indices=face[order]), dtype=object)


def _faces_around(xy: FloatArray, part: IntArray, shells: Geometries, shell_part: IntArray) -> IntArray:
    """Return the face in which each part of the linework lies that meets no line around it, -1 for none."""
    result = np.full(len(xy), -1)
    if not len(xy):
        return result
    points = np.asarray(shapely.points(xy), dtype=object)
    # The smallest shell around: that of the face, or of one within its hole, which is of the same part.
    area = np.asarray(shapely.area(shapely.polygons(shells)))
    shell, point = shapely.STRtree(points).query(shapely.polygons(shells), predicate="contains_properly")
    foreign = shell_part[shell] != part[point]
    shell, point = shell[foreign], point[foreign]
    order = np.lexsort((area[shell], point))
    point, first = np.unique(point[order], return_index=True)
    result[point] = shell[order][first]
    return result


def _following(xy: FloatArray, ends: IntArray) -> IntArray:
    """Return for each half-edge the one after it around the face on its left.

    Half-edge 2k leads from the first end of segment k to the second, 2k + 1 back.
    """
    tails = ends.ravel()
    order = np.argsort(tails, kind="stable")
    starts = np.searchsorted(tails[order], np.arange(len(xy) + 1))
    return _link(xy, tails, order, starts)


@compiled
def _link(xy: FloatArray, tails: IntArray, order: IntArray, starts: IntArray) -> IntArray:
    """Sort the half-edges that leave each vertex by their direction, and link those beside each other."""
    following = np.empty(len(tails), dtype=np.int64)
    for v in range(len(starts) - 1):
        first, last = starts[v], starts[v + 1]
        for p in range(first + 1, last):
            edge = order[p]
            q = p
            while q > first and _is_before(xy, v, tails[edge ^ 1], tails[order[q - 1] ^ 1]):
                order[q] = order[q - 1]
                q -= 1
            order[q] = edge
        for p in range(first, last):
            # Who comes in along the next to the left leaves along this one.
            left = order[p + 1] if p + 1 < last else order[first]
            following[left ^ 1] = order[p]
    return following


@compiled
def _is_before(xy: FloatArray, v: int, one: int, other: int) -> bool:
    """Return whether the direction from a vertex to one is before that to another, anticlockwise from south.

    Vertices are numbered by x, then y: those to the west have lower numbers.
    """
    if (one > v) != (other > v):
        return one > v
    return turn(xy[v, 0], xy[v, 1], xy[one, 0], xy[one, 1], xy[other, 0], xy[other, 1]) > 0


@compiled
def _have_two_faces(following: IntArray) -> BoolArray:
    """Return which segments have different faces on their two sides."""
    face = np.full(len(following), -1, dtype=np.int64)
    for edge in range(len(following)):
        at = edge
        while face[at] < 0:
            face[at] = edge
            at = following[at]
    result: BoolArray = face[::2] != face[1::2]
    return result


@compiled
def _connected_parts(ends: IntArray, vertices: int) -> IntArray:
    """Return for each vertex one of those that segments join it with, the same for all of them."""
    root = np.arange(vertices)
    for k in range(len(ends)):
        one, other = ends[k, 0], ends[k, 1]
        while root[one] != one:
            root[one] = root[root[one]]
            one = root[one]
        while root[other] != other:
            root[other] = root[root[other]]
            other = root[other]
        root[max(one, other)] = min(one, other)
    # Roots are lower than what hangs on them, so that theirs are final before they are asked.
    for v in range(vertices):
        root[v] = root[root[v]]
    return root


@compiled
def _rings(
    xy: FloatArray, tails: IntArray, following: IntArray
) -> tuple[IntArray, IntArray, IntArray, BoolArray]:
    """Take the walks apart into rings that pass each vertex once.

    Returns
    -------
    vertex, ring, walk, is_shell
        The vertices of all rings one after the other with the numbers of their rings; for each ring the
        number of the walk that it comes from, and whether the walk is inside it.
    """
    vertex = np.empty(len(tails), dtype=np.int64)
    ring = np.empty(len(tails), dtype=np.int64)
    walk = np.empty(len(tails), dtype=np.int64)
    is_shell = np.empty(len(tails), dtype=np.bool_)
    done = np.zeros(len(tails), dtype=np.bool_)
    place = np.full(len(xy), -1, dtype=np.int64)
    path = np.empty(len(tails), dtype=np.int64)
    filled, rings = 0, 0
    for edge in range(len(tails)):
        at, length = edge, 0
        while True:
            v = tails[at]
            if place[v] >= 0:
                # The walk has been here: what lies between is a ring.
                begin = place[v]
                lowest = begin
                for p in range(begin, length):
                    place[path[p]] = -1
                    vertex[filled], ring[filled] = path[p], rings
                    filled += 1
                    if path[p] < path[lowest]:
                        lowest = p
                before = path[lowest - 1 if lowest > begin else length - 1]
                after = path[lowest + 1 if lowest + 1 < length else begin]
                low = path[lowest]
                bend = turn(xy[before, 0], xy[before, 1], xy[low, 0], xy[low, 1], xy[after, 0], xy[after, 1])
                walk[rings], is_shell[rings] = edge, bend > 0
                rings += 1
                length = begin
            if done[at]:
                break
            done[at] = True
            place[v], path[length] = length, v
            length += 1
            at = following[at]
    return vertex, ring, walk[:rings], is_shell[:rings]
