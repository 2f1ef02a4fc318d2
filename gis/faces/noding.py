"""Noding of borders that go to another CRS and back: where a vertex lies on an edge, or would get across it.

A straight edge of the working CRS is not straight in degrees: 100 m sag by a tenth of a millimetre, so a
vertex closer than that to an edge of another polygon, or of its own, ends up across it. A cut through the
edge there stops the sag.
"""

import numpy as np
import shapely
from pyproj import CRS

from gis.antimeridian import project_joined
from gis.arrays import BoolArray, FloatArray, Geometries, IntArray
from gis.crs import LONLAT, geometries_to_lonlat
from gis.faces.rings import RingVertices

_SAG_PER_M = 2e-7
"""Above the sag of an edge over its squared length up to 80° of latitude: tan(latitude) / (8 earth radii)."""

_MIN_DISTANCE_M = 2e-6
_SHORT = 8
"""Up to how many times the median an edge is short."""


def invalid_in_coverage(polygons: Geometries) -> BoolArray:
    """Return which polygons are invalid by themselves or do not share their borders with their neighbours."""
    edges = np.asarray(shapely.coverage_invalid_edges(polygons), dtype=object)
    return np.asarray(~(shapely.is_missing(edges) | shapely.is_empty(edges)) | ~shapely.is_valid(polygons))


def invalid_in_degrees(polygons: Geometries, crs: CRS) -> BoolArray:
    """Return which polygons would not be sound in EPSG:4326, or once they are back from it.

    Parameters
    ----------
    polygons
        A valid coverage in the working CRS, metres.
    crs
        The working CRS.
    """
    rings = RingVertices.of(polygons)
    start, end = rings.xy, rings.xy[rings.next_vertex()]
    # Where no vertex is near an edge, none gets across.
    edge, vertex = _points_beside(start, start, end, _sag_reach(start, end))
    near = np.zeros(len(polygons), dtype=bool)
    near[rings.owner[rings.part[rings.ring[edge]]]] = near[rings.owner[rings.part[rings.ring[vertex]]]] = True
    lonlat = geometries_to_lonlat(polygons[near], crs)
    near[near] = invalid_in_coverage(lonlat) | invalid_in_coverage(project_joined(lonlat, LONLAT, crs))
    return near


def _points_beside(
    points: FloatArray, start: FloatArray, end: FloatArray, reach: FloatArray
) -> tuple[IntArray, IntArray]:
    """Return segment and point of all pairs within the reach of the segment, but for its own ends."""
    # Compiled code takes a while to load, and most layers need none.
    from gis.faces.segment_grid import points_beside

    return points_beside(points, start, end, reach, with_ends=False)


def _sag_reach(start: FloatArray, end: FloatArray) -> FloatArray:
    """Return how near a vertex may be to each edge without getting across it in degrees."""
    return np.asarray(((end - start) ** 2).sum(axis=1) * _SAG_PER_M + _MIN_DISTANCE_M)


def insert_touching_vertices(polygons: Geometries, tolerance: float) -> Geometries:
    """Give the edges of polygons the vertices of others that lie on them.

    A corner on a long straight edge is a fault that projecting hides: the edge is straight in one CRS only,
    and in another the two no longer touch. With the vertex they do in every CRS.

    Parameters
    ----------
    polygons
        Valid Polygons and MultiPolygons in the CRS in which their edges are straight.
    tolerance
        The largest distance of a vertex from an edge that it lies on, in the unit of the coordinates.

    Returns
    -------
    ndarray of Polygon and MultiPolygon
        The same objects where no vertex lies on an edge.
    """
    edges = np.asarray(shapely.coverage_invalid_edges(polygons), dtype=object)
    rows = np.flatnonzero(~(shapely.is_missing(edges) | shapely.is_empty(edges)))
    if not len(rows):
        return polygons
    rings = RingVertices.of(polygons[rows])
    start, end = rings.xy, rings.xy[rings.next_vertex()]
    vertices = np.unique(rings.xy, axis=0)
    edge, vertex = _points_beside(vertices, start, end, np.full(len(start), tolerance))
    share = _share_along(start[edge], end[edge], vertices[vertex])
    order = np.lexsort((share, edge))
    order = order[(share[order] > 0) & (share[order] < 1)]
    edge, vertex = edge[order], vertex[order]
    result = polygons.copy()
    if len(edge):
        xy = np.insert(rings.xy, edge + 1, vertices[vertex], axis=0)
        ring = np.insert(rings.ring, edge + 1, rings.ring[edge])
        changed = np.unique(rings.owner[rings.part[rings.ring[edge]]])
        result[rows[changed]] = rings._replace(xy=xy, ring=ring).to_polygons()[changed]
    # Where an edge would bend the wrong way between two vertices nearly on it, the polygon stays as it is.
    broken = ~shapely.is_valid(result)
    result[broken] = polygons[broken]
    return result


def noding_cuts(polygons: Geometries, crs: CRS, lonlat: Geometries | None = None) -> Geometries | None:
    """Return short lines that, cut into the arrangement, keep its polygons sound in EPSG:4326 and back.

    Parameters
    ----------
    polygons
        A valid coverage in the working CRS, metres.
    crs
        The working CRS.
    lonlat
        The polygons as they will be stored, in EPSG:4326; projected when not given. It takes no more than the
        last digit of a coordinate to put a vertex on an edge or beside it.

    Returns
    -------
    ndarray of LineString, or None
        Across each edge beside an endangered vertex; None where the polygons stay a valid coverage.
    """
    lonlat = geometries_to_lonlat(polygons, crs) if lonlat is None else lonlat
    back = project_joined(lonlat, LONLAT, crs)
    flagged = invalid_in_coverage(lonlat) | invalid_in_coverage(back)
    if not flagged.any():
        return None
    rings = RingVertices.of(polygons[flagged])
    start, end = rings.xy, rings.xy[rings.next_vertex()]
    vertices = np.unique(rings.xy, axis=0)
    edge, vertex = _points_beside(vertices, start, end, _sag_reach(start, end))
    along = _share_along(start[edge], end[edge], vertices[vertex]).clip(0, 1)[:, None]
    foot = start[edge] + along * (end[edge] - start[edge])
    beyond = foot - vertices[vertex]
    length = np.hypot(beyond[:, 0], beyond[:, 1])
    across = np.divide(beyond, length[:, None], out=np.zeros_like(beyond), where=length[:, None] > 0)
    # Short, so that what lies between vertex and edge stays in one piece.
    before = foot - across * np.minimum(length, _MIN_DISTANCE_M)[:, None]
    return np.asarray(
        shapely.linestrings(np.stack([before, foot + across * _MIN_DISTANCE_M], axis=1)), dtype=object
    )


def query_near_edges(
    tree: shapely.STRtree, start: FloatArray, end: FloatArray, reach: FloatArray
) -> tuple[IntArray, IntArray]:
    """Return the pairs of an edge and a geometry of a tree that may be within the reach of it.

    Boxes tell for a short edge, since most have nothing near but their own ends and asking geometries costs
    more; the box of a long one may hold half the layer, and it is asked exactly.
    """
    length = np.hypot(*(end - start).T)
    is_short = length <= _SHORT * np.median(length) if len(length) else np.empty(0, dtype=bool)
    low, high = np.minimum(start, end) - reach[:, None], np.maximum(start, end) + reach[:, None]
    boxes = shapely.box(*low[is_short].T, *high[is_short].T)
    edge, other = tree.query(boxes)
    lines = shapely.linestrings(np.stack([start[~is_short], end[~is_short]], axis=1))
    long_edge, long_other = tree.query(lines, predicate="dwithin", distance=reach[~is_short])
    edge = np.r_[np.flatnonzero(is_short)[edge], np.flatnonzero(~is_short)[long_edge]]
    return edge, np.r_[other, long_other]


def _share_along(start: FloatArray, end: FloatArray, vertices: FloatArray) -> FloatArray:
    """Return how far along their edges vertices lie: 0 at the start, 1 at the end."""
    along = end - start
    return np.asarray(((vertices - start) * along).sum(axis=1) / (along**2).sum(axis=1))
