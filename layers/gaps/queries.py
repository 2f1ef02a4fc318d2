"""Reading gaps: one by its number, a page of those that a caller may see, or those of a cell."""

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from gis.errors import NotFoundError
from gis.gaps import SEVERITIES
from layers.db.keyset import PageRequest
from layers.gaps.analysis import concerns_cell, run_of_cell
from layers.gaps.gap_grounds import gaps_within
from layers.gaps.gap_words import GapWords, gap_words
from layers.gaps.run_visibility import SchemeRun, find_visible_run, newest_visible_run
from layers.models import Cell, Gap, GapRun, Scheme
from layers.plans.schemes import find_scheme


class FoundGap(NamedTuple):
    """A gap with its run, the code of the scheme, and what the caller is told of it."""

    gap: Gap
    run: GapRun
    scheme: str
    words: GapWords


def found_gaps(
    session: Session, scope: str | None, run: GapRun, scheme: str, gaps: Sequence[Gap]
) -> list[FoundGap]:
    """Return gaps of a run as a caller may see them."""
    words = gap_words(session, scope, run, gaps)
    return [FoundGap(gap, run, scheme, said) for gap, said in zip(gaps, words, strict=True)]


def find_gap(session: Session, scope: str | None, gap_id: int) -> FoundGap:
    """Return a gap of the caller's area.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    gap = session.get(Gap, gap_id)
    inside = select(Gap.id).where(Gap.id == gap_id)
    if gap is None or not session.scalar(inside.where(gaps_within(session, [gap.run_id], scope))):
        raise NotFoundError(f"There is no gap number {gap_id}.")
    return found_gaps(session, scope, *find_visible_run(session, scope, gap.run_id), [gap])[0]


def selected_runs(
    session: Session, scope: str | None, *, scheme: str | None = None, run_id: int | None = None
) -> list[SchemeRun]:
    """Return the runs whose gaps are asked for: the one named, or a scheme's or each's newest up to today.

    Raises
    ------
    NotFoundError
        If there is no such run or scheme for the caller.
    """
    if run_id is not None:
        return [find_visible_run(session, scope, run_id)]
    schemes = [find_scheme(session, scheme)] if scheme is not None else session.scalars(select(Scheme)).all()
    today = date.today()
    newest = [(newest_visible_run(session, scope, each.id, until=today), each.code) for each in schemes]
    return [(run, code) for run, code in newest if run is not None]


def selected_schemes(
    session: Session, *, scheme: str | None = None, run_id: int | None = None
) -> Sequence[str]:
    """Return the codes of the schemes whose gaps are asked for, also of those that have no run."""
    if run_id is not None:
        return []
    if scheme is not None:
        return [scheme]
    return session.scalars(select(Scheme.code).order_by(Scheme.code)).all()


def list_gaps(
    session: Session,
    page: PageRequest,
    scope: str | None,
    runs: Iterable[SchemeRun],
    *,
    cell: str | None = None,
    where: ColumnElement[bool] | None = None,
) -> tuple[list[FoundGap], str | None]:
    """Return a page of the gaps of some runs, run by run, in each the most severe first, and the next cursor.

    Parameters
    ----------
    page
        Which page.
    scope
        Only gaps of this area and those beneath it; None for all.
    runs
        The runs, as `selected_runs` finds them.
    cell
        Only gaps of the cell of this code, also if they touch others too.
    where
        What else they must be.

    Raises
    ------
    InputError
        If the cursor is not one of this list.
    """
    known = {run.id: (run, code) for run, code in runs}
    statement = select(Gap).where(Gap.run_id.in_(sorted(known)), gaps_within(session, known, scope))
    if cell is not None:
        statement = statement.where(concerns_cell(session, sorted(known), cell, scope))
    if where is not None:
        statement = statement.where(where)
    rows, next_cursor = page.fetch(session, page.filter_by_bbox(session, statement, Gap), Gap.id)
    found = [
        each
        for run_id, gaps in groupby((gap for (gap,) in rows), key=attrgetter("run_id"))
        for each in found_gaps(session, scope, *known[run_id], list(gaps))
    ]
    return found, next_cursor


def count_gaps_in(session: Session, area_code: str, run: GapRun) -> dict[str, int]:
    """Return how many gaps of a run lie in an area or beneath it, by severity; 0 where there are none."""
    statement = select(Gap.severity, func.count().label("gaps")).where(
        Gap.run_id == run.id, gaps_within(session, [run.id], area_code)
    )
    rows = session.execute(statement.group_by(Gap.severity))
    return dict.fromkeys(SEVERITIES, 0) | {row.severity: row.gaps for row in rows}


def gaps_of_cell(
    session: Session, scope: str | None, scheme: Scheme, cell: Cell, *, until: date, limit: int
) -> tuple[GapRun | None, list[FoundGap]]:
    """Return the newest run up to a day that has looked at a cell, and its gaps there, at most so many."""
    run = run_of_cell(session, scheme, cell, until)
    if run is None:
        return None, []
    statement = (
        select(Gap)
        .where(
            Gap.run_id == run.id,
            concerns_cell(session, [run.id], cell.code, scope),
            gaps_within(session, [run.id], scope),
        )
        .order_by(Gap.id)
        .limit(limit)
    )
    return run, found_gaps(session, scope, run, scheme.code, list(session.scalars(statement)))
