"""The shares of lines and polygons in cells, measured in the working CRS.

Ground in several cells (overlapping cells, a line along a shared border) is counted once, for the lowest
code, as for a point.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import shapely

from gis.arrays import BoolArray, FloatArray, IntArray, ObjectArray
from gis.assign.geometries import keep_highest_dimension
from gis.assign.projected_cells import BATCH, ProjectedCells
from gis.assign.results import CellShares
from gis.faces.arrangement import PRECISION_M

_OVERLAY_NOISE = 10 * PRECISION_M
# Less common ground than this, in metres or m², is the rounding of the overlay.


class MeasuredShares(NamedTuple):
    """Shares of entities, and which entities run along the border of their only cell."""

    shares: CellShares
    along_border: IntArray


def measure_shares(
    geometries: ObjectArray,
    projected_cells: ProjectedCells,
    step: Callable[[int], None],
    *,
    batch: int = BATCH,
) -> MeasuredShares:
    """Measure the shares of lines and polygons in cells.

    Parameters
    ----------
    geometries
        Valid lines and polygons in metres with a length, shape (n,); lines are measured by length,
        polygons by area.
    projected_cells
        The cells.
    step
        Called with the number of entities done after each batch.
    batch
        Entities, and about as many pairs of entity and cell, processed at a time.

    Returns
    -------
    MeasuredShares
        `shares` numbers entities by position; an entity that shares no ground with a cell does not occur.
    """
    pieces, along_border = [], []
    for start in range(0, len(geometries), batch):
        some = _make_valid(geometries[start : start + batch])
        row, cell = _intersecting_pairs(some, projected_cells)
        measure = _measure_pairs(some, row, cell, projected_cells, batch)
        held = measure > 0
        row, cell, measure = row[held], cell[held], measure[held]
        pieces.append((row + start, projected_cells.code_index[cell], measure, _total_measure(some)[row]))
        along_border.append(np.unique(row[_is_along_border(some, row, cell, projected_cells)]) + start)
        step(len(some))
    if not pieces:
        none: IntArray = np.zeros(0, dtype=np.int64)
        return MeasuredShares(CellShares.aggregate(none, none, np.zeros(0), np.zeros(0)), none)
    columns = [np.concatenate(column) for column in zip(*pieces, strict=True)]
    return MeasuredShares(CellShares.aggregate(*columns), np.concatenate(along_border))


def _make_valid(geometries: ObjectArray) -> ObjectArray:
    """Return a copy in which polygons that rounding made invalid during projection are valid again."""
    result: ObjectArray = np.array(geometries, dtype=object)
    invalid = np.flatnonzero((shapely.get_dimensions(result) == 2) & ~shapely.is_valid(result))
    result[invalid] = shapely.make_valid(result[invalid], method="structure", keep_collapsed=False)
    return result


def _intersecting_pairs(
    geometries: ObjectArray, projected_cells: ProjectedCells
) -> tuple[IntArray, IntArray]:
    """Return entity and cell of all that intersect, sorted by entity, then code."""
    row, cell = projected_cells.find_intersecting(geometries)
    order = np.lexsort((cell, row))
    return row[order], cell[order]


def _total_measure(geometries: ObjectArray) -> FloatArray:
    """Return the area of polygons and the length of lines."""
    solid = shapely.get_dimensions(geometries) == 2
    return np.where(solid, shapely.area(geometries), shapely.length(geometries))


def _measure_pairs(
    geometries: ObjectArray, row: IntArray, cell: IntArray, projected_cells: ProjectedCells, batch: int
) -> FloatArray:
    whole = _total_measure(geometries)
    measure = np.zeros(len(row))
    lowest = np.r_[True, np.diff(row) != 0][: len(row)]
    # An entity that its lowest candidate covers leaves nothing to the others.
    covered = np.zeros(len(row), dtype=bool)
    covered[lowest] = shapely.covers(projected_cells.polygons[cell[lowest]], geometries[row[lowest]])
    measure[covered] = whole[row[covered]]
    is_done = np.zeros(len(geometries), dtype=bool)
    is_done[row[covered]] = True
    open_pairs = np.flatnonzero(~is_done[row])
    for part in _batches(row[open_pairs], batch):
        chosen = open_pairs[part]
        measure[chosen] = _measure_intersections(geometries, row[chosen], cell[chosen], projected_cells)
    return measure


def _batches(row: IntArray, batch: int) -> Iterator[slice]:
    """Cut sorted pairs into runs of about `batch` that keep the pairs of an entity together."""
    start = 0
    while start < len(row):
        last = row[min(start + batch, len(row)) - 1]
        stop = int(np.searchsorted(row, last, side="right"))
        yield slice(start, stop)
        start = stop


def _measure_intersections(
    geometries: ObjectArray, row: IntArray, cell: IntArray, projected_cells: ProjectedCells
) -> FloatArray:
    """Measure the pieces of entities in cells, each piece of ground for the lowest code only."""
    entity, cell_polygons = geometries[row], projected_cells.polygons[cell]
    solid = shapely.get_dimensions(entity) == 2
    pieces: ObjectArray = np.array(cell_polygons, dtype=object)
    # Cells inside a large polygon are its pieces unchanged.
    cut = ~(solid & shapely.contains_properly(entity, cell_polygons))
    pieces[cut] = shapely.intersection(entity[cut], cell_polygons[cut])
    pieces = keep_highest_dimension(pieces)
    higher, lower = _overlapping_pieces(row, cell, pieces, solid, projected_cells)
    if len(higher):
        order = np.argsort(higher, kind="stable")
        higher, lower = higher[order], lower[order]
        loser, start = np.unique(higher, return_index=True)
        lower_cells = [shapely.union_all(part) for part in np.split(cell_polygons[lower], start[1:])]
        # From the whole entity, since the pieces of a line no longer lie exactly on the borders they follow.
        remainder = shapely.difference(entity[loser], lower_cells, grid_size=PRECISION_M)
        pieces[loser] = shapely.intersection(remainder, cell_polygons[loser], grid_size=PRECISION_M)
    return np.where(solid, shapely.area(pieces), shapely.length(pieces))


def _overlapping_pieces(
    row: IntArray, cell: IntArray, pieces: ObjectArray, is_polygon: BoolArray, projected_cells: ProjectedCells
) -> tuple[IntArray, IntArray]:
    """Return the pairs (higher code, lower code) of an entity whose pieces share ground."""
    cells = np.unique(cell)
    polygons = projected_cells.polygons[cells]
    left, right = shapely.STRtree(polygons).query(polygons, predicate="intersects")
    later = left > right
    left, right = left[later], right[later]
    if is_polygon.all():
        apart = shapely.touches(polygons[left], polygons[right])
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
    common = shapely.intersection(
        pieces[higher], projected_cells.polygons[cell[lower]], grid_size=PRECISION_M
    )
    shared = np.where(is_polygon[higher], shapely.area(common), shapely.length(common)) > _OVERLAY_NOISE
    return higher[shared].astype(np.int64), lower[shared].astype(np.int64)


def _is_along_border(
    geometries: ObjectArray, row: IntArray, cell: IntArray, projected_cells: ProjectedCells
) -> BoolArray:
    """Return which pairs are a line with no part in the interior of the cell."""
    line = np.flatnonzero(shapely.get_dimensions(geometries[row]) == 1)
    result = np.zeros(len(row), dtype=bool)
    result[line] = shapely.touches(projected_cells.polygons[cell[line]], geometries[row[line]])
    return result
