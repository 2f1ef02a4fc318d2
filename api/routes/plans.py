"""`/v1/plans`: drafts, their check, what they change, and their way into force.

A caller bound to an area sees and makes plans of that ground only.
"""

import contextlib
from datetime import date
from typing import Annotated, Any

import geopandas as gpd
import numpy as np
import pandas as pd
from fastapi import APIRouter, Path, Query, Request
from pydantic import Field
from pyproj import CRS
from sqlalchemy import Select, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from starlette.responses import Response

from api import schemas
from api.http.conditional import IfMatchVersion, IfNoneMatch
from api.http.dependencies import DatabaseDep, SettingsDep
from api.http.idempotency import IdempotentWriteDep, WriteResult
from api.http.pagination import Page, PageDep
from api.http.parameters import parse_geometry
from api.http.responses import json_response, list_response
from api.problems import problem_responses
from api.schemas.base import POLYGON
from api.security.area_scope import in_area_scope
from api.security.audit import Action, audit
from api.security.caller import Caller
from api.security.principal import Principal, Right
from api.security.requirements import AreaPolicy, requires
from gis.crs import LONLAT
from gis.diff import diff_plans
from gis.errors import ConflictError, InputError, LimitError, NotFoundError, WanggeError
from layers.db.versions import require_version
from layers.models import Cell, Plan, PlanState, Scheme
from layers.plans.drafts import check_plan, comparable_cells, create_draft, require_valid
from layers.plans.publish import publish
from layers.plans.schemes import find_scheme

router = APIRouter(prefix="/v1/plans", tags=["plans"])

PlanId = Annotated[int, Path(ge=1, le=2**53, examples=[12])]

MAX_COMPARED_CELLS = 20_000
"""The most cells of both plans that are compared within a request."""


class NewPlan(schemas.RequestModel):
    """A draft to create from cells."""

    scheme: Annotated[str, Field(max_length=60)] = Field(examples=["community"])
    name: Annotated[str, Field(min_length=1, max_length=200)] = Field(examples=["2026 spring"])
    area_code: Annotated[str, Field(max_length=100)] | None = Field(
        default=None, examples=["440305"], description="What the plan divides; all ground when not given."
    )
    cells: dict[str, Any] = Field(
        description="A GeoJSON FeatureCollection of polygons whose properties have a `code`.",
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


class PublishRequest(schemas.RequestModel):
    """From when a plan is to be in force."""

    on: date = Field(examples=["2026-01-01"], description="The first day.")


def serialize_plan(plan: Plan, scheme: str) -> dict[str, Any]:
    """Return a plan as it is answered."""
    return {
        "id": plan.id,
        "scheme": scheme,
        "name": plan.name,
        "state": plan.state,
        "area_code": plan.area_code,
        "valid_from": plan.valid_from,
        "valid_to": plan.valid_to,
        "created_by": plan.created_by,
        "created_at": plan.created_at,
        "published_at": plan.published_at,
        "checked_at": plan.checked_at,
        "valid": None if plan.findings is None else plan.findings["valid"],
        "version": plan.version,
    }


def find_permitted_plan(
    session: Session, caller: Principal, plan_id: int, *, for_update: bool = False
) -> tuple[Plan, str]:
    """Return a plan of the caller's ground with the code of its scheme.

    Raises
    ------
    NotFoundError
        If there is none, or it lies elsewhere.
    """
    plan = session.get(Plan, plan_id, with_for_update=for_update or None)
    if plan is None or not caller.covers(plan.area_code):
        raise NotFoundError(f"There is no plan number {plan_id}.")
    return plan, session.get_one(Scheme, plan.scheme_id).code


@router.get(
    "", summary="List plans", response_model=Page[schemas.Plan], responses=problem_responses(404, 422)
)
@requires(Right.read, AreaPolicy.filtered)
def list_plans(
    caller: Caller,
    database: DatabaseDep,
    page: PageDep,
    scheme: Annotated[str | None, Query(max_length=60, examples=["community"])] = None,
    state: Annotated[PlanState | None, Query()] = None,
) -> Response:
    """List the plans of the caller's ground in the order in which they were made."""
    statement: Select[Plan, str] = (
        select(Plan, Scheme.code)
        .join(Scheme, Scheme.id == Plan.scheme_id)
        .where(in_area_scope(Plan.area_code, caller))
    )
    if scheme is not None:
        statement = statement.where(Scheme.code == scheme)
    if state is not None:
        statement = statement.where(Plan.state == state)
    with database.read() as session:
        rows, next_cursor = page.fetch(session, statement, Plan.id)
        return list_response([serialize_plan(plan, code) for plan, code in rows], next_cursor)


@router.post(
    "",
    summary="Create a draft",
    status_code=201,
    response_model=schemas.Plan,
    responses=problem_responses(400, 404, 409, 422),
)
@requires(Right.draft, AreaPolicy.checked)
def create(body: NewPlan, caller: Caller, settings: SettingsDep, write: IdempotentWriteDep) -> Response:
    """Create a draft of a plan from cells; larger ones come as a file through `/v1/imports`."""
    caller.require_area(body.area_code)
    cells = _parse_cells(body.cells, settings.vertices)

    def handler(session: Session) -> WriteResult:
        scheme = find_scheme(session, body.scheme)
        plan = create_draft(
            session, scheme.id, cells, name=body.name, created_by=caller.label, area_code=body.area_code
        )
        audit(session, caller, Action.record, f"plan {plan.id}", area_code=plan.area_code, created=True)
        return WriteResult(serialize_plan(plan, scheme.code), 201, plan.version, f"/v1/plans/{plan.id}")

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
        found, scheme = find_permitted_plan(session, caller, plan_id)
        return json_response(
            serialize_plan(found, scheme), etag=f'"{found.version}"', if_none_match=if_none_match
        )


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
        found, scheme = find_permitted_plan(session, caller, plan_id)
        return json_response(_serialize_check(found, scheme), etag=f'"{found.version}"')


@router.post(
    "/{plan_id}/check",
    summary="Check a draft",
    response_model=schemas.PlanCheck,
    responses=problem_responses(400, 404, 409, 422),
)
@requires(Right.draft, AreaPolicy.checked)
def run_check(plan_id: PlanId, caller: Caller, write: IdempotentWriteDep) -> Response:
    """Check that the cells fill their ground without blank or overlap, and keep what is found."""

    def handler(session: Session) -> WriteResult:
        found, scheme = find_permitted_plan(session, caller, plan_id, for_update=True)
        check_plan(session, plan_id)
        return WriteResult(_serialize_check(found, scheme), version=found.version)

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
    against: Annotated[int, Query(ge=1, le=2**53, description="The older plan.", examples=[11])],
) -> Response:
    """Tell what changes from one plan to this one on the ground of both; same cells are only counted."""
    with database.read() as session:
        new, _ = find_permitted_plan(session, caller, plan_id)
        old, _ = find_permitted_plan(session, caller, against)
        if new.scheme_id != old.scheme_id:
            raise InputError(f"Plans {plan_id} and {against} are of different schemes.")
        size = session.scalar(
            select(func.count()).select_from(Cell).where(Cell.plan_id.in_((plan_id, against)))
        )
        if (size or 0) > MAX_COMPARED_CELLS:
            raise LimitError(f"More than {MAX_COMPARED_CELLS:,} cells; compare files with wangge diff.")
        crs = CRS.from_user_input(session.get_one(Scheme, new.scheme_id).working_crs)
        before, after = comparable_cells(session, old, new)
    changed = diff_plans(before[["code", "geometry"]], after[["code", "geometry"]], crs=crs)
    codes = changed.codes[changed.codes["kind"] != "unchanged"].astype(object)
    items = codes.where(pd.notna(codes), None).to_dict("records")
    return json_response({"summary": changed.summary(), "codes": items})


@router.post(
    "/{plan_id}/submit",
    summary="Submit a draft",
    response_model=schemas.Plan,
    responses=problem_responses(400, 404, 409, 412, 422, 428),
)
@requires(Right.draft, AreaPolicy.checked)
def submit(plan_id: PlanId, version: IfMatchVersion, caller: Caller, write: IdempotentWriteDep) -> Response:
    """Hand a valid draft to a publisher."""
    return _change_state(plan_id, version, caller, write, PlanState.draft, PlanState.submitted)


@router.post(
    "/{plan_id}/reject",
    summary="Give a submitted plan back",
    response_model=schemas.Plan,
    responses=problem_responses(400, 404, 409, 412, 422, 428),
)
@requires(Right.publish, AreaPolicy.checked)
def reject(plan_id: PlanId, version: IfMatchVersion, caller: Caller, write: IdempotentWriteDep) -> Response:
    """Make a draft of a submitted plan again."""
    return _change_state(plan_id, version, caller, write, PlanState.submitted, PlanState.draft)


@router.post(
    "/{plan_id}/publish",
    summary="Publish a plan",
    response_model=schemas.PublishResult,
    responses=problem_responses(400, 404, 409, 412, 422, 428),
)
@requires(Right.publish, AreaPolicy.checked)
def publish_draft(
    request: Request,
    plan_id: PlanId,
    body: PublishRequest,
    version: IfMatchVersion,
    caller: Caller,
    write: IdempotentWriteDep,
) -> Response:
    """Put a valid plan in force on a date, in one transaction with all assignments.

    The process that answers knows the plan from then on, others within a second.
    """

    def handler(session: Session) -> WriteResult:
        found, scheme = find_permitted_plan(session, caller, plan_id)
        publication = publish(session, plan_id, body.on, version=version)
        audit(session, caller, Action.publish, f"plan {plan_id}", area_code=found.area_code, on=str(body.on))
        ended, begun = publication.assignments
        return WriteResult(
            {
                "plan": serialize_plan(found, scheme),
                "kept": publication.kept,
                "ended": publication.ended,
                "begun": publication.begun,
                "assignments_ended": ended,
                "assignments_begun": begun,
                "superseded": list(publication.superseded),
                "revision": publication.revision,
            },
            version=found.version,
        )

    response = write(body, handler)
    # What fails here is told by /readyz, and tried again by the thread that follows the database.
    with contextlib.suppress(SQLAlchemyError, WanggeError):
        request.app.state.snapshots.refresh()
        request.app.state.tile_sets.wake()
    return response


def _change_state(
    plan_id: int,
    version: int,
    caller: Principal,
    write: IdempotentWriteDep,
    before: PlanState,
    after: PlanState,
) -> Response:
    def handler(session: Session) -> WriteResult:
        found, scheme = find_permitted_plan(session, caller, plan_id, for_update=True)
        require_version(found.version, version)
        if found.state != before:
            raise ConflictError(f"Plan {plan_id} is {found.state}, not {before}.")
        if after is PlanState.submitted:
            require_valid(session, found)
        found.state = after
        found.version += 1
        session.flush()
        action = Action.reject if after is PlanState.draft else Action.record
        audit(session, caller, action, f"plan {plan_id}", area_code=found.area_code, state=after.value)
        return WriteResult(serialize_plan(found, scheme), version=found.version)

    return write(None, handler)


def _serialize_check(plan: Plan, scheme: str) -> dict[str, Any]:
    if plan.findings is None:
        raise ConflictError(f"Plan {plan.id} has not been checked; check it first.")
    return {
        "plan": serialize_plan(plan, scheme),
        "valid": plan.findings["valid"],
        "summary": plan.findings["summary"],
        "findings": plan.findings["findings"],
    }


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
