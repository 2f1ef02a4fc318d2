"""The doctor: which datum and axis order a file most plausibly is in, and which records are suspect.

It looks and tells; `gis.datum` converts and `gis.assign` assigns.
"""

from gis.doctor.diagnosis import REASONS, Confidence, Diagnosis, Hypothesis
from gis.doctor.inspection import inspect

__all__ = ["REASONS", "Confidence", "Diagnosis", "Hypothesis", "inspect"]
