"""`/v1/gaps`: what is missing over the cells of a scheme, as runs have found it, and how runs differ.

A caller bound to an area sees the gaps of that ground, whatever ground a run is of.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field
from starlette.responses import Response

from api import schemas
from api.http.conditional import IfNoneMatch
from api.http.dependencies import DatabaseDep
from api.http.idempotency import IdempotentWriteDep, WriteResult
from api.http.pagination import FeaturePageDep, Limit, Page, PageDep
from api.http.parameters import ConfirmField, WholeNumber
from api.http.responses import json_response, list_response
from api.jobs.job_requests import JobRequestsDep
from api.problems import problem_responses
from api.schemas.gap_analysis import gap_analysis_record, gap_group_record
from api.schemas.gaps import (
    gap_kind_record,
    gap_record,
    gap_run_record,
    run_difference_record,
)
from api.schemas.jobs import job_record
from api.security.audit import Action, audit
from api.security.caller import Caller
from api.security.principal import Principal, Right
from api.security.requirements import AreaPolicy, requires
from api.security.shown_officers import ShownOfficers
from gis.errors import NotFoundError
from gis.gaps import GAP_KINDS, SEVERITY_COLOURS
from layers.areas.hierarchy import read_hierarchy
from layers.days import require_near_day
from layers.db.database import Session, current_state
from layers.gaps import differences, queries
from layers.gaps.analysis import describe_analyses
from layers.gaps.run_visibility import VisibleRun, describe_runs, find_visible_run, list_visible_runs
from layers.lists.gap_groups import GapGrouping, group_gaps, narrowed
from layers.lists.gap_places import GapPlace, places_of_gaps
from layers.lists.listing import ListRequest
from layers.models import Gap
from layers.plans.schemes import find_scheme

router = APIRouter(prefix="/v1/gaps", tags=["gaps"])

RecordId = Annotated[WholeNumber, Path(ge=1, le=2**53, examples=[7])]
AreaFilter = Annotated[
    str | None, Query(max_length=100, description="In this area or beneath it.", examples=["440305001"])
]
SchemeFilter = Annotated[str | None, Query(max_length=60, examples=["community"])]


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
    confirm: ConfirmField = False


@router.post(
    "",
    summary="Look for gaps",
    status_code=202,
    response_model=schemas.Job,
    responses=problem_responses(404, 409),
)
@requires(Right.bulk, AreaPolicy.checked)
def search_gaps(
    body: GapSearchRequest, caller: Caller, write: IdempotentWriteDep, jobs: JobRequestsDep
) -> Response:
    """Look for gaps in the cells in force on a day, as a job; its result names the run that is kept."""
    area_code = body.area_code if body.area_code is not None else caller.area_code
    caller.require_area(area_code)

    def handler(session: Session) -> WriteResult:
        find_scheme(session, body.scheme)
        read_hierarchy(session).subtree(area_code)
        day = require_near_day(body.on, confirmed=body.confirm)
        parameters = {"scheme": body.scheme, "area_code": area_code, "on": day.isoformat()}
        job = jobs.enqueue(session, caller, "gaps", parameters, caller.area_code)
        audit(session, caller, Action.record, f"job {job.id}", area_code=area_code, kind="gaps")
        return WriteResult(job_record(job), 202, location=f"/v1/jobs/{job.id}")

    return write(body, handler)


@router.get("", summary="List gaps", response_model=schemas.GapPage, responses=problem_responses(404, 422))
@requires(Right.read, AreaPolicy.filtered)
def list_gaps(
    caller: Caller,
    database: DatabaseDep,
    page: FeaturePageDep,
    scheme: SchemeFilter = None,
    run: Annotated[
        WholeNumber | None,
        Query(ge=1, le=2**53, description="A run; the newest of each scheme when not given.", examples=[7]),
    ] = None,
    kind: Annotated[str | None, Query(max_length=100, examples=["out_of_reach"])] = None,
    severity: Annotated[Literal["high", "medium", "low"] | None, Query(examples=["high"])] = None,
    cell: Annotated[str | None, Query(max_length=100, examples=["440305001001001"])] = None,
    area: AreaFilter = None,
    officer: Annotated[
        str | None,
        Query(max_length=100, description="Number of the officer who answers for them.", examples=["G-0005"]),
    ] = None,
    at: Annotated[
        date | None, Query(description="The day whose officers are told; today when not given.")
    ] = None,
    geometry: Annotated[bool, Query(description="With geometry; a list needs none.", examples=[True])] = True,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """List the gaps of the caller's area, run by run, in each the most severe first.

    `analysis` says of each scheme and kind whether it was looked for: none found, skipped, or not analysed.
    """
    geometry = geometry or page.geojson
    with database.read() as session:
        runs = queries.selected_runs(session, caller.area_code, scheme=scheme, run_id=run)
        request = _list_request(caller, at, kind=kind, severity=severity, area=area)
        found, next_cursor = queries.list_gaps(
            session,
            page,
            caller.area_code,
            runs,
            cell=cell,
            where=narrowed(session, request, runs, officer),
        )
        places = places_of_gaps(session, request, found)
        items = [
            gap_record(each, geometry=geometry, place=place)
            for each, place in zip(found, places, strict=True)
        ]
        schemes = queries.selected_schemes(session, scheme=scheme, run_id=run)
        analyses = describe_analyses(session, caller.area_code, runs, schemes)
        etag_parts = (sorted(each.id for each, _ in runs), caller.area_code, current_state(session))
    more = {"analysis": [gap_analysis_record(each) for each in analyses]}
    return page.to_response(items, next_cursor, etag_parts=etag_parts, if_none_match=if_none_match, more=more)


@router.get(
    "/kinds", summary="List kinds of gaps", response_model=schemas.GapKindList, responses=problem_responses()
)
@requires(Right.read, AreaPolicy.none)
def list_kinds(_caller: Caller) -> Response:
    """List the kinds of gaps: names in both languages, symbols, rules and figures; and the severities."""
    severities = [{"name": name, "colour": colour} for name, colour in SEVERITY_COLOURS.items()]
    return json_response(
        {"items": [gap_kind_record(kind) for kind in GAP_KINDS.values()], "severities": severities}
    )


@router.get(
    "/groups",
    summary="Count gaps by community, street, officer or kind",
    response_model=schemas.GapGroupList,
    responses=problem_responses(404, 422),
)
@requires(Right.read, AreaPolicy.filtered)
def list_groups(
    caller: Caller,
    database: DatabaseDep,
    by: Annotated[GapGrouping, Query(examples=["community"])],
    scheme: Annotated[str, Query(max_length=60, examples=["community"])],
    run: Annotated[
        WholeNumber | None,
        Query(ge=1, le=2**53, description="A run; the newest when not given.", examples=[7]),
    ] = None,
    kind: Annotated[str | None, Query(max_length=100, examples=["out_of_reach"])] = None,
    severity: Annotated[Literal["high", "medium", "low"] | None, Query(examples=["high"])] = None,
    area: AreaFilter = None,
    at: Annotated[
        date | None, Query(description="The day whose officers are told; today when not given.")
    ] = None,
) -> Response:
    """Put the gaps of the caller's area together, those groups first that have the most severe ones.

    `/v1/gaps` lists a group: by `area` for a community or street, by `officer`, or by `kind`.
    """
    with database.read() as session:
        runs = queries.selected_runs(session, caller.area_code, scheme=scheme, run_id=run)
        request = _list_request(caller, at, kind=kind, severity=severity, area=area)
        groups = [group for each, _ in runs for group in group_gaps(session, request, each, by)]
        analyses = describe_analyses(session, caller.area_code, runs, [scheme])
    content = {
        "run": runs[0][0].id if runs else None,
        "items": [gap_group_record(group) for group in groups],
        "analysis": [gap_analysis_record(each) for each in analyses],
    }
    return json_response(content)


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
        runs, next_cursor = list_visible_runs(session, page, caller.area_code, scheme=scheme)
        return list_response([gap_run_record(run) for run in runs], next_cursor)


@router.get(
    "/runs/{run_id}", summary="Read a run", response_model=schemas.GapRun, responses=problem_responses(404)
)
@requires(Right.read, AreaPolicy.checked)
def read_run(run_id: RecordId, caller: Caller, database: DatabaseDep) -> Response:
    """Read one run: its day, the rules it applied, what it counts in the caller's area."""
    with database.read() as session:
        run = find_visible_run(session, caller.area_code, run_id)
        return json_response(gap_run_record(describe_runs(session, caller.area_code, [run])[0]))


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
    against: Annotated[WholeNumber, Query(ge=1, le=2**53, description="The older run.", examples=[6])],
    limit: Limit = 100,
) -> Response:
    """List which gaps have appeared since another run, which are gone, and which last.

    Compared are the kinds that both have looked for, on the ground of both. At most `limit` of each are
    listed, the most severe first; all are counted.
    """
    with database.read() as session:
        difference = differences.compare_runs(session, caller.area_code, run_id, against)
        request = _list_request(caller, None)

        def described(run: VisibleRun, gaps: Sequence[Gap]) -> Iterable[tuple[queries.FoundGap, GapPlace]]:
            found = queries.found_gaps(session, caller.area_code, run.run, run.scheme, gaps)
            return zip(found, places_of_gaps(session, request, found), strict=True)

        return json_response(run_difference_record(difference, limit, described))


@router.get("/{gap_id}", summary="Read a gap", response_model=schemas.Gap, responses=problem_responses(404))
@requires(Right.read, AreaPolicy.checked)
def read_gap(gap_id: RecordId, caller: Caller, database: DatabaseDep) -> Response:
    """Read one gap with its geometry."""
    with database.read() as session:
        found = queries.find_gap(session, caller.area_code, gap_id)
        (place,) = places_of_gaps(session, _list_request(caller, None), [found])
        return json_response(gap_record(found, place=place))


def _list_request(
    caller: Principal,
    at: date | None,
    *,
    kind: str | None = None,
    severity: str | None = None,
    area: str | None = None,
) -> ListRequest:
    """Return what is asked of gaps; names of people stay masked."""
    shown = ShownOfficers(caller, reveal=False)
    if area is not None and not caller.covers(area):
        raise NotFoundError(f"There is no area '{area}'.")
    return ListRequest(
        scope=caller.area_code,
        language="zh",
        personal_of=shown.personal_of,
        personal=False,
        on=at or date.today(),
        kind=kind,
        severity=severity,
        area=area,
    )
