"""Noding of segments: where they cross or touch, they are cut, until they meet in their ends alone."""

from typing import NamedTuple

import numpy as np

from gis.arrays import BoolArray, FloatArray, IntArray
from gis.compiled import compiled
from gis.faces.orientation import determinant, turn
from gis.faces.segment_grid import SegmentGrid

_ROUNDS = 20


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


def node_segments(start: FloatArray, end: FloatArray, step: float) -> NodedSegments | None:
    """Cut segments where they cross or touch, with vertices on a grid.

    Crossings are rounded to the grid, which bends the segments by less than its step; what crosses then is
    cut in the next round.

    Parameters
    ----------
    start, end
        Shape (n, 2), on the grid.
    step
        The grid, a power of two, so that differences of coordinates are exact.

    Returns
    -------
    NodedSegments or None
        None where rounding has not come to an end.
    """
    fresh = np.ones(len(start), dtype=bool)
    for _ in range(_ROUNDS):
        noded, fresh = _without_repeats(start, end, fresh)
        first, last = noded.xy[noded.ends[:, 0]], noded.xy[noded.ends[:, 1]]
        if not fresh.any():
            return noded
        segment, cut = _find_cuts(first, last, fresh, step)
        if not len(segment):
            return noded
        start, end, fresh = _cut(first, last, segment, cut)
    return None


def _without_repeats(start: FloatArray, end: FloatArray, fresh: BoolArray) -> tuple[NodedSegments, BoolArray]:
    """Return each segment once, with both ends numbered; those without length vanish."""
    xy = np.concatenate([start, end]) + 0.0
    order = np.lexsort((xy[:, 1], xy[:, 0]))
    sorted_xy = xy[order]
    is_new = np.append(True, (sorted_xy[1:] != sorted_xy[:-1]).any(axis=1))[: len(order)]
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.cumsum(is_new) - 1
    low, high = np.sort(number.reshape(2, -1), axis=0)
    real = low != high
    low, high, fresh = low[real], high[real], fresh[real]
    count = max(int(is_new.sum()), 1)
    # Repeats lie side by side, what is not fresh first: it has been compared with all others.
    keys = (low * count + high) * 2 + fresh
    keys.sort()
    pairs = keys // 2
    once = np.append(True, pairs[1:] != pairs[:-1])[: len(keys)]
    keys, pairs = keys[once], pairs[once]
    ends = np.column_stack([pairs // count, pairs % count])
    return NodedSegments(sorted_xy[is_new], ends), keys % 2 == 1


def _find_cuts(
    first: FloatArray, last: FloatArray, fresh: BoolArray, step: float
) -> tuple[IntArray, FloatArray]:
    """Return the segments that are to be cut, and where; a segment may occur often."""
    grid = SegmentGrid.of(first, last, np.zeros(len(first)))
    return _compare(first, last, fresh, grid.starts, grid.members, step)


def _cut(
    first: FloatArray, last: FloatArray, segment: IntArray, cut: FloatArray
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Cut segments; those that were not cut are no longer fresh."""
    along = last[segment] - first[segment]
    order = np.lexsort((((cut - first[segment]) * along).sum(axis=1), segment))
    segment, cut = segment[order], cut[order]
    # Each segment's cuts stand between its ends.
    begin = np.insert(first, segment + 1, cut, axis=0)
    owner = np.insert(np.arange(len(first)), segment + 1, segment)
    is_last = np.append(owner[1:] != owner[:-1], True)
    finish = np.concatenate([begin[1:], begin[:1]])
    finish[is_last] = last
    fresh = np.zeros(len(first), dtype=bool)
    fresh[segment] = True
    return begin, finish, fresh[owner]


@compiled
def _compare(
    first: FloatArray, last: FloatArray, fresh: BoolArray, starts: IntArray, members: IntArray, step: float
) -> tuple[IntArray, FloatArray]:
    """Compare the segments of each cell with each other; return what is to be cut, and where."""
    segment = np.empty(1024, dtype=np.int64)
    xy = np.empty((1024, 2))
    count = 0
    found = np.empty((4, 2))
    owner = np.empty(4, dtype=np.int64)
    for cell in range(len(starts) - 1):
        for p in range(starts[cell], starts[cell + 1]):
            i = members[p]
            low_i, high_i = min(first[i, 1], last[i, 1]), max(first[i, 1], last[i, 1])
            for q in range(p + 1, starts[cell + 1]):
                j = members[q]
                # Segments are in ascending order of x.
                if first[j, 0] > last[i, 0]:
                    break
                if not (fresh[i] or fresh[j]):
                    continue
                if max(first[j, 1], last[j, 1]) < low_i or min(first[j, 1], last[j, 1]) > high_i:
                    continue
                cuts = _meet(first, last, i, j, step, owner, found)
                while count + cuts > len(segment):
                    segment = np.append(segment, np.empty(len(segment), dtype=np.int64))
                    xy = np.append(xy, np.empty(xy.shape), axis=0)
                for k in range(cuts):
                    segment[count] = owner[k]
                    xy[count] = found[k]
                    count += 1
    return segment[:count], xy[:count]


@compiled
def _meet(
    first: FloatArray,
    last: FloatArray,
    i: int,
    j: int,
    step: float,
    owner: IntArray,
    found: FloatArray,
) -> int:
    """Put down where two segments cut each other, and return how many cuts that makes."""
    ax, ay, bx, by = first[i, 0], first[i, 1], last[i, 0], last[i, 1]
    cx, cy, dx, dy = first[j, 0], first[j, 1], last[j, 0], last[j, 1]
    side_c, side_d = turn(ax, ay, bx, by, cx, cy), turn(ax, ay, bx, by, dx, dy)
    if (side_c > 0 and side_d > 0) or (side_c < 0 and side_d < 0):
        return 0
    side_a, side_b = turn(cx, cy, dx, dy, ax, ay), turn(cx, cy, dx, dy, bx, by)
    if (side_a > 0 and side_b > 0) or (side_a < 0 and side_b < 0):
        return 0
    count = 0
    if side_a != 0 and side_b != 0 and side_c != 0 and side_d != 0:
        share = side_a / determinant(bx - ax, by - ay, dx - cx, dy - cy)
        x = np.rint((ax + share * (bx - ax)) / step) * step
        y = np.rint((ay + share * (by - ay)) / step) * step
        for k, x0, y0, x1, y1 in ((i, ax, ay, bx, by), (j, cx, cy, dx, dy)):
            if (x != x0 or y != y0) and (x != x1 or y != y1):
                owner[count], found[count, 0], found[count, 1] = k, x, y
                count += 1
        return count
    # An end of one lies on the line of the other: inside it, if it is between the ends in ascending order.
    for k, side, x, y, x0, y0, x1, y1 in (
        (j, side_a, ax, ay, cx, cy, dx, dy),
        (j, side_b, bx, by, cx, cy, dx, dy),
        (i, side_c, cx, cy, ax, ay, bx, by),
        (i, side_d, dx, dy, ax, ay, bx, by),
    ):
        after = x > x0 or (x == x0 and y > y0)
        before = x < x1 or (x == x1 and y < y1)
        if side == 0 and after and before:
            owner[count], found[count, 0], found[count, 1] = k, x, y
            count += 1
    return count
