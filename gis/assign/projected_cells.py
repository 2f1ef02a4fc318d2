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

    @cached_property
    def _border_tree(self) -> tuple[shapely.STRtree, IntArray]:
        """The spatial index of the borders in short pieces, and the cell of each piece.

        A distance to a whole polygon would be measured along all of its border.
        """
        parts, cell = shapely.get_parts(self.polygons, return_index=True)
        rings, part = shapely.get_rings(parts, return_index=True)
        xy, ring = shapely.get_coordinates(rings, return_index=True)
        edge = np.flatnonzero(ring[1:] == ring[:-1])
        number = edge - np.searchsorted(ring, ring[edge])
        start = edge[number % _EDGES_PER_PIECE == 0]
        count = np.diff(np.append(np.searchsorted(edge, start), len(edge))) + 1
        offset = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        pieces = shapely.linestrings(
            xy[np.repeat(start, count) + offset], indices=np.repeat(np.arange(len(start)), count)
        )
        return shapely.STRtree(pieces), cell[part[ring[start]]].astype(np.int64)

    def find_intersecting(self, geometries: ObjectArray) -> tuple[IntArray, IntArray]:
        """Return the pairs of a geometry in metres and a cell that intersect, by their positions."""
        row, cell = self.tree.query(geometries)
        # The larger of the two is the one whose index saves most.
        larger = shapely.get_num_coordinates(geometries)[row] > self._vertex_count[cell]
        shapely.prepare(geometries[np.unique(row[larger])])
        hit = np.empty(len(row), dtype=bool)
        hit[larger] = shapely.intersects(geometries[row[larger]], self.polygons[cell[larger]])
        hit[~larger] = shapely.intersects(self.polygons[cell[~larger]], geometries[row[~larger]])
        return row[hit].astype(np.int64), cell[hit].astype(np.int64)

    @cached_property
    def _vertex_count(self) -> IntArray:
        return np.asarray(shapely.get_num_coordinates(self.polygons), dtype=np.int64)

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

    def find_nearest(self, geometries: ObjectArray, max_distance_m: float) -> tuple[IntArray, FloatArray]:
        """Find the nearest cell of geometries in metres.

        Parameters
        ----------
        geometries
            Shape (n,), not empty, finite.
        max_distance_m
            The largest distance considered.

        Returns
        -------
        number : ndarray of int64
            Position of the cell's code, the lowest of those equally near within `DISTANCE_TIE_M`; -1 beyond.
        distance : ndarray of float
            Metres; NaN beyond the limit.
        """
        # The tree takes no limit of 0; what lies within the tie of a cell is at no distance from it.
        distance = self.distances(geometries, max(max_distance_m, DISTANCE_TIE_M))
        number: IntArray = np.full(len(geometries), len(self.code_index), dtype=np.int64)
        row, cell = self.find_intersecting(geometries)
        np.minimum.at(number, row, self.code_index[cell])
        borders, cell_of_piece = self._border_tree
        near = np.flatnonzero(~np.isnan(distance))
        row, piece = borders.query(
            geometries[near], predicate="dwithin", distance=distance[near] + DISTANCE_TIE_M
        )
        np.minimum.at(number, near[row], self.code_index[cell_of_piece[piece]])
        number[number == len(self.code_index)] = -1
        return number, distance

    def distances(self, geometries: ObjectArray, max_distance_m: float | None = None) -> FloatArray:
        """Return how far geometries are from the nearest cell, in metres; NaN beyond the limit.

        Which cell that is, it does not find out: the ties of a far geometry are as many as there are borders.
        """
        distance = np.full(len(geometries), np.nan)
        distance[self.find_intersecting(geometries)[0]] = 0.0
        apart = np.flatnonzero(np.isnan(distance))
        (found, _), away = self._border_tree[0].query_nearest(
            geometries[apart], max_distance=max_distance_m, return_distance=True, all_matches=False
        )
        distance[apart[found]] = away
        return distance


MAX_PLANAR_DISTANCE_M = 1e6
"""Beyond this, metres of a working CRS are no distances any more."""

_EARTH_M = 6_371_000.0

_EDGES_PER_PIECE = 16

DISTANCE_TIE_M = 1e-6
"""Distances that differ by less are equal; projecting moves a vertex by about 1e-9 m."""
