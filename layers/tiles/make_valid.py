"""Polygons that rounding or cutting has made invalid, made valid again on whole units."""

import numpy as np
import shapely

from layers.tiles.bbox_index import Boxes
from layers.tiles.rings import (
    CHUNK,
    Booleans,
    Floats,
    Integers,
    Objects,
    Rings,
    cleaned,
    convex,
    ends,
    from_shapes,
    joined,
)

_ROUNDS = 8
_HALF = 0.5
_CORNER = 0.7072


def mended(rings: Rings, count: int) -> Rings:
    """Make each of `count` rows valid by itself; what a ring runs around more than once is filled."""
    wrong, shapes = _invalid(rings, np.arange(count))
    if not len(wrong):
        return rings
    fixed = _noded(shapes)
    off = ~_sound(fixed)
    fixed[off] = shapely.set_precision(fixed[off], 1.0)
    return replaced(rings, wrong, fixed)


def mended_cut(inside: Rings, cut: Rings, count: int) -> Rings:
    """Make the rows of a coverage that a tile's border cuts valid, and keep the borders they share.

    A ring that was cut touches itself only along the border, as a rule, which is mended row by row.
    """
    wrong, shapes = _invalid(cut, np.arange(count))
    if not len(wrong):
        return joined(inside, cut)
    fixed = _noded(shapes)
    if _sound(fixed).all():
        return joined(inside, replaced(cut, wrong, fixed))
    return mended_together(joined(inside, cut), count)


def mended_together(rings: Rings, count: int) -> Rings:
    """Make `count` rows valid and keep the borders that they share.

    Where an edge of an invalid polygon meets a vertex or another edge within half a unit, it is bent over
    that place in every polygon that has the edge: whoever shares a border still does. Then only whole edges
    coincide, and what a ring runs around, however often, is filled without a new place. No location that was
    enclosed before is blank then.

    Notes
    -----
    Hobby, J. D. (1999): Practical segment intersection with finite precision output; only around what is
    invalid, and again where a bend has made something invalid.
    """
    changed = np.arange(count)
    for _ in range(_ROUNDS):
        wrong, _ = _invalid(rings, changed)
        if not len(wrong):
            return rings
        boxes = rings.boxes(count).astype(np.float64)
        index = Boxes(boxes)
        near = [index.touching(*box) for box in (boxes[wrong] + (-1, -1, 1, 1)).tolist()]
        changed = np.unique(np.concatenate(near))
        rings = _bent(rings, changed, wrong)
        still, shapes = _invalid(rings, changed)
        fixed = _noded(shapes)
        done = _sound(fixed)
        rings = replaced(rings, still[done], fixed[done])
    return mended(rings, count)


def replaced(rings: Rings, rows: Integers, shapes: Objects) -> Rings:
    """Put other polygons into rows of ascending numbers."""
    if not len(rows):
        return rings
    new = from_shapes(shapes)
    kept = rings.only(np.flatnonzero(~np.isin(rings.rows, rows)))
    return joined(kept, new._replace(rows=rows[new.rows]))


def _invalid(rings: Rings, rows: Integers) -> tuple[Integers, Objects]:
    """Return which of some ascending rows are invalid, and their shapes."""
    numbers, shapes = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=object)]
    for first in range(0, len(rows), CHUNK):
        chunk = rows[first : first + CHUNK]
        begin, end = np.searchsorted(rings.rows, (chunk[0], chunk[-1] + 1))
        some = rings.only(begin + np.flatnonzero(np.isin(rings.rows[begin:end], chunk)))
        # Most are convex, which is told many times sooner than that any other polygon is valid.
        places = np.searchsorted(chunk, some.rows)
        alone = np.bincount(places, minlength=1)[places] == 1
        doubtful = places[~(alone & convex(some))]
        doubtful = doubtful[np.diff(doubtful, prepend=-1) > 0]
        some = some.only(np.flatnonzero(np.isin(places, doubtful)))
        made = some._replace(rows=np.searchsorted(chunk[doubtful], some.rows)).shapes(len(doubtful))
        wrong = ~shapely.is_valid(made)
        numbers.append(chunk[doubtful[wrong]])
        shapes.append(made[wrong])
    return np.concatenate(numbers), np.concatenate(shapes)


def _noded(shapes: Objects) -> Objects:
    return np.asarray(shapely.make_valid(shapes, method="structure", keep_collapsed=False), dtype=object)


def _sound(shapes: Objects) -> Booleans:
    """Tell which shapes are valid and on whole units."""
    xy, owners = shapely.get_coordinates(shapes, return_index=True)
    broken = (xy != np.rint(xy)).any(axis=1)
    found: Booleans = shapely.is_valid(shapes) & (np.bincount(owners[broken], minlength=len(shapes)) == 0)
    return found


def _bent(rings: Rings, near: Integers, wrong: Integers) -> Rings:
    """Bend the edges of the rows `near` over the vertices and crossings of the rows `wrong` among them."""
    around = np.isin(rings.rows, near)
    local, rest = rings.only(np.flatnonzero(around)), rings.only(np.flatnonzero(~around))
    sizes = np.diff(local.starts)
    after = np.arange(1, len(local.xy) + 1)
    after[local.starts[1:] - 1] = local.starts[:-1]
    first, second = local.xy, local.xy[after]
    swap = (first[:, 0] > second[:, 0]) | ((first[:, 0] == second[:, 0]) & (first[:, 1] > second[:, 1]))
    ordered = np.where(swap[:, np.newaxis], np.hstack((second, first)), np.hstack((first, second)))
    edges, number = np.unique(ordered, axis=0, return_inverse=True)
    broken = np.repeat(np.isin(local.rows, wrong), sizes)
    over, places = _bends(edges, np.unique(number[broken]), np.unique(local.xy[broken], axis=0))
    # The bends of each edge stand together, from its lesser end to its greater.
    bends = np.bincount(over, minlength=len(edges))
    begin = ends(bends)[:-1]
    more = bends[number]
    owners = np.repeat(np.arange(len(local.xy)), more)
    step = np.arange(len(owners)) - np.repeat(np.cumsum(more) - more, more)
    source = begin[number[owners]] + np.where(swap[owners], more[owners] - 1 - step, step)
    out = np.empty((len(local.xy) + len(owners), 2), dtype=np.int64)
    at = np.arange(len(local.xy)) + np.cumsum(more) - more
    out[at] = local.xy
    out[at[owners] + 1 + step] = places[source]
    longer = sizes + np.bincount(np.repeat(np.arange(len(sizes)), sizes), weights=more).astype(np.int64)
    return joined(rest, cleaned(Rings(out, ends(longer), local.parts, local.rows)))


def _boxed(boxes: Floats) -> Objects:
    return np.asarray(shapely.box(*boxes.T), dtype=object)


def _bends(edges: Integers, broken: Integers, vertices: Integers) -> tuple[Integers, Integers]:
    """Return which edges pass which places within half a unit, by edge and along it.

    Parameters
    ----------
    edges
        Lesser and greater end, shape (e, 4).
    broken
        The edges of invalid polygons, whose crossings with any edge are places beside `vertices`.
    """
    lines = np.asarray(shapely.linestrings(edges.reshape(-1, 2, 2).astype(np.float64)), dtype=object)
    tree = shapely.STRtree(lines)
    one, other = tree.query(lines[broken], predicate="crosses")
    met = np.asarray(shapely.intersection(lines[broken[one]], lines[other]), dtype=object)
    met = met[shapely.get_type_id(met) == shapely.GeometryType.POINT]
    crossings = np.rint(shapely.get_coordinates(met)).astype(np.int64)
    places = np.unique(np.concatenate((vertices, crossings)), axis=0)
    middle = places.astype(np.float64)
    number, over = tree.query(shapely.points(middle), predicate="dwithin", distance=_CORNER)
    end = (places[number] == edges[over, :2]).all(axis=1) | (places[number] == edges[over, 2:]).all(axis=1)
    number, over = number[~end], over[~end]
    pixels = _boxed(np.hstack((middle[number] - _HALF, middle[number] + _HALF)))
    passes = shapely.intersects(pixels, lines[over])
    number, over = number[passes], over[passes]
    along = ((places[number] - edges[over, :2]) * (edges[over, 2:] - edges[over, :2])).sum(axis=1)
    order = np.lexsort((along, over))
    return over[order], places[number[order]]
