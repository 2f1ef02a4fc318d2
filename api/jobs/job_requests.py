"""Requests for jobs: what routes add to the queue, as far as the caller has not filled it already."""

from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from api.http.idempotency import WriteResult
from api.schemas.jobs import job_record
from api.security.audit import Action, audit
from api.security.principal import Principal
from api.settings import ServiceSettings
from gis.errors import BusyError
from layers.jobs.queue import enqueue, unfinished_parameters
from layers.models import Job

_RETRY_AFTER_S = 30.0


class JobRequests:
    """Takes the requests of callers for jobs.

    Parameters
    ----------
    settings
        How many jobs and bytes one caller may have waiting.
    uploads
        The folder of uploaded files.
    """

    def __init__(self, settings: ServiceSettings, uploads: Path) -> None:
        self._settings = settings
        self._uploads = uploads

    def enqueue(
        self,
        session: Session,
        caller: Principal,
        kind: str,
        parameters: dict[str, Any],
        area_code: str | None,
    ) -> Job:
        """Add a job of a caller to the queue, as `layers.jobs.queue.enqueue` does.

        Raises
        ------
        BusyError
            If the caller has as many jobs that have not ended as one may have, or their files are as large.
        """
        waiting = unfinished_parameters(session, caller.label)
        if len(waiting) >= self._settings.queued_jobs:
            raise BusyError(
                f"{len(waiting)} jobs of yours have not ended, and no more may wait; ask again later.",
                _RETRY_AFTER_S,
            )
        if waiting and "file" in parameters:
            size = sum(self._size_of(each) for each in (*waiting, parameters))
            if size > self._settings.queued_bytes:
                raise BusyError(
                    f"The files of yours that wait would be {size:,} bytes, more than "
                    f"{self._settings.queued_bytes:,}; ask again when some have been imported.",
                    _RETRY_AFTER_S,
                )
        return enqueue(session, kind, parameters, created_by=caller.label, area_code=area_code)

    def _size_of(self, parameters: dict[str, Any]) -> int:
        if "file" not in parameters:
            return 0
        try:
            return (self._uploads / Path(str(parameters["file"])).name).stat().st_size
        except FileNotFoundError:
            # Of a job that ends at this moment.
            return 0


def accept_job(
    session: Session, jobs: JobRequests, caller: Principal, kind: str, parameters: dict[str, Any]
) -> WriteResult:
    """Queue a job of a caller, and answer that it has been accepted.

    Raises
    ------
    BusyError
        As for `JobRequests.enqueue`.
    """
    job = jobs.enqueue(session, caller, kind, parameters, caller.area_code)
    audit(session, caller, Action.import_, f"job {job.id}", kind=kind)
    return WriteResult(job_record(job), 202, location=f"/v1/jobs/{job.id}")


async def _job_requests(request: Request) -> JobRequests:
    return JobRequests(request.app.state.settings, request.app.state.uploads)


JobRequestsDep = Annotated[JobRequests, Depends(_job_requests)]
"""The type of a FastAPI parameter that takes requests for jobs."""
