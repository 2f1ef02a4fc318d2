"""What of rings and lines lies in a box, by arithmetic on whole units.

It owns the cutting; that a cut polygon is valid again is `layers.tiles.mend`'s.
"""

import numpy as np
from numpy.typing import NDArray

from layers.tiles.rings import Integers, Rings, cleaned, ends

Box = tuple[int, int, int, int]


def clip_rings(rings: Rings, box: Box) -> Rings:
    """Cut polygons to a closed box of whole units (least x, y, greatest x, y).

    Where an edge crosses a side depends on the edge alone, not on its direction: two rings that share an edge
    share the cut, which is rounded to whole units. A ring that leaves the box twice runs along its side.

    Returns
    -------
    Rings
        Cleaned; such as lie outside are gone.

    Notes
    -----
    Sutherland, I. E. and Hodgman, G. W. (1974): Reentrant polygon clipping. Side by side, all rings at once.
    """
    xy, sizes = rings.xy, np.diff(rings.starts)
    for axis, limit, sign in ((0, box[0], 1), (0, box[2], -1), (1, box[1], 1), (1, box[3], -1)):
        if not len(xy):
            break
        xy, sizes = _cut(xy, sizes, axis, limit, sign)
    return cleaned(Rings(xy, ends(sizes), rings.parts, rings.rows))


def _cut(xy: Integers, sizes: Integers, axis: int, limit: int, sign: int) -> tuple[Integers, Integers]:
    """Keep what lies on one side of a line parallel to an axis."""
    inside = (xy[:, axis] - limit) * sign >= 0
    if inside.all():
        return xy, sizes
    starts = ends(sizes)
    after = np.arange(1, len(xy) + 1)
    there = sizes > 0
    after[starts[1:][there] - 1] = starts[:-1][there]
    crosses = inside != inside[after]
    # A vertex that stays, and behind it the place where its edge crosses the line.
    made = inside.astype(np.int64) + crosses
    at = np.cumsum(made) - made
    out = np.empty((int(made.sum()), 2), dtype=np.int64)
    out[at[inside]] = xy[inside]
    out[at[crosses] + inside[crosses]] = crossings(xy[crosses], xy[after[crosses]], axis, limit)
    owners = np.repeat(np.arange(len(sizes)), sizes)
    return out, np.bincount(owners, weights=made, minlength=len(sizes)).astype(np.int64)


def crossings(first: Integers, second: Integers, axis: int, limit: int) -> Integers:
    """Return where edges cross a line parallel to an axis, rounded to whole units, shape (n, 2).

    Parameters
    ----------
    first, second
        The ends, shape (n, 2), on different sides of the line; swapping them changes nothing.
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


def boxed(boxes: Integers, box: Box) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell which boxes, shape (n, 4), touch a box at all, and which lie in it whole."""
    touch = (
        (boxes[:, 0] <= box[2]) & (boxes[:, 2] >= box[0]) & (boxes[:, 1] <= box[3]) & (boxes[:, 3] >= box[1])
    )
    whole = (
        (boxes[:, 0] >= box[0]) & (boxes[:, 2] <= box[2]) & (boxes[:, 1] >= box[1]) & (boxes[:, 3] <= box[3])
    )
    return touch, whole
