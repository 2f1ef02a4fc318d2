"""Whether the process lives, whether it can answer, and what it has counted.

Nothing here tells anything of what the database holds.
"""

import os
from typing import Literal

from fastapi import APIRouter, Request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    generate_latest,
    multiprocess,
)
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.problems import answers, problem
from api.security.access import Ground, access, public
from api.security.principal import Right
from layers.snapshot import SnapshotHolder
from layers.storage.database import Database

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
    "/readyz", summary="Whether the service can answer", response_model=Health, responses=answers(503)
)
@public
async def readyz(request: Request) -> Response:
    """Answer 200 when the published plans are loaded and the database can be read, else 503."""
    database: Database = request.app.state.database
    snapshots: SnapshotHolder = request.app.state.snapshots
    request_id = request.scope["wangge.request_id"]
    if snapshots.health.revision is None:
        return problem(503, "The published plans are not loaded yet.", request_id=request_id)
    try:
        await run_in_threadpool(database.revision)
    except SQLAlchemyError:
        return problem(503, "The database cannot be read.", request_id=request_id)
    return Response(b'{"status":"ok"}', media_type="application/json")


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"example": "wangge_requests_total 1.0"}}}, **answers()},
)
@access(Right.administer, Ground.everywhere)
def metrics() -> Response:
    """Return the metrics of all workers in the text format of Prometheus."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
