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
from api.gap_runs import newest_run, permitted_run, run_records, visible
from api.http.conditional import IfNoneMatch
from api.http.dependencies import Store
from api.http.idempotency import Done, Writing
from api.http.pagination import Limit, Page, Paged, PagedFeatures
from api.http.responses import listing, reply, shape
from api.problems import answers
from api.routes.areas import revision_in
from api.routes.jobs import job_record
from api.security.area_scope import within
from api.security.audit import Action, audit
from api.security.caller import Caller
from api.security.principal import Principal, Right
from api.security.requirements import Ground, access
from gis.crs import LONLAT
from gis.errors import InputError, LimitError, NotFoundError
from gis.gaps.compare import compare
from layers.areas.hierarchy import read_ground
from layers.jobs.queue import enqueue
from layers.models import Gap, GapRun, Scheme
from layers.plans.schemes import find_scheme

router = APIRouter(prefix="/v1/gaps", tags=["gaps"])

Number = Annotated[int, Path(ge=1, le=2**53, examples=[7])]
SchemeCode = Annotated[str | None, Query(max_length=60, examples=["community"])]

_PLAIN = (
    "id", "kind", "severity", "cell_code", "area_code", "area_m2", "households", "enterprises", "rule",
    "detail", "figures",
)  # fmt: skip
COMPARED_GAPS = 50_000
"""The most gaps of both runs that are compared within a request."""

_SIZES = ("severity", "area_m2", "households", "enterprises")


class Search(schemas.Given):
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


def gap_record(gap: Gap, run: GapRun, scheme: str, *, geometry: bool = True) -> dict[str, Any]:
    """Return a gap as it is answered."""
    record: dict[str, Any] = {name: getattr(gap, name) for name in _PLAIN}
    record |= {"run": run.id, "scheme": scheme, "on": run.on}
    record["box"] = None if gap.geometry is None else shapely.bounds(gap.geometry).round(7).tolist()
    if geometry:
        record["geometry"] = shape(gap.geometry)
    return record


@router.post(
    "",
    summary="Look for gaps",
    status_code=202,
    response_model=schemas.Job,
    responses=answers(404, 409),
)
@access(Right.bulk, Ground.checked)
def search(given: Search, caller: Caller, once: Writing) -> Response:
    """Look for gaps in the cells in force on a day, as a job; its result names the run that is kept."""
    area_code = given.area_code if given.area_code is not None else caller.area_code
    caller.require_area(area_code)

    def deed(session: Session) -> Done:
        find_scheme(session, given.scheme)
        read_ground(session).below(area_code)
        day = given.on or date.today()
        parameters = {"scheme": given.scheme, "area_code": area_code, "on": day.isoformat()}
        job = enqueue(session, "gaps", parameters, created_by=caller.label, area_code=caller.area_code)
        audit(session, caller, Action.record, f"job {job.id}", area_code=area_code, kind="gaps")
        return Done(job_record(job), 202, location=f"/v1/jobs/{job.id}")

    return once(given, deed)


@router.get("", summary="List gaps", response_model=Page[schemas.Gap], responses=answers(404, 422))
@access(Right.read, Ground.filtered)
def gaps(
    caller: Caller,
    store: Store,
    asked: PagedFeatures,
    scheme: SchemeCode = None,
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
    geometry = geometry or asked.geojson
    with store.read() as session:
        runs = _runs(session, caller, scheme, run)
        found = select(Gap).where(Gap.run_id.in_(sorted(runs)), within(Gap.area_code, caller))
        for column, value in ((Gap.kind, kind), (Gap.severity, severity), (Gap.cell_code, cell)):
            if value is not None:
                found = found.where(column == value)
        rows, follows = asked.rows(session, asked.within(session, found, Gap), Gap.id)
        listed = [gap_record(row, *runs[row.run_id], geometry=geometry) for (row,) in rows]
        state = (sorted(runs), caller.area_code, revision_in(session))
    return asked.answer(listed, follows, state=state, unless=if_none_match)


@router.get("/runs", summary="List runs", response_model=Page[schemas.GapRun], responses=answers(404))
@access(Right.read, Ground.filtered)
def list_runs(
    caller: Caller,
    store: Store,
    asked: Paged,
    scheme: SchemeCode = None,
) -> Response:
    """List the runs that concern the caller's area, those made last first; they count its gaps alone."""
    with store.read() as session:
        chosen: Select[GapRun, str] = (
            select(GapRun, Scheme.code)
            .join(Scheme, Scheme.id == GapRun.scheme_id)
            .where(visible(session, caller))
        )
        if scheme is not None:
            chosen = chosen.where(GapRun.scheme_id == find_scheme(session, scheme).id)
        rows, follows = asked.rows(session, chosen, GapRun.id, descending=True)
        return listing(run_records(session, caller, [(run, code) for run, code in rows]), follows)


@router.get("/runs/{run_id}", summary="Read a run", response_model=schemas.GapRun, responses=answers(404))
@access(Right.read, Ground.checked)
def read_run(run_id: Number, caller: Caller, store: Store) -> Response:
    """Read one run: its day, the rules it applied, what it counts in the caller's area."""
    with store.read() as session:
        return reply(run_records(session, caller, [permitted_run(session, caller, run_id)])[0])


@router.get(
    "/runs/{run_id}/diff",
    summary="Compare two runs",
    response_model=schemas.GapDifference,
    responses=answers(404),
)
@access(Right.read, Ground.checked)
def difference(
    run_id: Number,
    caller: Caller,
    store: Store,
    against: Annotated[int, Query(ge=1, le=2**53, description="The older run.", examples=[6])],
    limit: Limit = 100,
) -> Response:
    """Tell which gaps have appeared since another run, which are gone, and which last.

    Compared are the kinds that both have looked for, on the ground of both. At most `limit` of each are
    listed, the most severe first; all are counted.
    """
    with store.read() as session:
        new, code = permitted_run(session, caller, run_id)
        old, other = permitted_run(session, caller, against)
        if code != other:
            raise InputError(f"Runs {run_id} and {against} are of different schemes.")
        ground = _common_ground(session, new, old)
        kinds = [kind for kind in new.summary["kinds"] if kind in old.summary["kinds"]]
        size = session.scalar(select(func.count()).select_from(Gap).where(Gap.run_id.in_((run_id, against))))
        if (size or 0) > COMPARED_GAPS:
            raise LimitError(f"More than {COMPARED_GAPS:,} gaps; compare runs of a smaller area.")
        before, after_ = (_of_run(session, caller, each.id, kinds, ground) for each in (old, new))
        changed = compare(_frame(before), [gap.figures for gap in before],
                          _frame(after_), [gap.figures for gap in after_])  # fmt: skip
        runs = run_records(session, caller, [(new, code), (old, code)])
    rows = {
        "appeared": [after_[row] for row in changed.appeared],
        "gone": [before[row] for row in changed.gone],
        "lasting": [after_[row] for row, _ in changed.lasting],
    }
    former = {after_[row].id: before[row_before] for row, row_before in changed.lasting}
    listed = {
        what: [gap_record(gap, old if what == "gone" else new, code, geometry=False) for gap in found[:limit]]
        for what, found in rows.items()
    }
    for record in listed["lasting"]:
        record["before"] = {name: getattr(former[record["id"]], name) for name in _SIZES}
    return reply(
        {
            "run": runs[0],
            "against": runs[1],
            "area_code": ground,
            "rules_changed": new.rules != old.rules,
            "not_compared": sorted(set(new.summary["kinds"]) ^ set(old.summary["kinds"])),
            "summary": {
                kind: {what: sum(gap.kind == kind for gap in found) for what, found in rows.items()}
                for kind in kinds
            },
            **listed,
        }
    )


@router.get("/{gap_id}", summary="Read a gap", response_model=schemas.Gap, responses=answers(404))
@access(Right.read, Ground.checked)
def gap(gap_id: Number, caller: Caller, store: Store) -> Response:
    """Read one gap with its geometry."""
    with store.read() as session:
        found = session.get(Gap, gap_id)
        if found is None or not caller.covers(found.area_code):
            raise NotFoundError(f"There is no gap number {gap_id}.")
        run, scheme = permitted_run(session, caller, found.run_id)
        return reply(gap_record(found, run, scheme))


def _runs(
    session: Session, caller: Principal, scheme: str | None, run_id: int | None
) -> dict[int, tuple[GapRun, str]]:
    """Return the runs whose gaps are asked for, with the codes of their schemes, by their numbers."""
    if run_id is not None:
        run, code = permitted_run(session, caller, run_id)
        if scheme is not None and code != find_scheme(session, scheme).code:
            return {}
        return {run.id: (run, code)}
    schemes = [find_scheme(session, scheme)] if scheme is not None else session.scalars(select(Scheme)).all()
    newest = {each.code: newest_run(session, caller, each.id) for each in schemes}
    return {run.id: (run, code) for code, run in newest.items() if run is not None}


def _common_ground(session: Session, new: GapRun, old: GapRun) -> str | None:
    """Return the narrower area of two runs, one of which holds the other."""
    if new.area_code == old.area_code or old.area_code is None:
        return new.area_code
    if new.area_code is None or new.area_code in read_ground(session).above(old.area_code):
        return old.area_code
    if old.area_code in read_ground(session).above(new.area_code):
        return new.area_code
    raise InputError(f"Runs {new.id} and {old.id} are of different ground; compare runs of one area.")


def _of_run(
    session: Session, caller: Principal, run_id: int, kinds: list[str], ground: str | None
) -> list[Gap]:
    asked = select(Gap).where(Gap.run_id == run_id, Gap.kind.in_(kinds), within(Gap.area_code, caller))
    if ground is not None:
        asked = asked.where(Gap.area_code.in_(sorted(read_ground(session).below(ground))))
    return list(session.scalars(asked.order_by(Gap.id)))


def _frame(found: list[Gap]) -> gpd.GeoDataFrame:
    shapes = np.empty(len(found), dtype=object)
    shapes[:] = [gap.geometry for gap in found]
    table = {"kind": [gap.kind for gap in found], "cell_code": [gap.cell_code for gap in found]}
    return gpd.GeoDataFrame(table, geometry=shapes, crs=LONLAT)
