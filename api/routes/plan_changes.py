"""`/v1/plans/{plan_id}/diff`: what changes from one plan to another, on the ground and for entities."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api import schemas
from api.http.dependencies import DatabaseDep
from api.http.parameters import FormatParam, PlanId, WholeNumber, wants_geojson
from api.http.responses import json_response, list_response
from api.problems import problem_responses
from api.schemas.plan_changes import plan_difference_record, plan_pieces
from api.security.caller import Caller
from api.security.principal import Right
from api.security.requirements import AreaPolicy, requires
from layers.plans.changes import read_changes

router = APIRouter(prefix="/v1/plans", tags=["plans"])

AgainstParam = Annotated[
    WholeNumber | None,
    Query(ge=1, le=2**53, description="The older plan; what is in force if not given.", examples=[11]),
]


@router.get(
    "/{plan_id}/diff",
    summary="Compare with another plan",
    response_model=schemas.PlanDifference,
    responses=problem_responses(404, 409, 413, 422),
)
@requires(Right.read, AreaPolicy.checked)
def compare_plans(
    request: Request,
    plan_id: PlanId,
    caller: Caller,
    database: DatabaseDep,
    against: AgainstParam = None,
    on: Annotated[
        date | None,
        Query(
            description="The day whose entities move, today if not given; of a published plan that is "
            "compared with what was in force, always the day before it.",
            examples=[None],
        ),
    ] = None,
    f: FormatParam = None,
) -> Response:
    """Return what changes from one plan to this one in the area of both; unchanged cells are only counted.

    As GeoJSON it is the ground that gets another cell, each piece with its m² and the entities that move.
    """
    with database.read() as session:
        changes = read_changes(session, plan_id, against, on=on, scope=caller.area_code)
        if wants_geojson(request, f):
            return list_response(plan_pieces(changes), geojson=True)
        return json_response(plan_difference_record(changes, against))
