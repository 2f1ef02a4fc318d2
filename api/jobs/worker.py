"""The worker: a thread that takes jobs from the table, and one for each that watches over its process.

Several servers may run one each; the table lets so many jobs run at once as the settings say.
"""

import math
import signal
import threading
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from api.jobs import export_files
from api.jobs.cancel_flag import has_cancel_flag
from api.jobs.job_context import PROGRESS_INTERVAL_S, Task
from api.jobs.launcher import TaskProcess, shared_launcher
from api.jobs.leader_lock import leader_lock
from api.settings import ServiceSettings
from layers.db.database import Database
from layers.imports.area_settlement import settle_due
from layers.jobs.queue import claim, fail_stale, find_job, finish, heartbeat, is_stale
from layers.models import Job, JobState

POLL_INTERVAL_S = 0.4
"""Seconds between two looks at the queue."""

HEARTBEAT_INTERVAL_S = 1.0
"""Seconds between two signs of life of a running job that is no further than before."""

PRELOAD_DELAY_S = 5.0
"""Seconds after which a service gets ready for jobs: those who have waited for it to start go first."""

CLEANUP_INTERVAL_S = 60.0
"""Seconds between two looks for files of exports that have expired, and for uploads left behind."""

STALE_UPLOAD_S = 3600.0
"""Seconds after which an uploaded file that no job waits for counts as left behind."""

log = structlog.get_logger("wangge.jobs")


class Worker:
    """Takes jobs until it is stopped.

    Parameters
    ----------
    database
        Where the jobs are.
    settings
        Limits of a job.
    uploads
        The folder of uploaded files.
    """

    def __init__(self, database: Database, settings: ServiceSettings, uploads: Path) -> None:
        self._database = database
        self._settings = settings
        self._uploads = uploads
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run_loop, name="jobs", daemon=True)
        self._watchers: dict[int, threading.Thread] = {}

    def start(self) -> None:
        """Begin to take jobs."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more jobs; one that runs is ended, and nothing of it is kept."""
        self._stop.set()
        for thread in (self._thread, *list(self._watchers.values())):
            if thread.ident is not None:
                thread.join(10)

    def _run_loop(self) -> None:
        with leader_lock(self._uploads, self._stop):
            began, cleaned = time.monotonic(), -math.inf
            settled_on: date | None = None
            while not self._stop.wait(POLL_INTERVAL_S):
                try:
                    if time.monotonic() - cleaned >= CLEANUP_INTERVAL_S:
                        cleaned = time.monotonic()
                        export_files.remove_expired(self._uploads, self._settings.export_s)
                        self._remove_stale_uploads()
                    if settled_on != (today := date.today()):
                        settle_due(self._database)
                        settled_on = today
                    self._watchers = {job: each for job, each in self._watchers.items() if each.is_alive()}
                    may_begin = len(self._watchers) < self._settings.job_workers
                    job = self._claim_next() if may_begin else None
                    if job is not None:
                        watcher = threading.Thread(target=self._run_safely, args=(job,), name=f"job {job.id}")
                        watcher.daemon = True
                        self._watchers[job.id] = watcher
                        watcher.start()
                    elif may_begin and time.monotonic() - began >= PRELOAD_DELAY_S:
                        shared_launcher().preload()
                except Exception as error:
                    # Whatever it is, the next job must find a worker: database or folder may be back soon.
                    log.warning("jobs wait", error=type(error).__name__)
                    self._stop.wait(2)

    def _run_safely(self, job: Job) -> None:
        try:
            self._run_job(job)
        except Exception as error:
            # It counts as lost after a while, and the next look at the queue says so.
            log.warning("job left", job=job.id, error=type(error).__name__)

    def _remove_stale_uploads(self) -> None:
        """Remove uploaded files that no job will read: the process that should have done so was killed."""
        old = [
            each
            for each in self._uploads.iterdir()
            if each.is_file() and time.time() - each.stat().st_mtime > STALE_UPLOAD_S
        ]
        if not old:
            return
        with self._database.read() as session:
            statement = select(Job.parameters).where(Job.state.in_((JobState.queued, JobState.running)))
            files_in_use = {parameters.get("file") for parameters in session.scalars(statement)}
        for each in old:
            if each.name not in files_in_use:
                each.unlink(missing_ok=True)

    def _claim_next(self) -> Job | None:
        waiting = select(Job.id).where((Job.state == JobState.queued) | is_stale(datetime.now(UTC)))
        with self._database.read() as session:
            if session.scalar(waiting.limit(1)) is None:
                return None
        with self._database.write() as session:
            for lost in fail_stale(session, self._watchers.keys()):
                log.warning("job lost its worker", job=lost)
                self._remove_files(find_job(session, lost))
            return claim(session, self._settings.job_workers)

    def _run_job(self, job: Job) -> None:
        log.info("job begins", job=job.id, kind=job.kind)
        settings = self._settings
        task = Task(
            database=self._database.url.render_as_string(hide_password=False),
            id=job.id,
            kind=job.kind,
            parameters=job.parameters,
            created_by=job.created_by,
            area_code=job.area_code,
            uploads=self._uploads,
            seconds=settings.parse_s,
            memory=settings.parse_bytes,
            vertices=settings.vertices,
            unpacked=4 * settings.upload_bytes,
            wait_s=settings.job_s,
            kept_s=settings.export_s,
        )
        with shared_launcher().launch(task.model_dump_json()) as process:
            state, result, error = self._watch(job.id, process)
        ended = self._finish(job.id, process.reported, state, result, error)
        self._remove_files(job, done=ended == JobState.done)
        log.info("job ends", job=job.id, state=ended)

    def _remove_files(self, job: Job, *, done: bool = False) -> None:
        """Remove the file that a job was to import, and what an export that is not done has written."""
        file = job.parameters.get("file")
        if file is not None:
            (self._uploads / Path(str(file)).name).unlink(missing_ok=True)
        if job.kind == "export" and not done:
            export_files.remove_export(self._uploads, job.parameters)

    def _watch(self, job_id: int, process: TaskProcess) -> tuple[JobState, dict[str, Any] | None, str | None]:
        """Keep a job's row true until its process ends or is to end; return how the job ends."""
        reported = process.reported
        last_heartbeat, last_done = time.monotonic(), None
        began: float | None = None
        while process.is_alive:
            if self._stop.wait(0.05):
                return JobState.failed, None, "The service was stopped; nothing was kept. Ask again."
            if has_cancel_flag(self._uploads, job_id):
                return JobState.cancelled, None, None
            if began is None and "pid" in reported:
                # Until then a process was being got ready for it.
                began = time.monotonic()
            if began is not None and time.monotonic() - began > self._settings.job_s:
                return (
                    JobState.failed,
                    None,
                    f"This took longer than {self._settings.job_s:g} s; nothing was kept. Give less at once.",
                )
            done = reported.get("done")
            # Once a job writes, its progress cannot be stored in SQLite: the first step is stored at once.
            due = (
                HEARTBEAT_INTERVAL_S if done == last_done else 0 if last_done is None else PROGRESS_INTERVAL_S
            )
            if time.monotonic() - last_heartbeat >= due:
                last_heartbeat, last_done = time.monotonic(), done
                if not self._heartbeat(job_id, reported):
                    return JobState.cancelled, None, None
        if "result" in reported:
            return JobState.done, reported["result"], None
        if "error" in reported:
            if "where" in reported:
                log.error(
                    "error of the program", job=job_id, error=reported["error"], where=reported["where"]
                )
            return JobState.failed, None, reported["error"]
        if reported.get("code") == -signal.SIGXCPU:
            return JobState.failed, None, "This takes too long; give less at once."
        return JobState.failed, None, "The work ended early, probably for want of memory; give less at once."

    def _heartbeat(self, job_id: int, reported: dict[str, Any]) -> bool:
        """Store a sign of life; return whether the job is to go on."""
        try:
            with self._database.write(busy_timeout_s=0.2) as session:
                return heartbeat(session, job_id, reported.get("done", 0), reported.get("total"))
        except OperationalError:
            # While the job writes, SQLite lets no one else write, but everyone read.
            with self._database.read() as session:
                job = find_job(session, job_id)
                return job.state == JobState.running and not job.cancel_asked

    def _finish(
        self,
        job_id: int,
        reported: dict[str, Any],
        state: JobState,
        result: dict[str, Any] | None,
        error: str | None,
    ) -> str:
        """Say how a job ended whose process is no more; one that it had settled itself stays done."""
        while True:
            try:
                with self._database.write() as session:
                    heartbeat(session, job_id, reported.get("done", 0), reported.get("total"))
                    return finish(session, job_id, state, result=result, error=error)
            except OperationalError as error_of_database:
                # Another job may write to SQLite for long; a database that is away may be back soon.
                log.warning("the end of a job waits", job=job_id, error=type(error_of_database).__name__)
                if self._stop.wait(2):
                    raise
