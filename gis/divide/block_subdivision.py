"""Subdivision of large blocks by straight lines across their long axis, in gaps between buildings."""

from typing import NamedTuple

import numpy as np
import shapely

from gis.arrays import BoolArray, FloatArray, Geometries, IntArray
from gis.divide.block_loads import BlockSize, LoadPoints

_TOO_LARGE = 2.0
"""A block is cut from so many times the target area on."""

_POSITIONS = 65
_CHUNK = 100_000
_MAX_LEVELS = 40
_MOST_DEVIATION = 0.35
"""How far a cut may move to reach a gap, as a share of one part."""

_CLEARANCE_M = 2.0
_CLEARANCE_COST = 0.02
_MIN_PART_M2 = 1.0
_ONE_PLACE_M = 0.1


def subdivision_lines(
    blocks: Geometries, size: BlockSize, points: LoadPoints, buildings: Geometries
) -> Geometries:
    """Return the lines that cut blocks into parts of about the wanted size.

    A block is cut in two across the long side of the smallest rectangle around it, and its parts again, until
    each is small enough. A cut is made where its parts have their shares, or beside that in a gap between
    buildings.

    Parameters
    ----------
    blocks
        Shape (n,), Polygon in metres.
    size
        How large they should be.
    points
        Where the load is.
    buildings
        Polygons that cuts should pass by.

    Returns
    -------
    ndarray of LineString
        Each ends on the border of its block or on an earlier line.
    """
    found: list[Geometries] = []
    pieces, from_targets = blocks, _TOO_LARGE
    for _ in range(_MAX_LEVELS):
        owner = points.owners(pieces)
        load = np.bincount(owner[owner >= 0], points.load[owner >= 0], len(pieces)).astype(float)
        parts = size.parts(shapely.area(pieces), load, from_targets=from_targets)
        large = (parts > 1) & (shapely.area(pieces) > _MIN_PART_M2)
        large &= _can_be_cut(pieces, size, owner, points, from_targets)
        if not large.any():
            break
        number = np.full(len(pieces) + 1, -1)
        number[np.flatnonzero(large)] = np.arange(large.sum())
        by_load = _load_decides(pieces[large], size, load[large])
        axes = _Axes.of(pieces[large])
        axes = axes.turned(by_load & _load_lies_across(axes, number[owner], points))
        at = _choose_positions(pieces[large], axes, parts[large], by_load, number[owner], points, buildings)
        lines, pieces = _cut(pieces[large], axes, at)
        found.append(lines)
        from_targets = 1.5
    return np.concatenate(found) if found else np.array([], dtype=object)


def _load_decides(pieces: Geometries, size: BlockSize, load: FloatArray) -> BoolArray:
    """Return which pieces need more parts for their load than for their area."""
    if size.max_load is None:
        return np.zeros(len(pieces), dtype=bool)
    area_parts = np.ones(len(pieces))
    if size.target_area_m2 is not None:
        area_parts = shapely.area(pieces) / size.target_area_m2
    return np.asarray((load > size.max_load) & (load / size.max_load > area_parts))


def _can_be_cut(
    pieces: Geometries, size: BlockSize, owner: IntArray, points: LoadPoints, from_targets: float
) -> BoolArray:
    """Return which pieces get smaller by a cut: all but those whose load is in one place."""
    if size.max_load is None:
        return np.ones(len(pieces), dtype=bool)
    by_area = BlockSize(size.target_area_m2, None).parts(
        shapely.area(pieces), np.zeros(len(pieces)), from_targets=from_targets
    )
    loaded = np.flatnonzero((owner >= 0) & (points.load > 0))
    low, high = np.full((len(pieces), 2), np.inf), np.full((len(pieces), 2), -np.inf)
    np.minimum.at(low, owner[loaded], points.xy[loaded])
    np.maximum.at(high, owner[loaded], points.xy[loaded])
    return np.asarray((by_area > 1) | ((high - low).max(axis=1) > _ONE_PLACE_M))


def _load_lies_across(axes: "_Axes", owner: IntArray, points: LoadPoints) -> BoolArray:
    """Return in which pieces the load is spread across the axis rather than along it."""
    inside = np.flatnonzero((owner >= 0) & (points.load > 0))
    at = axes.project(points.xy[inside], owner[inside])
    low, high = np.full((len(axes.length), 2), np.inf), np.full((len(axes.length), 2), -np.inf)
    np.minimum.at(low, owner[inside], at)
    np.maximum.at(high, owner[inside], at)
    spread = np.where(high >= low, high - low, 0)
    return np.asarray(2 * spread[:, 0] < spread[:, 1])


class _Axes(NamedTuple):
    """The long axes of pieces: a corner of the rectangle around each, unit vector along, length, breadth."""

    origin: FloatArray
    along: FloatArray
    length: FloatArray
    breadth: FloatArray

    @classmethod
    def of(cls, pieces: Geometries) -> "_Axes":
        corners = shapely.get_coordinates(
            shapely.get_exterior_ring(shapely.oriented_envelope(pieces))
        ).reshape(-1, 5, 2)
        one, two = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 1]
        lengths = np.hypot(one[:, 0], one[:, 1]), np.hypot(two[:, 0], two[:, 1])
        first = lengths[0] >= lengths[1]
        side = np.where(first[:, None], one, two)
        length = np.maximum(*lengths)
        along = side / length[:, None]
        # One of the two directions, whichever way the rectangle was built.
        flip = (along[:, 0] < -1e-9) | ((np.abs(along[:, 0]) <= 1e-9) & (along[:, 1] < 0))
        along = np.where(flip[:, None], -along, along)
        across = np.column_stack([-along[:, 1], along[:, 0]])
        relative = corners[:, :4]
        u = (relative * along[:, None]).sum(axis=2).min(axis=1)
        v = (relative * across[:, None]).sum(axis=2).min(axis=1)
        return cls(u[:, None] * along + v[:, None] * across, along, length, np.minimum(*lengths))

    def turned(self, rows: BoolArray) -> "_Axes":
        """Return the axes, some of them across instead of along."""
        across = np.column_stack([-self.along[:, 1], self.along[:, 0]])
        # The other way across, so that the corner at the end of the first side is where both begin.
        origin = self.origin + self.breadth[:, None] * across
        return _Axes(
            np.where(rows[:, None], origin, self.origin),
            np.where(rows[:, None], -across, self.along),
            np.where(rows, self.breadth, self.length),
            np.where(rows, self.length, self.breadth),
        )

    def project(self, xy: FloatArray, piece: IntArray) -> FloatArray:
        """Return how far along and across the axes of their pieces coordinates lie, shape (n, 2)."""
        offset, along = xy - self.origin[piece], self.along[piece]
        return np.column_stack(
            [(offset * along).sum(axis=1), along[:, 0] * offset[:, 1] - along[:, 1] * offset[:, 0]]
        )

    def place(self, u: FloatArray, v: FloatArray) -> FloatArray:
        """Return coordinates from how far along and across one point of each piece lies, shape (n, 2)."""
        across = np.column_stack([-self.along[:, 1], self.along[:, 0]])
        return np.asarray(self.origin + u[:, None] * self.along + v[:, None] * across)


def _choose_positions(
    pieces: Geometries,
    axes: _Axes,
    parts: IntArray,
    by_load: BoolArray,
    owner: IntArray,
    points: LoadPoints,
    buildings: Geometries,
) -> FloatArray:
    """Choose how far along its axis each piece is cut."""
    shares = _area_shares(pieces, axes)
    grid = np.linspace(0, 1, _POSITIONS)
    inside = np.flatnonzero(owner >= 0)
    if by_load.any() and len(inside):
        at = axes.project(points.xy[inside], owner[inside])[:, 0] / axes.length[owner[inside]]
        bins = np.zeros((len(pieces), _POSITIONS))
        # A point counts from the first position beyond it.
        step = np.clip(np.floor(at * (_POSITIONS - 1)).astype(np.int64) + 1, 1, _POSITIONS - 1)
        np.add.at(bins, (owner[inside], step), points.load[inside])
        cumulative = np.cumsum(bins, axis=1)
        total = np.where(cumulative[:, -1:] > 0, cumulative[:, -1:], 1)
        shares = np.where(by_load[:, None], cumulative / total, shares)
    wanted = (parts // 2) / parts
    deviation = np.abs(shares - wanted[:, None]) * np.minimum(parts, 6)[:, None]
    cost = deviation**2 + _building_costs(pieces, axes, buildings, parts)
    cost[deviation > _MOST_DEVIATION] += 100
    cost[:, [0, -1]] = np.inf
    best = grid[np.argmin(cost, axis=1)]
    # Where no building is near, exactly at the share.
    exact = np.array([np.interp(w, row, grid) for w, row in zip(wanted, shares, strict=True)])
    free = np.take_along_axis(cost - deviation**2, np.argmin(cost, axis=1)[:, None], axis=1)[:, 0] == 0
    near = np.abs(exact - best) <= 1 / (_POSITIONS - 1)
    use = free & near & ~by_load & (exact > 0.01) & (exact < 0.99)
    return np.where(use, exact, best) * axes.length


def _area_shares(pieces: Geometries, axes: _Axes) -> FloatArray:
    """Return what share of each piece lies before each of the positions along its axis."""
    rings, owner = shapely.get_rings(shapely.normalize(pieces), return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    first = np.flatnonzero(ring[1:] == ring[:-1])
    piece = owner[ring[first]]
    start, end = axes.project(xy[first], piece), axes.project(xy[first + 1], piece)
    result = np.zeros((len(pieces), _POSITIONS))
    grid = np.linspace(0, 1, _POSITIONS)
    for begin in range(0, len(first), _CHUNK):
        part = slice(begin, begin + _CHUNK)
        at = grid * axes.length[piece[part]][:, None]
        (u0, v0), (u1, v1) = start[part].T[:, :, None], end[part].T[:, :, None]
        # Green's theorem: the area before a position is the sum of the strips under the clipped edges.
        c0, c1 = np.minimum(u0, at), np.minimum(u1, at)
        run = np.where(u1 == u0, 1, u1 - u0)
        w0, w1 = v0 + (c0 - u0) / run * (v1 - v0), v0 + (c1 - u0) / run * (v1 - v0)
        np.add.at(result, piece[part], (c1 - c0) * (w0 + w1) / 2)
    result = np.abs(result)
    return result / result[:, -1:]


def _building_costs(pieces: Geometries, axes: _Axes, buildings: Geometries, parts: IntArray) -> FloatArray:
    """Return what a cut at each of the positions costs: the ground of buildings that it cuts off."""
    result = np.zeros((len(pieces), _POSITIONS))
    if not len(buildings):
        return result
    piece, building = shapely.STRtree(buildings).query(pieces, predicate="intersects")
    xy, pair = shapely.get_coordinates(buildings[building], return_index=True)
    at = axes.project(xy, piece[pair])
    low, high = np.full((len(piece), 2), np.inf), np.full((len(piece), 2), -np.inf)
    np.minimum.at(low, pair, at)
    np.maximum.at(high, pair, at)
    grid = np.linspace(0, 1, _POSITIONS)
    part_m2 = shapely.area(pieces) / parts
    for begin in range(0, len(piece), _CHUNK):
        rows = slice(begin, begin + _CHUNK)
        where = grid * axes.length[piece[rows]][:, None]
        depth = np.minimum(where - low[rows, :1], high[rows, :1] - where)
        breadth = (high[rows, 1] - low[rows, 1])[:, None]
        cost = np.maximum(depth, 0) * breadth / part_m2[piece[rows]][:, None]
        cost += np.where(depth > -_CLEARANCE_M, _CLEARANCE_COST, 0)
        np.add.at(result, piece[rows], cost)
    return result


def _cut(pieces: Geometries, axes: _Axes, at: FloatArray) -> tuple[Geometries, Geometries]:
    """Cut each piece across its axis; return the lines inside it and the parts."""
    near, far = np.full(len(pieces), -1.0), axes.breadth + 1
    lines = shapely.linestrings(np.stack([axes.place(at, near), axes.place(at, far)], axis=1))
    before, after = np.full(len(pieces), -1.0), axes.length + 1
    halves = [
        shapely.polygons(
            np.stack(
                [axes.place(u, v) for u, v in ((one, near), (two, near), (two, far), (one, far))], axis=1
            )
        )
        for one, two in ((before, at), (at, after))
    ]
    cuts = shapely.get_parts(shapely.intersection(lines, pieces))
    cuts = cuts[shapely.get_type_id(cuts) == 1]
    parts = shapely.get_parts(np.concatenate([shapely.intersection(half, pieces) for half in halves]))
    parts = parts[shapely.get_dimensions(parts) == 2]
    return cuts, parts[shapely.area(parts) > _MIN_PART_M2]
