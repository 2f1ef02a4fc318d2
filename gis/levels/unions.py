"""Polygons of a coverage united by groups, with every vertex kept."""

import numpy as np
import shapely

from gis.arrays import Geometries, IntArray


def unite_groups(pieces: Geometries, group: IntArray) -> tuple[Geometries, IntArray]:
    """Unite the polygons of each group.

    Parameters
    ----------
    pieces
        Shape (n,), polygons of a valid coverage.
    group
        Shape (n,), any integers; pieces with the same number are united.

    Returns
    -------
    unions, groups
        A Polygon, or a MultiPolygon where the pieces do not hang together, for each group, whose numbers
        ascend. Each vertex that lies on the border of a union is that of a piece, and all of them are kept.
    """
    order = np.argsort(group, kind="stable")
    groups, first, count = np.unique(group[order], return_index=True, return_counts=True)
    unions = pieces[order][first]
    for size in np.unique(count[count > 1]):
        which = np.flatnonzero(count == size)
        members = pieces[order][first[which][:, None] + np.arange(size)]
        unions[which] = shapely.coverage_union_all(members, axis=1)
    return unions, groups


def unite_units(units: Geometries, cell: IntArray, count: int) -> Geometries:
    """Return the polygon of each of `count` cells: the union of its units, an empty one where it has none.

    Parameters
    ----------
    units
        Shape (n,), polygons of a valid coverage.
    cell
        Shape (n,), the position of each unit's cell; -1 for none.
    """
    result = np.full(count, shapely.Polygon(), dtype=object)
    used = cell >= 0
    unions, cells = unite_groups(units[used], cell[used])
    result[cells] = unions
    return result
