"""The catalogue of clauses, in the order of a certificate.

A further clause is a `Clause` in a module of its family and its place here.
"""

from gis.conform.code_form import CODE_AREA, CODE_FORM, SEQUENCE_LIMITS
from gis.conform.community import ONE_COMMUNITY
from gis.conform.coverage import CLOSED, NO_BLANK, NO_OVERLAP, WHOLE_BUILDINGS
from gis.conform.levels import LEVELS
from gis.conform.order import ORDER
from gis.conform.record import RECORD
from gis.conform.reuse import REUSE, UNIQUE
from gis.conform.size import SIZE

CLAUSES = (
    CODE_FORM,
    CODE_AREA,
    SEQUENCE_LIMITS,
    ORDER,
    UNIQUE,
    REUSE,
    ONE_COMMUNITY,
    CLOSED,
    NO_BLANK,
    NO_OVERLAP,
    WHOLE_BUILDINGS,
    RECORD,
    SIZE,
    LEVELS,
)
"""Every clause."""
