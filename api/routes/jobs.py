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
from api.http.dependencies import Store
from api.http.idempotency import Done, Writing
from api.http.pagination import Page, Paged
from api.http.responses import listing, reply
from api.jobs.cancel_flag import withdrawing
from api.problems import answers, database_away, failure
from api.security.area_scope import within
from api.security.audit import Action, audit
from api.security.caller import Caller
from api.security.principal import Principal, Right
from api.security.requirements import Ground, access
from gis.datum import Datum
from gis.errors import InputError, NotFoundError
from layers.db.database import Database
from layers.formats.registry import READABLE
from layers.jobs.queue import cancel, enqueue, find_job
from layers.models import Job, JobState
from layers.plans.schemes import find_scheme

router = APIRouter(prefix="/v1", tags=["jobs"])

IMPORTS = ("/v1/imports", "/v1/imports/areas", "/v1/imports/cells")
"""The paths that take files."""

STREAM_S = 600.0
"""How long a stream lasts; a browser asks for the next by itself."""

AWAY_S = 5.0
"""How long the database may be away before a stream ends for it."""

_GOING = frozenset({JobState.queued, JobState.running})

Number = Annotated[int, Path(ge=1, le=2**53, examples=[3])]
Upload = Annotated[UploadFile, File(description="In one of the formats, known by its extension.")]
From = Annotated[date | None, Form(description="From when it holds; today when not given.")]


class Division(schemas.Given):
    """An area to divide into squares."""

    scheme: Annotated[str, Field(max_length=60)] = Field(examples=["community"])
    name: Annotated[str, Field(min_length=1, max_length=200)] = Field(examples=["squares of 100 m"])
    area_code: Annotated[str, Field(max_length=100)] | None = Field(default=None, examples=["440305"])
    size_m: Annotated[float, Field(ge=1, le=100_000)] = Field(examples=[100.0])


class _Received(schemas.Given):
    """A file as it was received, by which a repeated request is known."""

    parameters: dict[str, Any]
    sha256: str


def _read_as(
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


ReadAs = Annotated[dict[str, str | None], Depends(_read_as)]


def job_record(job: Job) -> dict[str, Any]:
    """Return a job as it is answered."""
    names = ("id", "kind", "state", "area_code", "created_by", "created_at", "started_at", "ended_at")
    more = ("cancel_asked", "done", "total", "result", "error")
    return {name: getattr(job, name) for name in (*names, *more)}


def _permitted(session: Session, caller: Principal, job_id: int) -> Job:
    job = find_job(session, job_id)
    if not caller.covers(job.area_code):
        raise NotFoundError(f"There is no job number {job_id}.")
    return job


def _queue(session: Session, caller: Principal, kind: str, parameters: dict[str, Any]) -> Done:
    job = enqueue(session, kind, parameters, created_by=caller.label, area_code=caller.area_code)
    audit(session, caller, Action.import_, f"job {job.id}", kind=kind)
    return Done(job_record(job), 202, location=f"/v1/jobs/{job.id}")


def _receive(
    request: Request, file: UploadFile, caller: Principal, once: Writing, kind: str, given: dict[str, Any]
) -> Response:
    """Store a file and queue its import; a request that is only repeated leaves no file."""
    suffix = FilePath(file.filename or "").suffix.lower()
    if suffix not in READABLE or suffix == ".shp":
        raise InputError(f"The file's extension is none of {', '.join(READABLE)}; a Shapefile comes as .zip.")
    folder: FilePath = request.app.state.uploads
    stored = folder / (secrets.token_hex(16) + suffix)
    digest = hashlib.sha256()
    kept = False
    try:
        with stored.open("xb") as target:
            while chunk := file.file.read(1 << 20):
                digest.update(chunk)
                target.write(chunk)
        parameters = {key: value for key, value in given.items() if value is not None}

        def deed(session: Session) -> Done:
            if "scheme" in parameters:
                find_scheme(session, parameters["scheme"])
            return _queue(session, caller, kind, {**parameters, "file": stored.name})

        answer = once(_Received(parameters=parameters, sha256=digest.hexdigest()), deed)
        kept = "idempotency-replayed" not in answer.headers
        return answer
    finally:
        if not kept:
            stored.unlink(missing_ok=True)


@router.post(
    "/imports",
    summary="Import entities",
    status_code=202,
    response_model=schemas.Job,
    responses=answers(404, 409),
)
@access(Right.record, Ground.filtered)
def import_entities(
    request: Request,
    caller: Caller,
    once: Writing,
    file: Upload,
    read_as: ReadAs,
    kind: Annotated[str | None, Form(max_length=100, examples=["enterprise"])] = None,
    id_field: Annotated[str | None, Form(max_length=100, examples=["id"])] = None,
    datum: Annotated[Datum, Form()] = Datum.WGS84,
    on: From = None,
) -> Response:
    """Import a file of entities as a job; records outside the caller's area are rejected with the reason."""
    given = {
        **read_as,
        "kind": kind,
        "id_field": id_field,
        "datum": datum.value,
        "on": on.isoformat() if on else None,
    }
    return _receive(request, file, caller, once, "import-entities", given)


@router.post(
    "/imports/areas",
    summary="Import areas",
    status_code=202,
    response_model=schemas.Job,
    responses=answers(409),
)
@access(Right.administer, Ground.everywhere)
def import_areas(
    request: Request, caller: Caller, once: Writing, file: Upload, read_as: ReadAs, on: From = None
) -> Response:
    """Import a file of areas as a job; with those already there they must nest."""
    given = {**read_as, "on": on.isoformat() if on else None}
    return _receive(request, file, caller, once, "import-areas", given)


@router.post(
    "/imports/cells",
    summary="Import cells as a draft",
    status_code=202,
    response_model=schemas.Job,
    responses=answers(404, 409),
)
@access(Right.draft, Ground.checked)
def import_cells(
    request: Request,
    caller: Caller,
    once: Writing,
    file: Upload,
    read_as: ReadAs,
    scheme: Annotated[str, Form(max_length=60, examples=["community"])],
    name: Annotated[str, Form(min_length=1, max_length=200, examples=["2026 spring"])],
    area_code: Annotated[str | None, Form(max_length=100, examples=["440305"])] = None,
) -> Response:
    """Make a draft of a plan from a file of cells as a job."""
    caller.require_area(area_code)
    given = {**read_as, "scheme": scheme, "name": name, "area_code": area_code}
    return _receive(request, file, caller, once, "import-cells", given)


@router.post(
    "/divisions",
    summary="Divide an area",
    status_code=202,
    response_model=schemas.Job,
    responses=answers(404, 409),
)
@access(Right.draft, Ground.checked)
def divide(given: Division, caller: Caller, once: Writing) -> Response:
    """Divide an area into squares as a job; its result names the draft."""
    caller.require_area(given.area_code)

    def deed(session: Session) -> Done:
        find_scheme(session, given.scheme)
        return _queue(session, caller, "divide", given.model_dump(exclude_none=True))

    return once(given, deed)


@router.get("/jobs", summary="List jobs", response_model=Page[schemas.Job], responses=answers())
@access(Right.read, Ground.filtered)
def jobs(
    caller: Caller,
    store: Store,
    asked: Paged,
    state: Annotated[JobState | None, Query()] = None,
) -> Response:
    """List the jobs of the caller's area in the order in which they were asked for."""
    chosen = select(Job).where(within(Job.area_code, caller))
    if state is not None:
        chosen = chosen.where(Job.state == state)
    with store.read() as session:
        rows, follows = asked.rows(session, chosen, Job.id)
        return listing([job_record(job) for (job,) in rows], follows)


@router.get("/jobs/{job_id}", summary="Read a job", response_model=schemas.Job, responses=answers(404))
@access(Right.read, Ground.checked)
def job(job_id: Number, caller: Caller, store: Store, if_none_match: IfNoneMatch = None) -> Response:
    """Read how far a job is, or how it ended."""
    with store.read() as session:
        found = _permitted(session, caller, job_id)
        return reply(job_record(found), etag=f'"{found.version}"', unless=if_none_match)


@router.post(
    "/jobs/{job_id}/cancel", summary="Cancel a job", response_model=schemas.Job, responses=answers(404, 409)
)
@access(Right.read, Ground.checked)
def stop(request: Request, job_id: Number, caller: Caller, store: Store, once: Writing) -> Response:
    """Ask a job to end; nothing of it is kept. Who asked for the job may, and administrators."""

    def sought(session: Session) -> Job:
        found = _permitted(session, caller, job_id)
        if found.created_by != caller.label:
            caller.require(Right.administer)
        return found

    with store.read() as session:
        going = sought(session).state in _GOING

    def deed(session: Session) -> Done:
        found = sought(session)
        # Who does the job may have ended it already, at this very request.
        if not (going and found.state == JobState.cancelled):
            found = cancel(session, job_id)
        if found.state == JobState.cancelled and "file" in found.parameters:
            (uploads / found.parameters["file"]).unlink(missing_ok=True)
        audit(session, caller, Action.record, f"job {job_id}", area_code=found.area_code, cancelled=True)
        return Done(job_record(found), version=found.version)

    uploads: FilePath = request.app.state.uploads
    with withdrawing(uploads, job_id):
        return once(None, deed)


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
        **answers(404),
    },
)
@access(Right.read, Ground.checked)
async def follow(job_id: Number, caller: Caller, request: Request) -> Response:
    """Tell of a job as it goes on, by server-sent events."""
    database: Database = request.app.state.database
    first = await run_in_threadpool(_look, database, caller, job_id)
    return StreamingResponse(
        _events(database, caller, job_id, first, request.scope.get("wangge.request_id")),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


def _look(database: Database, caller: Principal, job_id: int) -> tuple[int, dict[str, Any]]:
    with database.read() as session:
        found = _permitted(session, caller, job_id)
        return found.version, job_record(found)


async def _events(
    database: Database,
    caller: Principal,
    job_id: int,
    first: tuple[int, dict[str, Any]],
    request_id: str | None,
) -> AsyncIterator[bytes]:
    began = told = seen = time.monotonic()
    version, record = first
    yield b"event: job\ndata: " + orjson.dumps(record) + b"\n\n"
    while record["state"] in _GOING and time.monotonic() - began < STREAM_S:
        await asyncio.sleep(0.3)
        try:
            present, record = await run_in_threadpool(_look, database, caller, job_id)
        except DBAPIError as error:
            if database_away(error) and time.monotonic() - seen < AWAY_S:
                continue
            # The status is sent already.
            yield b"event: problem\ndata: " + bytes(failure(error, request_id).body) + b"\n\n"
            return
        seen = time.monotonic()
        if present != version:
            version, told = present, time.monotonic()
            yield b"event: job\ndata: " + orjson.dumps(record) + b"\n\n"
        elif time.monotonic() - told > 15:
            told = time.monotonic()
            yield b": still there\n\n"
