"""The lines of the unit grid along which border squares are cut, at multiples of the size.

`gis.divide.grid_squares` decides which squares need them.
"""

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from gis.arrays import FloatArray, Geometries, IntArray
from gis.crs import LONLAT, transformer_between
from gis.divide.grid_squares import isin_rows, unique_rows
from gis.faces.arrangement import PRECISION_M


def side_lines(squares: IntArray, vertices: FloatArray, size_m: float, tolerance_m: float) -> Geometries:
    """Return the sides of squares as lines.

    A line passes through every vertex nearer than the tolerance, which is the bend of a side between the
    working CRS and longitude, latitude (see `max_sag_m`): otherwise the vertex would lie on one side of it in
    metres and on the other in degrees, and cells would overlap by a fraction of a millimetre.

    Parameters
    ----------
    squares
        Shape (n, 2), column and row; where a vertex is near a side, both of its squares must be included.
    vertices
        Shape (m, 2), metres.
    size_m
        Side of a square.
    tolerance_m
        See above.

    Returns
    -------
    ndarray of LineString
        Two-dimensional lines in metres.
    """
    vertical = _vertical_lines(squares, vertices, size_m, tolerance_m)
    horizontal = _vertical_lines(squares[:, ::-1], vertices[:, ::-1], size_m, tolerance_m)
    turned = shapely.transform(horizontal, lambda c: c[:, ::-1])
    return np.concatenate([vertical, turned], dtype=object)


def grid_coordinates(index: IntArray, size_m: float) -> FloatArray:
    """Return the coordinate of grid lines, rounded as `gis.faces.arrangement` rounds vertices."""
    distinct, where = np.unique(index, return_inverse=True)
    on_axis = shapely.points(np.column_stack([distinct * size_m, np.zeros(len(distinct))]))
    rounded = shapely.get_coordinates(shapely.set_precision(on_axis, PRECISION_M))[:, 0]
    return np.asarray(rounded[where])


def max_sag_m(bounds: FloatArray, size_m: float, crs: CRS) -> float:
    """Measure how far a straight side of a square bends on the way to longitude, latitude.

    The distance between the middle of a side and the middle of its ends in degrees: the largest of a sample
    over the bounds, doubled for safety. About size² tan(latitude) / (8 earth radius).

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
    to_lonlat = transformer_between(crs, LONLAT)
    # No side is longer than the region inside it.
    half = min(size_m, float((bounds[2:] - bounds[:2]).max())) / 2
    bend = 0.0
    for dx, dy in ((half, 0.0), (0.0, half)):
        west, south = to_lonlat.transform(x - dx, y - dy)
        east, north = to_lonlat.transform(x + dx, y + dy)
        # The short way round: a side across the 180th meridian ends at -179 degrees.
        lon, lat = west + (east - west + 180) % 360 / 2 - 90, (south + north) / 2
        middle = to_lonlat.transform(lon, lat, direction="INVERSE")
        bend = max(bend, float(np.hypot(middle[0] - x, middle[1] - y).max()))
    return max(2 * bend, 4 * PRECISION_M)


def _vertical_lines(squares: IntArray, vertices: FloatArray, size: float, tolerance: float) -> Geometries:
    """Return the sides of constant first coordinate as lines, in runs."""
    line, low, high = _chain_sides(squares)
    bent_line, bent_xy = _vertices_near_lines(vertices, size, tolerance)
    step = np.rint(bent_xy[:, 1] / size)
    at_corner = np.abs(bent_xy[:, 1] - step * size) < tolerance
    # Grid corners beside a bend keep the rest of the line straight, unless a bend replaces them: then the
    # crossing line passes through that vertex too.
    below = np.where(at_corner, step - 1, np.floor(bent_xy[:, 1] / size)).astype(np.int64)
    above = np.where(at_corner, step + 1, np.ceil(bent_xy[:, 1] / size)).astype(np.int64)
    wanted = np.column_stack(
        [np.concatenate([bent_line, bent_line, line, line]), np.concatenate([below, above, low, high])]
    )
    replaced = np.column_stack([bent_line, step.astype(np.int64)])[at_corner]
    wanted = unique_rows(wanted)
    corner = wanted[~isin_rows(wanted, replaced)]
    at_line = np.concatenate([corner[:, 0], bent_line])
    xy = np.concatenate([corner * size, bent_xy])
    # A vertex belongs to the span of its line that contains it; bends beyond every span are not needed.
    at = np.concatenate([corner[:, 1], np.where(at_corner, step, bent_xy[:, 1] / size)])
    span = _find_span(at_line, at, line, low, high)
    at_span, xy = span[span >= 0], xy[span >= 0]
    order = np.lexsort((xy[:, 0], xy[:, 1], at_span))
    return np.asarray(shapely.linestrings(xy[order], indices=at_span[order]), dtype=object)


def _chain_sides(squares: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Chain the sides x = k size of squares: k, from and to, in grid units, sorted and disjoint."""
    sides = unique_rows(np.concatenate([squares, squares + np.array([1, 0])]))
    line, at = sides.T
    fresh = np.flatnonzero((np.diff(line, prepend=line[0] - 1) != 0) | (np.diff(at, prepend=at[0]) != 1))
    last = np.append(fresh[1:], len(sides)) - 1
    return line[fresh], at[fresh], at[last] + 1


def _vertices_near_lines(vertex: FloatArray, size: float, tolerance: float) -> tuple[IntArray, FloatArray]:
    """Find the vertices nearer than `tolerance` to a line, and the lines."""
    k = np.rint(vertex[:, 0] / size)
    near = np.abs(vertex[:, 0] - k * size) < tolerance
    bent = np.unique(np.column_stack([k[near], vertex[near]]), axis=0)
    return bent[:, 0].astype(np.int64), bent[:, 1:]


def _find_span(
    at_line: IntArray, at: FloatArray, line: IntArray, low: IntArray, high: IntArray
) -> NDArray[np.intp]:
    """Return the span (sorted by line, then low) that contains each position, or -1."""
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
