"""Pairs of polygons that share a border, with its length, or a vertex, or ground."""

import numpy as np
import shapely
from numpy.typing import ArrayLike

from gis.arrays import FloatArray, IntArray, ObjectArray

Pairs = tuple[IntArray, IntArray]

RELATIVE_TOLERANCE = 1e-9
"""Default tolerance of `find_shared_borders` as a share of the largest coordinate.

About 1 cm in degrees, some millimetres in metres.
"""


_CHUNK = 16_384


def find_shared_borders(
    geometries: ArrayLike, *, tolerance: float | None = None
) -> tuple[IntArray, IntArray, FloatArray]:
    """Find the pairs of polygons that share a border of positive length.

    In a coverage neighbours have identical edges, and these are matched exactly. Edges without an identical
    partner (the outer border, or a layer with unmatched T-vertices) are then compared with each other:
    stretches that run along each other within the tolerance count as shared. Polygons that overlap without a
    common border are not neighbours here, see `find_overlapping`.

    Parameters
    ----------
    geometries
        n Polygons or MultiPolygons in one CRS; None and empty ones have no neighbours.
    tolerance
        How far apart, in the unit of the coordinates, two unmatched edges may run and still be one border;
        `RELATIVE_TOLERANCE` of the largest coordinate when not given, 0 to match identical edges only.

    Returns
    -------
    i, j : ndarray of int64
        Positions of the neighbours with i < j, each pair once, sorted by i, then j.
    length : ndarray of float64
        Length of their common border in the unit of the coordinates.
    """
    polygons = np.asarray(geometries, dtype=object)
    owner, edges = _edges(polygons)
    order, starts = _group_equal_rows(edges)
    first, second = _pairs_within_groups(starts, len(order))
    first, second = order[first], order[second]
    left, right = owner[first], owner[second]
    length = np.hypot(edges[first, 2] - edges[first, 0], edges[first, 3] - edges[first, 1])
    if tolerance is None:
        tolerance = RELATIVE_TOLERANCE * float(np.abs(edges).max(initial=0.0))
    if tolerance > 0:
        matched = np.zeros(len(owner), dtype=bool)
        foreign = left != right
        matched[first[foreign]] = matched[second[foreign]] = True
        single = np.flatnonzero(~matched)
        a, b, overlap_length = _collinear_overlaps(edges[single], owner[single], tolerance)
        left, right = np.r_[left, owner[single][a]], np.r_[right, owner[single][b]]
        length = np.r_[length, overlap_length]
    return _sum_pairs(left, right, length, len(polygons))


def find_shared_vertices(geometries: ArrayLike) -> Pairs:
    """Find the pairs of polygons that have a vertex in common, by border or only at a corner.

    Parameters
    ----------
    geometries
        n Polygons or MultiPolygons in one CRS; None and empty ones touch nothing.

    Returns
    -------
    i, j : ndarray of int64
        Positions with i < j, each pair once, sorted. Vertices must be identical.
    """
    polygons = np.asarray(geometries, dtype=object)
    coordinates, owner = shapely.get_coordinates(polygons, return_index=True)
    order, starts = _group_equal_rows(coordinates + 0.0)
    first, second = _pairs_within_groups(starts, len(order))
    left, right = owner[order[first]], owner[order[second]]
    i, j, _ = _sum_pairs(left, right, np.zeros(len(left)), len(polygons))
    return i, j


def find_neighbours(geometries: ArrayLike) -> tuple[Pairs, Pairs]:
    """Find the pairs that share a border, and those that share a vertex, in one walk along a coverage.

    Parameters
    ----------
    geometries
        n Polygons or MultiPolygons in one CRS; None and empty ones have no neighbours.

    Returns
    -------
    borders, corners : pairs of ndarray of int64
        As `find_shared_borders`, without lengths, and `touching` find them.
    """
    polygons = np.asarray(geometries, dtype=object)
    xy, ring, owner = _vertices(polygons)
    # The closing vertex of a ring, which follows another of the same ring, is its first once more.
    opening = np.zeros(len(ring), dtype=bool)
    opening[:-1] = ring[1:] == ring[:-1]
    xy, ring, owner = xy[opening], ring[opening], owner[opening]
    begins = np.flatnonzero(np.diff(ring, prepend=-1))
    after = np.arange(1, len(ring) + 1)
    after[np.append(begins[1:], len(ring))[: len(begins)] - 1] = begins
    order, starts = _group_equal_rows(xy)
    number = np.empty(len(xy), dtype=np.int64)
    number[order] = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, len(order)]))
    edge = np.flatnonzero(number != number[after])
    low, high = np.sort((number[edge], number[after[edge]]), axis=0)
    keys = low * len(starts) + high
    key_order = np.argsort(keys, kind="stable")
    alike = np.flatnonzero(np.diff(keys[key_order], prepend=-1))
    first, second = (edge[key_order[places]] for places in _pairs_within_groups(alike, len(key_order)))
    left, right = owner[first], owner[second]
    matched = np.zeros(len(xy), dtype=bool)
    foreign = left != right
    matched[first[foreign]] = matched[second[foreign]] = True
    single = edge[~matched[edge]]
    edges = _normalized_edges(xy[single], xy[after[single]])
    tolerance = RELATIVE_TOLERANCE * float(np.abs(xy).max(initial=0.0))
    a, b, _ = _collinear_overlaps(edges, owner[single], tolerance)
    borders = _unique_pairs(np.r_[left, owner[single[a]]], np.r_[right, owner[single[b]]], len(polygons))
    first, second = _pairs_within_groups(starts, len(order))
    return borders, _unique_pairs(owner[order[first]], owner[order[second]], len(polygons))


def find_overlapping(geometries: ArrayLike) -> Pairs:
    """Find the pairs of polygons whose interiors meet, for layers that are not a coverage.

    Only polygons with an edge that no other polygon has are examined, against all others: a coverage is
    answered from its outer border. Two whole coverages drawn over each other are therefore not seen inside.

    Parameters
    ----------
    geometries
        n Polygons or MultiPolygons in one CRS; invalid ones are examined as `shapely.make_valid` reads them.

    Returns
    -------
    i, j : ndarray of int64
        Positions with i < j, each pair once, sorted.
    """
    polygons = np.asarray(geometries, dtype=object)
    owner, edges = _edges(polygons)
    order, starts = _group_equal_rows(edges)
    sizes = np.diff(np.r_[starts, len(order)])
    suspects = np.unique(owner[order[starts[sizes == 1]]])
    invalid = ~shapely.is_valid(polygons) & ~shapely.is_missing(polygons)
    if invalid.any():
        polygons = polygons.copy()
        polygons[invalid] = shapely.make_valid(polygons[invalid], method="structure", keep_collapsed=False)
    row, other = shapely.STRtree(polygons).query(polygons[suspects], predicate="intersects")
    row = suspects[row]
    keep = row != other
    row, other = row[keep], other[keep]
    shapely.prepare(polygons[suspects])
    meet = ~shapely.touches(polygons[row], polygons[other])
    i, j, _ = _sum_pairs(row[meet], other[meet], np.zeros(int(meet.sum())), len(polygons))
    return i, j


def _edges(polygons: ObjectArray) -> tuple[IntArray, FloatArray]:
    """Owners (m,) and end points (m, 4) of all edges, the lexicographically smaller end first."""
    xy, ring, owner = _vertices(polygons)
    same = np.flatnonzero(ring[1:] == ring[:-1])
    edges = _normalized_edges(xy[same], xy[same + 1])
    real = (edges[:, 0] != edges[:, 2]) | (edges[:, 1] != edges[:, 3])
    return owner[same[real]], edges[real]


def _vertices(polygons: ObjectArray) -> tuple[FloatArray, IntArray, IntArray]:
    """Vertices (v, 2) of all rings, closing ones too, with the numbers of their rings and polygons."""
    chunks, ring_count = [(np.empty((0, 2)), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))], 0
    # Rings are objects, which take more memory than their vertices: not all of them at once.
    for first in range(0, len(polygons), _CHUNK):
        parts, part_owner = shapely.get_parts(polygons[first : first + _CHUNK], return_index=True)
        made, ring_part = shapely.get_rings(parts, return_index=True)
        xy, ring = shapely.get_coordinates(made, return_index=True)
        # Adding nothing makes -0.0 equal to 0.0 in its bits too.
        chunks.append((xy + 0.0, ring + ring_count, part_owner[ring_part[ring]] + first))
        ring_count += len(made)
    xy, ring, owner = (np.concatenate(column) for column in zip(*chunks, strict=True))
    return xy, ring, owner


def _normalized_edges(start: FloatArray, end: FloatArray) -> FloatArray:
    swap = (start[:, 0] > end[:, 0]) | ((start[:, 0] == end[:, 0]) & (start[:, 1] > end[:, 1]))
    edges: FloatArray = np.where(swap[:, None], np.hstack((end, start)), np.hstack((start, end)))
    return edges


def _group_equal_rows(rows: FloatArray) -> tuple[IntArray, IntArray]:
    """Order that brings equal rows together, and where in it each group of equal rows starts."""
    if not len(rows):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    bits = np.ascontiguousarray(rows).view(np.uint64)
    key = np.zeros(len(rows), dtype=np.uint64)
    for column in bits.T:
        key = (key ^ column) * np.uint64(0x9E3779B97F4A7C15)
        key ^= key >> np.uint64(29)
    order = np.argsort(key, kind="stable")
    changed = (rows[order[1:]] != rows[order[:-1]]).any(axis=1)
    if np.any(changed & (key[order[1:]] == key[order[:-1]])):
        # Two different rows have one hash: sort by the values themselves.
        order = np.lexsort(rows.T[::-1])
        changed = (rows[order[1:]] != rows[order[:-1]]).any(axis=1)
    return order, np.r_[0, np.flatnonzero(changed) + 1]


def _pairs_within_groups(starts: IntArray, total: int) -> Pairs:
    """All pairs of positions that lie in the same group."""
    sizes = np.diff(np.r_[starts, total])
    left, right = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for size in np.unique(sizes[sizes > 1]):
        a, b = np.triu_indices(int(size), k=1)
        base = starts[sizes == size]
        left.append((base[:, None] + a).ravel())
        right.append((base[:, None] + b).ravel())
    return np.concatenate(left), np.concatenate(right)


def _collinear_overlaps(
    edges: FloatArray, owner: IntArray, tolerance: float
) -> tuple[IntArray, IntArray, FloatArray]:
    """Pairs of edges of different owners that run along each other within the tolerance, and how far."""
    bboxes = shapely.box(
        edges[:, 0] - tolerance,
        np.minimum(edges[:, 1], edges[:, 3]) - tolerance,
        edges[:, 2] + tolerance,
        np.maximum(edges[:, 1], edges[:, 3]) + tolerance,
    )
    a, b = shapely.STRtree(bboxes).query(bboxes)
    keep = (a < b) & (owner[a] != owner[b])
    a, b = a[keep], b[keep]
    low, high = find_spans_beside(
        edges[a, :2], edges[a, 2:], edges[b, :2], edges[b, 2:], -tolerance, tolerance
    )
    direction = edges[a, 2:] - edges[a, :2]
    along = ((edges[b, 2:] - edges[b, :2]) * direction).sum(axis=1) / np.hypot(*direction.T)
    overlap_length = np.abs(along) * np.maximum(high - low, 0.0)
    # What crosses at an angle runs along for no more than the tolerance's own size.
    real = overlap_length > 4 * tolerance
    return a[real], b[real], overlap_length[real]


def find_spans_beside(
    start: FloatArray,
    end: FloatArray,
    other_start: FloatArray,
    other_end: FloatArray,
    lowest: float,
    highest: float,
) -> tuple[FloatArray, FloatArray]:
    """Find which part of a second edge runs beside a first one.

    Parameters
    ----------
    start, end, other_start, other_end
        The ends of both edges of each pair, shape (n, 2); the first has a length.
    lowest, highest
        The range of distances from the line of the first edge, positive to its left.

    Returns
    -------
    low, high : ndarray of float
        The part of the second edge, as shares of it from its start; none where `high` <= `low`.
    """
    direction = end - start
    reach = np.hypot(direction[:, 0], direction[:, 1])
    direction = direction / reach[:, None]
    offset, leaving = other_start - start, other_end - start
    t0, t1 = (offset * direction).sum(axis=1), (leaving * direction).sum(axis=1)
    s0 = direction[:, 0] * offset[:, 1] - direction[:, 1] * offset[:, 0]
    s1 = direction[:, 0] * leaving[:, 1] - direction[:, 1] * leaving[:, 0]
    # The second edge is the line t, s over u in 0..1: clip u to where t and s are in their ranges.
    low, high = _parameter_range(t0, t1, np.zeros_like(reach), reach)
    near_low, near_high = _parameter_range(s0, s1, np.full_like(reach, lowest), np.full_like(reach, highest))
    return np.maximum(np.maximum(low, near_low), 0.0), np.minimum(np.minimum(high, near_high), 1.0)


def _parameter_range(
    start: FloatArray, end: FloatArray, lower: FloatArray, upper: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Range of u in which start + u (end - start) lies between lower and upper; empty ranges turn around."""
    step = end - start
    with np.errstate(divide="ignore", invalid="ignore"):
        one, two = (lower - start) / step, (upper - start) / step
    flat = step == 0
    inside = (start >= lower) & (start <= upper)
    low = np.where(flat, np.where(inside, -np.inf, np.inf), np.minimum(one, two))
    high = np.where(flat, np.where(inside, np.inf, -np.inf), np.maximum(one, two))
    return low, high


def _sum_pairs(
    left: IntArray, right: IntArray, length: FloatArray, count: int
) -> tuple[IntArray, IntArray, FloatArray]:
    """Order each pair, drop pairs of one owner with itself, and add up the lengths per pair."""
    foreign = left != right
    low = np.minimum(left, right)[foreign].astype(np.int64)
    high = np.maximum(left, right)[foreign].astype(np.int64)
    keys, inverse = np.unique(low * max(count, 1) + high, return_inverse=True)
    total = np.bincount(inverse, weights=length[foreign], minlength=len(keys)).astype(np.float64)
    return keys // max(count, 1), keys % max(count, 1), total


def _unique_pairs(left: IntArray, right: IntArray, count: int) -> Pairs:
    """Order each pair, drop pairs of one owner with itself, and keep each once, sorted."""
    foreign = left != right
    low, high = np.minimum(left, right)[foreign], np.maximum(left, right)[foreign]
    keys = np.sort(low * max(count, 1) + high)
    keys = keys[np.diff(keys, prepend=-1) > 0]
    return keys // max(count, 1), keys % max(count, 1)
