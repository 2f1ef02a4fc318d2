"""The parts of the units that cells are balanced in: connected, and of one group."""

from dataclasses import dataclass

import numpy as np

from gis.arrays import FloatArray, IntArray, ObjectArray
from gis.divide.unit_coverage import UnitCoverage
from gis.divide.unit_labels import UnitGroups
from gis.graph import NeighbourGraph


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
    """

    units: tuple[IntArray, ...]
    group: IntArray
    label: ObjectArray
    load: FloatArray
    size: IntArray

    def __len__(self) -> int:
        """Return the number of parts."""
        return len(self.units)


def find_parts(
    units: UnitCoverage, groups: UnitGroups, borders: NeighbourGraph, free: IntArray, loads: FloatArray
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
            ("the units" if groups.name[g] == "" else f"'{groups.name[g]}'")
            if whole
            else f"the part with unit '{units.code[k]}'"
            for g, k, whole in zip(group, free[first], alone, strict=True)
        ],
        dtype=object,
    )
    load = np.array([loads[rows].sum(axis=0) for rows in members]).reshape(len(members), -1)
    return Parts(members, group, label, load, size)
