"""`/v1/gaps`: what is missing over the cells of a scheme, as runs have found it, and how runs differ.

A caller bound to an area sees the gaps of that ground, whatever ground a run is of.
"""

from datetime import date
from typing import Annotated, Any, Literal

import geopandas as gpd
import numpy as np
import shapely
from fastapi import APIRouter, Path, Query
from pydantic import Field
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session
from starlette.responses import Response

from api import schemas
from api.gap_runs import find_visible_run, newest_visible_run, run_visible_to, serialize_runs
from api.http.conditional import IfNoneMatch
from api.http.dependencies import DatabaseDep
from api.http.idempotency import IdempotentWriteDep, WriteResult
from api.http.pagination import FeaturePageDep, Limit, Page, PageDep
from api.http.responses import geojson_fragment, json_response, list_response
from api.problems import problem_responses
from api.schemas.jobs import job_record
from api.security.area_scope import in_area_scope
from api.security.audit import Action, audit
from api.security.caller import Caller
from api.security.principal import Principal, Right
from api.security.requirements import AreaPolicy, requires
from gis.crs import LONLAT
from gis.errors import InputError, LimitError, NotFoundError
from gis.gaps.compare import compare_gaps
from layers.areas.hierarchy import read_hierarchy
from layers.db.database import current_revision
from layers.jobs.queue import enqueue
from layers.models import Gap, GapRun, Scheme
from layers.plans.schemes import find_scheme

router = APIRouter(prefix="/v1/gaps", tags=["gaps"])

RecordId = Annotated[int, Path(ge=1, le=2**53, examples=[7])]
SchemeFilter = Annotated[str | None, Query(max_length=60, examples=["community"])]

_GAP_FIELDS = (
    "id", "kind", "severity", "cell_code", "area_code", "area_m2", "households", "enterprises", "rule",
    "detail", "figures",
)  # fmt: skip
MAX_COMPARED_GAPS = 50_000
"""The most gaps of both runs that are compared within a request."""

_COMPARED_FIELDS = ("severity", "area_m2", "households", "enterprises")


class GapSearchRequest(schemas.RequestModel):
    """What to look for gaps in."""

    scheme: Annotated[str, Field(max_length=60)] = Field(examples=["community"])
    area_code: Annotated[str, Field(max_length=100)] | None = Field(
        default=None, examples=["440305"], description="All of the caller's ground when not given."
    )
    on: date | None = Field(
        default=None,
        examples=["2026-01-01"],
        description="The day whose cells and entities are looked at; today when not given.",
    )


def serialize_gap(gap: Gap, run: GapRun, scheme: str, *, geometry: bool = True) -> dict[str, Any]:
    """Return a gap as it is answered."""
    record: dict[str, Any] = {name: getattr(gap, name) for name in _GAP_FIELDS}
    record |= {"run": run.id, "scheme": scheme, "on": run.on}
    record["box"] = None if gap.geometry is None else shapely.bounds(gap.geometry).round(7).tolist()
    if geometry:
        record["geometry"] = geojson_fragment(gap.geometry)
    return record


@router.post(
    "",
    summary="Look for gaps",
    status_code=202,
    response_model=schemas.Job,
    responses=problem_responses(404, 409),
)
@requires(Right.bulk, AreaPolicy.checked)
def search_gaps(body: GapSearchRequest, caller: Caller, write: IdempotentWriteDep) -> Response:
    """Look for gaps in the cells in force on a day, as a job; its result names the run that is kept."""
    area_code = body.area_code if body.area_code is not None else caller.area_code
    caller.require_area(area_code)

    def handler(session: Session) -> WriteResult:
        find_scheme(session, body.scheme)
        read_hierarchy(session).subtree(area_code)
        day = body.on or date.today()
        parameters = {"scheme": body.scheme, "area_code": area_code, "on": day.isoformat()}
        job = enqueue(session, "gaps", parameters, created_by=caller.label, area_code=caller.area_code)
        audit(session, caller, Action.record, f"job {job.id}", area_code=area_code, kind="gaps")
        return WriteResult(job_record(job), 202, location=f"/v1/jobs/{job.id}")

    return write(body, handler)


@router.get("", summary="List gaps", response_model=Page[schemas.Gap], responses=problem_responses(404, 422))
@requires(Right.read, AreaPolicy.filtered)
def list_gaps(
    caller: Caller,
    database: DatabaseDep,
    page: FeaturePageDep,
    scheme: SchemeFilter = None,
    run: Annotated[
        int | None,
        Query(ge=1, le=2**53, description="A run; the newest of each scheme when not given.", examples=[7]),
    ] = None,
    kind: Annotated[str | None, Query(max_length=100, examples=["out_of_reach"])] = None,
    severity: Annotated[Literal["high", "medium", "low"] | None, Query(examples=["high"])] = None,
    cell: Annotated[str | None, Query(max_length=100, examples=["440305001001001"])] = None,
    geometry: Annotated[bool, Query(description="With geometry; a list needs none.", examples=[True])] = True,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """List the gaps of the caller's area, run by run, in each the most severe first."""
    geometry = geometry or page.geojson
    with database.read() as session:
        runs = _selected_runs(session, caller, scheme, run)
        statement = select(Gap).where(Gap.run_id.in_(sorted(runs)), in_area_scope(Gap.area_code, caller))
        for column, value in ((Gap.kind, kind), (Gap.severity, severity), (Gap.cell_code, cell)):
            if value is not None:
                statement = statement.where(column == value)
        rows, next_cursor = page.fetch(session, page.filter_by_bbox(session, statement, Gap), Gap.id)
        items = [serialize_gap(row, *runs[row.run_id], geometry=geometry) for (row,) in rows]
        etag_parts = (sorted(runs), caller.area_code, current_revision(session))
    return page.to_response(items, next_cursor, etag_parts=etag_parts, if_none_match=if_none_match)


@router.get(
    "/runs", summary="List runs", response_model=Page[schemas.GapRun], responses=problem_responses(404)
)
@requires(Right.read, AreaPolicy.filtered)
def list_runs(
    caller: Caller,
    database: DatabaseDep,
    page: PageDep,
    scheme: SchemeFilter = None,
) -> Response:
    """List the runs that concern the caller's area, those made last first; they count its gaps alone."""
    with database.read() as session:
        statement: Select[GapRun, str] = (
            select(GapRun, Scheme.code)
            .join(Scheme, Scheme.id == GapRun.scheme_id)
            .where(run_visible_to(session, caller))
        )
        if scheme is not None:
            statement = statement.where(GapRun.scheme_id == find_scheme(session, scheme).id)
        rows, next_cursor = page.fetch(session, statement, GapRun.id, descending=True)
        return list_response(
            serialize_runs(session, caller, [(run, code) for run, code in rows]), next_cursor
        )


@router.get(
    "/runs/{run_id}", summary="Read a run", response_model=schemas.GapRun, responses=problem_responses(404)
)
@requires(Right.read, AreaPolicy.checked)
def read_run(run_id: RecordId, caller: Caller, database: DatabaseDep) -> Response:
    """Read one run: its day, the rules it applied, what it counts in the caller's area."""
    with database.read() as session:
        return json_response(serialize_runs(session, caller, [find_visible_run(session, caller, run_id)])[0])


@router.get(
    "/runs/{run_id}/diff",
    summary="Compare two runs",
    response_model=schemas.GapDifference,
    responses=problem_responses(404),
)
@requires(Right.read, AreaPolicy.checked)
def compare_runs(
    run_id: RecordId,
    caller: Caller,
    database: DatabaseDep,
    against: Annotated[int, Query(ge=1, le=2**53, description="The older run.", examples=[6])],
    limit: Limit = 100,
) -> Response:
    """Tell which gaps have appeared since another run, which are gone, and which last.

    Compared are the kinds that both have looked for, on the ground of both. At most `limit` of each are
    listed, the most severe first; all are counted.
    """
    with database.read() as session:
        new, code = find_visible_run(session, caller, run_id)
        old, other = find_visible_run(session, caller, against)
        if code != other:
            raise InputError(f"Runs {run_id} and {against} are of different schemes.")
        area_code = _common_area(session, new, old)
        kinds = [kind for kind in new.summary["kinds"] if kind in old.summary["kinds"]]
        size = session.scalar(select(func.count()).select_from(Gap).where(Gap.run_id.in_((run_id, against))))
        if (size or 0) > MAX_COMPARED_GAPS:
            raise LimitError(f"More than {MAX_COMPARED_GAPS:,} gaps; compare runs of a smaller area.")
        before, after = (_gaps_of_run(session, caller, each.id, kinds, area_code) for each in (old, new))
        changed = compare_gaps(_gap_frame(before), [gap.figures for gap in before],
                          _gap_frame(after), [gap.figures for gap in after])  # fmt: skip
        runs = serialize_runs(session, caller, [(new, code), (old, code)])
    rows = {
        "appeared": [after[row] for row in changed.appeared],
        "gone": [before[row] for row in changed.gone],
        "lasting": [after[row] for row, _ in changed.lasting],
    }
    former = {after[row].id: before[row_before] for row, row_before in changed.lasting}
    items = {
        change: [
            serialize_gap(gap, old if change == "gone" else new, code, geometry=False)
            for gap in found[:limit]
        ]
        for change, found in rows.items()
    }
    for record in items["lasting"]:
        record["before"] = {name: getattr(former[record["id"]], name) for name in _COMPARED_FIELDS}
    return json_response(
        {
            "run": runs[0],
            "against": runs[1],
            "area_code": area_code,
            "rules_changed": new.rules != old.rules,
            "not_compared": sorted(set(new.summary["kinds"]) ^ set(old.summary["kinds"])),
            "summary": {
                kind: {what: sum(gap.kind == kind for gap in found) for what, found in rows.items()}
                for kind in kinds
            },
            **items,
        }
    )


@router.get("/{gap_id}", summary="Read a gap", response_model=schemas.Gap, responses=problem_responses(404))
@requires(Right.read, AreaPolicy.checked)
def read_gap(gap_id: RecordId, caller: Caller, database: DatabaseDep) -> Response:
    """Read one gap with its geometry."""
    with database.read() as session:
        found = session.get(Gap, gap_id)
        if found is None or not caller.covers(found.area_code):
            raise NotFoundError(f"There is no gap number {gap_id}.")
        run, scheme = find_visible_run(session, caller, found.run_id)
        return json_response(serialize_gap(found, run, scheme))


def _selected_runs(
    session: Session, caller: Principal, scheme: str | None, run_id: int | None
) -> dict[int, tuple[GapRun, str]]:
    """Return the runs whose gaps are asked for, with the codes of their schemes, by their numbers."""
    if run_id is not None:
        run, code = find_visible_run(session, caller, run_id)
        if scheme is not None and code != find_scheme(session, scheme).code:
            return {}
        return {run.id: (run, code)}
    schemes = [find_scheme(session, scheme)] if scheme is not None else session.scalars(select(Scheme)).all()
    newest = {each.code: newest_visible_run(session, caller, each.id) for each in schemes}
    return {run.id: (run, code) for code, run in newest.items() if run is not None}


def _common_area(session: Session, new: GapRun, old: GapRun) -> str | None:
    """Return the narrower area of two runs, one of which holds the other."""
    if new.area_code == old.area_code or old.area_code is None:
        return new.area_code
    if new.area_code is None or new.area_code in read_hierarchy(session).ancestors(old.area_code):
        return old.area_code
    if old.area_code in read_hierarchy(session).ancestors(new.area_code):
        return new.area_code
    raise InputError(f"Runs {new.id} and {old.id} are of different ground; compare runs of one area.")


def _gaps_of_run(
    session: Session, caller: Principal, run_id: int, kinds: list[str], area_code: str | None
) -> list[Gap]:
    statement = select(Gap).where(
        Gap.run_id == run_id, Gap.kind.in_(kinds), in_area_scope(Gap.area_code, caller)
    )
    if area_code is not None:
        statement = statement.where(Gap.area_code.in_(sorted(read_hierarchy(session).subtree(area_code))))
    return list(session.scalars(statement.order_by(Gap.id)))


def _gap_frame(found: list[Gap]) -> gpd.GeoDataFrame:
    geometries = np.empty(len(found), dtype=object)
    geometries[:] = [gap.geometry for gap in found]
    table = {"kind": [gap.kind for gap in found], "cell_code": [gap.cell_code for gap in found]}
    return gpd.GeoDataFrame(table, geometry=geometries, crs=LONLAT)
