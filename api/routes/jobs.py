"""`/v1/jobs`: work that takes longer than a request, its progress and its end."""

from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from api import schemas
from api.http.conditional import IfNoneMatch, make_etag
from api.http.dependencies import DatabaseDep
from api.http.idempotency import IdempotentWriteDep, WriteResult
from api.http.pagination import Page, PageDep
from api.http.parameters import WholeNumber
from api.http.responses import json_response, list_response
from api.jobs.cancel_flag import set_cancel_flag
from api.jobs.event_stream import UNFINISHED, JobStream, JobStreams, JobVersion, job_events
from api.messages import caller_language
from api.problems import problem_responses
from api.schemas.jobs import job_record
from api.security.audit import Action, audit
from api.security.auth_middleware import authenticate
from api.security.caller import Caller
from api.security.principal import Right
from api.security.requirements import AreaPolicy, requires
from gis.errors import NotFoundError
from layers.db.database import Session
from layers.jobs import queue
from layers.models import Job, JobState

router = APIRouter(prefix="/v1", tags=["jobs"])

JobId = Annotated[WholeNumber, Path(ge=1, le=2**53, examples=[3])]


@router.get("/jobs", summary="List jobs", response_model=Page[schemas.Job], responses=problem_responses())
@requires(Right.read, AreaPolicy.filtered)
def list_jobs(
    caller: Caller,
    database: DatabaseDep,
    page: PageDep,
    state: Annotated[JobState | None, Query()] = None,
) -> Response:
    """List the jobs of the caller's area in the order in which they were asked for."""
    with database.read() as session:
        jobs, next_cursor = queue.list_jobs(session, page, caller.area_code, state=state)
        return list_response([job_record(job) for job in jobs], next_cursor)


@router.get(
    "/jobs/{job_id}", summary="Read a job", response_model=schemas.Job, responses=problem_responses(404)
)
@requires(Right.read, AreaPolicy.checked)
def read_job(
    job_id: JobId, caller: Caller, database: DatabaseDep, if_none_match: IfNoneMatch = None
) -> Response:
    """Read how far a job is, or how it ended."""
    with database.read() as session:
        job = queue.find_job(session, job_id, caller.area_code)
        etag = make_etag(database.identity, job.version, caller_language())
        return json_response(job_record(job), etag=etag, if_none_match=if_none_match)


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
    """Ask a job to end; nothing of it is kept. For its author, and administrators."""

    def find_cancellable(session: Session) -> Job:
        job = queue.find_job(session, job_id, caller.area_code)
        if job.created_by != caller.label:
            caller.require_right(Right.administer)
        return job

    with database.read() as session:
        was_unfinished = find_cancellable(session).state in UNFINISHED

    def handler(session: Session) -> WriteResult:
        job = find_cancellable(session)
        # The worker may have ended it already, on the flag of this very request.
        if not (was_unfinished and job.state == JobState.cancelled):
            job = queue.cancel(session, job_id)
        if job.state == JobState.cancelled and "file" in job.parameters:
            (uploads / job.parameters["file"]).unlink(missing_ok=True)
        audit(session, caller, Action.record, f"job {job_id}", area_code=job.area_code, cancelled=True)
        return WriteResult(job_record(job), version=job.version)

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
    """Follow a job by server-sent events."""
    state, scope = request.app.state, request.scope
    streams: JobStreams = state.job_streams

    async def read() -> JobVersion:
        return await streams.read(job_id)

    async def require_access(record: dict[str, Any]) -> None:
        principal = await authenticate(scope, state.credentials)
        principal.require_right(Right.read)
        if not principal.covers(record["area_code"]):
            raise NotFoundError(f"There is no job number {job_id}.")

    await require_access((await read())[1])
    return JobStream(streams, caller.label, job_events(read, require_access, scope.get("wangge.request_id")))
