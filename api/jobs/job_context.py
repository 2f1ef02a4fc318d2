"""A job as its process gets it: the task, its progress, and what its work needs to know.

What the kinds of jobs do is in `api.jobs.tasks`.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from sqlalchemy.orm import Session

from api.jobs.form_fields import READ_FIELDS, name_fields
from layers.db.database import Database
from layers.jobs.queue import complete, heartbeat

PROGRESS_INTERVAL_S = 0.3
"""Seconds between two times that a job tells how far it is."""


class Task(BaseModel):
    """A job as its process gets it.

    Attributes
    ----------
    database
        The URL of the database, with its password.
    id, kind, parameters, created_by, area_code
        Of the job.
    uploads
        The folder of uploaded files.
    seconds, memory, vertices, unpacked
        Limits of processor time, of bytes of memory, of vertices in a file and of bytes in an archive.
    wait_s
        Seconds that it waits for another job that writes to SQLite.
    kept_s
        Seconds that the file of an export is kept.
    """

    database: str
    id: int
    kind: str
    parameters: dict[str, Any]
    created_by: str
    area_code: str | None
    uploads: Path
    seconds: int
    memory: int
    vertices: int
    unpacked: int
    wait_s: float
    kept_s: float


@dataclass
class ProgressReporter:
    """How far a job is, which it tells from time to time, the first step at once.

    Attributes
    ----------
    report
        Called with what is done and, if known, how much there is to do.
    done, total
        What it was called with last.
    """

    report: Callable[[int, int | None], None]
    done: int = 0
    total: int | None = None
    _reported_at: float = -math.inf

    def __call__(self, done: int, total: int | None) -> None:
        """Take a step."""
        self.done, self.total = done, total
        now = time.monotonic()
        if now - self._reported_at >= PROGRESS_INTERVAL_S:
            self._reported_at = now
            self.report(done, total)


@dataclass(frozen=True)
class JobContext:
    """What the work of a job needs to know.

    `notes` are the sentences that its result ends with.
    """

    database: Database
    task: Task
    progress: ProgressReporter
    notes: list[str] = field(default_factory=list)

    @property
    def file(self) -> Path:
        """The uploaded file."""
        # Only a name: a job's parameters cannot lead out of the folder.
        return self.task.uploads / Path(str(self.task.parameters["file"])).name

    def parameter(self, name: str) -> Any:
        """Return a parameter, None when it is not given."""
        return self.task.parameters.get(name)

    @property
    def read_options(self) -> dict[str, Any]:
        """How the file is to be read, for `read_layer` and what reads like it."""
        options = {name: self.parameter(name) for name in READ_FIELDS}
        return {**options, "max_vertices": self.task.vertices, "note": self.note}

    def note(self, sentence: str) -> None:
        """Keep what was assumed or mended for the result."""
        if "file" in self.task.parameters:
            sentence = sentence.replace(str(self.file), "The file")
        self.notes.append(name_fields(self.task.kind, sentence))

    def fields(self, *names: str) -> dict[str, str | None]:
        """Which fields of the file are meant, as `layers.fields.columns` takes them."""
        return {name: self.parameter(name) for name in names}

    @property
    def day(self) -> date | None:
        """The day from which the import holds."""
        text = self.parameter("on")
        return None if text is None else date.fromisoformat(text)

    @property
    def is_confirmed(self) -> bool:
        """Whether the day is meant, however far it is; jobs of an earlier version do not say it."""
        return bool(self.parameter("confirm"))

    def complete(self, session: Session, result: dict[str, Any]) -> dict[str, Any]:
        """Mark the job as done in the transaction of its work; return the result.

        Raises
        ------
        ConflictError
            If the job was cancelled meanwhile.
        """
        if self.notes:
            result = {**result, "notes": self.notes}
        heartbeat(session, self.task.id, self.progress.done, self.progress.total)
        complete(session, self.task.id, result)
        return result
