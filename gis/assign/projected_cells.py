"""The cells on the ground: their shapes in metres, indexed, made when first asked for.

It serves shares and distances.
"""

from functools import cached_property

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS

from gis.assign.results import Booleans, Floats, Integers, Objects
from gis.crs import LONLAT, working_crs
from gis.locate import PointLocator

BATCH = 50_000
"""Entities, or pairs of entity and cell, handled at a time."""


class Ground:
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
        self.numbers = locator.numbers
        self.bare = not np.isfinite(locator.bounds).all()

    @cached_property
    def crs(self) -> CRS:
        """The metric working CRS."""
        if self._crs is not None:
            return self._crs
        return working_crs(self._locator.bounds)

    @cached_property
    def shapes(self) -> Objects:
        """The cells in metres, in the order of the locator, mended where invalid."""
        shapes = self.project(self._locator.shapes)
        invalid = np.flatnonzero(~shapely.is_valid(shapes) & ~shapely.is_missing(shapes))
        shapes[invalid] = shapely.make_valid(shapes[invalid], method="structure", keep_collapsed=False)
        shapely.prepare(shapes)
        return shapes

    @cached_property
    def tree(self) -> shapely.STRtree:
        """The index over `shapes`."""
        return shapely.STRtree(self.shapes)

    def project(self, geometries: Objects) -> Objects:
        """Return longitude, latitude geometries in metres, vertex by vertex."""
        return np.array(gpd.GeoSeries(geometries, crs=LONLAT).to_crs(self.crs).to_numpy(), dtype=object)

    def within_reach(self, geometries: Objects) -> Booleans:
        """Tell which longitude, latitude geometries lie within about `FARTHEST_M` of the cells' extent."""
        west, south, east, north = self._locator.bounds
        half = (east - west) % 360 / 2
        box = shapely.bounds(geometries)
        lon, lat = (box[:, 0] + box[:, 2]) / 2, (box[:, 1] + box[:, 3]) / 2
        beside = np.abs((lon - west - half + 180) % 360 - 180)
        turn = np.radians(np.maximum(beside - half, 0))
        here, there = np.radians(lat), np.radians(np.clip(lat, south, north))
        # The haversine of the angle between a location and the extent.
        angle = np.sin((here - there) / 2) ** 2 + np.cos(here) * np.cos(there) * np.sin(turn / 2) ** 2
        return np.asarray(2 * np.arcsin(np.sqrt(angle)) * _EARTH_M <= FARTHEST_M)

    def nearest(self, geometries: Objects, limit_m: float | None) -> tuple[Integers, Floats]:
        """Find the nearest cell of geometries in metres.

        Parameters
        ----------
        geometries
            Shape (n,), not empty, finite.
        limit_m
            Farthest distance looked at; none when not given.

        Returns
        -------
        number : ndarray of int64
            Position of the cell's code, the lowest of those equally near within `EQUALLY_NEAR_M`; -1 beyond.
        distance : ndarray of float
            Metres; NaN beyond the limit.
        """
        number: Integers = np.full(len(geometries), len(self.numbers), dtype=np.int64)
        distance = np.full(len(geometries), np.nan)
        (row, _), away = self.tree.query_nearest(
            geometries, max_distance=limit_m, return_distance=True, all_matches=False
        )
        distance[row] = away
        near, cell = self.tree.query(geometries[row], predicate="dwithin", distance=away + EQUALLY_NEAR_M)
        np.minimum.at(number, row[near], self.numbers[cell])
        number[number == len(self.numbers)] = -1
        return number, distance


FARTHEST_M = 1e6
"""Beyond, metres of a working CRS are no distances any more."""

_EARTH_M = 6_371_000.0

EQUALLY_NEAR_M = 1e-6
"""Distances that differ by less are equal; projecting moves a vertex by about 1e-9 m."""
