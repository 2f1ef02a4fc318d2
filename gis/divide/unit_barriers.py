"""Barriers between units: the borders that run along a line which no cell may cross."""

import geopandas as gpd
import numpy as np
import shapely

from gis.arrays import FloatArray, Geometries, IntArray
from gis.crs import to_lonlat
from gis.divide.unit_coverage import UnitCoverage, and_more
from gis.errors import InputError, ParameterError
from gis.graph import NeighbourGraph

DEFAULT_BARRIER_TOLERANCE_M = 1.0

_CORNER = 3
"""Times the tolerance that a line may run beside a border it only meets at an end or crosses."""

_NOISE_M2 = 1e-3


NO_BARRIERS: Geometries = np.empty(0, dtype=object)


def remove_barriers(
    units: UnitCoverage, borders: NeighbourGraph, segments: Geometries, tolerance_m: float
) -> NeighbourGraph:
    """Return the borders without those that run along a barrier.

    Parameters
    ----------
    borders
        Neighbours among the units.
    segments
        The barriers, as `barrier_segments` returns them.
    tolerance_m
        How far a border may run beside a barrier and still lie on it, in metres.

    Raises
    ------
    InputError
        If a barrier cuts a unit in two.
    """
    if not len(segments):
        return borders
    if not (np.isfinite(tolerance_m) and tolerance_m > 0):
        raise ParameterError(f"The tolerance of barriers must be above 0 m, not {tolerance_m:g}.")
    hit, near = shapely.STRtree(units.geometry).query(segments, predicate="dwithin", distance=tolerance_m)
    if not len(near):
        return borders
    _check_uncut(units, segments[hit], near, tolerance_m)
    is_near = np.zeros(len(units), dtype=bool)
    is_near[near] = True
    first, second = borders.pairs()
    both = np.flatnonzero(is_near[first] & is_near[second])
    shared = shapely.intersection(
        shapely.boundary(units.geometry[first[both]]), shapely.boundary(units.geometry[second[both]])
    )
    along = _length_along(shared, segments[np.unique(hit)], tolerance_m)
    blocked = both[along > np.minimum(_CORNER * tolerance_m, shapely.length(shared) / 2)]
    keys = first[blocked] * len(units) + second[blocked]
    rows = borders.rows()
    low, high = np.minimum(rows, borders.neighbours), np.maximum(rows, borders.neighbours)
    return borders.select(~np.isin(low * len(units) + high, keys))


def barrier_segments(units: UnitCoverage, barriers: gpd.GeoDataFrame) -> Geometries:
    """Return the straight pieces of the lines of a layer, and of outlines, in the working CRS of the units.

    Raises
    ------
    InputError
        If the layer has no line.
    """
    geometry = np.asarray(to_lonlat(barriers).to_crs(units.crs).geometry.array, dtype=object)
    geometry = shapely.force_2d(geometry[~(shapely.is_missing(geometry) | shapely.is_empty(geometry))])
    polygonal = shapely.get_dimensions(geometry) == 2
    geometry[polygonal] = shapely.boundary(geometry[polygonal])
    parts = shapely.get_parts(geometry)
    xy, line = shapely.get_coordinates(parts[shapely.get_dimensions(parts) == 1], return_index=True)
    ends = np.stack([xy[:-1], xy[1:]], axis=1)
    real = (
        (line[1:] == line[:-1]) & (ends[:, 0] != ends[:, 1]).any(axis=1) & np.isfinite(ends).all(axis=(1, 2))
    )
    if not real.any():
        raise InputError("The barriers have no line that could be one.")
    return np.asarray(shapely.linestrings(ends[real]), dtype=object)


def _length_along(shared: Geometries, segments: Geometries, tolerance_m: float) -> FloatArray:
    """Return how much of each shared border lies beside a barrier."""
    # Flat ends: a border that goes on beyond the end of a barrier does not lie on it.
    reach = shapely.buffer(segments, tolerance_m, cap_style="flat")
    border, segment = shapely.STRtree(reach).query(shared, predicate="intersects")
    length = shapely.length(shapely.intersection(shared[border], reach[segment]))
    return np.bincount(border, weights=length, minlength=len(shared)).astype(np.float64)


def _check_uncut(units: UnitCoverage, segments: Geometries, near: IntArray, tolerance_m: float) -> None:
    """Refuse barriers that cut a unit in two, which every cell with it would cross."""
    order = np.argsort(near, kind="stable")
    rows, start = np.unique(near[order], return_index=True)
    group = np.repeat(np.arange(len(rows)), np.diff(np.r_[start, len(near)]))
    lines = np.asarray(shapely.multilinestrings(segments[order], indices=group), dtype=object)
    inner = shapely.buffer(units.geometry[rows], -tolerance_m)
    entered = shapely.intersects(lines, inner)
    rows, lines = rows[entered], lines[entered]
    left, unit = shapely.get_parts(
        shapely.difference(units.geometry[rows], shapely.buffer(lines, tolerance_m, quad_segs=4)),
        return_index=True,
    )
    # A pond inside a unit does not cut it in two.
    outer = shapely.intersects(left, shapely.boundary(units.geometry[rows[unit]]))
    counted = outer & (shapely.area(left) > _NOISE_M2)
    parts = np.bincount(unit[counted], minlength=len(rows))
    cut = rows[parts > shapely.get_num_geometries(units.geometry[rows])]
    if len(cut):
        raise InputError(
            f"A barrier runs through unit '{units.code[cut[0]]}', so that a cell with it would cross "
            f"the barrier{and_more(len(cut))}; "
            "cut the units along the barriers, or leave out what is no border of units."
        )
