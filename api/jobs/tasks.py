"""What the kinds of jobs do: import a file, divide, check, certify or publish a plan, find gaps, export.

Each writes in one transaction and marks its job as done in it, so that a job that ends early has written
nothing, and one that has written is done.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from zipfile import BadZipFile, ZipFile

from sqlalchemy.orm import Session

from api.jobs.export_files import write_export
from api.jobs.form_fields import AREA_FIELDS, CELL_FIELDS
from api.jobs.job_context import JobContext, ProgressReporter, Task
from gis.errors import InputError, LimitError
from layers.db.database import Database
from layers.divisions import divide_areas
from layers.fields.columns import standardise_areas, standardise_cells
from layers.formats import read_layer, read_table
from layers.formats.sqlite_files import require_stored_rows
from layers.gaps.runs import search_gaps
from layers.imports.areas import AreaImportSummary, import_areas
from layers.imports.entities import ImportSummary, import_entities
from layers.models import GapRun, Plan
from layers.plans.check import examine_plan, store_check
from layers.plans.conform import certify_plan, chosen_profile
from layers.plans.drafts import create_draft
from layers.plans.publish import publish
from layers.plans.queries import find_plan
from layers.plans.schemes import find_scheme
from layers.plans.unit_drafts import read_unit_table
from layers.staff.vacancies import count_unstaffed

MAX_LISTED_REJECTED = 1_000
"""How many rejected records a result lists; all are counted."""


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
    return JOB_HANDLERS[task.kind](JobContext(database, task, progress))


def _import_entities(context: JobContext) -> dict[str, Any]:
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


def _import_areas(context: JobContext) -> dict[str, Any]:
    _require_harmless_file(context)
    frame = standardise_areas(
        read_layer(context.file, role="areas", **context.read_options),
        **context.fields(*AREA_FIELDS),
    )

    result: dict[str, Any] = {}
    is_dry_run = bool(context.parameter("dry_run"))

    def complete_job(session: Session, done: AreaImportSummary) -> None:
        for sentence in done.effects.sentences():
            context.note(sentence)
        result.update(context.complete(session, done.summary()))

    done = import_areas(
        context.database,
        frame,
        on=context.day,
        confirmed=context.is_confirmed,
        parents_from_children=bool(context.parameter("parents_from_children")),
        number_merged=bool(context.parameter("number_merged")),
        dry_run=is_dry_run,
        author=context.task.created_by,
        note=context.note,
        before_commit=None if is_dry_run else complete_job,
    )
    if is_dry_run:
        with context.database.write() as session:
            complete_job(session, done)
    return result


def _import_cells(context: JobContext) -> dict[str, Any]:
    _require_harmless_file(context)
    cells, units = _read_cells(context)
    on = context.parameter("units_on")
    day = None if on is None else date.fromisoformat(on)
    with context.database.write() as session:
        plan = _store_draft(context, session, cells, units=units, units_on=day)
        return context.complete(session, {"plan": plan.id, "cells": len(cells)})


def _read_cells(context: JobContext) -> tuple[Any, Mapping[str, str] | None]:
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


def _divide(context: JobContext) -> dict[str, Any]:
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


def _check_plan(context: JobContext) -> dict[str, Any]:
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
            "rules": found.rules.counts,
            "summary": found.report.summary(),
        }
        return context.complete(session, result)


def _certify_plan(context: JobContext) -> dict[str, Any]:
    with context.database.read() as session:
        plan = find_plan(session, context.parameter("plan"), context.task.area_code)
        certificate = certify_plan(session, plan, chosen_profile(session, plan, context.parameter("profile")))
    with context.database.write() as session:
        return context.complete(session, certificate.to_json(context.parameter("language")))


def _publish_plan(context: JobContext) -> dict[str, Any]:
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
            author=context.task.created_by,
            progress=context.progress,
        )
        audit_as(
            session,
            context.task.created_by,
            context.parameter("role"),
            Action.publish,
            f"plan {plan_id}",
            area_code=find_plan(session, plan_id).area_code,
            details=done.audit_details(),
        )
        result = {
            "plan": plan_id,
            "kept": done.kept,
            "ended": done.ended,
            "begun": done.begun,
            "assignments_ended": done.assignments.ended,
            "assignments_begun": done.assignments.inserted,
            "posts": done.posts._asdict(),
            "superseded": list(done.superseded),
            "carried": [each._asdict() for each in done.carried],
            "unstaffed": count_unstaffed(session, find_plan(session, plan_id), date.fromisoformat(on)),
            "revision": done.revision,
        }
        return context.complete(session, result)


def _search_gaps(context: JobContext) -> dict[str, Any]:
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


def _export(context: JobContext) -> dict[str, Any]:
    task = context.task
    result = write_export(
        context.database, task.uploads, task.parameters, kept_s=task.kept_s, progress=context.progress
    )
    with context.database.write() as session:
        return context.complete(session, result)


def _store_draft(
    context: JobContext,
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


def _require_harmless_file(context: JobContext) -> None:
    """Refuse an archive that unpacks to too much, and a database that computes its rows."""
    if context.file.suffix.lower() in {".zip", ".xlsx"}:
        try:
            with ZipFile(context.file) as archive:
                size = sum(each.file_size for each in archive.infolist())
        except BadZipFile as error:
            raise InputError("The archive cannot be read.") from error
        if size > context.task.unpacked:
            raise LimitError(f"The archive unpacks to more than {context.task.unpacked:,} bytes.")
    require_stored_rows(context.file)


JOB_HANDLERS: Mapping[str, Callable[[JobContext], dict[str, Any]]] = {
    "import-entities": _import_entities,
    "import-areas": _import_areas,
    "import-cells": _import_cells,
    "divide": _divide,
    "check": _check_plan,
    "conform": _certify_plan,
    "publish": _publish_plan,
    "gaps": _search_gaps,
    "export": _export,
}
"""What each kind of job does."""
