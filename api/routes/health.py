"""Whether the process lives, whether it can answer, and what it has counted."""

from typing import Literal

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.metrics import REQUEST_METRICS, render_metrics
from api.problems import RETRY_AFTER_S, problem_response, problem_responses
from api.security.principal import Right
from api.security.requirements import AreaPolicy, public, requires
from layers.db.database import Database
from layers.snapshot import SnapshotHolder

router = APIRouter(tags=["service"])


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


@router.get("/healthz", summary="Whether the process lives", response_model=Health)
@public
async def healthz() -> Health:
    """Answer as soon as the process accepts requests."""
    return Health()


@router.get(
    "/readyz",
    summary="Whether the service can answer",
    response_model=Health,
    responses=problem_responses(503),
)
@public
async def readyz(request: Request) -> Response:
    """Answer 200 when the published plans are loaded and followed, and the database can be read; else 503."""
    database: Database = request.app.state.database
    snapshots: SnapshotHolder = request.app.state.snapshots
    request_id = request.scope.get("wangge.request_id")
    health = snapshots.health
    if health.revision is None:
        return _not_ready("The published plans are not loaded yet.", request_id)
    if health.failure is not None:
        return _not_ready("The published plans have changed and could not be read again.", request_id)
    if not await run_in_threadpool(database.is_readable):
        return _not_ready("The database cannot be read.", request_id)
    return Response(b'{"status":"ok"}', media_type="application/json")


def _not_ready(detail: str, request_id: str | None) -> Response:
    return problem_response(503, detail, request_id=request_id, headers={"Retry-After": str(RETRY_AFTER_S)})


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"example": "wangge_requests_total 1.0"}}},
        **problem_responses(),
    },
)
@requires(Right.read, AreaPolicy.unrestricted)
async def read_metrics() -> Response:
    """Return the metrics of all workers in the text format of Prometheus, not older than a quarter second."""
    REQUEST_METRICS.flush()
    return Response(await run_in_threadpool(render_metrics), media_type=CONTENT_TYPE_LATEST)
