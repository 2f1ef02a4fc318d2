"""How lines and polygons divide among cells, measured in the working CRS, all ground counted once.

Ground that several cells hold (overlapping cells, a line along a shared border) belongs to the lowest code,
as it does for a point.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import shapely

from gis.assign.geometries import of_one_dimension
from gis.assign.projected_cells import BATCH, Ground
from gis.assign.results import Booleans, Floats, Integers, Objects, Shares
from gis.faces.arrangement import PRECISION_M

_NOTHING = 10 * PRECISION_M
# Less common ground than this, in metres or m², is the rounding of the overlay.


class Divided(NamedTuple):
    """Shares of entities, and which entities run along the border of their only cell."""

    shares: Shares
    along: Integers


def measure_shares(
    geometries: Objects, ground: Ground, step: Callable[[int], None], *, batch: int = BATCH
) -> Divided:
    """Measure how lines and polygons divide among cells.

    Parameters
    ----------
    geometries
        Valid lines and polygons in metres with a length, shape (n,); lines are measured by length,
        polygons by area.
    ground
        The cells.
    step
        Called with the number of entities done after each batch.
    batch
        Entities, and about as many pairs of entity and cell, handled at a time.

    Returns
    -------
    Divided
        `shares` numbers entities by position; an entity that shares no ground with a cell does not occur.
    """
    pieces, along = [], []
    for start in range(0, len(geometries), batch):
        some = _valid(geometries[start : start + batch])
        row, cell = _pairs(some, ground)
        measure = _measures(some, row, cell, ground, batch)
        held = measure > 0
        row, cell, measure = row[held], cell[held], measure[held]
        pieces.append((row + start, ground.numbers[cell], measure, _whole(some)[row]))
        along.append(np.unique(row[_runs_along(some, row, cell, ground)]) + start)
        step(len(some))
    if not pieces:
        none: Integers = np.zeros(0, dtype=np.int64)
        return Divided(Shares.total(none, none, np.zeros(0), np.zeros(0)), none)
    columns = [np.concatenate(column) for column in zip(*pieces, strict=True)]
    return Divided(Shares.total(*columns), np.concatenate(along))


def _valid(geometries: Objects) -> Objects:
    """Return a copy in which polygons that rounding made invalid on their way into metres are mended."""
    result: Objects = np.array(geometries, dtype=object)
    invalid = np.flatnonzero((shapely.get_dimensions(result) == 2) & ~shapely.is_valid(result))
    result[invalid] = shapely.make_valid(result[invalid], method="structure", keep_collapsed=False)
    return result


def _pairs(geometries: Objects, ground: Ground) -> tuple[Integers, Integers]:
    """Return entity and cell of all that intersect, sorted by entity, then code."""
    shapely.prepare(geometries)
    row, cell = ground.tree.query(geometries, predicate="intersects")
    order = np.lexsort((cell, row))
    return row[order].astype(np.int64), cell[order].astype(np.int64)


def _whole(geometries: Objects) -> Floats:
    """Return the area of polygons and the length of lines."""
    solid = shapely.get_dimensions(geometries) == 2
    return np.where(solid, shapely.area(geometries), shapely.length(geometries))


def _measures(geometries: Objects, row: Integers, cell: Integers, ground: Ground, batch: int) -> Floats:
    whole = _whole(geometries)
    measure = np.zeros(len(row))
    lowest = np.r_[True, np.diff(row) != 0][: len(row)]
    # An entity that its lowest candidate covers leaves nothing to the others.
    covered = np.zeros(len(row), dtype=bool)
    covered[lowest] = shapely.covers(ground.shapes[cell[lowest]], geometries[row[lowest]])
    measure[covered] = whole[row[covered]]
    settled = np.zeros(len(geometries), dtype=bool)
    settled[row[covered]] = True
    open_pairs = np.flatnonzero(~settled[row])
    for part in _batches(row[open_pairs], batch):
        chosen = open_pairs[part]
        measure[chosen] = _overlay(geometries, row[chosen], cell[chosen], ground)
    return measure


def _batches(row: Integers, batch: int) -> Iterator[slice]:
    """Cut sorted pairs into runs of about `batch` that keep the pairs of an entity together."""
    start = 0
    while start < len(row):
        last = row[min(start + batch, len(row)) - 1]
        stop = int(np.searchsorted(row, last, side="right"))
        yield slice(start, stop)
        start = stop


def _overlay(geometries: Objects, row: Integers, cell: Integers, ground: Ground) -> Floats:
    """Measure the pieces of entities in cells, each piece of ground for the lowest code only."""
    entity, shape = geometries[row], ground.shapes[cell]
    solid = shapely.get_dimensions(entity) == 2
    pieces: Objects = np.array(shape, dtype=object)
    # The cells inside a large polygon are its pieces as they are.
    cut = ~(solid & shapely.contains_properly(entity, shape))
    pieces[cut] = shapely.intersection(entity[cut], shape[cut])
    pieces = of_one_dimension(pieces)
    higher, lower = _contested(row, cell, pieces, solid, ground)
    if len(higher):
        order = np.argsort(higher, kind="stable")
        higher, lower = higher[order], lower[order]
        loser, start = np.unique(higher, return_index=True)
        taken = [shapely.union_all(part) for part in np.split(shape[lower], start[1:])]
        # From the whole entity, since the pieces of a line no longer lie exactly on the borders they follow.
        left = shapely.difference(entity[loser], taken, grid_size=PRECISION_M)
        pieces[loser] = shapely.intersection(left, shape[loser], grid_size=PRECISION_M)
    return np.where(solid, shapely.area(pieces), shapely.length(pieces))


def _contested(
    row: Integers, cell: Integers, pieces: Objects, solid: Booleans, ground: Ground
) -> tuple[Integers, Integers]:
    """Return the pairs (higher code, lower code) of an entity whose pieces share ground."""
    cells = np.unique(cell)
    shapes = ground.shapes[cells]
    left, right = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    later = left > right
    left, right = left[later], right[later]
    if solid.all():
        apart = shapely.touches(shapes[left], shapes[right])
        left, right = left[~apart], right[~apart]
    if not len(left):
        return left.astype(np.int64), right.astype(np.int64)
    # Each piece meets the cells that its own cell meets: look for the same entity's piece there.
    order = np.argsort(left, kind="stable")
    left, right = left[order], right[order]
    position = np.searchsorted(cells, cell)
    begin, end = np.searchsorted(left, position, "left"), np.searchsorted(left, position, "right")
    count = end - begin
    higher = np.repeat(np.arange(len(row)), count)
    offset = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    neighbour = right[np.repeat(begin, count) + offset]
    keys = row * len(cells) + position
    wanted = row[higher] * len(cells) + neighbour
    lower = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    met = keys[lower] == wanted
    higher, lower = higher[met], lower[met]
    common = shapely.intersection(pieces[higher], ground.shapes[cell[lower]], grid_size=PRECISION_M)
    shared = np.where(solid[higher], shapely.area(common), shapely.length(common)) > _NOTHING
    return higher[shared].astype(np.int64), lower[shared].astype(np.int64)


def _runs_along(geometries: Objects, row: Integers, cell: Integers, ground: Ground) -> Booleans:
    """Tell which pairs are a line with no part in the interior of the cell."""
    line = np.flatnonzero(shapely.get_dimensions(geometries[row]) == 1)
    result = np.zeros(len(row), dtype=bool)
    result[line] = shapely.touches(ground.shapes[cell[line]], geometries[row[line]])
    return result
