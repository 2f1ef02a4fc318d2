"""The cells of a locator in their working CRS with a spatial index, built on first use."""

from functools import cached_property

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS

from gis.arrays import BoolArray, FloatArray, IntArray, ObjectArray
from gis.crs import LONLAT, working_crs_for_bounds
from gis.locate import PointLocator

BATCH = 50_000
"""Entities, or pairs of entity and cell, processed at a time."""


class ProjectedCells:
    """The cells of a locator in their working CRS.

    Parameters
    ----------
    locator
        The cells.
    crs
        Metric working CRS; chosen from the extent of the cells when not given.
    """

    def __init__(self, locator: PointLocator, crs: CRS | None) -> None:
        self._locator = locator
        self._crs = crs
        self.code_index = locator.code_index
        self.is_empty = not np.isfinite(locator.bounds).all()

    @cached_property
    def crs(self) -> CRS:
        """The metric working CRS."""
        if self._crs is not None:
            return self._crs
        return working_crs_for_bounds(self._locator.bounds)

    @cached_property
    def polygons(self) -> ObjectArray:
        """The cells in metres, in the order of the locator, made valid where they are not."""
        polygons = self.project(self._locator.geometries)
        invalid = np.flatnonzero(~shapely.is_valid(polygons) & ~shapely.is_missing(polygons))
        polygons[invalid] = shapely.make_valid(polygons[invalid], method="structure", keep_collapsed=False)
        shapely.prepare(polygons)
        return polygons

    @cached_property
    def tree(self) -> shapely.STRtree:
        """The spatial index of `geometries`."""
        return shapely.STRtree(self.polygons)

    def project(self, geometries: ObjectArray) -> ObjectArray:
        """Return longitude, latitude geometries in metres, vertex by vertex."""
        return np.array(gpd.GeoSeries(geometries, crs=LONLAT).to_crs(self.crs).to_numpy(), dtype=object)

    def is_near_extent(self, geometries: ObjectArray) -> BoolArray:
        """Return which lon/lat geometries lie within about `MAX_PLANAR_DISTANCE_M` of the cells' extent."""
        west, south, east, north = self._locator.bounds
        half = (east - west) % 360 / 2
        bounds = shapely.bounds(geometries)
        lon, lat = (bounds[:, 0] + bounds[:, 2]) / 2, (bounds[:, 1] + bounds[:, 3]) / 2
        beside = np.abs((lon - west - half + 180) % 360 - 180)
        turn = np.radians(np.maximum(beside - half, 0))
        here, there = np.radians(lat), np.radians(np.clip(lat, south, north))
        # The haversine of the angle between a location and the extent.
        angle = np.sin((here - there) / 2) ** 2 + np.cos(here) * np.cos(there) * np.sin(turn / 2) ** 2
        return np.asarray(2 * np.arcsin(np.sqrt(angle)) * _EARTH_M <= MAX_PLANAR_DISTANCE_M)

    def find_nearest(
        self, geometries: ObjectArray, max_distance_m: float | None
    ) -> tuple[IntArray, FloatArray]:
        """Find the nearest cell of geometries in metres.

        Parameters
        ----------
        geometries
            Shape (n,), not empty, finite.
        max_distance_m
            The largest distance considered; unlimited when not given.

        Returns
        -------
        number : ndarray of int64
            Position of the cell's code, the lowest of those equally near within `DISTANCE_TIE_M`; -1 beyond.
        distance : ndarray of float
            Metres; NaN beyond the limit.
        """
        number: IntArray = np.full(len(geometries), len(self.code_index), dtype=np.int64)
        distance = np.full(len(geometries), np.nan)
        # The tree takes no limit of 0; what lies within the tie of a cell is at no distance from it.
        limit_m = None if max_distance_m is None else max(max_distance_m, DISTANCE_TIE_M)
        (row, _), away = self.tree.query_nearest(
            geometries, max_distance=limit_m, return_distance=True, all_matches=False
        )
        distance[row] = away
        near, cell = self.tree.query(geometries[row], predicate="dwithin", distance=away + DISTANCE_TIE_M)
        np.minimum.at(number, row[near], self.code_index[cell])
        number[number == len(self.code_index)] = -1
        return number, distance


MAX_PLANAR_DISTANCE_M = 1e6
"""Beyond this, metres of a working CRS are no distances any more."""

_EARTH_M = 6_371_000.0

DISTANCE_TIE_M = 1e-6
"""Distances that differ by less are equal; projecting moves a vertex by about 1e-9 m."""
