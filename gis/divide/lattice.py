"""The lines of the unit grid over a region: at multiples of the size, and only where there is ground.

It makes linework for `gis.arrangement`; which face becomes which cell belongs to `gis.divide.square`.
"""

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from gis.arrangement import PRECISION_M, Geometries
from gis.crs import LONLAT

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def grid_lines(polygons: Geometries, size_m: float, crs: CRS) -> Geometries:
    """Draw the lines x = k size, y = k size wherever they cross polygons.

    Lines run on beyond the polygons by half to one and a half sizes, because a line that ended exactly
    on a border could miss it by a rounding. A line passes through every polygon vertex that is nearer
    than its own bend between the working CRS and longitude, latitude (see `bend_m`): otherwise the
    vertex would lie on one side of it here and on the other side there, and cells would overlap by a
    fraction of a millimetre.

    Parameters
    ----------
    polygons
        Polygons or MultiPolygons in metres.
    size_m
        Distance of the lines in metres.
    crs
        The CRS of the polygons.

    Returns
    -------
    ndarray of LineString
        Two-dimensional lines in metres.
    """
    rings = shapely.get_rings(shapely.get_parts(polygons))
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    closing = ring[1:] != ring[:-1]
    start, end = xy[:-1][~closing], xy[1:][~closing]
    tolerance = bend_m(np.concatenate([xy.min(axis=0), xy.max(axis=0)]), size_m, crs)
    owner = _ring_owner(polygons)[ring[:-1][~closing]]
    vertical = _lines(start, end, owner, size_m, tolerance)
    horizontal = _lines(start[:, ::-1], end[:, ::-1], owner, size_m, tolerance)
    return np.concatenate(
        [vertical, shapely.transform(horizontal, lambda c: c[:, ::-1])],
        dtype=object,
    )


def bend_m(bounds: Floats, size_m: float, crs: CRS) -> float:
    """Measure how far a straight side of a square bends on the way to longitude, latitude.

    The distance between the middle of a side and the middle of its ends taken in degrees, the largest
    of a sample over the bounds, doubled for safety; about size² tan(latitude) / (8 earth radius).

    Parameters
    ----------
    bounds
        West, south, east, north in metres.
    size_m
        Length of the side in metres.
    crs
        The CRS of the bounds.

    Returns
    -------
    float
        Metres, at least four times the vertex precision.
    """
    x, y = (v.ravel() for v in np.meshgrid(*np.linspace(bounds[:2], bounds[2:], 5).T))
    there = Transformer.from_crs(crs, LONLAT, always_xy=True)
    half = size_m / 2
    bend = 0.0
    for dx, dy in ((half, 0.0), (0.0, half)):
        west_south = np.array(there.transform(x - dx, y - dy))
        east_north = np.array(there.transform(x + dx, y + dy))
        lon, lat = (west_south + east_north) / 2
        middle = there.transform(lon, lat, direction="INVERSE")
        bend = max(bend, float(np.hypot(middle[0] - x, middle[1] - y).max()))
    return max(2 * bend, 4 * PRECISION_M)


def _ring_owner(polygons: Geometries) -> NDArray[np.intp]:
    """Give the part (polygon) to which each ring belongs."""
    return np.asarray(shapely.get_rings(shapely.get_parts(polygons), return_index=True)[1], dtype=np.intp)


def _lines(start: Floats, end: Floats, owner: NDArray[np.intp], size: float, tolerance: float) -> Geometries:
    """Draw the lines of constant first coordinate."""
    line, low, high = _spans(start, end, owner, size)
    if not len(line):
        return np.empty(0, dtype=object)
    bent_line, bent_xy = _bends(start, size, tolerance)
    step = np.rint(bent_xy[:, 1] / size)
    at_corner = np.abs(bent_xy[:, 1] - step * size) < tolerance
    # Corners of the grid beside a bend keep the rest of the line straight, unless a bend replaces them: then
    # the crossing line passes through that vertex too.
    below = np.where(at_corner, step - 1, np.floor(bent_xy[:, 1] / size)).astype(np.int64)
    above = np.where(at_corner, step + 1, np.ceil(bent_xy[:, 1] / size)).astype(np.int64)
    wanted = np.column_stack(
        [np.concatenate([bent_line, bent_line, line, line]), np.concatenate([below, above, low, high])]
    )
    replaced = np.column_stack([bent_line, step.astype(np.int64)])[at_corner]
    corner = _without(np.unique(wanted, axis=0), np.unique(replaced, axis=0))
    at_line = np.concatenate([corner[:, 0], bent_line])
    xy = np.concatenate([corner * size, bent_xy])
    # A vertex belongs to the span of its line that contains it; bends beyond every span are not needed.
    at = np.concatenate([corner[:, 1], np.where(at_corner, step, bent_xy[:, 1] / size)])
    span = _span_of(at_line, at, line, low, high)
    at_span, xy = span[span >= 0], xy[span >= 0]
    order = np.lexsort((xy[:, 0], xy[:, 1], at_span))
    return np.asarray(shapely.linestrings(xy[order], indices=at_span[order]), dtype=object)


def _spans(start: Floats, end: Floats, owner: NDArray[np.intp], size: float) -> tuple[Ints, Ints, Ints]:
    """Find where the lines x = k size run through polygons: k, from and to, in grid units, disjoint."""
    # Half-open steps (an end on the line counts on one side only): each ring crosses an even number of times.
    k0, k1 = np.ceil(start[:, 0] / size).astype(np.int64), np.ceil(end[:, 0] / size).astype(np.int64)
    first, count = np.minimum(k0, k1), np.abs(k1 - k0)
    edge = np.repeat(np.arange(len(start)), count)
    k = first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    share = (k * size - start[edge, 0]) / (end[edge, 0] - start[edge, 0])
    y = start[edge, 1] + share * (end[edge, 1] - start[edge, 1])
    order = np.lexsort((y, k, owner[edge]))
    k, y = k[order], y[order]
    k, low, high = k[::2], np.floor(y[::2] / size - 0.5), np.ceil(y[1::2] / size + 0.5)
    order = np.lexsort((low, k))
    k, low, high = k[order], low[order].astype(np.int64), high[order].astype(np.int64)
    if not len(k):
        return k, low, high
    # Spans of one line that meet become one; lines are kept apart by an offset larger than any span.
    base, offset = low.min(), (k - k.min()) * (high.max() - low.min() + 2)
    reach = np.maximum.accumulate(high - base + offset)
    fresh = np.concatenate([[True], (low - base + offset)[1:] > reach[:-1]])
    last = np.concatenate([np.flatnonzero(fresh)[1:] - 1, [len(k) - 1]])
    return k[fresh], low[fresh], reach[last] - offset[last] + base


def _bends(vertex: Floats, size: float, tolerance: float) -> tuple[Ints, Floats]:
    """Find the vertices nearer than `tolerance` to a line, and the lines."""
    k = np.rint(vertex[:, 0] / size)
    near = np.abs(vertex[:, 0] - k * size) < tolerance
    bent = np.unique(np.column_stack([k[near], vertex[near]]), axis=0)
    return bent[:, 0].astype(np.int64), bent[:, 1:]


def _without(rows: Ints, others: Ints) -> Ints:
    """Drop the rows that occur among others; both hold unique rows."""
    _, where, count = np.unique(
        np.concatenate([rows, others]), axis=0, return_inverse=True, return_counts=True
    )
    return np.asarray(rows[count[where[: len(rows)]] == 1])


def _span_of(at_line: Ints, at: Floats, line: Ints, low: Ints, high: Ints) -> NDArray[np.intp]:
    """Give the span (sorted by line, then low) that contains each position, -1 when none does."""
    base = np.minimum(low.min(), np.floor(at.min()))
    reach = np.maximum(high.max(), np.ceil(at.max())) - base + 2
    origin = line.min()
    span = (
        np.searchsorted(
            (line - origin) * reach + (low - base), (at_line - origin) * reach + (at - base), "right"
        )
        - 1
    )
    inside = (span >= 0) & (line[span] == at_line) & (at <= high[span])
    return np.where(inside, span, -1)
