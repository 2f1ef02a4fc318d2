"""Which runs of gaps a caller may see, and what of them: the part that lies in the caller's area.

A run of wider ground than the caller's shows its gaps there alone, counted anew; runs, and which is the
newest, to `layers.gaps.runs`.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from api.security.area_scope import in_area_scope
from api.security.principal import Principal
from gis.errors import NotFoundError
from gis.gaps.find import SEVERITIES
from layers.gaps import runs
from layers.models import Gap, GapRun, Scheme


def run_visible_to(session: Session, caller: Principal) -> ColumnElement[bool]:
    """Return the condition that a run's ground lies in the caller's, or holds it."""
    return or_(in_area_scope(GapRun.area_code, caller), runs.run_covers_area(session, caller.area_code))


def find_visible_run(session: Session, caller: Principal, run_id: int) -> tuple[GapRun, str]:
    """Return a run that the caller may see, with the code of its scheme.

    Raises
    ------
    NotFoundError
        If there is none, or it is of ground elsewhere.
    """
    statement = select(GapRun, Scheme.code).join(Scheme, Scheme.id == GapRun.scheme_id)
    found = session.execute(
        statement.where(GapRun.id == run_id, run_visible_to(session, caller))
    ).one_or_none()
    if found is None:
        raise NotFoundError(f"There is no run of gaps number {run_id}.")
    return found[0], found[1]


def newest_visible_run(
    session: Session, caller: Principal, scheme_id: int, *, until: date | None = None
) -> GapRun | None:
    """Return the run that says how a scheme stands for the caller: of all their ground, or else of a part."""
    part = in_area_scope(GapRun.area_code, caller)
    return runs.newest_run(session, scheme_id, caller.area_code, until=until, partial_runs=part)


def serialize_runs(
    session: Session, caller: Principal, runs: Sequence[tuple[GapRun, str]]
) -> list[dict[str, Any]]:
    """Return runs with the codes of their schemes as they are answered to the caller."""
    wider = [run.id for run, _ in runs if not caller.covers(run.area_code)]
    counts = _count_gaps(session, caller, wider) if wider else {}
    return [
        {
            "id": run.id,
            "scheme": scheme,
            "area_code": run.area_code,
            "on": run.on,
            "rules": run.rules,
            "summary": _summarize(run, counts.get(run.id, {})) if run.id in wider else run.summary,
            # Who works for a wider ground is not this caller's concern.
            "created_by": None if run.id in wider else run.created_by,
            "created_at": run.created_at,
        }
        for run, scheme in runs
    ]


def _count_gaps(
    session: Session, caller: Principal, run_ids: Sequence[int]
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
        .where(Gap.run_id.in_(run_ids), in_area_scope(Gap.area_code, caller))
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
    return {"gaps": total, "kinds": kinds, "skipped": run.summary["skipped"]}
