"""Undoing the snapping of an arrangement: every vertex that was there before gets its own coordinates again.

No border moves by more than the grid size, so that what a repair need not change stays as it was.
"""

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS

from gis.antimeridian import cut_at_antimeridian
from gis.arrays import BoolArray, FloatArray, Geometries, IntArray
from gis.crs import geometries_to_lonlat, to_lonlat
from gis.faces.arrangement import PRECISION_M
from gis.faces.rings import RingVertices

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

    rings = RingVertices.of(polygons)
    found, ring = rings.xy, rings.ring
    made = RingVertices.of(geometries_to_lonlat(polygons, crs)).xy
    grid_index, first = _snap_to_grid(np.concatenate([metres, found]))
    grid_index = grid_index[len(metres) :]
    # The first at a grid point is an original vertex if there is one.
    source = first[grid_index]
    new = source >= len(metres)
    needless = _between_two(np.flatnonzero(new), found, grid_index, rings) & ~_is_on_lines(found, cuts)
    keep = ~_is_in_straight_run(found, needless, rings)
    old, ring = np.where(new, 0, source)[keep], ring[keep]
    lonlat = np.where(new[keep, None], made[keep], degrees[old])
    placed = np.where(new[keep, None], found[keep], metres[old])
    restored = cut_at_antimeridian(rings._replace(xy=lonlat, ring=ring).to_polygons())
    before = np.asarray(to_lonlat(original).geometry, dtype=object)
    same = shapely.equals_identical(shapely.normalize(restored), shapely.normalize(before))
    restored[same] = before[same]
    return RestoredPolygons(restored, rings._replace(xy=placed, ring=ring).to_polygons())


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


def _between_two(
    rows: IntArray, coordinates: FloatArray, grid_index: IntArray, rings: RingVertices
) -> BoolArray:
    """Return which of the vertices `rows` lie between their neighbours on a border of two polygons only."""
    next_vertex = rings.next_vertex()
    previous = np.empty_like(next_vertex)
    previous[next_vertex] = np.arange(len(next_vertex))
    before, behind = previous[rows], next_vertex[rows]
    along = coordinates[behind] - coordinates[before]
    away = coordinates[rows] - coordinates[before]
    length = np.hypot(along[:, 0], along[:, 1])
    offset = np.abs(along[:, 0] * away[:, 1] - along[:, 1] * away[:, 0])
    forth = (along * away).sum(axis=1)
    rows = rows[(forth > 0) & (forth < length**2) & (offset <= _STRAIGHT_M * length)]
    # All vertices at the grid points of these, and where one gets from there.
    count = int(grid_index.max(initial=0)) + 1
    at_point = np.zeros(count, dtype=bool)
    at_point[grid_index[rows]] = True
    there = np.flatnonzero(at_point[grid_index])
    ways = [grid_index[there] * count + grid_index[next_one[there]] for next_one in (previous, next_vertex)]
    beside = np.bincount(np.unique(np.concatenate(ways)) // count, minlength=count)
    result = np.zeros(len(coordinates), dtype=bool)
    result[rows[beside[grid_index[rows]] == 2]] = True
    return result


def _is_in_straight_run(coordinates: FloatArray, needless: BoolArray, rings: RingVertices) -> BoolArray:
    """Return which needless vertices can be dropped together with those next to them.

    Of two vertices close together at a corner each lies nearly straight between its neighbours, and without
    both the corner is gone: a run of needless vertices goes only if all lie on the line between its ends.
    """
    starts = rings.starts()
    ring = np.cumsum(np.bincount(starts, minlength=len(needless))) - 1
    anchors = np.flatnonzero(~needless)
    count = np.bincount(ring[anchors], minlength=len(starts))
    first = np.cumsum(count) - count
    rows = np.flatnonzero(needless & (count >= 3)[ring])
    if not len(rows):
        return np.zeros(len(needless), dtype=bool)
    behind = np.searchsorted(anchors, rows) - first[ring[rows]]
    size = count[ring[rows]]
    start = anchors[first[ring[rows]] + (behind - 1) % size]
    end = anchors[first[ring[rows]] + behind % size]
    chords = shapely.linestrings(np.stack([coordinates[start], coordinates[end]], axis=1))
    off = shapely.distance(chords, shapely.points(coordinates[rows])) > _STRAIGHT_M
    bent = np.zeros(len(needless), dtype=bool)
    bent[start[off]] = True
    result = np.zeros(len(needless), dtype=bool)
    result[rows[~bent[start]]] = True
    return result
