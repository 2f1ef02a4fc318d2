"""`/v1/plans`: drafts, their check, what they change, and their way into force.

A caller bound to an area sees and makes plans of that area only.
"""

from datetime import date
from http import HTTPStatus
from typing import Annotated, Any

import geopandas as gpd
import numpy as np
import pandas as pd
from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from api import schemas
from api.http.conditional import IfMatchVersion, IfNoneMatch, version_etag
from api.http.dependencies import DatabaseDep, SettingsDep
from api.http.idempotency import IdempotentWriteDep, WriteResult
from api.http.pagination import Page, PageDep
from api.http.parameters import ConfirmField, PlanId, WholeNumber, parse_geometry
from api.http.responses import json_response, list_response
from api.jobs.job_requests import JobRequests, JobRequestsDep
from api.problems import problem_responses
from api.schemas.base import POLYGON
from api.schemas.jobs import job_record
from api.schemas.plans import check_record, plan_difference_record, plan_record, publish_record
from api.security.audit import Action, audit
from api.security.caller import Caller
from api.security.principal import Principal, Right
from api.security.requirements import AreaPolicy, requires
from gis.crs import LONLAT
from gis.errors import InputError
from layers.db.database import Session
from layers.models import Plan, PlanState
from layers.plans import queries
from layers.plans.check import check_plan, stored_check
from layers.plans.compare import read_comparison
from layers.plans.drafts import create_draft
from layers.plans.publish import publish, require_publishable
from layers.plans.review import reject_plan, submit_plan, withdraw_plan
from layers.plans.schemes import find_scheme
from layers.plans.states import Step, require_step
from layers.plans.unit_drafts import read_unit_table
from layers.staff.vacancies import count_unstaffed

router = APIRouter(prefix="/v1/plans", tags=["plans"])

_JOB_RESPONSE: dict[int | str, dict[str, Any]] = {
    202: {
        "model": schemas.Job,
        "description": "The plan is large, or there are many entities: a job does it. Follow it at Location.",
    }
}


class UnitRow(schemas.RequestModel):
    """A unit, its cell, and what else is known of the cell."""

    unit: str = Field(examples=["440305001001001"])
    cell: str = Field(examples=["M12"])
    name: str | None = Field(default=None, examples=["第12管理网格"])
    kind: str | None = Field(default=None, examples=["management"])
    area_code: str | None = Field(default=None, examples=["440305001001"])


class NewPlan(schemas.RequestModel):
    """A draft to create from cells."""

    scheme: Annotated[str, Field(max_length=60)] = Field(examples=["community"])
    name: Annotated[str, Field(min_length=1, max_length=200)] = Field(examples=["2026 spring"])
    area_code: Annotated[str, Field(max_length=100)] | None = Field(
        default=None, examples=["440305"], description="What the plan divides; all ground when not given."
    )
    cells: dict[str, Any] | None = Field(
        default=None,
        description="A GeoJSON FeatureCollection of polygons whose properties have a `code`. Under a scheme "
        "over units each unit must lie in one of them.",
        examples=[
            {
                "type": "FeatureCollection",
                "features": [
                    {
                        "type": "Feature",
                        "properties": {"code": "440305001001001", "name": "第一网格"},
                        "geometry": POLYGON,
                    }
                ],
            }
        ],
    )

    units: dict[str, str] | list[UnitRow] | None = Field(
        default=None,
        examples=[None],
        description="In place of cells, under a scheme over units: the code of each unit's cell, by the "
        "code of the unit or in rows.",
    )
    units_on: date | None = Field(
        default=None, examples=[None], description="The day whose units are meant; today when not given."
    )


class PublishRequest(schemas.RequestModel):
    """From when a plan is to be in force."""

    on: date = Field(examples=["2026-01-01"], description="The first day.")
    confirm: ConfirmField = False


@router.get(
    "", summary="List plans", response_model=Page[schemas.Plan], responses=problem_responses(404, 422)
)
@requires(Right.read, AreaPolicy.filtered)
def list_plans(
    caller: Caller,
    database: DatabaseDep,
    page: PageDep,
    scheme: Annotated[str | None, Query(max_length=60, examples=["community"])] = None,
    state: Annotated[PlanState | None, Query(description="The state today.")] = None,
    on: Annotated[
        date | None, Query(description="Only plans in force on this day.", examples=["2026-03-01"])
    ] = None,
) -> Response:
    """List the plans of the caller's area in the order in which they were created."""
    with database.read() as session:
        plans, next_cursor = queries.list_plans(
            session, page, caller.area_code, scheme=scheme, state=state, on=on
        )
        return list_response([plan_record(plan, code) for plan, code in plans], next_cursor)


@router.post(
    "",
    summary="Create a draft",
    status_code=201,
    response_model=schemas.Plan,
    responses=problem_responses(400, 404, 409, 422),
)
@requires(Right.draft, AreaPolicy.checked)
def create(body: NewPlan, caller: Caller, settings: SettingsDep, write: IdempotentWriteDep) -> Response:
    """Create a draft of a plan from cells or units; larger ones come as a file through `/v1/imports`."""
    caller.require_area(body.area_code)
    if (body.cells is None) == (body.units is None):
        raise InputError("Give either the cells of the plan, or its units.")
    cells, units = _parse_input(body, settings.vertices)

    def handler(session: Session) -> WriteResult:
        scheme = find_scheme(session, body.scheme)
        plan = create_draft(
            session,
            scheme.id,
            cells,
            name=body.name,
            created_by=caller.label,
            area_code=body.area_code,
            units=units,
            units_on=body.units_on,
        )
        audit(session, caller, Action.record, f"plan {plan.id}", area_code=plan.area_code, created=True)
        return WriteResult(plan_record(plan, scheme.code), 201, plan.version, f"/v1/plans/{plan.id}")

    return write(body, handler)


@router.get(
    "/{plan_id}", summary="Read a plan", response_model=schemas.Plan, responses=problem_responses(404, 422)
)
@requires(Right.read, AreaPolicy.checked)
def read_plan(
    plan_id: PlanId, caller: Caller, database: DatabaseDep, if_none_match: IfNoneMatch = None
) -> Response:
    """Read one plan."""
    with database.read() as session:
        plan = queries.find_plan(session, plan_id, caller.area_code)
        record = plan_record(plan, queries.scheme_code(session, plan))
        return json_response(record, etag=version_etag(database, plan.version), if_none_match=if_none_match)


@router.get(
    "/{plan_id}/check",
    summary="Read what the check found",
    response_model=schemas.PlanCheck,
    responses=problem_responses(404, 409, 422),
)
@requires(Right.read, AreaPolicy.checked)
def read_check(plan_id: PlanId, caller: Caller, database: DatabaseDep) -> Response:
    """Read the findings of the last check."""
    with database.read() as session:
        plan = queries.find_plan(session, plan_id, caller.area_code)
        record = check_record(plan, queries.scheme_code(session, plan), stored_check(plan))
        return json_response(record, etag=version_etag(database, plan.version))


@router.post(
    "/{plan_id}/check",
    summary="Check a draft",
    response_model=schemas.PlanCheck,
    responses=_JOB_RESPONSE | problem_responses(400, 404, 409, 422),
)
@requires(Right.draft, AreaPolicy.checked)
def run_check(
    plan_id: PlanId,
    caller: Caller,
    write: IdempotentWriteDep,
    jobs: JobRequestsDep,
    on: Annotated[
        date | None, Query(description="The day it is to be published for; today when not given.")
    ] = None,
) -> Response:
    """Check that the cells fill their area without blank or overlap, and store what is found.

    What else publishing for that day would refuse is among the hindrances. A plan of more than 20,000 cells
    is checked by a job.
    """

    def handler(session: Session) -> WriteResult:
        plan = queries.find_plan(session, plan_id, caller.area_code)
        if queries.is_checked_by_job(session, plan):
            require_step(plan, Step.check)
            given = {"plan": plan_id, "on": None if on is None else on.isoformat()}
            return _enqueue(session, jobs, caller, "check", plan, given)
        check_plan(session, plan_id, caller.area_code, on=on)
        record = check_record(plan, queries.scheme_code(session, plan), stored_check(plan))
        return WriteResult(record, version=plan.version)

    return write(None, handler)


@router.get(
    "/{plan_id}/diff",
    summary="Compare with another plan",
    response_model=schemas.PlanDifference,
    responses=problem_responses(404, 409, 422),
)
@requires(Right.read, AreaPolicy.checked)
def compare_plans(
    plan_id: PlanId,
    caller: Caller,
    database: DatabaseDep,
    against: Annotated[WholeNumber, Query(ge=1, le=2**53, description="The older plan.", examples=[11])],
) -> Response:
    """Return what changes from one plan to this one in the area of both; unchanged cells are only counted."""
    with database.read() as session:
        compared = read_comparison(session, against, plan_id, caller.area_code)
    return json_response(plan_difference_record(compared.diff()))


@router.post(
    "/{plan_id}/submit",
    summary="Submit a draft",
    response_model=schemas.Plan,
    responses=problem_responses(400, 404, 409, 412, 422, 428),
)
@requires(Right.draft, AreaPolicy.checked)
def submit(plan_id: PlanId, version: IfMatchVersion, caller: Caller, write: IdempotentWriteDep) -> Response:
    """Hand a valid draft to a publisher."""

    def handler(session: Session) -> WriteResult:
        plan = submit_plan(session, plan_id, version, caller.area_code)
        return _reviewed(session, caller, plan, Action.record)

    return write(None, handler)


@router.post(
    "/{plan_id}/reject",
    summary="Give a submitted plan back",
    response_model=schemas.Plan,
    responses=problem_responses(400, 404, 409, 412, 422, 428),
)
@requires(Right.publish, AreaPolicy.checked)
def reject(plan_id: PlanId, version: IfMatchVersion, caller: Caller, write: IdempotentWriteDep) -> Response:
    """Make a draft of a submitted plan again."""

    def handler(session: Session) -> WriteResult:
        plan = reject_plan(session, plan_id, version, caller.area_code)
        return _reviewed(session, caller, plan, Action.reject)

    return write(None, handler)


@router.post(
    "/{plan_id}/withdraw",
    summary="Withdraw a plan",
    response_model=schemas.Plan,
    responses=problem_responses(400, 404, 409, 412, 422, 428),
)
@requires(Right.draft, AreaPolicy.checked)
def withdraw(plan_id: PlanId, version: IfMatchVersion, caller: Caller, write: IdempotentWriteDep) -> Response:
    """Give up a plan that was never in force; it stays in the list."""

    def handler(session: Session) -> WriteResult:
        plan = withdraw_plan(session, plan_id, version, caller.area_code)
        return _reviewed(session, caller, plan, Action.record)

    return write(None, handler)


@router.post(
    "/{plan_id}/publish",
    summary="Publish a plan",
    response_model=schemas.PublishResult,
    responses=_JOB_RESPONSE | problem_responses(400, 404, 409, 412, 422, 428),
)
@requires(Right.publish, AreaPolicy.checked)
def publish_draft(
    request: Request,
    plan_id: PlanId,
    body: PublishRequest,
    version: IfMatchVersion,
    caller: Caller,
    write: IdempotentWriteDep,
    jobs: JobRequestsDep,
) -> Response:
    """Put a valid plan in force on a date, in one transaction with all assignments.

    The process that answers knows the plan from then on, others within a second. A plan of more than 20,000
    cells, or any plan while there are more than 200,000 entities, is published by a job.
    """

    def handler(session: Session) -> WriteResult:
        plan = require_publishable(
            session,
            plan_id,
            body.on,
            version=version,
            scope=caller.area_code,
            confirmed=body.confirm,
        )
        if queries.is_published_by_job(session, plan):
            given = {
                "plan": plan_id,
                "on": body.on.isoformat(),
                "version": version,
                "role": caller.role,
                "confirm": body.confirm,
            }
            return _enqueue(session, jobs, caller, "publish", plan, given)
        publication = publish(
            session,
            plan_id,
            body.on,
            version=version,
            scope=caller.area_code,
            confirmed=body.confirm,
        )
        drafts = [each.plan_id for each in publication.carried]
        details = {"on": str(body.on), **({"carried": drafts} if drafts else {})}
        audit(session, caller, Action.publish, f"plan {plan_id}", area_code=plan.area_code, **details)
        unstaffed = count_unstaffed(session, plan, body.on)
        record = publish_record(plan, queries.scheme_code(session, plan), publication, unstaffed=unstaffed)
        return WriteResult(record, version=plan.version)

    response = write(body, handler)
    # A failure is tried again by the thread that follows the database.
    if response.status_code == HTTPStatus.OK and request.app.state.snapshots.try_refresh():
        request.app.state.tile_sets.wake()
    return response


def _reviewed(session: Session, caller: Principal, plan: Plan, action: Action) -> WriteResult:
    audit(session, caller, action, f"plan {plan.id}", area_code=plan.area_code, state=str(plan.state))
    return WriteResult(plan_record(plan, queries.scheme_code(session, plan)), version=plan.version)


def _enqueue(
    session: Session,
    jobs: JobRequests,
    caller: Principal,
    kind: str,
    plan: Plan,
    parameters: dict[str, Any],
) -> WriteResult:
    """Let a job do what takes too long for a request."""
    job = jobs.enqueue(session, caller, kind, parameters, caller.area_code)
    audit(session, caller, Action.record, f"job {job.id}", area_code=plan.area_code, kind=kind, plan=plan.id)
    return WriteResult(job_record(job), 202, location=f"/v1/jobs/{job.id}")


def _parse_input(body: NewPlan, max_vertices: int) -> tuple[pd.DataFrame, dict[str, str] | None]:
    """Return the cells of a body, and the code of each unit's cell if it has units instead."""
    if body.cells is not None:
        return _parse_cells(body.cells, max_vertices), None
    given = body.units or {}
    rows = (
        [{"unit": unit, "cell": cell} for unit, cell in given.items()]
        if isinstance(given, dict)
        else [row.model_dump() for row in given]
    )
    table = read_unit_table(pd.DataFrame(rows, columns=list(UnitRow.model_fields), dtype=object))
    return table.cells, table.cell_of_unit


def _parse_cells(collection: dict[str, Any], max_vertices: int) -> gpd.GeoDataFrame:
    features = collection.get("features")
    if collection.get("type") != "FeatureCollection" or not isinstance(features, list) or not features:
        raise InputError("The cells are no GeoJSON FeatureCollection with features.")
    if not all(
        isinstance(each, dict)
        and isinstance(each.get("properties"), dict)
        and isinstance(each.get("geometry"), dict)
        for each in features
    ):
        raise InputError("Every cell is a Feature with properties and a geometry.")
    geometries = np.empty(len(features), dtype=object)
    geometries[:] = [parse_geometry(each["geometry"], max_vertices) for each in features]
    table = pd.DataFrame([each["properties"] for each in features], dtype=object)
    return gpd.GeoDataFrame(table.drop(columns="geometry", errors="ignore"), geometry=geometries, crs=LONLAT)
