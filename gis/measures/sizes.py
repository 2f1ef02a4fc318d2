"""Sizes of cells: area and perimeter in the metric working CRS, and area on the ellipsoid."""

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS, Geod

from gis.arrays import FloatArray, ObjectArray
from gis.crs import to_lonlat, to_working_crs


def measure_cells(cells: gpd.GeoDataFrame, crs: CRS | None = None) -> gpd.GeoDataFrame:
    """Return the cells with `area_m2` and `perimeter_m` computed.

    Parameters
    ----------
    cells
        Polygons in EPSG:4326; None and empty geometries measure 0.
    crs
        The working CRS, chosen from the extent when not given.

    Returns
    -------
    GeoDataFrame
        A copy with the same index and order.
    """
    measured = cells.copy()
    geometries = _projected_geometries(cells, crs)
    measured["area_m2"] = np.nan_to_num(shapely.area(geometries))
    measured["perimeter_m"] = np.nan_to_num(shapely.length(geometries))
    return measured


def area_m2(cells: gpd.GeoDataFrame, crs: CRS | None = None) -> FloatArray:
    """Area of each geometry in the working CRS, m², shape (n,)."""
    return np.nan_to_num(shapely.area(_projected_geometries(cells, crs)))


def geodesic_area_m2(cells: gpd.GeoDataFrame) -> FloatArray:
    """Area of each polygon on the WGS 84 ellipsoid, m², shape (n,), to verify the working CRS against.

    Edges are geodesics (Karney 2013, as in `pyproj.Geod`); holes are taken off. About 10 µs a ring.
    """
    parts, cell = shapely.get_parts(geometries_without_none(to_lonlat(cells)), return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    if not len(rings):
        return np.zeros(len(cells))
    geod = Geod(ellps="WGS84")
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    pieces = np.split(xy, np.flatnonzero(np.diff(ring)) + 1)
    areas = np.array([abs(geod.polygon_area_perimeter(piece[:, 0], piece[:, 1])[0]) for piece in pieces])
    exterior = np.r_[True, part[1:] != part[:-1]]
    signed = np.where(exterior, areas, -areas)
    return np.bincount(cell[part], weights=signed, minlength=len(cells)).astype(np.float64)


def _projected_geometries(cells: gpd.GeoDataFrame, crs: CRS | None) -> ObjectArray:
    geometries = geometries_without_none(cells)
    if shapely.is_empty(geometries).all():
        return geometries
    lonlat = to_lonlat(gpd.GeoDataFrame(geometry=geometries, crs=cells.crs))
    return np.asarray(to_working_crs(lonlat, crs).geometry, dtype=object)


def geometries_without_none(cells: gpd.GeoDataFrame) -> ObjectArray:
    """Return the geometries of cells, an empty one where there is None, shape (n,)."""
    geometries = np.array(cells.geometry, dtype=object)
    geometries[shapely.is_missing(geometries)] = shapely.Polygon()
    return geometries
