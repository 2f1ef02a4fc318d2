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
from api.http.conditional import IfNoneMatch, Version, require_version
from api.http.dependencies import Settings, Store
from api.http.idempotency import Done, Writing
from api.http.pagination import Page, Paged
from api.http.responses import geometry_of, listing, reply
from api.problems import answers
from api.schemas.base import POLYGON
from api.security.area_scope import within
from api.security.audit import Action, audit
from api.security.caller import Caller
from api.security.principal import Principal, Right
from api.security.requirements import Ground, access
from gis.crs import LONLAT
from gis.diff import diff
from gis.errors import ConflictError, InputError, LimitError, NotFoundError, WanggeError
from layers.models import Cell, Plan, Scheme, State
from layers.plans.drafts import check_plan, compared_cells, create_draft, require_valid
from layers.plans.publish import publish
from layers.plans.schemes import find_scheme

router = APIRouter(prefix="/v1/plans", tags=["plans"])

Number = Annotated[int, Path(ge=1, le=2**53, examples=[12])]

COMPARED_CELLS = 20_000
"""The most cells of both plans that are compared within a request."""


class NewPlan(schemas.Given):
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


class Publishing(schemas.Given):
    """From when a plan is to be in force."""

    on: date = Field(examples=["2026-01-01"], description="The first day.")


def plan_record(plan: Plan, scheme: str) -> dict[str, Any]:
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


def permitted_plan(
    session: Session, caller: Principal, plan_id: int, *, writing: bool = False
) -> tuple[Plan, str]:
    """Return a plan of the caller's ground with the code of its scheme.

    Raises
    ------
    NotFoundError
        If there is none, or it lies elsewhere.
    """
    plan = session.get(Plan, plan_id, with_for_update=writing or None)
    if plan is None or not caller.covers(plan.area_code):
        raise NotFoundError(f"There is no plan number {plan_id}.")
    return plan, session.get_one(Scheme, plan.scheme_id).code


@router.get("", summary="List plans", response_model=Page[schemas.Plan], responses=answers(404, 422))
@access(Right.read, Ground.filtered)
def plans(
    caller: Caller,
    store: Store,
    asked: Paged,
    scheme: Annotated[str | None, Query(max_length=60, examples=["community"])] = None,
    state: Annotated[State | None, Query()] = None,
) -> Response:
    """List the plans of the caller's ground in the order in which they were made."""
    chosen: Select[Plan, str] = (
        select(Plan, Scheme.code)
        .join(Scheme, Scheme.id == Plan.scheme_id)
        .where(within(Plan.area_code, caller))
    )
    if scheme is not None:
        chosen = chosen.where(Scheme.code == scheme)
    if state is not None:
        chosen = chosen.where(Plan.state == state)
    with store.read() as session:
        rows, follows = asked.rows(session, chosen, Plan.id)
        return listing([plan_record(plan, code) for plan, code in rows], follows)


@router.post(
    "",
    summary="Create a draft",
    status_code=201,
    response_model=schemas.Plan,
    responses=answers(400, 404, 409, 422),
)
@access(Right.draft, Ground.checked)
def create(given: NewPlan, caller: Caller, settings: Settings, once: Writing) -> Response:
    """Create a draft of a plan from cells; larger ones come as a file through `/v1/imports`."""
    caller.require_area(given.area_code)
    cells = _cells(given.cells, settings.vertices)

    def deed(session: Session) -> Done:
        scheme = find_scheme(session, given.scheme)
        plan = create_draft(
            session, scheme.id, cells, name=given.name, created_by=caller.label, area_code=given.area_code
        )
        audit(session, caller, Action.record, f"plan {plan.id}", area_code=plan.area_code, created=True)
        return Done(plan_record(plan, scheme.code), 201, plan.version, f"/v1/plans/{plan.id}")

    return once(given, deed)


@router.get("/{plan_id}", summary="Read a plan", response_model=schemas.Plan, responses=answers(404, 422))
@access(Right.read, Ground.checked)
def plan(plan_id: Number, caller: Caller, store: Store, if_none_match: IfNoneMatch = None) -> Response:
    """Read one plan."""
    with store.read() as session:
        found, scheme = permitted_plan(session, caller, plan_id)
        return reply(plan_record(found, scheme), etag=f'"{found.version}"', unless=if_none_match)


@router.get(
    "/{plan_id}/check",
    summary="Read what the check found",
    response_model=schemas.Check,
    responses=answers(404, 409, 422),
)
@access(Right.read, Ground.checked)
def findings(plan_id: Number, caller: Caller, store: Store) -> Response:
    """Read the findings of the last check."""
    with store.read() as session:
        found, scheme = permitted_plan(session, caller, plan_id)
        return reply(_check(found, scheme), etag=f'"{found.version}"')


@router.post(
    "/{plan_id}/check",
    summary="Check a draft",
    response_model=schemas.Check,
    responses=answers(400, 404, 409, 422),
)
@access(Right.draft, Ground.checked)
def check(plan_id: Number, caller: Caller, once: Writing) -> Response:
    """Check that the cells fill their ground without blank or overlap, and keep what is found."""

    def deed(session: Session) -> Done:
        found, scheme = permitted_plan(session, caller, plan_id, writing=True)
        check_plan(session, plan_id)
        return Done(_check(found, scheme), version=found.version)

    return once(None, deed)


@router.get(
    "/{plan_id}/diff",
    summary="Compare with another plan",
    response_model=schemas.Difference,
    responses=answers(404, 409, 422),
)
@access(Right.read, Ground.checked)
def compare(
    plan_id: Number,
    caller: Caller,
    store: Store,
    against: Annotated[int, Query(ge=1, le=2**53, description="The older plan.", examples=[11])],
) -> Response:
    """Tell what changes from one plan to this one on the ground of both; same cells are only counted."""
    with store.read() as session:
        new, _ = permitted_plan(session, caller, plan_id)
        old, _ = permitted_plan(session, caller, against)
        if new.scheme_id != old.scheme_id:
            raise InputError(f"Plans {plan_id} and {against} are of different schemes.")
        size = session.scalar(
            select(func.count()).select_from(Cell).where(Cell.plan_id.in_((plan_id, against)))
        )
        if (size or 0) > COMPARED_CELLS:
            raise LimitError(f"More than {COMPARED_CELLS:,} cells; compare files with wangge diff.")
        crs = CRS.from_user_input(session.get_one(Scheme, new.scheme_id).working_crs)
        before, after_ = compared_cells(session, old, new)
    changed = diff(before[["code", "geometry"]], after_[["code", "geometry"]], crs=crs)
    codes = changed.codes[changed.codes["kind"] != "unchanged"].astype(object)
    listed = codes.where(pd.notna(codes), None).to_dict("records")
    return reply({"summary": changed.summary(), "codes": listed})


@router.post(
    "/{plan_id}/submit",
    summary="Submit a draft",
    response_model=schemas.Plan,
    responses=answers(400, 404, 409, 412, 422, 428),
)
@access(Right.draft, Ground.checked)
def submit(plan_id: Number, version: Version, caller: Caller, once: Writing) -> Response:
    """Hand a valid draft to a publisher."""
    return _move(plan_id, version, caller, once, State.draft, State.submitted)


@router.post(
    "/{plan_id}/reject",
    summary="Give a submitted plan back",
    response_model=schemas.Plan,
    responses=answers(400, 404, 409, 412, 422, 428),
)
@access(Right.publish, Ground.checked)
def reject(plan_id: Number, version: Version, caller: Caller, once: Writing) -> Response:
    """Make a draft of a submitted plan again."""
    return _move(plan_id, version, caller, once, State.submitted, State.draft)


@router.post(
    "/{plan_id}/publish",
    summary="Publish a plan",
    response_model=schemas.Publication,
    responses=answers(400, 404, 409, 412, 422, 428),
)
@access(Right.publish, Ground.checked)
def put_in_force(
    request: Request, plan_id: Number, given: Publishing, version: Version, caller: Caller, once: Writing
) -> Response:
    """Put a valid plan in force on a date, in one transaction with all assignments.

    The process that answers knows the plan from then on, others within a second.
    """

    def deed(session: Session) -> Done:
        found, scheme = permitted_plan(session, caller, plan_id)
        done = publish(session, plan_id, given.on, version=version)
        audit(session, caller, Action.publish, f"plan {plan_id}", area_code=found.area_code, on=str(given.on))
        ended, begun = done.assignments
        return Done(
            {
                "plan": plan_record(found, scheme),
                "kept": done.kept,
                "ended": done.ended,
                "begun": done.begun,
                "assignments_ended": ended,
                "assignments_begun": begun,
                "superseded": list(done.superseded),
                "revision": done.revision,
            },
            version=found.version,
        )

    answer = once(given, deed)
    # What fails here is told by /readyz, and tried again by the thread that follows the database.
    with contextlib.suppress(SQLAlchemyError, WanggeError):
        request.app.state.snapshots.refresh()
        request.app.state.shelf.wake()
    return answer


def _move(
    plan_id: int, version: int, caller: Principal, once: Writing, before: State, after_: State
) -> Response:
    def deed(session: Session) -> Done:
        found, scheme = permitted_plan(session, caller, plan_id, writing=True)
        require_version(found.version, version)
        if found.state != before:
            raise ConflictError(f"Plan {plan_id} is {found.state}, not {before}.")
        if after_ is State.submitted:
            require_valid(session, found)
        found.state = after_
        found.version += 1
        session.flush()
        action = Action.reject if after_ is State.draft else Action.record
        audit(session, caller, action, f"plan {plan_id}", area_code=found.area_code, state=after_.value)
        return Done(plan_record(found, scheme), version=found.version)

    return once(None, deed)


def _check(plan: Plan, scheme: str) -> dict[str, Any]:
    if plan.findings is None:
        raise ConflictError(f"Plan {plan.id} has not been checked; check it first.")
    return {
        "plan": plan_record(plan, scheme),
        "valid": plan.findings["valid"],
        "summary": plan.findings["summary"],
        "findings": plan.findings["findings"],
    }


def _cells(given: dict[str, Any], vertices: int) -> gpd.GeoDataFrame:
    listed = given.get("features")
    if given.get("type") != "FeatureCollection" or not isinstance(listed, list) or not listed:
        raise InputError("The cells are no GeoJSON FeatureCollection with features.")
    if not all(
        isinstance(each, dict)
        and isinstance(each.get("properties"), dict)
        and isinstance(each.get("geometry"), dict)
        for each in listed
    ):
        raise InputError("Every cell is a Feature with properties and a geometry.")
    shapes = np.empty(len(listed), dtype=object)
    shapes[:] = [geometry_of(each["geometry"], vertices) for each in listed]
    table = pd.DataFrame([each["properties"] for each in listed], dtype=object)
    return gpd.GeoDataFrame(table.drop(columns="geometry", errors="ignore"), geometry=shapes, crs=LONLAT)
