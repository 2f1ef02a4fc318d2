"""`/v1/divisions`: ground to divide into the cells of a draft, as a job."""

from typing import Annotated

from fastapi import APIRouter, Body
from fastapi.openapi.models import Example
from starlette.responses import Response

from api import schemas
from api.http.idempotency import IdempotentWriteDep, WriteResult
from api.jobs.job_requests import JobRequestsDep, accept_job
from api.problems import problem_responses
from api.schemas.divisions import DivisionRequest
from api.security.caller import Caller
from api.security.principal import Right
from api.security.requirements import AreaPolicy, requires
from gis.crs import parse_working_crs
from layers.db.database import Session
from layers.plans.schemes import find_scheme

router = APIRouter(prefix="/v1", tags=["jobs"])

_UNITS = {"units_scheme": "community", "weights": [{"column": "households", "tolerance": 0.1}]}
_EXAMPLES: dict[str, Example] = {
    "square": {
        "summary": "Squares",
        "value": {"scheme": "community", "name": "squares of 100 m", "size_m": 100},
    },
    "blocks": {
        "summary": "Blocks along the streets of the base map",
        "value": {"scheme": "community", "name": "blocks", "method": "blocks", "target_area_m2": 10_000},
    },
    "balanced": {
        "summary": "Cells of another scheme grouped into cells with like loads",
        "value": {
            "scheme": "environment",
            "name": "balanced",
            "method": "balanced",
            **_UNITS,
            "zones": 20,
            "level": "town",
        },
    },
    "rebalance": {
        "summary": "Such cells, once they are in force, evened out by few moves",
        "value": {"scheme": "environment", "name": "evened out", "method": "rebalance", **_UNITS},
    },
    "unify": {
        "summary": "Common base units of several schemes",
        "value": {
            "scheme": "units",
            "name": "common units",
            "method": "unify",
            "schemes": ["community", "environment"],
        },
    },
}


@router.post(
    "/divisions",
    summary="Divide an area",
    status_code=202,
    response_model=schemas.Job,
    responses=problem_responses(404, 409),
)
@requires(Right.draft, AreaPolicy.checked)
def divide_area(
    body: Annotated[DivisionRequest, Body(openapi_examples=_EXAMPLES)],
    caller: Caller,
    write: IdempotentWriteDep,
    jobs: JobRequestsDep,
) -> Response:
    """Divide an area as a job, by one of the methods; its result names the draft.

    The result holds the figures of the division; `dry_run` gives these alone.
    """
    caller.require_area(body.area_code)
    if body.crs is not None:
        parse_working_crs(body.crs)

    def handler(session: Session) -> WriteResult:
        find_scheme(session, body.scheme)
        parameters = body.model_dump(mode="json", exclude_none=True)
        if "units_scheme" in parameters:
            find_scheme(session, parameters["units_scheme"])
        return accept_job(session, jobs, caller, "divide", parameters)

    return write(body, handler)
