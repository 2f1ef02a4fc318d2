"""`/v1/jobs`: work that takes longer than a request, its progress and its end; and what asks for it.

a file is only stored here, and opened nowhere but in a job's own process.
"""

import asyncio
import hashlib
import secrets
import time
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path as FilePath
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, File, Form, Path, Query, Request, UploadFile
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from api import schemas
from api.http.conditional import IfNoneMatch
from api.http.dependencies import DatabaseDep
from api.http.idempotency import IdempotentWriteDep, WriteResult
from api.http.pagination import Page, PageDep
from api.http.responses import json_response, list_response
from api.jobs.cancel_flag import set_cancel_flag
from api.problems import failure_response, is_database_unavailable, problem_responses
from api.security.area_scope import in_area_scope
from api.security.audit import Action, audit
from api.security.caller import Caller
from api.security.principal import Principal, Right
from api.security.requirements import AreaPolicy, requires
from gis.datum import Datum
from gis.errors import InputError, NotFoundError
from layers.db.database import Database
from layers.formats.registry import READABLE_EXTENSIONS
from layers.jobs.queue import cancel, enqueue, find_job
from layers.models import Job, JobState
from layers.plans.schemes import find_scheme

router = APIRouter(prefix="/v1", tags=["jobs"])

IMPORT_PATHS = ("/v1/imports", "/v1/imports/areas", "/v1/imports/cells")
"""The paths that take files."""

MAX_STREAM_S = 600.0
"""How long a stream lasts; a browser asks for the next by itself."""

MAX_OUTAGE_S = 5.0
"""How long the database may be away before a stream ends for it."""

_UNFINISHED = frozenset({JobState.queued, JobState.running})

JobId = Annotated[int, Path(ge=1, le=2**53, examples=[3])]
UploadParam = Annotated[UploadFile, File(description="In one of the formats, known by its extension.")]
ValidFrom = Annotated[date | None, Form(description="From when it holds; today when not given.")]


class DivisionRequest(schemas.RequestModel):
    """An area to divide into squares."""

    scheme: Annotated[str, Field(max_length=60)] = Field(examples=["community"])
    name: Annotated[str, Field(min_length=1, max_length=200)] = Field(examples=["squares of 100 m"])
    area_code: Annotated[str, Field(max_length=100)] | None = Field(default=None, examples=["440305"])
    size_m: Annotated[float, Field(ge=1, le=100_000)] = Field(examples=[100.0])


class _ReceivedFile(schemas.RequestModel):
    """A file as it was received, by which a repeated request is known."""

    parameters: dict[str, Any]
    sha256: str


def _read_options(
    layer: Annotated[
        str | None, Form(max_length=200, description="Of a file that holds several.", examples=["cells"])
    ] = None,
    source_crs: Annotated[
        str | None,
        Form(
            pattern=r"^(EPSG:\d{4,6}|OGC:CRS84)$",
            description="Of a file that names no CRS, or a wrong one.",
            examples=["EPSG:4547"],
        ),
    ] = None,
    lon_field: Annotated[
        str | None, Form(max_length=100, description="Of a table, if not found.", examples=["lon"])
    ] = None,
    lat_field: Annotated[str | None, Form(max_length=100, examples=["lat"])] = None,
) -> dict[str, str | None]:
    """How a file is to be read, as the parameters of `layers.formats.read_layer`."""
    return {"layer": layer, "source_crs": source_crs, "lon_field": lon_field, "lat_field": lat_field}


ReadOptions = Annotated[dict[str, str | None], Depends(_read_options)]


def serialize_job(job: Job) -> dict[str, Any]:
    """Return a job as it is answered."""
    names = ("id", "kind", "state", "area_code", "created_by", "created_at", "started_at", "ended_at")
    more = ("cancel_asked", "done", "total", "result", "error")
    return {name: getattr(job, name) for name in (*names, *more)}


def _find_permitted(session: Session, caller: Principal, job_id: int) -> Job:
    job = find_job(session, job_id)
    if not caller.covers(job.area_code):
        raise NotFoundError(f"There is no job number {job_id}.")
    return job


def _enqueue_job(session: Session, caller: Principal, kind: str, parameters: dict[str, Any]) -> WriteResult:
    job = enqueue(session, kind, parameters, created_by=caller.label, area_code=caller.area_code)
    audit(session, caller, Action.import_, f"job {job.id}", kind=kind)
    return WriteResult(serialize_job(job), 202, location=f"/v1/jobs/{job.id}")


def _receive_file(
    request: Request,
    file: UploadFile,
    caller: Principal,
    write: IdempotentWriteDep,
    kind: str,
    options: dict[str, Any],
) -> Response:
    """Store a file and queue its import; a request that is only repeated leaves no file."""
    suffix = FilePath(file.filename or "").suffix.lower()
    if suffix not in READABLE_EXTENSIONS or suffix == ".shp":
        raise InputError(
            f"The file's extension is none of {', '.join(READABLE_EXTENSIONS)}; a Shapefile comes as .zip."
        )
    folder: FilePath = request.app.state.uploads
    stored = folder / (secrets.token_hex(16) + suffix)
    digest = hashlib.sha256()
    is_queued = False
    try:
        with stored.open("xb") as target:
            while chunk := file.file.read(1 << 20):
                digest.update(chunk)
                target.write(chunk)
        parameters = {key: value for key, value in options.items() if value is not None}

        def handler(session: Session) -> WriteResult:
            if "scheme" in parameters:
                find_scheme(session, parameters["scheme"])
            return _enqueue_job(session, caller, kind, {**parameters, "file": stored.name})

        response = write(_ReceivedFile(parameters=parameters, sha256=digest.hexdigest()), handler)
        is_queued = "idempotency-replayed" not in response.headers
        return response
    finally:
        if not is_queued:
            stored.unlink(missing_ok=True)


@router.post(
    "/imports",
    summary="Import entities",
    status_code=202,
    response_model=schemas.Job,
    responses=problem_responses(404, 409),
)
@requires(Right.record, AreaPolicy.filtered)
def import_entities(
    request: Request,
    caller: Caller,
    write: IdempotentWriteDep,
    file: UploadParam,
    read_options: ReadOptions,
    kind: Annotated[str | None, Form(max_length=100, examples=["enterprise"])] = None,
    id_field: Annotated[str | None, Form(max_length=100, examples=["id"])] = None,
    datum: Annotated[Datum, Form()] = Datum.WGS84,
    on: ValidFrom = None,
) -> Response:
    """Import a file of entities as a job; records outside the caller's area are rejected with the reason."""
    options = {
        **read_options,
        "kind": kind,
        "id_field": id_field,
        "datum": datum.value,
        "on": on.isoformat() if on else None,
    }
    return _receive_file(request, file, caller, write, "import-entities", options)


@router.post(
    "/imports/areas",
    summary="Import areas",
    status_code=202,
    response_model=schemas.Job,
    responses=problem_responses(409),
)
@requires(Right.administer, AreaPolicy.unrestricted)
def import_areas(
    request: Request,
    caller: Caller,
    write: IdempotentWriteDep,
    file: UploadParam,
    read_options: ReadOptions,
    on: ValidFrom = None,
) -> Response:
    """Import a file of areas as a job; with those already there they must nest."""
    options = {**read_options, "on": on.isoformat() if on else None}
    return _receive_file(request, file, caller, write, "import-areas", options)


@router.post(
    "/imports/cells",
    summary="Import cells as a draft",
    status_code=202,
    response_model=schemas.Job,
    responses=problem_responses(404, 409),
)
@requires(Right.draft, AreaPolicy.checked)
def import_cells(
    request: Request,
    caller: Caller,
    write: IdempotentWriteDep,
    file: UploadParam,
    read_options: ReadOptions,
    scheme: Annotated[str, Form(max_length=60, examples=["community"])],
    name: Annotated[str, Form(min_length=1, max_length=200, examples=["2026 spring"])],
    area_code: Annotated[str | None, Form(max_length=100, examples=["440305"])] = None,
) -> Response:
    """Make a draft of a plan from a file of cells as a job."""
    caller.require_area(area_code)
    options = {**read_options, "scheme": scheme, "name": name, "area_code": area_code}
    return _receive_file(request, file, caller, write, "import-cells", options)


@router.post(
    "/divisions",
    summary="Divide an area",
    status_code=202,
    response_model=schemas.Job,
    responses=problem_responses(404, 409),
)
@requires(Right.draft, AreaPolicy.checked)
def divide_area(body: DivisionRequest, caller: Caller, write: IdempotentWriteDep) -> Response:
    """Divide an area into squares as a job; its result names the draft."""
    caller.require_area(body.area_code)

    def handler(session: Session) -> WriteResult:
        find_scheme(session, body.scheme)
        return _enqueue_job(session, caller, "divide", body.model_dump(exclude_none=True))

    return write(body, handler)


@router.get("/jobs", summary="List jobs", response_model=Page[schemas.Job], responses=problem_responses())
@requires(Right.read, AreaPolicy.filtered)
def list_jobs(
    caller: Caller,
    database: DatabaseDep,
    page: PageDep,
    state: Annotated[JobState | None, Query()] = None,
) -> Response:
    """List the jobs of the caller's area in the order in which they were asked for."""
    statement = select(Job).where(in_area_scope(Job.area_code, caller))
    if state is not None:
        statement = statement.where(Job.state == state)
    with database.read() as session:
        rows, next_cursor = page.fetch(session, statement, Job.id)
        return list_response([serialize_job(job) for (job,) in rows], next_cursor)


@router.get(
    "/jobs/{job_id}", summary="Read a job", response_model=schemas.Job, responses=problem_responses(404)
)
@requires(Right.read, AreaPolicy.checked)
def read_job(
    job_id: JobId, caller: Caller, database: DatabaseDep, if_none_match: IfNoneMatch = None
) -> Response:
    """Read how far a job is, or how it ended."""
    with database.read() as session:
        found = _find_permitted(session, caller, job_id)
        return json_response(serialize_job(found), etag=f'"{found.version}"', if_none_match=if_none_match)


@router.post(
    "/jobs/{job_id}/cancel",
    summary="Cancel a job",
    response_model=schemas.Job,
    responses=problem_responses(404, 409),
)
@requires(Right.read, AreaPolicy.checked)
def cancel_job(
    request: Request, job_id: JobId, caller: Caller, database: DatabaseDep, write: IdempotentWriteDep
) -> Response:
    """Ask a job to end; nothing of it is kept. Who asked for the job may, and administrators."""

    def permitted_job(session: Session) -> Job:
        found = _find_permitted(session, caller, job_id)
        if found.created_by != caller.label:
            caller.require_right(Right.administer)
        return found

    with database.read() as session:
        was_unfinished = permitted_job(session).state in _UNFINISHED

    def handler(session: Session) -> WriteResult:
        found = permitted_job(session)
        # Who does the job may have ended it already, at this very request.
        if not (was_unfinished and found.state == JobState.cancelled):
            found = cancel(session, job_id)
        if found.state == JobState.cancelled and "file" in found.parameters:
            (uploads / found.parameters["file"]).unlink(missing_ok=True)
        audit(session, caller, Action.record, f"job {job_id}", area_code=found.area_code, cancelled=True)
        return WriteResult(serialize_job(found), version=found.version)

    uploads: FilePath = request.app.state.uploads
    with set_cancel_flag(uploads, job_id):
        return write(None, handler)


@router.get(
    "/jobs/{job_id}/stream",
    summary="Follow a job",
    response_class=Response,
    responses={
        200: {
            "description": "Events `job`, each with the job as its data; the last has its end. An event"
            " `problem` ends a stream whose database stays away; ask again.",
            "content": {"text/event-stream": {"example": 'event: job\ndata: {"id":3,"state":"done"}\n\n'}},
        },
        **problem_responses(404),
    },
)
@requires(Right.read, AreaPolicy.checked)
async def stream_job(job_id: JobId, caller: Caller, request: Request) -> Response:
    """Tell of a job as it goes on, by server-sent events."""
    database: Database = request.app.state.database
    first = await run_in_threadpool(_load_job, database, caller, job_id)
    return StreamingResponse(
        _job_events(database, caller, job_id, first, request.scope.get("wangge.request_id")),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


def _load_job(database: Database, caller: Principal, job_id: int) -> tuple[int, dict[str, Any]]:
    with database.read() as session:
        found = _find_permitted(session, caller, job_id)
        return found.version, serialize_job(found)


async def _job_events(
    database: Database,
    caller: Principal,
    job_id: int,
    first: tuple[int, dict[str, Any]],
    request_id: str | None,
) -> AsyncIterator[bytes]:
    began = last_sent = last_read = time.monotonic()
    version, record = first
    yield b"event: job\ndata: " + orjson.dumps(record) + b"\n\n"
    while record["state"] in _UNFINISHED and time.monotonic() - began < MAX_STREAM_S:
        await asyncio.sleep(0.3)
        try:
            present, record = await run_in_threadpool(_load_job, database, caller, job_id)
        except DBAPIError as error:
            if is_database_unavailable(error) and time.monotonic() - last_read < MAX_OUTAGE_S:
                continue
            # The status is sent already.
            yield b"event: problem\ndata: " + bytes(failure_response(error, request_id).body) + b"\n\n"
            return
        last_read = time.monotonic()
        if present != version:
            version, last_sent = present, time.monotonic()
            yield b"event: job\ndata: " + orjson.dumps(record) + b"\n\n"
        elif time.monotonic() - last_sent > 15:
            last_sent = time.monotonic()
            yield b": still there\n\n"
