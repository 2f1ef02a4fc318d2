"""Assign entities to the cells that own them, and account for every record.

Points ask `gis.locate.point_locator`; this package adds lines and polygons by share, the nearest cell, and
the reason why a record has no cell.
"""

from gis.assign.assignment import Assignment, assign
from gis.assign.report import REASONS, RESULT_COLUMNS, AssignReport

__all__ = ["REASONS", "RESULT_COLUMNS", "AssignReport", "Assignment", "assign"]
