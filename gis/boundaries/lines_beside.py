"""Which line pieces of a border run along: the nearest that is nearly parallel."""

from typing import NamedTuple

import numpy as np
import shapely

from gis.arrays import BoolArray, FloatArray, IntArray, ObjectArray
from gis.boundaries.border_pieces import BorderPieces

_PARALLEL = np.sin(np.radians(30))
_CHUNK = 50_000


def nearest_lines(pieces: BorderPieces, lines: ObjectArray, tolerance_m: float) -> IntArray:
    """Return the position of the line that each piece runs along, -1 for none, shape (n,).

    A line that has ended before it passes the middle of a piece does not count.

    Parameters
    ----------
    pieces
        In metres.
    lines
        Lines, and polygons whose outline counts, in metres, shape (m,); of two that are as near the first
        counts.
    tolerance_m
        How far from the middle of a piece a line may be.
    """
    found = np.full(len(pieces.cell), -1, dtype=np.int64)
    beside = _segments(lines)
    if not len(beside.owner):
        return found
    tree = shapely.STRtree(beside.geometry)
    points = pieces.outside(0)
    for start in range(0, len(points), _CHUNK):
        some = points[start : start + _CHUNK]
        piece, segment = tree.query(some, predicate="dwithin", distance=tolerance_m)
        row = piece + start
        # A direction along the piece is one across its way out.
        slant = np.abs((pieces.outward[row] * beside.direction[segment]).sum(axis=1))
        along = ((pieces.middle[row] - beside.start[segment]) * beside.direction[segment]).sum(axis=1)
        ended = (beside.is_first[segment] & (along < 0)) | (
            beside.is_last[segment] & (along > beside.length[segment])
        )
        kept = (slant <= _PARALLEL) & ~ended
        piece, segment = piece[kept], segment[kept]
        distance = np.round(shapely.distance(some[piece], beside.geometry[segment]), 3)
        order = np.lexsort((beside.owner[segment], distance, piece))
        first, places = np.unique(piece[order], return_index=True)
        found[first + start] = beside.owner[segment[order[places]]]
    return found


class _Segments(NamedTuple):
    """Segments of lines: unit vectors, the line of each, and whether a line begins or ends with it."""

    geometry: ObjectArray
    start: FloatArray
    direction: FloatArray
    length: FloatArray
    owner: IntArray
    is_first: BoolArray
    is_last: BoolArray


def _segments(lines: ObjectArray) -> _Segments:
    edges = np.where(shapely.get_dimensions(lines) == 2, shapely.boundary(lines), lines)
    parts, owner = shapely.get_parts(edges, return_index=True)
    linear = shapely.get_dimensions(parts) == 1
    parts, owner = parts[linear], owner[linear]
    xy, part = shapely.get_coordinates(parts, return_index=True)
    same = part[1:] == part[:-1]
    part = part[:-1][same]
    start, end = xy[:-1][same], xy[1:][same]
    length = np.hypot(*(end - start).T)
    real = length > 0
    start, end, length, part = start[real], end[real], length[real], part[real]
    changes = part[1:] != part[:-1]
    # A ring has no ends.
    is_open = ~shapely.is_closed(parts)[part]
    return _Segments(
        np.asarray(shapely.linestrings(np.stack([start, end], axis=1)), dtype=object),
        start,
        (end - start) / length[:, None],
        length,
        owner[part].astype(np.int64),
        is_open & np.r_[True, changes][: len(part)],
        is_open & np.r_[changes, True][: len(part)],
    )
