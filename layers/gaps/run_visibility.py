"""Which runs of gaps a caller bound to an area may see, and what they count there.

A scope is the code of the area that a caller is bound to, None for a caller bound to none.
"""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from gis.errors import NotFoundError
from gis.gaps import SEVERITIES
from layers.areas.scope import within
from layers.db.keyset import PageRequest
from layers.gaps.gap_grounds import gaps_within
from layers.gaps.runs import newest_run, run_covers_area
from layers.models import Gap, GapRun, Scheme
from layers.plans.schemes import find_scheme


class VisibleRun(NamedTuple):
    """A run as a caller may see it.

    Attributes
    ----------
    run
        The run.
    scheme
        The code of its scheme.
    summary
        In the form of `gis.gaps.GapSearchResult.summary`; of the caller's area alone.
    created_by
        None in a run of wider ground than the caller's: who works for it is not their concern.
    whole
        Whether it has looked at all of the caller's ground.
    """

    run: GapRun
    scheme: str
    summary: dict[str, Any]
    created_by: str | None
    whole: bool


SchemeRun = tuple[GapRun, str]
"""A run with the code of its scheme."""


def find_visible_run(session: Session, scope: str | None, run_id: int) -> SchemeRun:
    """Return a run that the caller may see.

    Raises
    ------
    NotFoundError
        If there is none, or it is of ground elsewhere.
    """
    found = session.execute(_visible_runs(session, scope).where(GapRun.id == run_id)).one_or_none()
    if found is None:
        raise NotFoundError(f"There is no run of gaps number {run_id}.")
    return found[0], found[1]


def newest_visible_run(
    session: Session, scope: str | None, scheme_id: int, *, until: date | None = None
) -> GapRun | None:
    """Return the run that says how a scheme stands for the caller: of all their ground, or else of a part."""
    part = within(GapRun.area_code, scope)
    return newest_run(session, scheme_id, scope, until=until, partial_runs=part)


def list_visible_runs(
    session: Session, page: PageRequest, scope: str | None, *, scheme: str | None = None
) -> tuple[list[VisibleRun], str | None]:
    """Return a page of the runs that the caller may see, those made last first, and the next cursor.

    Parameters
    ----------
    page
        Which page.
    scope
        The area that the caller is bound to.
    scheme
        Only runs of the scheme of this code.

    Raises
    ------
    InputError
        If the cursor is not one of this list.
    NotFoundError
        If there is no such scheme.
    """
    statement = _visible_runs(session, scope)
    if scheme is not None:
        statement = statement.where(GapRun.scheme_id == find_scheme(session, scheme).id)
    rows, next_cursor = page.fetch(session, statement, GapRun.id, descending=True)
    return describe_runs(session, scope, [(run, code) for run, code in rows]), next_cursor


def describe_runs(session: Session, scope: str | None, runs: Sequence[SchemeRun]) -> list[VisibleRun]:
    """Return runs as the caller may see them."""
    ids = [run.id for run, _ in runs]
    inside = select(GapRun.id).where(GapRun.id.in_(ids), within(GapRun.area_code, scope))
    wider = set(ids).difference(session.scalars(inside))
    whole = set(session.scalars(select(GapRun.id).where(GapRun.id.in_(ids), run_covers_area(session, scope))))
    counts = _count_gaps(session, scope, wider) if wider else {}
    return [
        VisibleRun(run, scheme, _summarize(run, counts.get(run.id, {})), None, whole=True)
        if run.id in wider
        else VisibleRun(run, scheme, run.summary, run.created_by, whole=run.id in whole)
        for run, scheme in runs
    ]


def _visible_runs(session: Session, scope: str | None) -> Select[GapRun, str]:
    """Select the runs whose ground lies in the caller's, or holds it, with the codes of their schemes."""
    visible: ColumnElement[bool] = or_(within(GapRun.area_code, scope), run_covers_area(session, scope))
    return select(GapRun, Scheme.code).join(Scheme, Scheme.id == GapRun.scheme_id).where(visible)


def _count_gaps(
    session: Session, scope: str | None, run_ids: Collection[int]
) -> dict[int, dict[str, list[tuple[Any, ...]]]]:
    """Count the caller's gaps by run and kind: rows of severity, gaps, ground, households, enterprises."""
    statement = (
        select(
            Gap.run_id,
            Gap.kind,
            Gap.severity,
            func.count(),
            func.sum(Gap.area_m2),
            func.sum(Gap.households),
            func.sum(Gap.enterprises),
        )
        .where(Gap.run_id.in_(run_ids), gaps_within(session, run_ids, scope))
        .group_by(Gap.run_id, Gap.kind, Gap.severity)
    )
    found: dict[int, dict[str, list[tuple[Any, ...]]]] = {}
    for run_id, kind, *figures in session.execute(statement):
        found.setdefault(run_id, {}).setdefault(kind, []).append(tuple(figures))
    return found


def _summarize(run: GapRun, counts: dict[str, list[tuple[Any, ...]]]) -> dict[str, Any]:
    """Sum up a run's gaps in the form of `gis.gaps.GapSearchResult.summary`."""
    kinds = {}
    for kind in run.summary["kinds"]:
        rows = counts.get(kind, [])
        by_severity = {severity: int(number) for severity, number, *_ in rows}
        kinds[kind] = {
            "gaps": sum(by_severity.values()),
            **{severity: by_severity.get(severity, 0) for severity in SEVERITIES},
            "area_m2": round(float(sum(row[2] for row in rows)), 2),
            "households": int(sum(row[3] for row in rows)),
            "enterprises": int(sum(row[4] for row in rows)),
        }
    total = sum(int(each["gaps"]) for each in kinds.values())
    return {**run.summary, "gaps": total, "kinds": kinds}
