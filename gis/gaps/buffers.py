"""The ground beyond reach: polygons less the circles of a radius around points."""

import numpy as np
import shapely

from gis.arrays import FloatArray, IntArray, ObjectArray
from gis.progress import Progress, no_progress

QUAD_SEGS = 64
"""Segments of a quarter circle: circles are drawn with vertices on the radius and fall short of it by at most
r (1 - cos(π / 256)), 0.0075 % (7.5 cm at 1 km), so that the ground beyond is never understated."""

_CHUNK = 20_000
_CIRCLES_PER_ROUND = (1, 1, 1, 1, 4, 4, 8)


def subtract_buffers(
    polygons: ObjectArray, points: ObjectArray, radius: float, *, progress: Progress | None = None
) -> ObjectArray:
    """Cut from polygons what lies within a radius of any point.

    Parameters
    ----------
    polygons
        n valid Polygons or MultiPolygons in metres; none missing.
    points
        m Points in the same CRS.
    radius
        Metres.
    progress
        Called with (polygons decided, n).

    Returns
    -------
    ndarray of Polygon or MultiPolygon
        Shape (n,): what is left of each polygon, empty where nothing is, the polygon itself where no point
        is near. Polygons wholly in one circle are decided exactly; circles cut as `QUAD_SEGS` says.
    """
    report_progress = progress or no_progress
    remaining = polygons.copy()
    solid = np.flatnonzero(~shapely.is_empty(polygons))
    if len(points) and len(solid):
        tree = shapely.STRtree(points)
        (found, _), gap = tree.query_nearest(polygons[solid], all_matches=False, return_distance=True)
        near = solid[found[gap < radius]]
        middle = shapely.centroid(polygons[near])
        _, nearest = tree.query_nearest(middle, all_matches=False)
        inside = _farthest_vertex_distance(polygons[near], points[nearest]) <= radius
        remaining[near[inside]] = shapely.Polygon()
        rest, middle = near[~inside], middle[~inside]
        decided = len(polygons) - len(rest)
        for start in range(0, len(rest), _CHUNK):
            part = rest[start : start + _CHUNK]
            report_progress(decided + start, len(polygons))
            remaining[part] = _subtract_circles(
                polygons[part], middle[start : start + _CHUNK], tree, points, radius
            )
    report_progress(len(polygons), len(polygons))
    return remaining


def _farthest_vertex_distance(polygons: ObjectArray, points: ObjectArray) -> FloatArray:
    """Distance from each point to the farthest vertex of its polygon, beyond which no part of it can lie."""
    xy, owner = shapely.get_coordinates(polygons, return_index=True)
    distance = np.hypot(xy[:, 0] - shapely.get_x(points)[owner], xy[:, 1] - shapely.get_y(points)[owner])
    farthest = np.zeros(len(polygons))
    np.maximum.at(farthest, owner, distance)
    return farthest


def _subtract_circles(
    polygons: ObjectArray, centroid: ObjectArray, tree: shapely.STRtree, points: ObjectArray, radius: float
) -> ObjectArray:
    """Take the circles off polygon by polygon, nearest first: most are used up after a few."""
    row, point = tree.query(polygons, predicate="dwithin", distance=radius)
    used, position = np.unique(point, return_inverse=True)
    circles = shapely.buffer(points[used], radius, quad_segs=QUAD_SEGS)
    order = np.lexsort((shapely.distance(centroid[row], points[point]), row))
    row, point, circle = row[order], point[order], position[order]
    starts = np.searchsorted(row, np.arange(len(polygons)))
    ends = np.searchsorted(row, np.arange(len(polygons)), side="right")
    remaining = polygons.copy()
    active: IntArray = np.flatnonzero(ends > starts)
    turn = 0
    while len(active):
        width = _CIRCLES_PER_ROUND[min(turn, len(_CIRCLES_PER_ROUND) - 1)]
        turn += 1
        columns = starts[active][:, None] + np.arange(width)
        valid = columns < ends[active][:, None]
        choice = np.where(valid, columns, 0)
        several: ObjectArray = np.asarray(circles, dtype=object)[circle[choice]]
        several[~valid] = None
        if width > 1:
            # A circle that no longer reaches what remains costs a distance instead of a cut.
            reaches = shapely.dwithin(remaining[active][:, None], points[point[choice]], radius)
            several[~reaches] = None
        mask = np.asarray(shapely.union_all(several, axis=1) if width > 1 else several[:, 0], dtype=object)
        remaining[active] = shapely.difference(remaining[active], mask)
        starts[active] += width
        active = active[(starts[active] < ends[active]) & ~shapely.is_empty(remaining[active])]
    return remaining
