"""The way of borders to longitude and latitude and back: where a vertex would get across an edge.

A straight edge of the working CRS is not straight in degrees: 100 m sag by a tenth of a millimetre, so a
vertex closer than that to a foreign edge ends up across it. A cut through the edge there stops the sag; the
cutting itself belongs to `gis.topology.mosaic`.
"""

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS

from gis.crs import LONLAT
from gis.topology.records import Geometries

_SAG_PER_M = 2e-7
"""Above the sag of an edge over its squared length up to 80° of latitude: tan(latitude) / (8 earth radii)."""

_LEAST_M = 2e-6


def steadying_cuts(polygons: Geometries, crs: CRS) -> Geometries | None:
    """Return short lines that, cut into the arrangement, keep its borders shared in EPSG:4326 and back.

    Parameters
    ----------
    polygons
        A valid coverage in the working CRS, metres.
    crs
        The working CRS.

    Returns
    -------
    ndarray of LineString, or None
        From each endangered vertex across the edge beside it; None where the coverage stays valid.
    """
    there = gpd.GeoSeries(polygons, crs=crs).to_crs(LONLAT)
    back = there.to_crs(crs)
    flagged = np.zeros(len(polygons), dtype=bool)
    for moved in (there, back):
        edges = np.asarray(shapely.coverage_invalid_edges(np.asarray(moved, dtype=object)), dtype=object)
        flagged |= ~(shapely.is_missing(edges) | shapely.is_empty(edges))
    if not flagged.any():
        return None
    coordinates, ring = shapely.get_coordinates(
        shapely.get_rings(shapely.get_parts(polygons[flagged])), return_index=True
    )
    same = ring[1:] == ring[:-1]
    start, end = coordinates[:-1][same], coordinates[1:][same]
    segments = np.asarray(shapely.linestrings(np.stack([start, end], axis=1)), dtype=object)
    spots = np.unique(coordinates, axis=0)
    points = np.asarray(shapely.points(spots), dtype=object)
    reach = shapely.length(segments) ** 2 * _SAG_PER_M + _LEAST_M
    edge, spot = shapely.STRtree(points).query(segments, predicate="dwithin", distance=reach)
    foreign = (spots[spot] != start[edge]).any(axis=1) & (spots[spot] != end[edge]).any(axis=1)
    edge, spot = edge[foreign], spot[foreign]
    foot = shapely.get_coordinates(
        shapely.line_interpolate_point(
            segments[edge], shapely.line_locate_point(segments[edge], points[spot])
        )
    )
    beyond = foot - spots[spot]
    length = np.hypot(beyond[:, 0], beyond[:, 1])
    across = np.divide(beyond, length[:, None], out=np.zeros_like(beyond), where=length[:, None] > 0)
    return np.asarray(
        shapely.linestrings(np.stack([spots[spot], foot + across * _LEAST_M], axis=1)), dtype=object
    )
