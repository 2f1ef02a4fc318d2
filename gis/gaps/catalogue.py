"""The catalogue of kinds of gaps, made from their modules.

A further kind is a module with a `GapKind` and its place in `_MEMBERS`: rules, search, comparison, storage,
interface, tiles, maps and page follow from that.
"""

from gis.gaps.blank import BLANK
from gis.gaps.kind import GapFacts, GapKind, GapSymbol
from gis.gaps.out_of_reach import OUT_OF_REACH
from gis.gaps.overlap import OVERLAP
from gis.gaps.unassigned import UNASSIGNED
from gis.text import Text

_MEMBERS = (BLANK, OVERLAP, UNASSIGNED, OUT_OF_REACH)

GAP_KINDS: dict[str, GapKind] = {kind.name: kind for kind in _MEMBERS}
"""Every kind of gap by name, in the order in which they are looked for."""


def gap_label(name: str) -> Text:
    """Return the name of a kind for people; its own name where the catalogue lacks it."""
    return GAP_KINDS[name].label if name in GAP_KINDS else Text(name, name)


def gap_symbol(name: str) -> GapSymbol:
    """Return how gaps of a kind are drawn; plainly where the catalogue lacks it."""
    return GAP_KINDS[name].symbol if name in GAP_KINDS else GapSymbol()


def explain_gap(name: str, facts: GapFacts, *, rule: str, detail: str) -> tuple[Text, Text]:
    """Return which rule a gap breaks and what is so there, in both languages.

    Parameters
    ----------
    name
        The kind of the gap.
    facts
        What it says in no language.
    rule, detail
        The words it was stored with: they stand for both languages where the catalogue lacks the kind, or the
        gap lacks figures that the kind has now.
    """
    kind = GAP_KINDS.get(name)
    if kind is None or not kind.has_figures(facts.figures):
        return Text(rule, rule), Text(detail, detail)
    return kind.rule(facts), kind.detail(facts)
