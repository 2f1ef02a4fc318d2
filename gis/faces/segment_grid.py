"""A grid of squares that lists which segments pass through each, to find what is near to what."""

from typing import NamedTuple

import numpy as np

from gis.arrays import FloatArray, IntArray
from gis.compiled import compiled

_PAD = 1e-9
"""Widens what a segment takes of a square, as a share of the extent, beyond what rounding loses."""


class SegmentGrid(NamedTuple):
    """Which segments pass through each square, in rows from south-west.

    Attributes
    ----------
    corner, size, shape
        The south-western corner, the side of a square, and how many columns and rows there are.
    starts, members
        The segments of square k, ascending, are `members[starts[k]:starts[k + 1]]`.
    """

    corner: FloatArray
    size: float
    shape: IntArray
    starts: IntArray
    members: IntArray

    @classmethod
    def of(cls, start: FloatArray, end: FloatArray, reach: FloatArray) -> "SegmentGrid":
        """Make about as many squares as there are segments.

        Parameters
        ----------
        start, end
            Shape (n, 2), at least one.
        reach
            Shape (n,): how wide the surroundings of each segment are that belong to it.
        """
        corner = np.minimum(start.min(axis=0), end.min(axis=0))
        extent = np.maximum(start.max(axis=0), end.max(axis=0)) - corner
        longest = max(float(extent.max()), 1e-6)
        size = max(float(np.sqrt(extent.prod() / len(start))), longest / len(start))
        shape = np.maximum(np.ceil(extent / size).astype(np.int64), 1)
        starts, members = _fill(start - corner, end - corner, reach + _PAD * longest, size, shape)
        return cls(corner, size, shape, starts, members)


def points_beside(
    points: FloatArray, start: FloatArray, end: FloatArray, reach: FloatArray, *, with_ends: bool = True
) -> tuple[IntArray, IntArray]:
    """Find the points that lie near segments.

    Parameters
    ----------
    points
        Shape (n, 2).
    start, end
        Shape (m, 2), the segments.
    reach
        Shape (m,), how far from each a point may lie.
    with_ends
        Whether a point lies near a segment of which it is an end.

    Returns
    -------
    segment, point
        Positions of all pairs, sorted.
    """
    if not (len(points) and len(start)):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    segment, point = _find_beside(points, start, end, reach, with_ends, SegmentGrid.of(start, end, reach))
    order = np.lexsort((point, segment))
    return segment[order], point[order]


@compiled
def _fill(
    start: FloatArray, end: FloatArray, reach: FloatArray, size: float, shape: IntArray
) -> tuple[IntArray, IntArray]:
    columns, rows = shape[0], shape[1]
    starts = np.zeros(columns * rows + 2, dtype=np.int64)
    members = np.empty(0, dtype=np.int64)
    # First they are counted, two squares on, then put down, which moves each start up to its place.
    for is_counted in (False, True):
        for k in range(len(start)):
            pad = reach[k]
            x0, y0, x1, y1 = start[k, 0], start[k, 1], end[k, 0], end[k, 1]
            if x0 > x1:
                x0, y0, x1, y1 = x1, y1, x0, y0
            lowest, highest = min(y0, y1) - pad, max(y0, y1) + pad
            slope = (y1 - y0) / (x1 - x0) if x1 > x0 else 0.0
            first = min(max(int((x0 - pad) / size), 0), columns - 1)
            last = min(max(int((x1 + pad) / size), 0), columns - 1)
            for column in range(first, last + 1):
                low, high = lowest, highest
                if first < last and x1 > x0:
                    west = y0 + slope * (max(column * size, x0) - x0)
                    east = y0 + slope * (min((column + 1) * size, x1) - x0)
                    wide = pad * (1 + abs(slope))
                    low, high = max(low, min(west, east) - wide), min(high, max(west, east) + wide)
                for row in range(
                    min(max(int(low / size), 0), rows - 1), min(max(int(high / size), 0), rows - 1) + 1
                ):
                    cell = row * columns + column
                    if is_counted:
                        members[starts[cell + 1]] = k
                        starts[cell + 1] += 1
                    else:
                        starts[cell + 2] += 1
        if not is_counted:
            for cell in range(1, len(starts)):
                starts[cell] += starts[cell - 1]
            members = np.empty(starts[-1], dtype=np.int64)
    return starts[:-1], members


@compiled
def _find_beside(
    points: FloatArray,
    start: FloatArray,
    end: FloatArray,
    reach: FloatArray,
    with_ends: bool,
    grid: SegmentGrid,
) -> tuple[IntArray, IntArray]:
    segment, point = np.empty(1024, dtype=np.int64), np.empty(1024, dtype=np.int64)
    count = 0
    for k in range(len(points)):
        x, y = points[k, 0], points[k, 1]
        column = min(max(int((x - grid.corner[0]) / grid.size), 0), grid.shape[0] - 1)
        row = min(max(int((y - grid.corner[1]) / grid.size), 0), grid.shape[1] - 1)
        cell = row * grid.shape[0] + column
        for p in range(grid.starts[cell], grid.starts[cell + 1]):
            i = grid.members[p]
            ux, uy = end[i, 0] - start[i, 0], end[i, 1] - start[i, 1]
            px, py = x - start[i, 0], y - start[i, 1]
            if not with_ends and ((px == 0 and py == 0) or (px == ux and py == uy)):
                continue
            squared = ux * ux + uy * uy
            share = min(max((px * ux + py * uy) / squared, 0.0), 1.0) if squared > 0 else 0.0
            if np.hypot(px - share * ux, py - share * uy) <= reach[i]:
                if count == len(segment):
                    segment = np.append(segment, np.empty(count, dtype=np.int64))
                    point = np.append(point, np.empty(count, dtype=np.int64))
                segment[count], point[count] = i, k
                count += 1
    return segment[:count], point[:count]
