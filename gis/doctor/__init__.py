"""The doctor: which datum and axis order a file most plausibly is in, and which records are suspect.

It looks and tells; `gis.datum` converts and `gis.assign` assigns.
"""

from gis.doctor.diagnosis import SUSPECT_REASONS, Confidence, Diagnosis, Hypothesis
from gis.doctor.inspection import inspect_points

__all__ = ["SUSPECT_REASONS", "Confidence", "Diagnosis", "Hypothesis", "inspect_points"]
