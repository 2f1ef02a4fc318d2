"""Whether cells conform to a profile, clause by clause.

Each family of clauses is a module, listed in `gis.conform.catalogue`. What a profile asks stands in
`gis.profiles`, making codes belongs to `gis.codes`, and the topology is judged by `gis.topology`.
"""

from gis.conform.catalogue import CLAUSES
from gis.conform.certificate import STATE_LABELS, Certificate, ClauseResult, certify
from gis.conform.clause import Clause, Offence
from gis.conform.conform_input import ConformInput

__all__ = [
    "CLAUSES",
    "STATE_LABELS",
    "Certificate",
    "Clause",
    "ClauseResult",
    "ConformInput",
    "Offence",
    "certify",
]
