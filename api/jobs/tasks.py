"""What the kinds of jobs do: import a file, divide an area, look for gaps, export a layer.

Each writes in one transaction and marks its job as done in it, so that a job that ends early has written
nothing, and one that has written is done.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import shapely
from pydantic import BaseModel
from pyproj import CRS
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.jobs.export_files import write_file
from gis.areas import hierarchy
from gis.divide import divide_square
from gis.errors import InputError, LimitError
from layers.areas.hierarchy import area_shapes, read_ground
from layers.db.database import Database
from layers.fields.columns import areas_from, cells_from
from layers.formats import read_layer
from layers.formats.read_batches import read_batches
from layers.gaps.runs import search_gaps
from layers.imports.areas import AreaSummary, import_areas
from layers.imports.entities import ImportSummary, import_entities
from layers.jobs.queue import beat, settle
from layers.models import Area, GapRun
from layers.plans.drafts import create_draft
from layers.plans.schemes import find_scheme, used_codes

TOLD_S = 0.3
"""Seconds between two times that a job tells how far it is."""

LISTED_REJECTED = 1_000
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
    kept_s: float


@dataclass
class Progress:
    """How far a job is, which it tells from time to time, the first step at once.

    Attributes
    ----------
    tell
        Called with what is done and, if known, how much there is to do.
    done, total
        What it was called with last.
    """

    tell: Callable[[int, int | None], None]
    done: int = 0
    total: int | None = None
    _told: float = -math.inf

    def __call__(self, done: int, total: int | None) -> None:
        """Take a step."""
        self.done, self.total = done, total
        now = time.monotonic()
        if now - self._told >= TOLD_S:
            self._told = now
            self.tell(done, total)


@dataclass(frozen=True)
class _Setting:
    database: Database
    task: Task
    progress: Progress

    @property
    def file(self) -> Path:
        """The uploaded file."""
        # Only a name: a job's parameters cannot lead out of the folder.
        return self.task.uploads / Path(str(self.task.parameters["file"])).name

    def given(self, name: str) -> Any:
        """Return a parameter, None when it is not given."""
        return self.task.parameters.get(name)

    @property
    def read_as(self) -> dict[str, Any]:
        """How the file is to be read, for `read_layer` and what reads like it."""
        return {name: self.given(name) for name in ("layer", "source_crs", "lon_field", "lat_field")}

    @property
    def day(self) -> date | None:
        """The day from which the import holds."""
        text = self.given("on")
        return None if text is None else date.fromisoformat(text)

    def settle(self, session: Session, result: dict[str, Any]) -> dict[str, Any]:
        """Mark the job as done in the transaction of its deed; return the result.

        Raises
        ------
        ConflictError
            If the job was cancelled meanwhile.
        """
        beat(session, self.task.id, self.progress.done, self.progress.total)
        settle(session, self.task.id, result)
        return result


def run(database: Database, task: Task, progress: Progress) -> dict[str, Any]:
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
    return KINDS[task.kind](_Setting(database, task, progress))


def _import_entities(setting: _Setting) -> dict[str, Any]:
    _measure(setting, "entities")
    result: dict[str, Any] = {}

    def keep(session: Session, done: ImportSummary) -> None:
        rejected = [
            {"record": each.record, "id": each.external_id, "reason": each.reason.value}
            for each in done.rejected[:LISTED_REJECTED]
        ]
        result.update(setting.settle(session, {**done.summary(), "rejected_records": rejected}))

    import_entities(
        setting.database,
        setting.file,
        kind=setting.given("kind"),
        id_field=setting.given("id_field"),
        datum=setting.given("datum") or "wgs84",
        **setting.read_as,
        area_code=setting.task.area_code,
        on=setting.day,
        progress=setting.progress,
        settle=keep,
    )
    return result


def _import_areas(setting: _Setting) -> dict[str, Any]:
    _measure(setting, "areas")
    frame = areas_from(read_layer(setting.file, role="areas", **setting.read_as))

    def keep(session: Session, done: AreaSummary) -> None:
        setting.settle(session, done._asdict())

    return import_areas(setting.database, frame, on=setting.day, settle=keep)._asdict()


def _import_cells(setting: _Setting) -> dict[str, Any]:
    _measure(setting, "cells")
    frame = cells_from(read_layer(setting.file, role="cells", **setting.read_as))
    return _draft(setting, lambda _session, _scheme: frame)


def _divide(setting: _Setting) -> dict[str, Any]:
    def cells(session: Any, scheme: Any) -> Any:
        codes = read_ground(session).leaves(setting.given("area_code"))
        areas = area_shapes(session, codes)
        if not len(areas):
            raise InputError("There are no areas to divide; import areas first.")
        crs = CRS.from_user_input(scheme.working_crs)
        named = session.execute(select(Area.code, Area.name).where(Area.code.in_(codes)))
        names = {row.code: row.name for row in named}
        areas = hierarchy(areas.assign(name=areas["code"].map(names), level="", parent=None), crs=crs)
        return divide_square(
            areas,
            size_m=setting.given("size_m"),
            crs=crs,
            used_codes=used_codes(session, scheme.id),
            progress=setting.progress,
        )

    return _draft(setting, cells)


def _gaps(setting: _Setting) -> dict[str, Any]:
    result: dict[str, Any] = {}

    def keep(session: Session, run: GapRun) -> None:
        result.update(setting.settle(session, {"run": run.id, "gaps": run.summary["gaps"]}))

    search_gaps(
        setting.database,
        setting.given("scheme"),
        created_by=setting.task.created_by,
        area_code=setting.given("area_code"),
        on=setting.day,
        progress=setting.progress,
        settle=keep,
    )
    return result


def _export(setting: _Setting) -> dict[str, Any]:
    task = setting.task
    result = write_file(
        setting.database, task.uploads, task.parameters, kept_s=task.kept_s, progress=setting.progress
    )
    with setting.database.write() as session:
        return setting.settle(session, result)


def _draft(setting: _Setting, make: Callable[[Any, Any], Any]) -> dict[str, Any]:
    """Make a draft of the cells that `make` returns from a session and a scheme."""
    with setting.database.read() as session:
        cells = make(session, find_scheme(session, setting.given("scheme")))
    with setting.database.write() as session:
        plan = create_draft(
            session,
            find_scheme(session, setting.given("scheme")).id,
            cells,
            name=setting.given("name"),
            created_by=setting.task.created_by,
            area_code=setting.given("area_code"),
        )
        return setting.settle(session, {"plan": plan.id, "cells": len(cells)})


def _measure(setting: _Setting, role: str) -> None:
    """Refuse a file that unpacks to too much or has too many vertices."""
    task = setting.task
    if setting.file.suffix.lower() == ".zip":
        try:
            with ZipFile(setting.file) as archive:
                size = sum(each.file_size for each in archive.infolist())
        except BadZipFile as error:
            raise InputError("The archive cannot be read.") from error
        if size > task.unpacked:
            raise LimitError(f"The archive unpacks to more than {task.unpacked:,} bytes.")
    vertices = 0
    with read_batches(setting.file, role=role, **setting.read_as) as batches:
        for batch in batches.stream:
            vertices += int(shapely.get_num_coordinates(batch.geometries).sum())
            if vertices > task.vertices:
                raise LimitError(f"The file has more than {task.vertices:,} vertices.")


KINDS: Mapping[str, Callable[[_Setting], dict[str, Any]]] = {
    "import-entities": _import_entities,
    "import-areas": _import_areas,
    "import-cells": _import_cells,
    "divide": _divide,
    "gaps": _gaps,
    "export": _export,
}
"""What each kind of job does."""
