"""Runs of gaps: what a search finds in the cells in force on a day, kept so that two days compare."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import shapely
from sqlalchemy import ColumnElement, case, insert, or_, select
from sqlalchemy.orm import Session

from gis.gaps import GAP_KINDS, GapSearchResult, find_gaps
from layers.areas.hierarchy import read_hierarchy
from layers.db.database import Database, bump_revision
from layers.gaps.search_input import GapSearch, read_gap_search
from layers.models import Gap, GapRun
from layers.plans.schemes import find_scheme, gap_rules

_PAGE_SIZE = 5_000


def search_gaps(
    database: Database,
    scheme: str,
    *,
    created_by: str,
    area_code: str | None = None,
    on: date | None = None,
    progress: Callable[[int, int], None] | None = None,
    before_commit: Callable[[Session, GapRun], None] | None = None,
) -> GapRun:
    """Look for gaps by the rules of a scheme, and keep the run.

    Parameters
    ----------
    database
        Read in one state; the run is written in one transaction.
    scheme
        Code of the scheme.
    created_by
        Who asks.
    area_code
        Look on this ground alone; gaps of cells that belong to a wider area belong to that. All ground when
        not given.
    on
        The day whose cells and entities are looked at; today when not given.
    progress
        Called with (parts done, parts in all).
    before_commit
        Called with the session and the run at the end of the transaction that keeps it.

    Returns
    -------
    GapRun
        The run, kept; its `summary` is that of `gis.gaps.GapSearchResult`, its `rules` are complete.

    Raises
    ------
    InputError
        If no cells are in force there on that day, or the rules do not fit the entities.
    NotFoundError
        If there is no such scheme or area.
    """
    day = on or date.today()
    with database.read() as session:
        scheme_row = find_scheme(session, scheme)
        scheme_id, rules = scheme_row.id, gap_rules(scheme_row)
        search = read_gap_search(session, scheme_row, day, area_code)
    found = _filter_by_area(find_gaps(search.gap_input, rules, progress=progress), search)
    with database.write() as session:
        run = GapRun(
            scheme_id=scheme_id,
            area_code=area_code,
            on=day,
            rules=rules.to_mapping(),
            summary=found.summary(),
            created_by=created_by,
            created_at=datetime.now(UTC),
        )
        session.add(run)
        session.flush()
        _insert_gaps(session, run.id, found)
        bump_revision(session)
        if before_commit is not None:
            before_commit(session, run)
    return run


def run_covers_area(session: Session, area_code: str | None) -> ColumnElement[bool]:
    """Return the condition that a run looked at all of an area's ground; at all ground for None."""
    everywhere = GapRun.area_code.is_(None)
    if area_code is None:
        return everywhere
    return or_(everywhere, GapRun.area_code.in_([area_code, *read_hierarchy(session).ancestors(area_code)]))


def newest_run(
    session: Session,
    scheme_id: int,
    area_code: str | None,
    *,
    until: date | None = None,
    partial_runs: ColumnElement[bool] | None = None,
) -> GapRun | None:
    """Return the run that says how a scheme stands in an area: the latest of those of all its ground.

    Latest is of the latest day, and of that day the one made last.

    Parameters
    ----------
    session
        Reads it.
    scheme_id
        Of the scheme.
    area_code
        The area; all ground for None.
    until
        The last day that counts; any when not given.
    partial_runs
        Which runs stand for a part of the ground: the latest of these where there is none of all of it.
    """
    whole = run_covers_area(session, area_code)
    runs = select(GapRun).where(
        GapRun.scheme_id == scheme_id, whole if partial_runs is None else or_(whole, partial_runs)
    )
    if until is not None:
        runs = runs.where(GapRun.on <= until)
    order = (case((whole, 0), else_=1), GapRun.on.desc(), GapRun.id.desc())
    return session.scalar(runs.order_by(*order).limit(1))


def _filter_by_area(found: GapSearchResult, search: GapSearch) -> GapSearchResult:
    """Leave out what belongs to areas that the search is not about."""
    if search.area_codes is None:
        return found
    cells = search.gap_input.cells
    own_cells = set(cells["code"][cells["area_code"].isin(search.area_codes)])
    shared = [
        kind.lies_in_named_cells and not own_cells.isdisjoint(kind.named_cells(figures))
        for kind, figures in zip(
            (GAP_KINDS[name] for name in found.frame["kind"]), found.figures, strict=True
        )
    ]
    rows = np.flatnonzero(
        found.frame["area_code"].isin(search.area_codes).to_numpy() | np.array(shared, bool)
    )
    return dataclasses.replace(
        found,
        frame=found.frame.iloc[rows].reset_index(drop=True),
        figures=tuple(found.figures[row] for row in rows),
    )


def _insert_gaps(session: Session, run_id: int, found: GapSearchResult) -> None:
    """Write the gaps in their order, which their keys keep."""
    frame = found.frame
    geometries = np.asarray(frame.geometry, dtype=object).copy()
    geometries[shapely.is_empty(geometries)] = None
    columns = ["kind", "severity", "cell_code", "area_code", "area_m2", "households", "enterprises"]
    columns += ["rule", "detail"]
    values: list[list[Any]] = [frame[name].tolist() for name in columns]
    values[columns.index("area_m2")] = frame["area_m2"].round(2).tolist()
    rows = [
        {"run_id": run_id, **dict(zip(columns, row, strict=True)), "figures": figures, "geometry": geometry}
        for *row, figures, geometry in zip(*values, found.figures, geometries, strict=True)
    ]
    for start in range(0, len(rows), _PAGE_SIZE):
        session.execute(insert(Gap), rows[start : start + _PAGE_SIZE])
