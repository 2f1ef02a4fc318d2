"""Levels of cells: cells that are sets of whole units, which are the cells of the level below.

Pure functions on polygons and codes; where units and cells are stored is left to `layers.plans`.
"""

from gis.levels.carry import CarriedUnits, carry_units
from gis.levels.check import UNIT_FINDING_KINDS, check_units
from gis.levels.members import UnitsInCells, find_units_in_cells, is_same_ground
from gis.levels.unions import unite_groups, unite_units
from gis.levels.unit_rule import UnitRule

__all__ = [
    "UNIT_FINDING_KINDS",
    "CarriedUnits",
    "UnitRule",
    "UnitsInCells",
    "carry_units",
    "check_units",
    "find_units_in_cells",
    "is_same_ground",
    "unite_groups",
    "unite_units",
]
