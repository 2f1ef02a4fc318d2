"""Clipping of rings and lines to a box, in integer arithmetic."""

import numpy as np

from gis.arrays import BoolArray, IntArray
from layers.tiles.rings import Rings, clean_rings, offsets_from_sizes

BBox = tuple[int, int, int, int]


def clip_rings(rings: Rings, bbox: BBox) -> Rings:
    """Clip polygons to a closed box of whole units (min x, y, max x, y).

    Where an edge crosses a side depends on the edge alone, not on its direction, so that neighbours that
    share an edge get the same vertex, rounded to whole units. A ring that leaves the box twice runs along its
    side.

    Returns
    -------
    Rings
        Cleaned; those outside are removed.

    Notes
    -----
    Sutherland, I. E. and Hodgman, G. W. (1974): Reentrant polygon clipping. One side after another, for all
    rings at once.
    """
    xy, sizes = rings.xy, np.diff(rings.starts)
    for axis, limit, sign in ((0, bbox[0], 1), (0, bbox[2], -1), (1, bbox[1], 1), (1, bbox[3], -1)):
        if not len(xy):
            break
        xy, sizes = _clip_half_plane(xy, sizes, axis, limit, sign)
    return clean_rings(Rings(xy, offsets_from_sizes(sizes), rings.parts, rings.rows))


def _clip_half_plane(
    xy: IntArray, sizes: IntArray, axis: int, limit: int, sign: int
) -> tuple[IntArray, IntArray]:
    """Keep the part on one side of a line parallel to an axis."""
    inside = (xy[:, axis] - limit) * sign >= 0
    if inside.all():
        return xy, sizes
    starts = offsets_from_sizes(sizes)
    after = np.arange(1, len(xy) + 1)
    there = sizes > 0
    after[starts[1:][there] - 1] = starts[:-1][there]
    crosses = inside != inside[after]
    # A vertex that stays, followed by the point where its edge crosses the line.
    made = inside.astype(np.int64) + crosses
    at = np.cumsum(made) - made
    out = np.empty((int(made.sum()), 2), dtype=np.int64)
    out[at[inside]] = xy[inside]
    out[at[crosses] + inside[crosses]] = crossings(xy[crosses], xy[after[crosses]], axis, limit)
    owners = np.repeat(np.arange(len(sizes)), sizes)
    return out, np.bincount(owners, weights=made, minlength=len(sizes)).astype(np.int64)


def crossings(first: IntArray, second: IntArray, axis: int, limit: int) -> IntArray:
    """Return where edges cross a line parallel to an axis, rounded to whole units, shape (n, 2).

    Parameters
    ----------
    first, second
        The ends, shape (n, 2), on different sides of the line; swapping them makes no difference.
    axis, limit
        The line: the coordinate `axis` is `limit`.
    """
    other = 1 - axis
    swap = first[:, axis] > second[:, axis]
    low = np.where(swap[:, np.newaxis], second, first)
    high = np.where(swap[:, np.newaxis], first, second)
    share = (limit - low[:, axis]) / (high[:, axis] - low[:, axis])
    found = np.empty_like(first)
    found[:, axis] = limit
    found[:, other] = np.rint(low[:, other] + share * (high[:, other] - low[:, other])).astype(np.int64)
    return found


def compare_bboxes(bboxes: IntArray, bbox: BBox) -> tuple[BoolArray, BoolArray]:
    """Return which boxes, shape (n, 4), touch a box, and which lie wholly inside."""
    touch = (
        (bboxes[:, 0] <= bbox[2])
        & (bboxes[:, 2] >= bbox[0])
        & (bboxes[:, 1] <= bbox[3])
        & (bboxes[:, 3] >= bbox[1])
    )
    whole = (
        (bboxes[:, 0] >= bbox[0])
        & (bboxes[:, 2] <= bbox[2])
        & (bboxes[:, 1] >= bbox[1])
        & (bboxes[:, 3] <= bbox[3])
    )
    return touch, whole


def clip_lines(xy: IntArray, sizes: IntArray, bbox: BBox) -> tuple[IntArray, IntArray, IntArray]:
    """Clip lines to a closed box of whole units.

    Parameters
    ----------
    xy, sizes
        The vertices of all lines, shape (v, 2), and how many each has, shape (n,), at least two.
    bbox
        Min x, y, max x, y.

    Returns
    -------
    xy, starts, sources
        Vertices of the pieces, where each begins, shape (p + 1,), and the line each is of, shape (p,),
        ascending.

    Notes
    -----
    Liang, Y.-D. and Barsky, B. A. (1984): A new concept and method for line clipping. For all edges at once.
    """
    lines = np.repeat(np.arange(len(sizes)), sizes)
    begins = np.flatnonzero(lines[1:] == lines[:-1])
    first, second = xy[begins], xy[begins + 1]
    step = second - first
    enter, leave = np.zeros(len(begins)), np.ones(len(begins))
    for axis, low, high in ((0, bbox[0], bbox[2]), (1, bbox[1], bbox[3])):
        moves = step[:, axis] != 0
        along = np.where(moves, step[:, axis], 1)
        one, other = (low - first[:, axis]) / along, (high - first[:, axis]) / along
        enter = np.where(moves, np.maximum(enter, np.minimum(one, other)), enter)
        leave = np.where(moves, np.minimum(leave, np.maximum(one, other)), leave)
        # An edge parallel to the sides is either between them or not.
        leave[~moves & ((first[:, axis] < low) | (first[:, axis] > high))] = -1.0
    kept = np.flatnonzero(enter <= leave)
    begins, first, step, enter, leave = begins[kept], first[kept], step[kept], enter[kept], leave[kept]
    start = np.rint(first + enter[:, np.newaxis] * step).astype(np.int64)
    stop = np.rint(first + leave[:, np.newaxis] * step).astype(np.int64)
    opens = np.ones(len(kept), dtype=bool)
    opens[1:] = (enter[1:] > 0) | (leave[:-1] < 1) | (begins[1:] != begins[:-1] + 1)
    made = 1 + opens.astype(np.int64)
    at = np.cumsum(made) - made
    out = np.empty((int(made.sum()), 2), dtype=np.int64)
    out[at[opens]] = start[opens]
    out[at + opens] = stop
    pieces = np.repeat(np.cumsum(opens) - 1, made)
    # A crossing that rounds to its neighbour repeats the vertex.
    fresh = np.ones(len(out), dtype=bool)
    fresh[1:] = (out[1:] != out[:-1]).any(axis=1) | (pieces[1:] != pieces[:-1])
    lengths = np.bincount(pieces[fresh], minlength=int(opens.sum()))
    fresh &= lengths[pieces] > 1
    there = lengths > 1
    return out[fresh], offsets_from_sizes(lengths[there]), lines[begins[opens]][there]
