"""The queue of jobs: a table from which workers take work that outlasts a request."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, false, func, select, update
from sqlalchemy.orm import Session

from gis.errors import ConflictError, NotFoundError
from layers.areas.scope import within
from layers.db.bulk import is_postgresql
from layers.db.keyset import PageRequest
from layers.jobs.turns import AskedJob, next_in_turn
from layers.models import Job, JobState

STALE_AFTER = timedelta(seconds=30)
"""A running job without a heartbeat for so long has lost its worker."""

_CLAIM_LOCK = 0x57474A42

_REMEMBERED_JOBS = 1_000
# How many jobs are looked back upon to see whose turn it is.


def enqueue(
    session: Session, kind: str, parameters: dict[str, Any], *, created_by: str, area_code: str | None
) -> Job:
    """Add a job to the queue; parameters are plain JSON and nothing personal."""
    job = Job(
        kind=kind,
        state=JobState.queued,
        area_code=area_code,
        created_by=created_by,
        created_at=datetime.now(UTC),
        cancel_asked=False,
        done=0,
        parameters=parameters,
        version=1,
    )
    session.add(job)
    session.flush()
    return job


def unfinished_parameters(session: Session, created_by: str) -> list[dict[str, Any]]:
    """Return the parameters of the jobs of a caller that have not ended."""
    unfinished = Job.state.in_((JobState.queued, JobState.running))
    return list(session.scalars(select(Job.parameters).where(unfinished, Job.created_by == created_by)))


def find_job(session: Session, job_id: int, scope: str | None = None) -> Job:
    """Return a job.

    Parameters
    ----------
    scope
        The area that the job must be of; None for any.

    Raises
    ------
    NotFoundError
        If there is none with that number.
    """
    job = session.scalar(select(Job).where(Job.id == job_id, within(Job.area_code, scope)))
    if job is None:
        raise NotFoundError(f"There is no job number {job_id}.")
    return job


def list_jobs(
    session: Session, page: PageRequest, scope: str | None, *, state: JobState | None = None
) -> tuple[Sequence[Job], str | None]:
    """Return a page of jobs in the order in which they were asked for, and the cursor of the next page.

    Parameters
    ----------
    page
        Which page.
    scope
        Only jobs of this area and those beneath it; None for all.
    state
        Only jobs in this state.

    Raises
    ------
    InputError
        If the cursor is not one of this list.
    """
    statement = select(Job).where(within(Job.area_code, scope))
    if state is not None:
        statement = statement.where(Job.state == state)
    rows, next_cursor = page.fetch(session, statement, Job.id)
    return [job for (job,) in rows], next_cursor


def is_stale(now: datetime) -> ColumnElement[bool]:
    """Return the condition that a running job is no longer heard of, or was last heard of in the future.

    The latter happens where the clock has been set back.
    """
    return (Job.state == JobState.running) & ~Job.heartbeat_at.between(now - STALE_AFTER, now + STALE_AFTER)


def fail_stale(session: Session, watched: Collection[int] = ()) -> list[int]:
    """Mark running jobs whose worker is gone as failed; what they had written was rolled back with it.

    Parameters
    ----------
    watched
        Jobs that the caller knows to run, though another that writes to SQLite keeps them from telling.
    """
    now = datetime.now(UTC)
    stale = (
        update(Job)
        .where(is_stale(now), Job.id.not_in(watched))
        .values(
            state=JobState.failed,
            ended_at=now,
            error="The service stopped while the job ran; nothing of it was kept. Ask again.",
            version=Job.version + 1,
        )
        .returning(Job.id)
    )
    return list(session.scalars(stale))


def claim(session: Session, at_once: int = 1) -> Job | None:
    """Take the job whose turn it is; return None while enough others run or none may begin.

    Parameters
    ----------
    at_once
        How many jobs may run at once, on all machines together.
    """
    if is_postgresql(session) and not session.scalar(select(func.pg_try_advisory_xact_lock(_CLAIM_LOCK))):
        return None
    asked = select(Job.id, Job.kind, Job.state, Job.area_code, Job.created_by, Job.started_at)
    running = session.execute(asked.where(Job.state == JobState.running)).all()
    if len(running) >= at_once:
        return None
    waiting = session.execute(asked.where(Job.state == JobState.queued).order_by(Job.id)).all()
    before = session.execute(
        asked.where(Job.started_at.is_not(None)).order_by(Job.id.desc()).limit(_REMEMBERED_JOBS)
    ).all()
    number = next_in_turn(
        [AskedJob(*row) for row in waiting],
        [AskedJob(*row) for row in running],
        [AskedJob(*row) for row in before],
    )
    if number is None:
        return None
    job = session.scalar(select(Job).where(Job.id == number, Job.state == JobState.queued).with_for_update())
    if job is not None:
        job.state = JobState.running
        job.started_at = job.heartbeat_at = datetime.now(UTC)
        job.version += 1
        session.flush()
    return job


def heartbeat(session: Session, job_id: int, done: int, total: int | None) -> bool:
    """Record that a job is alive and how far it is; return whether it is to go on."""
    cancel_asked = session.scalar(
        update(Job)
        .where(Job.id == job_id, Job.state == JobState.running)
        .values(heartbeat_at=datetime.now(UTC), done=done, total=total, version=Job.version + 1)
        .returning(Job.cancel_asked)
    )
    return cancel_asked is False


def complete(session: Session, job_id: int, result: dict[str, Any]) -> None:
    """Mark a running job as done in the transaction of its work, so that both are kept or neither.

    Parameters
    ----------
    session
        The one that did the work; this is the last it writes.
    job_id, result
        The job, and what came of it as plain JSON.

    Raises
    ------
    ConflictError
        If the job was cancelled or given up meanwhile: its work is not to be kept.
    """
    completed = session.scalar(
        update(Job)
        .where(Job.id == job_id, Job.state == JobState.running, Job.cancel_asked.is_(False))
        .values(state=JobState.done, result=result, ended_at=datetime.now(UTC), version=Job.version + 1)
        .returning(Job.id)
    )
    if completed is None:
        raise ConflictError(f"Job {job_id} was to end before it was done; nothing of it is kept.")


def finish(
    session: Session, job_id: int, state: JobState, *, result: dict[str, Any] | None, error: str | None
) -> str:
    """Record how a running job ended, and return the state it is in: one that is complete stays done.

    A job that failed after it was asked to end counts as cancelled.
    """
    was_cancelled = Job.cancel_asked if state == JobState.failed else false()
    session.execute(
        update(Job)
        .where(Job.id == job_id, Job.state == JobState.running)
        .values(
            state=case((was_cancelled, JobState.cancelled), else_=state),
            result=result,
            error=case((was_cancelled, None), else_=error),
            ended_at=datetime.now(UTC),
            version=Job.version + 1,
        )
    )
    return session.scalars(select(Job.state).where(Job.id == job_id)).one()


def cancel_all_of(session: Session, created_by: str) -> int:
    """Cancel the jobs of a caller whose access has ended; return how many there were."""
    unfinished = (Job.created_by == created_by) & Job.state.in_((JobState.queued, JobState.running))
    is_queued = Job.state == JobState.queued
    cancelled = session.scalars(
        update(Job)
        .where(unfinished)
        .values(
            state=case((is_queued, JobState.cancelled), else_=Job.state),
            ended_at=case((is_queued, datetime.now(UTC)), else_=Job.ended_at),
            cancel_asked=True,
            version=Job.version + 1,
        )
        .returning(Job.id)
    )
    return len(cancelled.all())


def cancel(session: Session, job_id: int) -> Job:
    """Ask a job to end; a queued one ends at once.

    Raises
    ------
    ConflictError
        If it has ended already.
    NotFoundError
        If there is no such job.
    """
    # A worker that takes the job, or a commit of its work, at this moment goes first.
    job = session.get(Job, job_id, with_for_update=True, populate_existing=True)
    if job is None:
        raise NotFoundError(f"There is no job number {job_id}.")
    if job.state == JobState.queued:
        job.state, job.ended_at = JobState.cancelled, datetime.now(UTC)
    elif job.state != JobState.running:
        raise ConflictError(f"Job {job_id} is {job.state} already.")
    job.cancel_asked = True
    job.version += 1
    session.flush()
    return job
