"""What a caller is told of gaps: figures and sentences, without the codes of cells outside their area."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Row
from sqlalchemy.orm import Session

from gis.gaps import GAP_KINDS, GapFacts, Text, explain_gap
from layers.gaps.gap_grounds import GapGround, grounds_seen
from layers.models import Gap, GapRun
from layers.plans.cells import codes_in_scope

_WITHHELD = Text(
    "具体情况只能向可查看全部区划的用户说明。",
    "What is so there can be told only to a caller bound to no area.",
)


class GapWords(NamedTuple):
    """What a gap says: figures, the rule it breaks, what is so there; and the cell and area it lies in."""

    figures: Mapping[str, Any]
    rule: Text
    detail: Text
    ground: GapGround


def gap_words(
    session: Session, scope: str | None, run: GapRun, gaps: Sequence[Gap | Row[Any]], key: str = "id"
) -> list[GapWords]:
    """Return what gaps of a run say to a caller, in their order.

    Parameters
    ----------
    scope
        The caller's area, None for all.
    gaps
        Gaps, or rows with the columns that gaps have.
    key
        What rows call the id.
    """
    shown = visible_figures(session, scope, run.scheme_id, [(gap.kind, gap.figures) for gap in gaps])
    grounds = grounds_seen(session, scope, run, gaps, key)
    words = []
    for gap, figures, ground in zip(gaps, shown, grounds, strict=True):
        sizes = (gap.area_m2, gap.households, gap.enterprises)
        facts = GapFacts(figures or {}, *sizes, *ground)
        rule, detail = explain_gap(gap.kind, facts, rule=gap.rule, detail=gap.detail)
        words.append(GapWords(facts.figures, rule, _WITHHELD if figures is None else detail, ground))
    return words


def visible_figures(
    session: Session, scope: str | None, scheme_id: int, gaps: Sequence[tuple[str, Mapping[str, Any]]]
) -> list[Mapping[str, Any] | None]:
    """Return the figures of gaps, given as kind and figures, that a caller may see.

    Null stands for the code of a cell outside the scope. All figures are None to a caller who is bound to an
    area where the catalogue cannot say which of them name cells: it lacks the kind, or the figures differ.
    """
    if scope is None:
        return [figures for _, figures in gaps]
    named = {
        code for name, figures in gaps if name in GAP_KINDS for code in GAP_KINDS[name].named_cells(figures)
    }
    known = codes_in_scope(session, scheme_id, named, scope)
    shown: list[Mapping[str, Any] | None] = []
    for name, figures in gaps:
        kind = GAP_KINDS.get(name)
        is_described = kind is not None and kind.has_figures(figures)
        shown.append(kind.withhold_cells(figures, known) if kind is not None and is_described else None)
    return shown
