"""`/v1/plans/{id}/measures`: how large, compact and balanced cells of a plan are, and what they hold."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import StringConstraints
from starlette.responses import Response

from api.http.conditional import IfNoneMatch, make_etag
from api.http.dependencies import DatabaseDep
from api.http.parameters import DecimalNumber, PlanId
from api.http.responses import json_response
from api.problems import problem_responses
from api.schemas.measures import CellCounts, PlanCounts, PlanMeasures
from api.security.caller import Caller
from api.security.principal import Right
from api.security.requirements import AreaPolicy, requires
from layers.entities.measures import measure_plan
from layers.plans import queries
from layers.plans.edit_effects import count_on_ground

router = APIRouter(prefix="/v1/plans/{plan_id}/measures", tags=["plans"])

LoadName = Annotated[str, StringConstraints(min_length=1, max_length=100)]


@router.get(
    "",
    summary="Measure a plan",
    response_model=PlanMeasures,
    responses=problem_responses(404, 422),
)
@requires(Right.read, AreaPolicy.checked)
def read_measures(
    plan_id: PlanId,
    caller: Caller,
    database: DatabaseDep,
    load: Annotated[
        list[LoadName] | None,
        Query(
            max_length=20,
            description="What the cells share out; repeatable. All that is known when not given.",
            examples=[["households"]],
        ),
    ] = None,
    tolerance: Annotated[
        DecimalNumber,
        Query(ge=0, le=1000, description="Share of the mean by which a cell may differ.", examples=[0.05]),
    ] = 0.05,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Tell how compact the cells of a plan are, and how evenly they share out what belongs to them."""
    with database.read() as session:
        plan = queries.find_plan(session, plan_id, caller.area_code)
        found = measure_plan(session, plan, loads=load, tolerance=tolerance)
        content = PlanMeasures.of(plan.id, queries.scheme_code(session, plan), found).model_dump()
    return json_response(content, etag=make_etag(content), if_none_match=if_none_match)


@router.get(
    "/counts",
    summary="Count what lies on the ground of each cell",
    response_model=PlanCounts,
    responses=problem_responses(404, 422),
)
@requires(Right.read, AreaPolicy.checked)
def read_counts(plan_id: PlanId, caller: Caller, database: DatabaseDep) -> Response:
    """Count the entities of today on the ground of each cell by kind, also of a plan that is not in force."""
    with database.read() as session:
        plan = queries.find_plan(session, plan_id, caller.area_code)
        counts = count_on_ground(session, plan, caller.area_code)
        content = PlanCounts(
            plan=plan.id,
            version=plan.version,
            items=[CellCounts(code=code, counts=each) for code, each in counts.items()],
        )
    return json_response(content.model_dump())
