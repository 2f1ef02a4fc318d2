"""Polygons as flat arrays of rings on a grid of whole units: cleaning, joining, conversion."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import shapely

from gis.arrays import BoolArray, FloatArray, IntArray, ObjectArray

CHUNK = 16_384
"""Rows that are geometries at a time: each takes some hundred bytes beside its vertices."""


class Rings(NamedTuple):
    """The rings of many polygons.

    Attributes
    ----------
    xy
        Vertices in units, y to the south, shape (v, 2); rings are without their closing vertex.
    starts
        Where the vertices of each ring begin, shape (r + 1,).
    parts
        The part of a row each ring belongs to, ascending, shape (r,): the outer ring first, then its holes.
    rows
        The row of each ring, ascending, shape (r,).
    """

    xy: IntArray
    starts: IntArray
    parts: IntArray
    rows: IntArray

    @property
    def outer(self) -> BoolArray:
        """Which rings are outer ones, shape (r,)."""
        return _first_of_part(self.parts)

    def subset(self, chosen: IntArray) -> "Rings":
        """Return the rings at ascending positions."""
        sizes = np.diff(self.starts)[chosen]
        places = expand_runs(self.starts[chosen], sizes)
        return Rings(self.xy[places], offsets_from_sizes(sizes), self.parts[chosen], self.rows[chosen])

    def bboxes(self, count: int) -> IntArray:
        """Return min x, y, max x, y of `count` rows, shape (count, 4).

        A row without rings has a box that touches nothing.
        """
        found = np.empty((count, 4), dtype=np.int64)
        limit = np.iinfo(np.int64).max // 4
        found[:, :2], found[:, 2:] = limit, -limit
        if len(self.rows):
            first = np.flatnonzero(np.diff(self.rows, prepend=-1))
            places, there = self.starts[first], self.rows[first]
            found[there, :2] = np.minimum.reduceat(self.xy, places)
            found[there, 2:] = np.maximum.reduceat(self.xy, places)
        return found

    def to_geometries(self, count: int) -> ObjectArray:
        """Return `count` rows as (Multi)Polygons; a row without rings is an empty polygon."""
        return _build_geometries(self, count)


class FloatRings(NamedTuple):
    """The rings of many polygons in floating-point coordinates, laid out as in `Rings`; not cleaned."""

    xy: FloatArray
    starts: IntArray
    parts: IntArray
    rows: IntArray

    @classmethod
    def from_geometries(cls, geometries: ObjectArray) -> "FloatRings":
        """Return the rings of (Multi)Polygons, shape (n,)."""
        made, parts = [], 0
        for first in range(0, len(geometries), CHUNK):
            some = _explode(geometries[first : first + CHUNK])
            made.append(some._replace(parts=some.parts + parts, rows=some.rows + first))
            # Ascending numbers distinguish parts; they may have gaps.
            parts += len(some.parts)
        return cls(*_concatenate(made)) if made else _explode(geometries)

    def round_to_grid(self, to_units: Callable[[FloatArray], FloatArray]) -> Rings:
        """Return the rings on whole units, cleaned as by `clean_rings`.

        Parameters
        ----------
        to_units
            Converts coordinates, shape (v, 2), to units; the result is rounded.
        """
        last = int(self.rows[-1]) + 1 if len(self.rows) else 0
        made = []
        for begin, end in pairwise(np.searchsorted(self.rows, np.arange(0, last + CHUNK, CHUNK)).tolist()):
            starts = self.starts[begin : end + 1]
            whole = np.rint(to_units(self.xy[starts[0] : starts[-1]])).astype(np.int64)
            made.append(
                clean_rings(Rings(whole, starts - starts[0], self.parts[begin:end], self.rows[begin:end]))
            )
        if not made:
            return Rings(self.xy.astype(np.int64), self.starts, self.parts, self.rows)
        rings = Rings(*_concatenate(made))
        return rings._replace(parts=np.cumsum(rings.outer) - 1)

    def to_geometries(self, count: int) -> ObjectArray:
        """Return `count` rows as (Multi)Polygons; a row without rings is an empty polygon."""
        return _build_geometries(self, count)


def expand_runs(firsts: IntArray, counts: IntArray) -> IntArray:
    """Return the indexes of runs that begin at `firsts` and are `counts` long, concatenated."""
    last = np.cumsum(counts)
    total = int(last[-1]) if len(last) else 0
    positions: IntArray = np.arange(total) + np.repeat(firsts - (last - counts), counts)
    return positions


def offsets_from_sizes(sizes: IntArray) -> IntArray:
    """Return where runs of these sizes begin and end, shape (n + 1,)."""
    bounds = np.zeros(len(sizes) + 1, dtype=np.int64)
    np.cumsum(sizes, out=bounds[1:])
    return bounds


def rings_from_geometries(geometries: ObjectArray) -> Rings:
    """Return the rings of (Multi)Polygons, shape (n,), rounded to whole units and cleaned."""
    return FloatRings.from_geometries(geometries).round_to_grid(np.asarray)


def _explode(geometries: ObjectArray) -> FloatRings:
    polygons, rows = shapely.get_parts(geometries, return_index=True)
    rings, parts = shapely.get_rings(polygons, return_index=True)
    xy, owners = shapely.get_coordinates(rings, return_index=True)
    sizes = np.bincount(owners, minlength=len(rings))
    # The closing vertex is dropped.
    keep = np.ones(len(xy), dtype=bool)
    keep[np.cumsum(sizes) - 1] = False
    return FloatRings(
        xy[keep], offsets_from_sizes(sizes - 1), parts.astype(np.int64), rows[parts].astype(np.int64)
    )


def _concatenate(pieces: Sequence[Rings] | Sequence[FloatRings]) -> tuple[Any, IntArray, IntArray, IntArray]:
    """Return vertices, starts, parts and rows of pieces one after another."""
    return (
        np.concatenate([each.xy for each in pieces]),
        offsets_from_sizes(np.concatenate([np.diff(each.starts) for each in pieces])),
        np.concatenate([each.parts for each in pieces]),
        np.concatenate([each.rows for each in pieces]),
    )


def _first_of_part(parts: IntArray) -> BoolArray:
    first = np.ones(len(parts), dtype=bool)
    first[1:] = parts[1:] != parts[:-1]
    return first


def _build_geometries(rings: Rings | FloatRings, count: int) -> ObjectArray:
    empty = np.full(count, shapely.Polygon(), dtype=object)
    if not len(rings.rows):
        return empty
    sizes = np.diff(rings.starts)
    closed = shapely.linearrings(rings.xy.astype(np.float64), indices=np.repeat(np.arange(len(sizes)), sizes))
    outer = _first_of_part(rings.parts)
    polygons = np.asarray(shapely.polygons(np.asarray(closed), indices=np.cumsum(outer) - 1))
    shapely.multipolygons(polygons, indices=rings.rows[outer], out=empty)
    return empty


def merge_rings(one: Rings, other: Rings) -> Rings:
    """Return the rings of both, by ascending rows; no row is in both."""
    both = Rings(
        np.concatenate((one.xy, other.xy)),
        offsets_from_sizes(np.concatenate((np.diff(one.starts), np.diff(other.starts)))),
        np.concatenate((one.parts, other.parts + (one.parts[-1] + 1 if len(one.parts) else 0))),
        np.concatenate((one.rows, other.rows)),
    )
    ordered = both.subset(np.argsort(both.rows, kind="stable"))
    # A part begins where the number changes; parts are renumbered in ascending order.
    return ordered._replace(parts=np.cumsum(ordered.outer) - 1)


def clean_rings(rings: Rings) -> Rings:
    """Remove repeated vertices and spikes, then rings that lie on one line, and orient the rest.

    A vertex is a spike where the ring turns back on itself. Outer rings have a positive area with y to
    the south (clockwise as seen), holes a negative one. The holes of a collapsed outer ring are removed with
    it.
    """
    xy, sizes = rings.xy, np.diff(rings.starts)
    while len(xy):
        starts = offsets_from_sizes(sizes)
        before, after = _adjacent_vertices(starts)
        behind, ahead = xy[before], xy[after]
        drop = _equal_vertices(xy, behind) | _equal_vertices(behind, ahead)
        if not drop.any():
            break
        owners = np.repeat(np.arange(len(sizes)), sizes)
        sizes = sizes - np.bincount(owners[drop], minlength=len(sizes))
        xy = xy[~drop]
    starts = offsets_from_sizes(sizes)
    areas = doubled_areas(xy, starts)
    outer = rings.outer
    numbers = np.cumsum(outer) - 1
    flat = _is_collinear(xy, starts)
    keep = ~flat & ~flat[outer][numbers]
    turned = ((areas > 0) != outer) & keep
    if turned.any():
        places = np.arange(len(xy))
        flips = np.repeat(turned, sizes)
        mirrored = np.repeat(starts[:-1] + starts[1:] - 1, sizes) - places
        xy = xy[np.where(flips, mirrored, places)]
    kept = Rings(xy, starts, rings.parts, rings.rows)
    return kept if keep.all() else kept.subset(np.flatnonzero(keep))


def is_convex(rings: Rings) -> BoolArray:
    """Return which of some cleaned rings turn one way only and once around: such polygons are valid."""
    if not len(rings.rows):
        return np.empty(0, dtype=bool)
    before, after = _adjacent_vertices(rings.starts)
    ahead = rings.xy[after] - rings.xy
    behind = ahead[before]
    turn = behind[:, 0] * ahead[:, 1] - ahead[:, 0] * behind[:, 1]
    onward = (behind * ahead).sum(axis=1) > 0
    # A turn is less than half a circle, so each time around passes once from one half of directions to the
    # other.
    half = (ahead[:, 1] > 0) | ((ahead[:, 1] == 0) & (ahead[:, 0] > 0))
    begins = rings.starts[:-1]
    wrong = np.add.reduceat((turn < 0) | ((turn == 0) & ~onward), begins, dtype=np.int64)
    around = np.add.reduceat(half & ~half[before], begins, dtype=np.int64)
    found: BoolArray = (wrong == 0) & (around == 1)
    return found


def doubled_areas(xy: IntArray, starts: IntArray) -> IntArray:
    """Return twice the signed area of each ring, exactly; positive is clockwise with y to the south."""
    areas = np.zeros(len(starts) - 1, dtype=np.int64)
    there = starts[1:] > starts[:-1]
    if there.any():
        # Relative to the first vertex of each ring the products stay small.
        sizes = np.diff(starts)
        local = xy - np.repeat(xy[starts[:-1][there]], sizes[there], axis=0)
        _, after = _adjacent_vertices(starts)
        ahead = local[after]
        areas[there] = np.add.reduceat(
            local[:, 0] * ahead[:, 1] - ahead[:, 0] * local[:, 1], starts[:-1][there]
        )
    return areas


def _is_collinear(xy: IntArray, starts: IntArray) -> BoolArray:
    """Return which rings lie on one line.

    Area alone does not show it: the lobes of a ring that crosses itself may cancel.
    """
    sizes = np.diff(starts)
    flat = np.ones(len(sizes), dtype=bool)
    there = sizes > 2
    first = starts[:-1][there]
    places = expand_runs(first, sizes[there])
    along = np.repeat(xy[first + 1] - xy[first], sizes[there], axis=0)
    off = xy[places] - np.repeat(xy[first], sizes[there], axis=0)
    bent = along[:, 0] * off[:, 1] != along[:, 1] * off[:, 0]
    flat[there] = np.bincount(np.repeat(np.arange(len(first)), sizes[there])[bent], minlength=len(first)) == 0
    return flat


def _equal_vertices(one: IntArray, other: IntArray) -> BoolArray:
    """Return which points are equal, compared by column, because there are many and each has two numbers."""
    equal: BoolArray = (one[:, 0] == other[:, 0]) & (one[:, 1] == other[:, 1])
    return equal


def _adjacent_vertices(starts: IntArray) -> tuple[IntArray, IntArray]:
    """Return the indexes of the previous and the next vertex of each vertex in its ring."""
    count = int(starts[-1])
    before, after = np.arange(-1, count - 1), np.arange(1, count + 1)
    there = starts[1:] > starts[:-1]
    first, last = starts[:-1][there], starts[1:][there] - 1
    before[first], after[last] = last, first
    return before, after
