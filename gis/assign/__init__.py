"""Assignment of entities to the cells that own them, with an account of every record.

Points are located by `gis.locate`; this package adds lines and polygons by share, the nearest cell, and the
reason why a record has no cell.
"""

from gis.assign.assignment import Assignment, assign_to_cells
from gis.assign.report import RESULT_COLUMNS, UNASSIGNED_REASONS, AssignmentReport

__all__ = ["RESULT_COLUMNS", "UNASSIGNED_REASONS", "Assignment", "AssignmentReport", "assign_to_cells"]
