"""Gaps of coverage: what is blank, doubled, unowned or out of reach, with its size and the rule it breaks.

Each kind of gap is one module, listed in `gis.gaps.catalogue`; whether a plan is a valid coverage at all is
decided in `gis.topology`, and who owns an entity in `gis.assign`.
"""

from gis.gaps.catalogue import GAP_KINDS, explain_gap, gap_label, gap_symbol
from gis.gaps.find import GapRules, GapSearchResult, find_gaps
from gis.gaps.frame import GAP_COLUMNS
from gis.gaps.gap_input import GapInput
from gis.gaps.kind import GapFacts, GapKind, gap_facts
from gis.gaps.outcome import NOT_ANALYSED, GapAnalysis, GapOutcome, OutcomeState, gap_outcomes
from gis.gaps.rules import SEVERITIES, SEVERITY_COLOURS, SeverityRule, severity_order
from gis.text import Text

__all__ = [
    "GAP_COLUMNS",
    "GAP_KINDS",
    "NOT_ANALYSED",
    "SEVERITIES",
    "SEVERITY_COLOURS",
    "GapAnalysis",
    "GapFacts",
    "GapInput",
    "GapKind",
    "GapOutcome",
    "GapRules",
    "GapSearchResult",
    "OutcomeState",
    "SeverityRule",
    "Text",
    "explain_gap",
    "find_gaps",
    "gap_facts",
    "gap_label",
    "gap_outcomes",
    "gap_symbol",
    "severity_order",
]
