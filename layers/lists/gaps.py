"""The list of gaps of a run: of a cell, an area, a kind or a severity."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from gis.gaps import GAP_KINDS, SEVERITIES, OutcomeState, gap_outcomes
from layers.gaps.analysis import concerns_cell
from layers.gaps.gap_grounds import gaps_within
from layers.gaps.gap_words import GapWords, gap_words
from layers.gaps.run_visibility import find_visible_run, newest_visible_run
from layers.lists.listing import ListColumn, Listing, ListPage, ListRequest, ListRow
from layers.lists.responsibility import RESPONSIBILITY_COLUMNS, with_responsibility
from layers.lists.words import severity_name
from layers.models import Gap, GapRun
from layers.plans.schemes import find_scheme

GAP_COLUMNS = (
    ListColumn("kind", "盲区类型", "Kind"),
    ListColumn("severity", "严重程度", "Severity"),
    ListColumn("detail", "情况", "What is missing"),
    ListColumn("rule", "判定规则", "Rule"),
    *RESPONSIBILITY_COLUMNS,
    ListColumn("area_m2", "盲区面积（平方米）", "Ground, m²", "number"),
    ListColumn("households", "影响户数", "Households", "number"),
    ListColumn("enterprises", "影响企业数", "Enterprises", "number"),
    ListColumn("on", "分析日期", "Searched for", "date"),
)


def gap_rows(session: Session, request: ListRequest, run: GapRun, gaps: Sequence[Gap]) -> list[ListRow]:
    """Return what lists tell of gaps of a run themselves."""
    words = gap_words(session, request.scope, run, gaps)
    return [_gap_row(gap, said, run, request.language) for gap, said in zip(gaps, words, strict=True)]


def _gap_row(gap: Gap, words: GapWords, run: GapRun, language: str) -> ListRow:
    kind = GAP_KINDS.get(gap.kind)
    return {
        "id": gap.id,
        "kind": gap.kind if kind is None else getattr(kind.label, language),
        "severity": severity_name(gap.severity, language),
        "detail": getattr(words.detail, language),
        "rule": getattr(words.rule, language),
        **words.ground._asdict(),
        "area_m2": round(gap.area_m2, 2),
        "households": gap.households,
        "enterprises": gap.enterprises,
        "on": run.on,
    }


def read_gaps(session: Session, request: ListRequest, limit: int, offset: int) -> ListPage:
    """Read the gaps of the run asked for, or of the newest up to the day, the most severe first."""
    request.require("scheme")
    scheme = find_scheme(session, str(request.scheme))
    run: GapRun | None
    if request.run is not None:
        run, _ = find_visible_run(session, request.scope, request.run)
    else:
        run = newest_visible_run(session, request.scope, scheme.id, until=request.on)
    notes = analysis_notes(None if run is None else run.summary, request.language)
    if run is None:
        return ListPage([], 0, notes)
    chosen = select(Gap).where(Gap.run_id == run.id, gaps_within(session, [run.id], request.ground))
    for column, value in (
        (Gap.kind, request.kind),
        (Gap.severity, request.severity),
    ):
        if value is not None:
            chosen = chosen.where(column == value)
    if request.cell is not None:
        chosen = chosen.where(concerns_cell(session, [run.id], request.cell, request.scope))
    total = session.scalar(select(func.count()).select_from(chosen.with_only_columns(Gap.id).subquery())) or 0
    worst_first = case({name: place for place, name in enumerate(SEVERITIES)}, value=Gap.severity)
    gaps = session.scalars(chosen.order_by(worst_first, Gap.id).limit(limit).offset(offset)).all()
    rows = gap_rows(session, request, run, gaps)
    return ListPage(with_responsibility(session, request, run.scheme_id, rows), total, notes)


def analysis_notes(summary: Mapping[str, Any] | None, language: str) -> list[str]:
    """Return a sentence for each kind that a run did not look for; for all of them without a run."""
    return [
        each.sentence(language) for each in gap_outcomes(summary) if each.state is not OutcomeState.analysed
    ]


GAPS = Listing("gaps", "盲区清单", "Gaps", GAP_COLUMNS, read_gaps)
