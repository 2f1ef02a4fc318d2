"""`/v1/plans`: drafts, their check, what they change, and their way into force.

A caller bound to an area sees and makes plans of that area only.
"""

from datetime import date
from typing import Annotated, Any, Literal

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
from api.http.parameters import FormatParam, PlanId, WholeNumber, parse_geometry, wants_geojson
from api.http.responses import json_response, list_response
from api.jobs.job_requests import JobRequestsDep
from api.jobs.plan_results import JOB_RESPONSE, created_result, enqueue
from api.problems import problem_responses
from api.schemas.base import POLYGON
from api.schemas.plans import check_record, finding_records, plan_record
from api.security.audit import Action, audit
from api.security.caller import Caller
from api.security.principal import Principal, Right
from api.security.requirements import AreaPolicy, requires
from gis.crs import LONLAT
from gis.errors import InputError
from layers.db.database import Session
from layers.models import PlanState
from layers.plans import queries
from layers.plans.check import check_plan, read_finding_shapes, stored_check
from layers.plans.copies import copy_in_force, copy_plan
from layers.plans.drafts import create_draft, delete_draft, rename_draft
from layers.plans.rule_check import read_rule_findings, read_rule_shapes
from layers.plans.schemes import find_scheme
from layers.plans.states import Step, require_step
from layers.plans.unit_drafts import read_unit_table

router = APIRouter(prefix="/v1/plans", tags=["plans"])


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
    from_plan: Annotated[WholeNumber, Field(ge=1, le=2**53)] | Literal["in force"] | None = Field(
        default=None,
        examples=[None],
        description="In place of cells: the plan whose cells are copied, or `in force` for those in force.",
    )
    in_force_on: date | None = Field(
        default=None,
        examples=[None],
        description="Of a copy of what is in force: the day, today when not given. Its cells come into "
        "the areas of that day.",
    )


class PlanChanges(schemas.RequestModel):
    """What is to be changed."""

    name: Annotated[str, Field(min_length=1, max_length=200)] = Field(examples=["2026 autumn"])


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
    """Create a draft of a plan from cells, units or another plan; larger files come through `/v1/imports`."""
    if body.area_code is not None or not isinstance(body.from_plan, int):
        caller.require_area(body.area_code)
    if body.from_plan is not None:
        return _copy(body, caller, write)
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
        return created_result(session, caller, plan)

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


@router.patch(
    "/{plan_id}",
    summary="Rename a draft",
    response_model=schemas.Plan,
    responses=problem_responses(400, 404, 409, 412, 422, 428),
)
@requires(Right.draft, AreaPolicy.checked)
def rename(
    plan_id: PlanId, body: PlanChanges, version: IfMatchVersion, caller: Caller, write: IdempotentWriteDep
) -> Response:
    """Give a draft another name."""

    def handler(session: Session) -> WriteResult:
        plan = rename_draft(session, plan_id, body.name, version, caller.area_code, author=caller.label)
        audit(session, caller, Action.record, f"plan {plan.id}", area_code=plan.area_code, renamed=True)
        return WriteResult(plan_record(plan, queries.scheme_code(session, plan)), version=plan.version)

    return write(body, handler)


@router.delete(
    "/{plan_id}",
    summary="Delete a draft",
    response_model=schemas.Plan,
    responses=problem_responses(400, 404, 409, 412, 422, 428),
)
@requires(Right.draft, AreaPolicy.checked)
def delete(plan_id: PlanId, version: IfMatchVersion, caller: Caller, write: IdempotentWriteDep) -> Response:
    """Delete a draft or withdrawn plan that was never published, and answer with what it was."""

    def handler(session: Session) -> WriteResult:
        plan = queries.find_plan(session, plan_id, caller.area_code)
        record = plan_record(plan, queries.scheme_code(session, plan))
        delete_draft(session, plan_id, version, caller.area_code)
        details = {"deleted": True, "name": record["name"]}
        audit(session, caller, Action.record, f"plan {plan_id}", area_code=record["area_code"], **details)
        return WriteResult(record)

    return write(None, handler)


@router.get(
    "/{plan_id}/check",
    summary="Read what the check found",
    response_model=schemas.PlanCheck,
    responses=problem_responses(404, 409, 422),
)
@requires(Right.read, AreaPolicy.checked)
def read_check(
    request: Request, plan_id: PlanId, caller: Caller, database: DatabaseDep, f: FormatParam = None
) -> Response:
    """Read the findings of the last check; as GeoJSON they lie on the map, each with what is wrong there."""
    with database.read() as session:
        plan = queries.find_plan(session, plan_id, caller.area_code)
        check, rules = stored_check(plan), read_rule_findings(session, plan)
        if wants_geojson(request, f):
            cells = read_rule_shapes(session, plan, rules)
            records = finding_records(check, read_finding_shapes(plan), cells)
            return list_response(records, geojson=True)
        record = check_record(plan, queries.scheme_code(session, plan), check, rules)
        return json_response(record, etag=version_etag(database, plan.version))


@router.post(
    "/{plan_id}/check",
    summary="Check a draft",
    response_model=schemas.PlanCheck,
    responses=JOB_RESPONSE | problem_responses(400, 404, 409, 422),
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
            return enqueue(session, jobs, caller, "check", plan, given)
        check_plan(session, plan_id, caller.area_code, on=on)
        rules = read_rule_findings(session, plan)
        record = check_record(plan, queries.scheme_code(session, plan), stored_check(plan), rules)
        return WriteResult(record, version=plan.version)

    return write(None, handler)


def _copy(body: NewPlan, caller: Principal, write: IdempotentWriteDep) -> Response:
    """Answer a request for a draft with the cells of another plan."""
    if body.cells is not None or body.units is not None or body.units_on is not None:
        raise InputError("Give from_plan without cells and units.")
    if body.in_force_on is not None and isinstance(body.from_plan, int):
        raise InputError(
            "A day chooses among the cells in force; give from_plan 'in force' with in_force_on."
        )

    def handler(session: Session) -> WriteResult:
        scheme = find_scheme(session, body.scheme)
        given: dict[str, Any] = {"name": body.name, "area_code": body.area_code, "author": caller.label}
        if not isinstance(body.from_plan, int):
            return created_result(
                session, caller, copy_in_force(session, scheme.code, on=body.in_force_on, **given)
            )
        if queries.find_plan(session, body.from_plan, caller.area_code).scheme_id != scheme.id:
            raise InputError(f"Plan {body.from_plan} is not of scheme '{scheme.code}'.")
        plan = copy_plan(session, body.from_plan, scope=caller.area_code, **given)
        return created_result(session, caller, plan)

    return write(body, handler)


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
