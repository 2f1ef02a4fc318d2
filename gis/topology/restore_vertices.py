"""Undoing the snapping of an arrangement: every vertex that was there before gets its own coordinates again.

No border moves by more than the grid size, so that what a repair need not change stays as it was.
"""

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS

from gis.arrays import BoolArray, FloatArray, Geometries, IntArray
from gis.crs import geometries_to_lonlat, to_lonlat
from gis.faces.arrangement import PRECISION_M

_STRAIGHT_M = 3 * PRECISION_M


class RestoredPolygons(NamedTuple):
    """Polygons in degrees (EPSG:4326) and the same vertices in metres."""

    lonlat: Geometries
    projected: Geometries


def restore_vertices(
    polygons: Geometries,
    original: gpd.GeoDataFrame,
    areas: gpd.GeoDataFrame | None,
    cuts: Geometries,
    crs: CRS,
) -> RestoredPolygons:
    """Convert polygons from the grid to longitude and latitude, with the original vertices.

    Parameters
    ----------
    polygons
        A coverage of Polygons and MultiPolygons made of `gis.faces.arrangement.faces`, metres.
    original, areas
        What it was made of, in any CRS. Of several vertices at one grid point the first is used.
    cuts
        Lines in metres; the vertices they made stay.
    crs
        The working CRS.

    Returns
    -------
    RestoredPolygons
        A polygon whose border has not changed is the original, to the last byte. A new vertex stays only
        where borders meet or bend.
    """
    frames = [original] if areas is None else [original, areas]
    degrees = np.concatenate([shapely.get_coordinates(np.asarray(to_lonlat(one).geometry)) for one in frames])
    metres = np.concatenate([shapely.get_coordinates(np.asarray(one.geometry.to_crs(crs))) for one in frames])

    parts, owner = shapely.get_parts(polygons, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    found, ring = shapely.get_coordinates(rings, return_index=True)
    made = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(geometries_to_lonlat(polygons, crs))))
    ends = np.append(ring[1:] != ring[:-1], True)
    found, made, ring = found[~ends], made[~ends], ring[~ends]
    grid_index, first = _snap_to_grid(np.concatenate([metres, found]))
    grid_index = grid_index[len(metres) :]
    # The first at a grid point is an original vertex if there is one.
    source = first[grid_index]
    new = source >= len(metres)
    keep = ~new | ~_is_redundant(found, grid_index, ring) | _is_on_lines(found, cuts)
    old, ring = np.where(new, 0, source)[keep], ring[keep]
    lonlat = np.where(new[keep, None], made[keep], degrees[old])
    placed = np.where(new[keep, None], found[keep], metres[old])
    restored = _build_polygons(lonlat, ring, part, owner)
    before = np.asarray(to_lonlat(original).geometry, dtype=object)
    same = shapely.equals_identical(shapely.normalize(restored), shapely.normalize(before))
    restored[same] = before[same]
    return RestoredPolygons(restored, _build_polygons(placed, ring, part, owner))


def _snap_to_grid(coordinates: FloatArray) -> tuple[IntArray, IntArray]:
    """Return the grid point of each vertex, by number, and the first vertex at each grid point."""
    # As GEOS rounds, so that a vertex is found again.
    x, y = np.floor(coordinates * round(1 / PRECISION_M) + 0.5).T
    order = np.lexsort((y, x))
    new = np.ones(len(order), dtype=bool)
    new[1:] = (x[order][1:] != x[order][:-1]) | (y[order][1:] != y[order][:-1])
    grid_index = np.empty(len(order), dtype=np.int64)
    grid_index[order] = np.cumsum(new) - 1
    return grid_index, order[new]


def _is_on_lines(coordinates: FloatArray, lines: Geometries) -> BoolArray:
    """Return which vertices lie on lines, within the grid."""
    result = np.zeros(len(coordinates), dtype=bool)
    tree = shapely.STRtree(np.asarray(shapely.points(coordinates), dtype=object))
    result[tree.query(lines, predicate="dwithin", distance=_STRAIGHT_M)[1]] = True
    return result


def _is_redundant(coordinates: FloatArray, grid_index: IntArray, ring: IntArray) -> BoolArray:
    """Return which vertices lie on a straight border between the same two polygons."""
    starts = np.flatnonzero(np.append(True, ring[1:] != ring[:-1]))
    ends = np.append(starts[1:], len(ring)) - 1
    before, behind = np.arange(len(ring)) - 1, np.arange(len(ring)) + 1
    before[starts], behind[ends] = ends, starts
    count = int(grid_index.max(initial=0)) + 1
    pairs = np.unique(
        np.concatenate([grid_index * count + grid_index[before], grid_index * count + grid_index[behind]])
    )
    beside = np.bincount(pairs // count, minlength=count)
    along = coordinates[behind] - coordinates[before]
    away = coordinates - coordinates[before]
    length = np.hypot(along[:, 0], along[:, 1])
    offset = np.abs(along[:, 0] * away[:, 1] - along[:, 1] * away[:, 0])
    forth = (along * away).sum(axis=1)
    between = (forth > 0) & (forth < length**2)
    return np.asarray((beside[grid_index] == 2) & between & (offset <= _STRAIGHT_M * length))


def _build_polygons(coordinates: FloatArray, ring: IntArray, part: IntArray, owner: IntArray) -> Geometries:
    """Assemble rings into parts, and parts into polygons."""
    rings = np.asarray(shapely.linearrings(coordinates, indices=ring), dtype=object)
    parts = np.asarray(shapely.polygons(rings, indices=part), dtype=object)
    single = np.bincount(owner)[owner] == 1
    result = np.empty(int(owner.max()) + 1, dtype=object)
    result[owner[single]] = parts[single]
    rows, where = np.unique(owner[~single], return_inverse=True)
    if len(rows):
        result[rows] = shapely.multipolygons(parts[~single], indices=where)
    return result
