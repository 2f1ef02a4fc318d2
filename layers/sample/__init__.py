"""The sample district: a deterministic generator of a synthetic but plausible city district and its files.

Its code tables are in `data/`, whose path the caller passes.
"""

from layers.sample.district import SEED, District, make_district
from layers.sample.files import SampleFiles, make_sample

__all__ = ["SEED", "District", "SampleFiles", "make_district", "make_sample"]
