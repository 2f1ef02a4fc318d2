"""Gaps of coverage: what is blank, doubled, unowned or out of reach, with its size and the rule it breaks.

Each kind of gap is one module, listed in `gis.gaps.find`; whether a plan is a valid coverage at all is
decided in `gis.topology`, and who owns an entity in `gis.assign`.
"""

from gis.gaps.base import GAP_COLUMNS, GapInput
from gis.gaps.find import GAP_KINDS, GapRules, GapSearchResult, find_gaps
from gis.gaps.rules import SeverityRule

__all__ = ["GAP_COLUMNS", "GAP_KINDS", "GapInput", "GapRules", "GapSearchResult", "SeverityRule", "find_gaps"]
