"""What the kinds of jobs do: import a file, divide an area, check or publish a plan, find gaps, export.

Each writes in one transaction and marks its job as done in it, so that a job that ends early has written
nothing, and one that has written is done.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from pydantic import BaseModel
from sqlalchemy.orm import Session

from api.jobs.export_files import write_export
from api.jobs.form_fields import AREA_FIELDS, CELL_FIELDS, READ_FIELDS, name_fields
from gis.errors import InputError, LimitError
from layers.db.database import Database
from layers.divisions import divide_areas
from layers.fields.columns import standardise_areas, standardise_cells
from layers.formats import read_layer, read_table
from layers.formats.sqlite_files import require_stored_rows
from layers.gaps.runs import search_gaps
from layers.imports.areas import AreaImportSummary, import_areas
from layers.imports.entities import ImportSummary, import_entities
from layers.jobs.queue import complete, heartbeat
from layers.models import GapRun, Plan
from layers.plans.check import examine_plan, store_check
from layers.plans.drafts import create_draft
from layers.plans.publish import publish
from layers.plans.queries import find_plan
from layers.plans.schemes import find_scheme
from layers.plans.unit_drafts import read_unit_table
from layers.staff.vacancies import count_unstaffed

PROGRESS_INTERVAL_S = 0.3
"""Seconds between two times that a job tells how far it is."""

MAX_LISTED_REJECTED = 1_000
"""How many rejected records a result lists; all are counted."""


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
class _JobContext:
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
        if self.parameter("file") is not None:
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


def run_job(database: Database, task: Task, progress: ProgressReporter) -> dict[str, Any]:
    """Do a job and return its result.

    Parameters
    ----------
    database
        Migrated.
    task
        What to do.
    progress
        Takes each step.

    Raises
    ------
    WanggeError
        If it cannot be done; nothing has been written then.
    """
    return JOB_HANDLERS[task.kind](_JobContext(database, task, progress))


def _import_entities(context: _JobContext) -> dict[str, Any]:
    _require_harmless_file(context)
    result: dict[str, Any] = {}

    def complete_job(session: Session, done: ImportSummary) -> None:
        rejected = [
            {"record": each.record, "id": each.external_id, "reason": each.reason.value}
            for each in done.rejected[:MAX_LISTED_REJECTED]
        ]
        result.update(context.complete(session, {**done.summary(), "rejected_records": rejected}))

    import_entities(
        context.database,
        context.file,
        kind=context.parameter("kind"),
        id_field=context.parameter("id_field"),
        datum=context.parameter("datum") or "wgs84",
        personal=context.parameter("personal") or (),
        **context.read_options,
        area_code=context.task.area_code,
        on=context.day,
        confirmed=context.is_confirmed,
        progress=context.progress,
        before_commit=complete_job,
    )
    return result


def _import_areas(context: _JobContext) -> dict[str, Any]:
    _require_harmless_file(context)
    frame = standardise_areas(
        read_layer(context.file, role="areas", **context.read_options),
        **context.fields(*AREA_FIELDS),
    )

    result: dict[str, Any] = {}

    def complete_job(session: Session, done: AreaImportSummary) -> None:
        result.update(context.complete(session, done._asdict()))

    import_areas(
        context.database,
        frame,
        on=context.day,
        confirmed=context.is_confirmed,
        note=context.note,
        before_commit=complete_job,
    )
    return result


def _import_cells(context: _JobContext) -> dict[str, Any]:
    _require_harmless_file(context)
    cells, units = _read_cells(context)
    on = context.parameter("units_on")
    day = None if on is None else date.fromisoformat(on)
    with context.database.write() as session:
        plan = _store_draft(context, session, cells, units=units, units_on=day)
        return context.complete(session, {"plan": plan.id, "cells": len(cells)})


def _read_cells(context: _JobContext) -> tuple[Any, Mapping[str, str] | None]:
    """Read a file of cells, or the table of units and their cells."""
    if context.parameter("units"):
        table = read_unit_table(
            read_table(context.file, encoding=context.parameter("encoding"), note=context.note)
        )
        return table.cells, table.cell_of_unit
    frame = standardise_cells(
        read_layer(context.file, role="cells", **context.read_options),
        **context.fields(*CELL_FIELDS),
    )
    return frame, None


def _divide(context: _JobContext) -> dict[str, Any]:
    ground = ("scheme", "name", "area_code", "dry_run")
    options = {name: value for name, value in context.task.parameters.items() if name not in ground}
    if "on" in options:
        options["on"] = context.day
    with context.database.read() as session:
        scheme = find_scheme(session, context.parameter("scheme"))
        made = divide_areas(
            session,
            scheme,
            context.parameter("area_code"),
            note=context.note,
            progress=context.progress,
            **options,
        )
    result = {"plan": None, **made.summary()}
    with context.database.write() as session:
        if not context.parameter("dry_run"):
            result["plan"] = _store_draft(
                context, session, made.cells, units=made.units, units_on=made.units_on
            ).id
        return context.complete(session, result)


def _check_plan(context: _JobContext) -> dict[str, Any]:
    plan_id = context.parameter("plan")
    # Others can write, and be told of the progress, until only the findings are left to store.
    with context.database.read() as session:
        found = examine_plan(
            session, plan_id, context.task.area_code, on=context.day, progress=context.progress
        )
    with context.database.write() as session:
        plan = store_check(session, plan_id, found)
        result = {
            "plan": plan.id,
            "valid": found.report.is_valid,
            "on": found.on.isoformat(),
            "hindrances": found.hindrances,
            "summary": found.report.summary(),
        }
        return context.complete(session, result)


def _publish_plan(context: _JobContext) -> dict[str, Any]:
    # Of the service: no other job needs it.
    from api.security.audit import Action, audit_as

    plan_id, on = context.parameter("plan"), context.parameter("on")
    with context.database.write() as session:
        done = publish(
            session,
            plan_id,
            date.fromisoformat(on),
            version=context.parameter("version"),
            scope=context.task.area_code,
            confirmed=context.is_confirmed,
            progress=context.progress,
        )
        drafts = [each.plan_id for each in done.carried]
        audit_as(
            session,
            context.task.created_by,
            context.parameter("role"),
            Action.publish,
            f"plan {plan_id}",
            area_code=find_plan(session, plan_id).area_code,
            details={"on": on, **({"carried": drafts} if drafts else {})},
        )
        result = {
            "plan": plan_id,
            "kept": done.kept,
            "ended": done.ended,
            "begun": done.begun,
            "assignments_ended": done.assignments.ended,
            "assignments_begun": done.assignments.inserted,
            "superseded": list(done.superseded),
            "carried": [each._asdict() for each in done.carried],
            "unstaffed": count_unstaffed(session, find_plan(session, plan_id), date.fromisoformat(on)),
            "revision": done.revision,
        }
        return context.complete(session, result)


def _search_gaps(context: _JobContext) -> dict[str, Any]:
    result: dict[str, Any] = {}

    def complete_job(session: Session, run: GapRun) -> None:
        result.update(
            context.complete(
                session, {"run": run.id, "gaps": run.summary["gaps"], "skipped": run.summary["skipped"]}
            )
        )

    search_gaps(
        context.database,
        context.parameter("scheme"),
        created_by=context.task.created_by,
        area_code=context.parameter("area_code"),
        on=context.day,
        progress=context.progress,
        before_commit=complete_job,
    )
    return result


def _export(context: _JobContext) -> dict[str, Any]:
    task = context.task
    result = write_export(
        context.database, task.uploads, task.parameters, kept_s=task.kept_s, progress=context.progress
    )
    with context.database.write() as session:
        return context.complete(session, result)


def _store_draft(
    context: _JobContext,
    session: Session,
    cells: Any,
    *,
    units: Mapping[str, str] | None = None,
    units_on: date | None = None,
) -> Plan:
    return create_draft(
        session,
        find_scheme(session, context.parameter("scheme")).id,
        cells,
        name=context.parameter("name"),
        created_by=context.task.created_by,
        area_code=context.parameter("area_code"),
        personal=context.parameter("personal") or (),
        units=units,
        units_on=units_on,
    )


def _require_harmless_file(context: _JobContext) -> None:
    """Refuse an archive that unpacks to too much, and a database that computes its rows."""
    if context.file.suffix.lower() == ".zip":
        try:
            with ZipFile(context.file) as archive:
                size = sum(each.file_size for each in archive.infolist())
        except BadZipFile as error:
            raise InputError("The archive cannot be read.") from error
        if size > context.task.unpacked:
            raise LimitError(f"The archive unpacks to more than {context.task.unpacked:,} bytes.")
    require_stored_rows(context.file)


JOB_HANDLERS: Mapping[str, Callable[[_JobContext], dict[str, Any]]] = {
    "import-entities": _import_entities,
    "import-areas": _import_areas,
    "import-cells": _import_cells,
    "divide": _divide,
    "check": _check_plan,
    "publish": _publish_plan,
    "gaps": _search_gaps,
    "export": _export,
}
"""What each kind of job does."""
