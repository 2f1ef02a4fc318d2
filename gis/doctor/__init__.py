"""The doctor: which datum and axis order a file is most plausibly in, and which records are suspect.

It only reports: `gis.datum` converts, `gis.assign` assigns.
"""

from gis.doctor.diagnosis import SUSPECT_REASONS, Confidence, Diagnosis, Hypothesis
from gis.doctor.inspection import inspect_points

__all__ = ["SUSPECT_REASONS", "Confidence", "Diagnosis", "Hypothesis", "inspect_points"]
