"""Noding of segments by snap rounding: they meet in vertices on a grid alone."""

from typing import NamedTuple

import numpy as np

from gis.arrays import FloatArray, IntArray
from gis.compiled import compiled
from gis.faces.orientation import determinant, turn
from gis.faces.segment_grid import SegmentGrid, points_beside

_FINER = 32
"""So much finer than the grid are the segments of which it is asked through which squares they run."""


class NodedSegments(NamedTuple):
    """Segments of which no two have more in common than an end.

    Attributes
    ----------
    xy
        Shape (v, 2), vertices, each once, in ascending order of x, then y.
    ends
        Shape (m, 2), int: the vertices of each segment, the lower first, each segment once, sorted.
    """

    xy: FloatArray
    ends: IntArray


def node_segments(start: FloatArray, end: FloatArray, step: float) -> NodedSegments:
    """Cut segments where they cross, and wherever they pass a vertex nearer than a grid tells apart.

    Ends and crossings, rounded, are hot: a segment that runs through the square of the grid around one is led
    through its centre. What was led so crosses nothing again (Hobby 1999, "Practical segment intersection
    with finite precision output"); what then touches a vertex, or was rounded to the square beside its own,
    is cut in further rounds.

    Parameters
    ----------
    start, end
        Shape (n, 2).
    step
        The grid, a power of two, so that differences of coordinates are exact.
    """
    fine, half = step / _FINER, step / 2
    # Downwards, so that rounding on to the grid gives what rounding at once would.
    start, end = np.floor(start / fine) * fine, np.floor(end / fine) * fine
    while True:
        noded = _without_repeats(start, end)
        start, end = noded.xy[noded.ends[:, 0]], noded.xy[noded.ends[:, 1]]
        if not len(start):
            return noded
        segment, cut = _find_cuts(noded.xy, start, end, step, half)
        if half == 0 and not len(segment):
            return noded
        # Each cut makes segments shorter, so that there is an end to it.
        start, end = _cut(_round(start, step), _round(end, step), segment, cut)
        half = 0.0


def _round(xy: FloatArray, step: float) -> FloatArray:
    """Move vertices to the centres of the squares that they are in."""
    return np.asarray(np.floor(xy / step + 0.5) * step)


def _without_repeats(start: FloatArray, end: FloatArray) -> NodedSegments:
    """Return each segment once, with both ends numbered; those without length vanish."""
    xy, number = _unique_rows(np.concatenate([start, end]) + 0.0)
    low, high = np.sort(number.reshape(2, -1), axis=0)
    count = max(len(xy), 1)
    keys = (low * count + high)[low != high]
    keys.sort()
    keys = keys[np.append(True, keys[1:] != keys[:-1])[: len(keys)]]
    return NodedSegments(xy, np.column_stack([keys // count, keys % count]))


def _unique_rows(xy: FloatArray) -> tuple[FloatArray, IntArray]:
    """Return the rows in ascending order, each once, and the place there of each row."""
    order = np.lexsort((xy[:, 1], xy[:, 0]))
    in_order = xy[order]
    is_new = np.append(True, (in_order[1:] != in_order[:-1]).any(axis=1))[: len(order)]
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.cumsum(is_new) - 1
    return in_order[is_new], number


def _find_cuts(
    vertices: FloatArray, start: FloatArray, end: FloatArray, step: float, half: float
) -> tuple[IntArray, FloatArray]:
    """Return the segments that are to be cut, and where; a segment may occur often, also with one place.

    They are cut where they cross, and where they run through the square around a vertex or crossing, half as
    wide as given.
    """
    grid = SegmentGrid.of(start, end, np.zeros(len(start)))
    one, other, crossing = _cross(start, end, grid.starts, grid.members, step)
    hot, _ = _unique_rows(np.concatenate([_round(vertices, step), crossing]))
    # The corner of a square is 0.71 steps from its centre, the next vertex a whole one.
    near, place = points_beside(hot, start, end, np.full(len(start), 0.75 * step), with_ends=False)
    through = _run_through(start[near], end[near], hot[place], half)
    segment = np.concatenate([near[through], one, other])
    cut = np.concatenate([hot[place[through]], crossing, crossing])
    inside = (cut != _round(start[segment], step)).any(axis=1) & (cut != _round(end[segment], step)).any(
        axis=1
    )
    return segment[inside], cut[inside]


def _cut(
    start: FloatArray, end: FloatArray, segment: IntArray, cut: FloatArray
) -> tuple[FloatArray, FloatArray]:
    # Squares that a segment runs through follow each other in x and in y as it does.
    along = ((cut - start[segment]) * (end[segment] - start[segment])).sum(axis=1)
    order = np.lexsort((along, segment))
    segment, cut = segment[order], cut[order]
    owner = np.insert(np.arange(len(start)), segment + 1, segment)
    begin = np.insert(start, segment + 1, cut, axis=0)
    finish = np.concatenate([begin[1:], begin[:1]])
    finish[np.append(owner[1:] != owner[:-1], True)] = end
    return begin, finish


@compiled
def _cross(
    start: FloatArray, end: FloatArray, starts: IntArray, members: IntArray, step: float
) -> tuple[IntArray, IntArray, FloatArray]:
    """Compare the segments of each square with each other; return the pairs that cross, and where.

    Segments are in ascending order of x, and so are their ends. A pair may occur once for each square.
    """
    one, other = np.empty(1024, dtype=np.int64), np.empty(1024, dtype=np.int64)
    xy = np.empty((1024, 2))
    count = 0
    for square in range(len(starts) - 1):
        for p in range(starts[square], starts[square + 1]):
            i = members[p]
            ax, ay, bx, by = start[i, 0], start[i, 1], end[i, 0], end[i, 1]
            for q in range(p + 1, starts[square + 1]):
                j = members[q]
                cx, cy, dx, dy = start[j, 0], start[j, 1], end[j, 0], end[j, 1]
                if cx > bx:
                    break
                if max(cy, dy) < min(ay, by) or min(cy, dy) > max(ay, by):
                    continue
                side_c, side_d = turn(ax, ay, bx, by, cx, cy), turn(ax, ay, bx, by, dx, dy)
                if side_c == 0 or side_d == 0 or (side_c > 0) == (side_d > 0):
                    continue
                side_a, side_b = turn(cx, cy, dx, dy, ax, ay), turn(cx, cy, dx, dy, bx, by)
                if side_a == 0 or side_b == 0 or (side_a > 0) == (side_b > 0):
                    continue
                if count == len(one):
                    one = np.append(one, np.empty(count, dtype=np.int64))
                    other = np.append(other, np.empty(count, dtype=np.int64))
                    xy = np.append(xy, np.empty((count, 2)), axis=0)
                share = determinant(dx - cx, dy - cy, ax - cx, ay - cy)
                share /= determinant(bx - ax, by - ay, dx - cx, dy - cy)
                one[count], other[count] = i, j
                # The way from a vertex is shorter than that from the origin, and loses less.
                x, y = np.floor(ax / step) * step, np.floor(ay / step) * step
                xy[count, 0] = x + np.floor((ax - x + share * (bx - ax)) / step + 0.5) * step
                xy[count, 1] = y + np.floor((ay - y + share * (by - ay)) / step + 0.5) * step
                count += 1
    return one[:count], other[:count], xy[:count]


@compiled
def _run_through(start: FloatArray, end: FloatArray, centre: FloatArray, half: float) -> IntArray:
    """Return the rows where a segment runs through the square around a centre.

    A square is open above and to the east, so that each place is in one; half as wide as nothing it is its
    centre.
    """
    found = np.empty(len(centre), dtype=np.int64)
    count = 0
    for k in range(len(centre)):
        ax, ay, bx, by = start[k, 0], start[k, 1], end[k, 0], end[k, 1]
        if half == 0:
            if turn(ax, ay, bx, by, centre[k, 0], centre[k, 1]) == 0:
                found[count] = k
                count += 1
            continue
        west, east, south, north = (
            centre[k, 0] - half,
            centre[k, 0] + half,
            centre[k, 1] - half,
            centre[k, 1] + half,
        )
        if max(ax, bx) < west or min(ax, bx) >= east or max(ay, by) < south or min(ay, by) >= north:
            continue
        south_west, south_east = turn(ax, ay, bx, by, west, south), turn(ax, ay, bx, by, east, south)
        north_west, north_east = turn(ax, ay, bx, by, west, north), turn(ax, ay, bx, by, east, north)
        left = south_west > 0 or south_east > 0 or north_west > 0 or north_east > 0
        right = south_west < 0 or south_east < 0 or north_west < 0 or north_east < 0
        # Touching a corner is running through only in the south-west, which alone is part of the square.
        if (left and right) or south_west == 0:
            found[count] = k
            count += 1
    return found[:count]
