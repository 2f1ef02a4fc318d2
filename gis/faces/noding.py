"""Noding of borders that go to longitude and latitude and back: where a vertex would get across an edge.

A straight edge of the working CRS is not straight in degrees: 100 m sag by a tenth of a millimetre, so a
vertex closer than that to an edge of another polygon, or of its own, ends up across it. A cut through the
edge there stops the sag.
"""

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS

from gis.arrays import BoolArray, Geometries
from gis.crs import LONLAT, geometries_to_lonlat

_SAG_PER_M = 2e-7
"""Above the sag of an edge over its squared length up to 80° of latitude: tan(latitude) / (8 earth radii)."""

_MIN_DISTANCE_M = 2e-6


def invalid_in_coverage(polygons: Geometries) -> BoolArray:
    """Tell which polygons are invalid by themselves or do not share their borders with their neighbours."""
    edges = np.asarray(shapely.coverage_invalid_edges(polygons), dtype=object)
    return np.asarray(~(shapely.is_missing(edges) | shapely.is_empty(edges)) | ~shapely.is_valid(polygons))


def noding_cuts(polygons: Geometries, crs: CRS) -> Geometries | None:
    """Return short lines that, cut into the arrangement, keep its polygons sound in EPSG:4326 and back.

    Parameters
    ----------
    polygons
        A valid coverage in the working CRS, metres.
    crs
        The working CRS.

    Returns
    -------
    ndarray of LineString, or None
        Across each edge beside an endangered vertex; None where the polygons stay a valid coverage.
    """
    lonlat = geometries_to_lonlat(polygons, crs)
    back = np.asarray(gpd.GeoSeries(lonlat, crs=LONLAT).to_crs(crs), dtype=object)
    flagged = invalid_in_coverage(lonlat) | invalid_in_coverage(back)
    if not flagged.any():
        return None
    coordinates, ring = shapely.get_coordinates(
        shapely.get_rings(shapely.get_parts(polygons[flagged])), return_index=True
    )
    same = ring[1:] == ring[:-1]
    start, end = coordinates[:-1][same], coordinates[1:][same]
    segments = np.asarray(shapely.linestrings(np.stack([start, end], axis=1)), dtype=object)
    vertices = np.unique(coordinates, axis=0)
    points = np.asarray(shapely.points(vertices), dtype=object)
    reach = shapely.length(segments) ** 2 * _SAG_PER_M + _MIN_DISTANCE_M
    edge, vertex = shapely.STRtree(points).query(segments, predicate="dwithin", distance=reach)
    foreign = (vertices[vertex] != start[edge]).any(axis=1) & (vertices[vertex] != end[edge]).any(axis=1)
    edge, vertex = edge[foreign], vertex[foreign]
    foot = shapely.get_coordinates(
        shapely.line_interpolate_point(
            segments[edge], shapely.line_locate_point(segments[edge], points[vertex])
        )
    )
    beyond = foot - vertices[vertex]
    length = np.hypot(beyond[:, 0], beyond[:, 1])
    across = np.divide(beyond, length[:, None], out=np.zeros_like(beyond), where=length[:, None] > 0)
    # Short, so that what lies between vertex and edge stays in one piece.
    before = foot - across * np.minimum(length, _MIN_DISTANCE_M)[:, None]
    return np.asarray(
        shapely.linestrings(np.stack([before, foot + across * _MIN_DISTANCE_M], axis=1)), dtype=object
    )
