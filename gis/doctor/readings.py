"""The six readings of a file, three datums by two axis orders, tried against the areas."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from gis.arrays import BoolArray, FloatArray
from gis.crs import LONLAT, to_lonlat
from gis.datum import Datum, convert_coordinates
from gis.errors import InputError

_CHUNK = 500_000
_LONLAT_EPSG_CODES = (4326, 4490, 4979)


@dataclass(frozen=True)
class ReadingResults:
    """Distinct usable locations, and under each of the six readings whether they lie in the areas."""

    unique_locations: FloatArray  # (n, 2) as given
    location_index: NDArray[np.intp]  # place of each record, -1 when not usable
    inside: BoolArray  # (6, n)
    shifted: BoolArray  # (2, n): under this axis order the datum makes a difference


CANDIDATE_READINGS = [(datum, swapped) for swapped in (False, True) for datum in Datum]


def to_lonlat_if_projected(points: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Project records to longitude, latitude; leave records in degrees exactly as they are."""
    # Degrees must not pass through PROJ: it turns the latitude 113.9 of swapped axes to infinity.
    if points.crs is None or points.crs == LONLAT:
        return points
    crs = CRS.from_user_input(points.crs)
    if (crs.is_geographic and crs.to_epsg() in _LONLAT_EPSG_CODES) or crs.to_authority() == ("OGC", "CRS84"):
        return points
    return to_lonlat(points)


def extract_area_polygons(areas: gpd.GeoDataFrame) -> NDArray[Any]:
    """Return the polygons of the areas in longitude, latitude.

    Raises
    ------
    InputError
        If there is none, or the areas name no CRS.
    """
    polygons = to_lonlat(areas).geometry.to_numpy()
    polygons = polygons[(shapely.get_dimensions(polygons) == 2) & ~shapely.is_empty(polygons)]
    if polygons.size == 0:
        raise InputError("The areas hold no polygon to compare the records with.")
    return np.asarray(polygons, dtype=object)


def record_locations(geometries: NDArray[Any]) -> tuple[FloatArray, FloatArray]:
    """Return one location for each geometry: NaN for None and empty ones, invalid coordinates unchanged."""
    geometries = np.asarray(geometries, dtype=object)
    x, y = np.full(geometries.size, np.nan), np.full(geometries.size, np.nan)
    points = (shapely.get_type_id(geometries) == 0) & ~shapely.is_empty(geometries)
    x[points], y[points] = shapely.get_x(geometries[points]), shapely.get_y(geometries[points])
    others = np.flatnonzero(~points & ~shapely.is_missing(geometries) & ~shapely.is_empty(geometries))
    if others.size == 0:
        return x, y
    vertices, owner = shapely.get_coordinates(geometries[others], return_index=True)
    bad = np.unique(owner[~np.isfinite(vertices).all(axis=1)])
    # A point on the surface of an invalid polygon can fail; its first vertex serves as well.
    first = vertices[np.searchsorted(owner, np.arange(others.size))]
    first[bad] = np.nan
    x[others], y[others] = first[:, 0], first[:, 1]
    is_valid = np.setdiff1d(np.flatnonzero(shapely.is_valid(geometries[others])), bad)
    inner = shapely.point_on_surface(geometries[others[is_valid]])
    x[others[is_valid]], y[others[is_valid]] = shapely.get_x(inner), shapely.get_y(inner)
    return x, y


def evaluate_readings(
    x: FloatArray, y: FloatArray, polygons: NDArray[Any], progress: Callable[[int, int], None] | None
) -> ReadingResults:
    """Try the locations (degrees as given, NaN where there is none) under each of `CANDIDATE_READINGS`."""
    in_range = (np.maximum(np.abs(x), np.abs(y)) <= 180) & (np.minimum(np.abs(x), np.abs(y)) <= 90)
    usable = np.isfinite(x) & np.isfinite(y) & in_range & ~((x == 0) & (y == 0))
    # Complex numbers sort as pairs, which is much faster than np.unique by rows.
    pairs, inverse = np.unique((x + 1j * y)[usable], return_inverse=True)
    location_index = np.full(x.size, -1, dtype=np.intp)
    location_index[usable] = inverse
    inside = np.zeros((len(CANDIDATE_READINGS), pairs.size), dtype=bool)
    shifted = np.zeros((2, pairs.size), dtype=bool)
    for k, (datum, swapped) in enumerate(CANDIDATE_READINGS):
        lon, lat = (pairs.imag, pairs.real) if swapped else (pairs.real, pairs.imag)
        wgs_lon, wgs_lat = convert_coordinates(lon, lat, datum, Datum.WGS84)
        inside[k] = _is_inside_any(wgs_lon, wgs_lat, polygons)
        shifted[int(swapped)] |= (wgs_lon != lon) | (wgs_lat != lat)
        if progress is not None:
            progress(k + 1, len(CANDIDATE_READINGS))
    return ReadingResults(np.column_stack([pairs.real, pairs.imag]), location_index, inside, shifted)


def _is_inside_any(lon: FloatArray, lat: FloatArray, polygons: NDArray[Any]) -> BoolArray:
    """Return which locations are covered by at least one polygon."""
    west, south, east, north = shapely.total_bounds(polygons)
    result = np.zeros(lon.size, dtype=bool)
    near = np.flatnonzero((lon >= west) & (lon <= east) & (lat >= south) & (lat <= north))
    for start in range(0, near.size, _CHUNK):
        rows = near[start : start + _CHUNK]
        tree = shapely.STRtree(np.asarray(shapely.points(lon[rows], lat[rows]), dtype=object))
        result[rows[tree.query(polygons, predicate="intersects")[1]]] = True
    return result
