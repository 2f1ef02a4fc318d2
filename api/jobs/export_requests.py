"""Requests for exports: the parameters of the job that one becomes, and the file that it ends with."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from api.http.parameters import parse_bbox
from api.jobs.export_files import export_path, new_folder_name
from gis.errors import ConflictError, InputError, NotFoundError
from layers.db.database import Session
from layers.jobs.queue import find_job
from layers.models import Job, JobState

_COMMON_FILTERS = frozenset({"area_code", "box"})
_FILTERS_BY_LAYER: Mapping[str, frozenset[str]] = {
    "areas": _COMMON_FILTERS,
    "cells": _COMMON_FILTERS | {"scheme", "on"},
    "entities": _COMMON_FILTERS | {"scheme", "on", "kind", "cell"},
    "officers": frozenset({"area_code", "scheme", "on"}),
    "gaps": _COMMON_FILTERS | {"scheme", "on", "kind", "cell", "severity", "run"},
}
_PERSONAL_LAYERS = ("cells", "entities", "officers")
_SCHEME_LAYERS = frozenset({"cells", "gaps"})


def export_parameters(request: Mapping[str, Any], scope: str | None) -> dict[str, Any]:
    """Return the parameters of the job for a requested export.

    Parameters
    ----------
    request
        `layer`, `format`, `reveal`, and the filters that are given, as JSON holds them.
    scope
        The area that the export is restricted to where the request names none; None for everywhere.

    Raises
    ------
    InputError
        If a filter does not apply to the layer, a scheme is missing, or the box is none.
    """
    layer, parameters = request["layer"], dict(request)
    inapplicable = parameters.keys() - _FILTERS_BY_LAYER[layer] - {"layer", "format", "reveal", "language"}
    if inapplicable:
        raise InputError(f"'{min(inapplicable)}' does not choose among {layer}; leave it out.")
    if parameters["reveal"] and layer not in _PERSONAL_LAYERS:
        listed = f"{', '.join(_PERSONAL_LAYERS[:-1])} and {_PERSONAL_LAYERS[-1]}"
        raise InputError(f"'reveal' is for {listed}; there is nothing personal in {layer}.")
    if "scheme" not in parameters and (layer in _SCHEME_LAYERS or "cell" in parameters):
        raise InputError("Cells and gaps belong to a scheme; name one.")
    if (bbox := parse_bbox(parameters.get("box"))) is not None:
        parameters["box"] = list(bbox)
    if scope is not None:
        parameters.setdefault("area_code", scope)
        parameters["scope"] = scope
    return parameters | {"place": new_folder_name()}


def find_export(session: Session, job_id: int, scope: str | None) -> Job:
    """Return the job of an export in the scope.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    with suppress(NotFoundError):
        job = find_job(session, job_id, scope)
        if job.kind == "export":
            return job
    raise NotFoundError(f"There is no export number {job_id}.")


def finished_export(uploads: Path, job: Job) -> tuple[Path, int]:
    """Return the file of an export and its number of rows.

    Parameters
    ----------
    uploads
        The folder of files that come and go.
    job
        The job of the export.

    Raises
    ------
    ConflictError
        If the job has not ended well.
    NotFoundError
        If the file has expired.
    """
    if job.state != JobState.done or job.result is None:
        raise ConflictError(f"Export {job.id} is {job.state}; there is a file when it is done.")
    if datetime.fromisoformat(job.result["expires_at"]) <= datetime.now(UTC):
        raise NotFoundError(f"The file of export {job.id} has expired; ask for it again.")
    path = export_path(uploads, job.parameters)
    if not path.is_file():
        raise NotFoundError(f"The file of export {job.id} is not kept any more; ask for it again.")
    return path, job.result["rows"]
