"""What is known of the gaps of each scheme: in which run they were looked for, or that they never were."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from gis.gaps import GAP_KINDS, GapOutcome, gap_outcomes
from layers.db.bulk import id_in
from layers.gaps.gap_grounds import gaps_within
from layers.gaps.run_visibility import SchemeRun, VisibleRun, describe_runs
from layers.gaps.runs import run_covers_area
from layers.models import Cell, Gap, GapRun, Plan, Scheme
from layers.plans.cells import lies_in_scope


class SchemeAnalysis(NamedTuple):
    """What is known of the gaps of a scheme on the caller's ground.

    Attributes
    ----------
    scheme
        The code of the scheme.
    run
        The run that says it; None where no search was made.
    outcomes
        Of each kind.
    """

    scheme: str
    run: VisibleRun | None
    outcomes: list[GapOutcome]


def describe_analyses(
    session: Session, scope: str | None, runs: Sequence[SchemeRun], schemes: Iterable[str]
) -> list[SchemeAnalysis]:
    """Return what is known of some schemes.

    Parameters
    ----------
    scope
        The caller's area, in which gaps are counted; None for all.
    runs
        The runs that say it, each with the code of its scheme.
    schemes
        The codes of the schemes asked about; those of which no run is given were not analysed.
    """
    described = {each.scheme: each for each in describe_runs(session, scope, runs)}
    found = []
    for scheme in dict.fromkeys([*described, *schemes]):
        run = described.get(scheme)
        found.append(SchemeAnalysis(scheme, run, gap_outcomes(None if run is None else run.summary)))
    return found


def run_of_cell(session: Session, scheme: Scheme, cell: Cell, day: date) -> GapRun | None:
    """Return the newest run up to a day that has looked at a version of a cell in force; None without one.

    One that was made before the version was published has looked at other cells.
    """
    published = select(Plan.published_at).where(Plan.id == cell.plan_id).scalar_subquery()
    runs = select(GapRun).where(
        GapRun.scheme_id == scheme.id,
        run_covers_area(session, cell.area_code),
        GapRun.on >= cell.valid_from,
        GapRun.on <= day,
        GapRun.created_at >= published,
    )
    return session.scalar(runs.order_by(GapRun.on.desc(), GapRun.id.desc()).limit(1))


def concerns_cell(
    session: Session, run_ids: Sequence[int], code: str, scope: str | None
) -> ColumnElement[bool]:
    """Return the condition that a gap of some runs is one of a cell of the caller's area, or touches it."""
    own = select(GapRun.id).where(GapRun.id.in_(run_ids), lies_in_scope(GapRun.scheme_id, code, scope))
    own_ids = list(session.scalars(own))
    kinds = {name: kind for name, kind in GAP_KINDS.items() if kind.concerns_cells and kind.cell_figures}
    several = select(Gap.id, Gap.kind, Gap.figures).where(Gap.run_id.in_(own_ids), Gap.kind.in_(kinds))
    touching = [
        number
        for number, kind, figures in session.execute(several)
        if code in kinds[kind].named_cells(figures)
    ]
    return Gap.run_id.in_(own_ids) & or_(Gap.cell_code == code, id_in(session, Gap.id, touching))


def area_outcomes(session: Session, scope: str | None, run: GapRun | None, code: str) -> list[GapOutcome]:
    """Return what a run says of each kind of gap in an area and beneath it."""
    counts: Counter[str] = Counter()
    if run is not None:
        inside = (gaps_within(session, [run.id], each) for each in (scope, code))
        counts.update(session.scalars(select(Gap.kind).where(Gap.run_id == run.id, *inside)))
    return gap_outcomes(None if run is None else run.summary, counts)


def cell_outcomes(session: Session, scope: str | None, run: GapRun | None, code: str) -> list[GapOutcome]:
    """Return what a run says of each kind of gap that a cell can have."""
    counts: Counter[str] = Counter()
    if run is not None:
        of_cell = concerns_cell(session, [run.id], code, scope)
        kinds = select(Gap.kind).where(Gap.run_id == run.id, of_cell, gaps_within(session, [run.id], scope))
        counts.update(session.scalars(kinds))
    return [
        each
        for each in gap_outcomes(None if run is None else run.summary, counts)
        if each.kind not in GAP_KINDS or GAP_KINDS[each.kind].concerns_cells
    ]
