"""Making polygons valid again, on whole units, that rounding or clipping has made invalid."""

import numpy as np
import shapely

from gis.arrays import BoolArray, FloatArray, IntArray, ObjectArray
from layers.tiles.bbox_index import BBoxIndex
from layers.tiles.rings import (
    CHUNK,
    Rings,
    clean_rings,
    is_convex,
    merge_rings,
    offsets_from_sizes,
    rings_from_geometries,
)

_MAX_ROUNDS = 8
_HALF_PIXEL = 0.5
_PIXEL_RADIUS = 0.7072


def make_valid_each(rings: Rings, count: int) -> Rings:
    """Make each of `count` rows valid by itself; what a ring encloses more than once is filled."""
    wrong, geometries = _find_invalid(rings, np.arange(count))
    if not len(wrong):
        return rings
    fixed = _make_valid(geometries)
    off = ~_is_valid_on_grid(fixed)
    fixed[off] = shapely.set_precision(fixed[off], 1.0)
    return replace_rows(rings, wrong, fixed)


def make_valid_clipped(inside: Rings, cut: Rings, count: int) -> Rings:
    """Make the rows of a coverage that a tile's border cuts valid, and keep shared borders.

    A clipped ring usually touches itself only along the border of the tile, which is repaired row by row.
    """
    wrong, geometries = _find_invalid(cut, np.arange(count))
    if not len(wrong):
        return merge_rings(inside, cut)
    fixed = _make_valid(geometries)
    if _is_valid_on_grid(fixed).all():
        return merge_rings(inside, replace_rows(cut, wrong, fixed))
    return make_valid_coverage(merge_rings(inside, cut), count)


def make_valid_coverage(rings: Rings, count: int) -> Rings:
    """Make `count` rows valid and keep the borders that they share.

    Where an edge of an invalid polygon meets a vertex or another edge within half a unit, it is bent through
    that point in every polygon that has the edge, so that borders stay shared. Then only whole edges
    coincide, and what a ring encloses, however often, can be filled without new vertices. No location that
    was covered before is blank afterwards.

    Notes
    -----
    Hobby, J. D. (1999): Practical segment intersection with finite precision output; only around what is
    invalid, and again where a bend has made something invalid.
    """
    changed = np.arange(count)
    for _ in range(_MAX_ROUNDS):
        wrong, _ = _find_invalid(rings, changed)
        if not len(wrong):
            return rings
        bboxes = rings.bboxes(count).astype(np.float64)
        index = BBoxIndex(bboxes)
        near = [index.query(*box) for box in (bboxes[wrong] + (-1, -1, 1, 1)).tolist()]
        changed = np.unique(np.concatenate(near))
        rings = _snap_edges(rings, changed, wrong)
        still, geometries = _find_invalid(rings, changed)
        fixed = _make_valid(geometries)
        done = _is_valid_on_grid(fixed)
        rings = replace_rows(rings, still[done], fixed[done])
    return make_valid_each(rings, count)


def replace_rows(rings: Rings, rows: IntArray, geometries: ObjectArray) -> Rings:
    """Replace the polygons of ascending rows."""
    if not len(rows):
        return rings
    new = rings_from_geometries(geometries)
    kept = rings.subset(np.flatnonzero(~np.isin(rings.rows, rows)))
    return merge_rings(kept, new._replace(rows=rows[new.rows]))


def _find_invalid(rings: Rings, rows: IntArray) -> tuple[IntArray, ObjectArray]:
    """Return which of some ascending rows are invalid, and their geometries."""
    numbers, geometries = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=object)]
    for first in range(0, len(rows), CHUNK):
        chunk = rows[first : first + CHUNK]
        begin, end = np.searchsorted(rings.rows, (chunk[0], chunk[-1] + 1))
        some = rings.subset(begin + np.flatnonzero(np.isin(rings.rows[begin:end], chunk)))
        # Most are convex and therefore valid, which is found many times faster than GEOS validates a polygon.
        places = np.searchsorted(chunk, some.rows)
        alone = np.bincount(places, minlength=1)[places] == 1
        doubtful = places[~(alone & is_convex(some))]
        doubtful = doubtful[np.diff(doubtful, prepend=-1) > 0]
        some = some.subset(np.flatnonzero(np.isin(places, doubtful)))
        made = some._replace(rows=np.searchsorted(chunk[doubtful], some.rows)).to_geometries(len(doubtful))
        wrong = ~shapely.is_valid(made)
        numbers.append(chunk[doubtful[wrong]])
        geometries.append(made[wrong])
    return np.concatenate(numbers), np.concatenate(geometries)


def _make_valid(geometries: ObjectArray) -> ObjectArray:
    return np.asarray(shapely.make_valid(geometries, method="structure", keep_collapsed=False), dtype=object)


def _is_valid_on_grid(geometries: ObjectArray) -> BoolArray:
    """Return which geometries are valid and on whole units."""
    xy, owners = shapely.get_coordinates(geometries, return_index=True)
    broken = (xy != np.rint(xy)).any(axis=1)
    found: BoolArray = shapely.is_valid(geometries) & (
        np.bincount(owners[broken], minlength=len(geometries)) == 0
    )
    return found


def _snap_edges(rings: Rings, near: IntArray, wrong: IntArray) -> Rings:
    """Bend the edges of the rows `near` through the vertices and crossings of the rows `wrong` among them."""
    around = np.isin(rings.rows, near)
    local, rest = rings.subset(np.flatnonzero(around)), rings.subset(np.flatnonzero(~around))
    sizes = np.diff(local.starts)
    after = np.arange(1, len(local.xy) + 1)
    after[local.starts[1:] - 1] = local.starts[:-1]
    first, second = local.xy, local.xy[after]
    swap = (first[:, 0] > second[:, 0]) | ((first[:, 0] == second[:, 0]) & (first[:, 1] > second[:, 1]))
    ordered = np.where(swap[:, np.newaxis], np.hstack((second, first)), np.hstack((first, second)))
    edges, number = np.unique(ordered, axis=0, return_inverse=True)
    broken = np.repeat(np.isin(local.rows, wrong), sizes)
    over, places = _edges_through_pixels(
        edges, np.unique(number[broken]), np.unique(local.xy[broken], axis=0)
    )
    # The bends of each edge are contiguous, from its lower end to its higher.
    bends = np.bincount(over, minlength=len(edges))
    begin = offsets_from_sizes(bends)[:-1]
    more = bends[number]
    owners = np.repeat(np.arange(len(local.xy)), more)
    step = np.arange(len(owners)) - np.repeat(np.cumsum(more) - more, more)
    source = begin[number[owners]] + np.where(swap[owners], more[owners] - 1 - step, step)
    out = np.empty((len(local.xy) + len(owners), 2), dtype=np.int64)
    at = np.arange(len(local.xy)) + np.cumsum(more) - more
    out[at] = local.xy
    out[at[owners] + 1 + step] = places[source]
    longer = sizes + np.bincount(np.repeat(np.arange(len(sizes)), sizes), weights=more).astype(np.int64)
    return merge_rings(rest, clean_rings(Rings(out, offsets_from_sizes(longer), local.parts, local.rows)))


def _pixel_squares(boxes: FloatArray) -> ObjectArray:
    return np.asarray(shapely.box(*boxes.T), dtype=object)


def _edges_through_pixels(edges: IntArray, broken: IntArray, vertices: IntArray) -> tuple[IntArray, IntArray]:
    """Return which edges pass within half a unit of which points, by edge and along it.

    Parameters
    ----------
    edges
        Lower and higher end, shape (e, 4).
    broken
        The edges of invalid polygons, whose crossings with any edge are points in addition to `vertices`.
    """
    lines = np.asarray(shapely.linestrings(edges.reshape(-1, 2, 2).astype(np.float64)), dtype=object)
    tree = shapely.STRtree(lines)
    one, other = tree.query(lines[broken], predicate="crosses")
    met = np.asarray(shapely.intersection(lines[broken[one]], lines[other]), dtype=object)
    met = met[shapely.get_type_id(met) == shapely.GeometryType.POINT]
    crossings = np.rint(shapely.get_coordinates(met)).astype(np.int64)
    places = np.unique(np.concatenate((vertices, crossings)), axis=0)
    middle = places.astype(np.float64)
    number, over = tree.query(shapely.points(middle), predicate="dwithin", distance=_PIXEL_RADIUS)
    end = (places[number] == edges[over, :2]).all(axis=1) | (places[number] == edges[over, 2:]).all(axis=1)
    number, over = number[~end], over[~end]
    pixels = _pixel_squares(np.hstack((middle[number] - _HALF_PIXEL, middle[number] + _HALF_PIXEL)))
    passes = shapely.intersects(pixels, lines[over])
    number, over = number[passes], over[passes]
    along = ((places[number] - edges[over, :2]) * (edges[over, 2:] - edges[over, :2])).sum(axis=1)
    order = np.lexsort((along, over))
    return over[order], places[number[order]]
