"""Shapes of cells: compactness, smallest enclosing circles, parts, and how long it takes to walk across."""

from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.arrays import FloatArray, IntArray, ObjectArray

WALKING_M_PER_MIN = 80.0
"""The pace of someone on a round, 4.8 km/h."""

# WGS 84: semi-major axis and the square of the first eccentricity.
_A_M, _E2 = 6_378_137.0, 0.00669437999014
# The share by which a circle may be too wide: no square on the ellipsoid has its corners on one circle.
_TOLERANCE = 1e-4


class CellShapes:
    """Figures of n geometries, each computed when it is first asked for and then kept.

    Parameters
    ----------
    geometries
        Polygons in EPSG:4326, shape (n,); None and empty ones have no size.
    """

    def __init__(self, geometries: ObjectArray) -> None:
        self._geometries = geometries

    @cached_property
    def bounding_radii_m(self) -> FloatArray:
        """Radius of the smallest circle around each, m, shape (n,); NaN without geometry."""
        return bounding_radii(self._geometries)

    @cached_property
    def part_counts(self) -> IntArray:
        """Number of polygons that each consists of, shape (n,); 0 without geometry."""
        counts: IntArray = shapely.get_num_geometries(self._geometries).astype(np.int64)
        return np.where(shapely.is_empty(self._geometries), 0, counts)


def polsby_popper(areas_m2: FloatArray, perimeters_m: FloatArray) -> FloatArray:
    """Return 4πA/P², shape (n,): 1 for a circle, less for all else (Polsby and Popper 1991)."""
    return _ratio(4 * np.pi * areas_m2, perimeters_m**2)


def reock(areas_m2: FloatArray, bounding_radii_m: FloatArray) -> FloatArray:
    """Return the share of the smallest circle around each that it covers, shape (n,) (Reock 1961)."""
    return _ratio(areas_m2, np.pi * bounding_radii_m**2)


def compactness_index(areas_m2: FloatArray, perimeters_m: FloatArray) -> FloatArray:
    """Return how near each border comes to the circumference of a circle, from 0 to 100, shape (n,).

    Esri's Territory Design reports such a compactness: "between 0 and 100", the closer "to the circumference
    of a perfect circle" the higher (ArcGIS Desktop, Essential Territory Design vocabulary). Its formula is
    not published; this is the circumference of a circle of the same area in percent of the perimeter, which
    is 100 times the square root of `polsby_popper`.
    """
    return 100 * _ratio(2 * np.sqrt(np.pi * areas_m2), perimeters_m)


def walk_minutes(bounding_radii_m: FloatArray, m_per_min: float = WALKING_M_PER_MIN) -> FloatArray:
    """Return the minutes that it takes to walk across each, shape (n,).

    The way is the diameter of the smallest circle around it: no two of its spots are farther apart, and in
    most cells two are nearly as far. Streets are not looked at.
    """
    return 2 * bounding_radii_m / m_per_min


def bounding_radii(geometries: ObjectArray) -> FloatArray:
    """Return the radius of the smallest circle around each geometry, m, shape (n,).

    Parameters
    ----------
    geometries
        In EPSG:4326, shape (n,); NaN is returned where there is none.

    Returns
    -------
    ndarray of float
        True to 0.03 % for geometries within one degree.
    """
    radii = np.full(len(geometries), np.nan)
    xy, index = _local_coordinates(geometries)
    if not len(xy):
        return radii
    first = np.flatnonzero(np.r_[True, index[1:] != index[:-1]])
    present, sizes = index[first], np.diff(np.r_[first, len(index)])
    near = _farthest(xy, xy[first], first, sizes)
    far = _farthest(xy, near, first, sizes)
    # A circle on two points as diameter that holds all others is the smallest; so it is for most cells.
    centre, radius = (near + far) / 2, np.hypot(*(near - far).T) / 2
    reach = np.sqrt(np.maximum.reduceat(_squared_distances(xy, centre, sizes), first))
    radii[present] = reach
    wider = reach > radius * (1 + _TOLERANCE)
    if wider.any():
        # Needs a copy, because set_coordinates fills the array that it is given.
        local = shapely.set_coordinates(geometries[present[wider]].copy(), xy[np.repeat(wider, sizes)])
        radii[present[wider]] = shapely.minimum_bounding_radius(local)
    return radii


def _local_coordinates(geometries: ObjectArray) -> tuple[FloatArray, IntArray]:
    """Project the vertices of each geometry onto a plane of its own, true in lengths around its first vertex.

    A transverse Mercator projection about the meridian of the first vertex, to the third order, in a fraction
    of the time that one working CRS for all takes. Returns metres east and north, shape (vertices, 2), and
    the position of the geometry of each vertex, ascending.
    """
    degrees, index = shapely.get_coordinates(geometries, return_index=True)
    if not len(degrees):
        return degrees, index
    first = np.flatnonzero(np.r_[True, index[1:] != index[:-1]])
    sizes = np.diff(np.r_[first, len(index)])
    lon0, lat0 = (np.repeat(np.radians(degrees[first, axis]), sizes) for axis in (0, 1))
    lon, lat = np.radians(degrees).T
    east = (lon - lon0 + np.pi) % (2 * np.pi) - np.pi
    sine, cosine = np.sin(lat), np.cos(lat)
    normal = _A_M / np.sqrt(1 - _E2 * sine**2)
    along = east * cosine
    x = normal * along * (1 + (1 - 2 * sine**2) / cosine**2 * along**2 / 6)
    middle = np.sin((lat + lat0) / 2)
    meridional = _A_M * (1 - _E2) / (1 - _E2 * middle**2) ** 1.5
    y = meridional * (lat - lat0) + normal * sine / cosine * along**2 / 2
    return np.column_stack([x, y]), index


def _squared_distances(xy: FloatArray, origins: FloatArray, sizes: IntArray) -> FloatArray:
    """Return the squared distance of each point from the origin of its group, shape (points,)."""
    x, y = (np.repeat(origins[:, axis], sizes) for axis in (0, 1))
    squared: FloatArray = (xy[:, 0] - x) ** 2 + (xy[:, 1] - y) ** 2
    return squared


def _farthest(xy: FloatArray, origins: FloatArray, first: IntArray, sizes: IntArray) -> FloatArray:
    """Return of each group the point that is farthest from the group's origin, shape (groups, 2)."""
    squared = _squared_distances(xy, origins, sizes)
    greatest = np.repeat(np.maximum.reduceat(squared, first), sizes)
    places = np.where(squared == greatest, np.arange(len(xy)), len(xy))
    return xy[np.minimum.reduceat(places, first)]


def _ratio(upper: NDArray[np.float64], lower: NDArray[np.float64]) -> FloatArray:
    """Divide; NaN where there is nothing to divide by."""
    result: FloatArray = np.divide(upper, lower, out=np.full(len(upper), np.nan), where=lower > 0)
    return result
