"""The parts of the units that cells are balanced in: connected, and of one group."""

from dataclasses import dataclass

import numpy as np
import shapely

from gis.arrays import FloatArray, Geometries, IntArray, ObjectArray
from gis.divide.unit_coverage import UnitCoverage
from gis.divide.unit_labels import UnitGroups
from gis.graph import NeighbourGraph
from gis.levels import unite_units


@dataclass(frozen=True, eq=False)
class Parts:
    """Connected parts of the units that are balanced, in the order of their first units.

    Attributes
    ----------
    units
        For each part the positions of its units, ascending.
    group
        Shape (p,), the group of each part.
    label
        Shape (p,), what messages call each part: its group where it is all of it, else its first unit.
    load
        Shape (p, k), sums of the loads.
    size
        Shape (p,), the number of units.
    joined
        Whether parts that only water or the like divides are joined already.
    """

    units: tuple[IntArray, ...]
    group: IntArray
    label: ObjectArray
    load: FloatArray
    size: IntArray
    joined: bool

    def __len__(self) -> int:
        """Return the number of parts."""
        return len(self.units)

    def of_unit(self, count: int) -> IntArray:
        """Return the part of each of `count` units, -1 for those that are not balanced."""
        part = np.full(count, -1, dtype=np.int64)
        part[np.concatenate(self.units)] = np.repeat(np.arange(len(self)), self.size)
        return part


def find_parts(
    units: UnitCoverage,
    groups: UnitGroups,
    borders: NeighbourGraph,
    free: IntArray,
    loads: FloatArray,
    *,
    joined: bool,
) -> Parts:
    """Find the connected parts of the units that are balanced.

    Parameters
    ----------
    borders
        Across which cells may grow: none between groups.
    free
        Positions of the units that are balanced, ascending.
    loads
        Shape (n, k).
    """
    first, part = np.unique(borders.subgraph(free).components(), return_inverse=True)
    size = np.bincount(part)
    order = np.argsort(part, kind="stable")
    members = tuple(np.split(free[order], np.cumsum(size)[:-1]))
    group = groups.of_unit[free[first]]
    alone = np.bincount(group, minlength=len(groups.name))[group] == 1
    label = np.array(
        [
            groups.label[g] if whole else f"the part with unit '{units.code[k]}'"
            for g, k, whole in zip(group, free[first], alone, strict=True)
        ],
        dtype=object,
    )
    load = np.array([loads[rows].sum(axis=0) for rows in members]).reshape(len(members), -1)
    return Parts(members, group, label, load, size, joined)


def split_borders(borders: NeighbourGraph, parts: Parts) -> list[NeighbourGraph]:
    """Return the graph of each part, its units numbered by their positions in the part.

    Parameters
    ----------
    borders
        Over which the parts were found, so that it joins no two of them.
    """
    # In one pass, for there may be thousands.
    part = parts.of_unit(len(borders))
    number = np.full(len(borders), -1, dtype=np.int64)
    number[np.concatenate(parts.units)] = np.concatenate([np.arange(size) for size in parts.size.tolist()])
    rows, degrees = borders.rows(), borders.degrees()
    order = np.argsort(part[rows], kind="stable")
    order = order[part[rows[order]] >= 0]
    edges = np.bincount(part[rows[order]], minlength=len(parts))
    ends = np.cumsum(edges)
    return [
        NeighbourGraph(
            np.r_[0, np.cumsum(degrees[units])],
            number[borders.neighbours[order[end - size : end]]],
            borders.length[order[end - size : end]],
        )
        for units, size, end in zip(parts.units, edges.tolist(), ends.tolist(), strict=True)
    ]


def bridge_parts(
    units: UnitCoverage,
    groups: UnitGroups,
    inside: NeighbourGraph,
    borders: NeighbourGraph,
    free: IntArray,
    barriers: Geometries,
) -> NeighbourGraph:
    """Join ground that shares no border with the rest of its group to the nearest, as if they were beside it.

    Parameters
    ----------
    inside
        All borders within groups, those along barriers among them: what only a barrier divides stays divided.
    borders
        The graph to which joints are added; they have no length.
    free
        Positions of the units that are balanced, ascending.
    barriers
        Lines that no joint crosses.
    """
    _, part = np.unique(inside.subgraph(free).components(), return_inverse=True)
    group = groups.of_unit[free]
    joints = [np.empty((0, 2), dtype=np.int64)]
    for g in np.unique(group).tolist():
        rows = free[group == g]
        joints.append(nearest_joints(units, rows, np.unique(part[group == g], return_inverse=True)[1]))
    first, second = np.concatenate(joints).T
    if len(barriers):
        lines = shapely.shortest_line(units.geometry[first], units.geometry[second])
        crossing = np.unique(shapely.STRtree(barriers).query(lines, predicate="intersects")[0])
        first, second = np.delete(first, crossing), np.delete(second, crossing)
    return add_joints(borders, first, second)


def add_joints(borders: NeighbourGraph, first: IntArray, second: IntArray) -> NeighbourGraph:
    """Return a graph in which further pairs are neighbours, with no length of border."""
    i, j = borders.pairs()
    once = borders.rows() < borders.neighbours
    return NeighbourGraph.from_pairs(
        len(borders),
        np.concatenate([i, first]),
        np.concatenate([j, second]),
        np.concatenate([borders.length[once], np.zeros(len(first))]),
    )


def nearest_joints(units: UnitCoverage, rows: IntArray, part: IntArray) -> IntArray:
    """Return pairs of units, shape (j, 2), that join all parts, each to the nearest, then groups of parts."""
    pairs = np.empty((0, 2), dtype=np.int64)
    while (count := int(part.max()) + 1) > 1:
        ground = unite_units(units.geometry[rows], part, count)
        one, other = shapely.STRtree(ground).query_nearest(ground, all_matches=False, exclusive=True)
        ends = shapely.get_coordinates(shapely.shortest_line(ground[one], ground[other])).reshape(-1, 2, 2)
        nearest = np.column_stack(
            [_nearest_units(units, rows, part, which, ends[:, k]) for k, which in enumerate((one, other))]
        )
        pairs = np.concatenate([pairs, rows[nearest]])
        joined = NeighbourGraph.from_pairs(count, one, other).components()
        part = np.unique(joined[part], return_inverse=True)[1]
    return pairs


def _nearest_units(
    units: UnitCoverage, rows: IntArray, part: IntArray, which: IntArray, xy: FloatArray
) -> IntArray:
    """Return for each point the position in `rows` of the unit of a part that is nearest to it."""
    found = np.empty(len(which), dtype=np.int64)
    for k, (number, point) in enumerate(zip(which.tolist(), xy.tolist(), strict=True)):
        members = np.flatnonzero(part == number)
        found[k] = members[shapely.distance(units.geometry[rows[members]], shapely.Point(point)).argmin()]
    return found
