"""The ground that cells of two plans share: pieces of it, and the share of each cell in each of the other.

What changed between two editions of one plan is told by `gis.diff`.
"""

from gis.crosswalk.common_units import RESERVED_NAMES, CommonUnits, unify_schemes
from gis.crosswalk.overlay import Crosswalk, PlanCells, build_crosswalk, read_plan, read_plans
from gis.crosswalk.shares import CrosswalkTable, Loads, measure_crosswalk

__all__ = [
    "RESERVED_NAMES",
    "CommonUnits",
    "Crosswalk",
    "CrosswalkTable",
    "Loads",
    "PlanCells",
    "build_crosswalk",
    "measure_crosswalk",
    "read_plan",
    "read_plans",
    "unify_schemes",
]
