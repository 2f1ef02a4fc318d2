"""The change of units carried through to the cells that are made of them."""

from dataclasses import dataclass

import numpy as np

from gis.arrays import Geometries, IntArray
from gis.levels.members import NO_CELL, GroundShares, measure_shares

_EQUAL_M2 = 0.01
# Shares that differ by less are equal.


@dataclass(frozen=True, eq=False)
class CarriedUnits:
    """The cells of units after a change.

    Attributes
    ----------
    cell
        Shape (n,), the position of each unit's cell; -1 for none.
    divided
        How the ground of those units is shared that lie in several cells, or in part in none.
    """

    cell: IntArray
    divided: GroundShares


def carry_units(
    units: Geometries, cells: Geometries, former: IntArray, *, whole: bool = True
) -> CarriedUnits:
    """Give each unit, as it is after a change, to the cell that has most of its ground.

    So a unit that stays keeps its cell, the parts of a split unit keep that of the whole, units of one cell
    that are merged stay in it, and units of two cells that are merged go to the one with more of the ground.

    Parameters
    ----------
    units
        Shape (n,), valid polygons after the change, in metres.
    cells
        Shape (m,), polygons of the cells before the change, in the order of their codes, in the same CRS.
    former
        Shape (n,), the position of the cell that had a unit of the same code before, -1 for none. Of cells
        with equal shares it gets the unit, else the first.
    whole
        The cells cover all ground. If not, a unit most of whose ground was in no cell stays in none.
    """
    shares = measure_shares(units, cells)
    in_cell = shares.cell != NO_CELL
    chosen = in_cell if whole else np.ones(len(in_cell), dtype=bool)
    unit, cell, area = shares.unit[chosen], shares.cell[chosen], shares.area_m2[chosen]
    largest = np.zeros(len(units))
    np.maximum.at(largest, unit, area)
    best = area >= largest[unit] - _EQUAL_M2
    unit, cell = unit[best], cell[best]
    # A cell goes before no cell.
    order = np.lexsort((cell, cell != former[unit], cell == NO_CELL, unit))
    result = np.full(len(units), NO_CELL)
    found, first = np.unique(unit[order], return_index=True)
    result[found] = cell[order][first]
    several = (np.bincount(shares.unit, minlength=len(units)) > 1)[shares.unit]
    divided = GroundShares(shares.unit[several], shares.cell[several], shares.area_m2[several])
    return CarriedUnits(result, divided)
