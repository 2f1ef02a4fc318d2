"""`/v1/exports`: a layer of the database as a file, made by a job and fetched while it is kept."""

from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import FileResponse, Response

from api import schemas
from api.http.dependencies import DatabaseDep
from api.http.idempotency import IdempotentWriteDep, WriteResult
from api.http.responses import parse_bbox
from api.jobs.export_files import EXPORT_FORMATS, export_path, new_folder_name
from api.problems import problem_responses
from api.routes.jobs import serialize_job
from api.security.audit import Action, audit
from api.security.caller import Caller
from api.security.principal import Principal, Right
from api.security.requirements import AreaPolicy, requires
from gis.errors import ConflictError, InputError, NotFoundError
from layers.jobs.queue import enqueue
from layers.models import Area, Job, JobState
from layers.plans.schemes import find_scheme

router = APIRouter(prefix="/v1/exports", tags=["exports"])

ExportJobId = Annotated[int, Path(ge=1, le=2**53, description="The job of the export.", examples=[3])]
_CodeText = Annotated[str, Field(max_length=100)]

_COMMON_FILTERS = frozenset({"area_code", "box"})
_FILTERS_BY_LAYER = {
    "areas": _COMMON_FILTERS,
    "cells": _COMMON_FILTERS | {"scheme", "on"},
    "entities": _COMMON_FILTERS | {"scheme", "on", "kind", "cell"},
    "gaps": _COMMON_FILTERS | {"scheme", "on", "kind", "cell", "severity", "run"},
}
_SCHEME_LAYERS = frozenset({"cells", "gaps"})


class ExportRequest(schemas.RequestModel):
    """A layer to export; what is not given does not restrict."""

    layer: Literal["areas", "cells", "entities", "gaps"] = Field(examples=["cells"])
    format: Literal["gpkg", "geojson", "parquet", "fgb", "csv", "shp"] = Field(
        default="gpkg", examples=["gpkg"], description="A Shapefile comes as a .zip."
    )
    area_code: _CodeText | None = Field(
        default=None,
        examples=["440305"],
        description="What lies in this area or beneath it; all of the caller's area when not given.",
    )
    box: Annotated[str, Field(max_length=200)] | None = Field(
        default=None, examples=["113.8,22.4,114.7,22.9"], description="west,south,east,north in degrees."
    )
    on: date | None = Field(
        default=None,
        examples=["2026-01-01"],
        description="The state of a date; the present one if not given.",
    )
    scheme: Annotated[str, Field(max_length=60)] | None = Field(
        default=None,
        examples=["community"],
        description="Of the cells or gaps; entities get their cell in it as a column.",
    )
    kind: _CodeText | None = Field(default=None, examples=[None], description="Entities or gaps of a kind.")
    cell: _CodeText | None = Field(
        default=None, examples=[None], description="Entities or gaps of a cell of the scheme, by its code."
    )
    severity: _CodeText | None = Field(default=None, examples=[None], description="Gaps of a severity.")
    run: Annotated[int, Field(ge=1, le=2**53)] | None = Field(
        default=None, examples=[None], description="Gaps of a run; the last one when not given."
    )
    reveal: bool = Field(
        default=False,
        examples=[False],
        description="Entities with their personal values, which are left out otherwise; needs the right, and "
        "each fetching of the file is audited.",
    )


@router.post(
    "",
    summary="Export a layer",
    status_code=202,
    response_model=schemas.Job,
    responses=problem_responses(404, 409),
)
@requires(Right.read, AreaPolicy.checked)
def create_export(body: ExportRequest, caller: Caller, write: IdempotentWriteDep) -> Response:
    """Write a layer of the caller's area into a file as a job; `/v1/exports/{job_id}/file` then has it."""
    if body.area_code is not None:
        caller.require_area(body.area_code)
    if body.reveal:
        caller.require_right(Right.reveal)
    parameters = _job_parameters(body, caller)

    def handler(session: Session) -> WriteResult:
        if body.scheme is not None:
            find_scheme(session, body.scheme)
        code = parameters.get("area_code")
        if code is not None and session.scalar(select(Area.id).where(Area.code == code)) is None:
            raise NotFoundError(f"There is no area '{code}'.")
        place = {"place": new_folder_name()}
        job = enqueue(session, "export", parameters | place, created_by=caller.label, area_code=code)
        audit(
            session,
            caller,
            Action.export,
            f"job {job.id}",
            area_code=code,
            layer=body.layer,
            personal=body.reveal,
        )
        return WriteResult(serialize_job(job), 202, location=f"/v1/jobs/{job.id}")

    return write(body, handler)


@router.get(
    "/{job_id}/file",
    summary="Fetch the file of an export",
    response_class=Response,
    responses={
        200: {
            "description": "The file, in the form that was asked for.",
            "content": {
                each.media_type.split(";")[0]: {"schema": {"type": "string", "format": "binary"}}
                for each in EXPORT_FORMATS.values()
            },
        },
        **problem_responses(404, 409),
    },
)
@requires(Right.read, AreaPolicy.checked)
def download_file(request: Request, job_id: ExportJobId, caller: Caller, database: DatabaseDep) -> Response:
    """Fetch the file of an export of the caller's ground; it expires, and parts of it can be asked for."""
    with database.read() as session:
        job = _find_finished_export(session, caller, job_id)
    path = export_path(request.app.state.uploads, job.parameters)
    if not path.is_file():
        raise NotFoundError(f"The file of export {job_id} is not kept any more; ask for it anew.")
    if job.parameters["reveal"]:
        rows = (job.result or {})["rows"]
        with database.write() as session:
            audit(
                session,
                caller,
                Action.reveal,
                f"{rows} entity",
                area_code=job.area_code,
                export=job_id,
                count=rows,
            )
    return FileResponse(
        path,
        media_type=EXPORT_FORMATS[job.parameters["format"]].media_type,
        filename=f"wangge-{path.stem}-{job_id}{path.suffix}",
    )


def _find_finished_export(session: Session, caller: Principal, job_id: int) -> Job:
    """Return the finished export of a caller's ground.

    Raises
    ------
    NotFoundError
        If there is none, it lies elsewhere, or its file has expired.
    ForbiddenError
        If it holds personal values and the caller may not see them.
    ConflictError
        If it has not ended well.
    """
    job = session.get(Job, job_id)
    if job is None or job.kind != "export" or not caller.covers(job.area_code):
        raise NotFoundError(f"There is no export number {job_id}.")
    if job.parameters["reveal"]:
        caller.require_right(Right.reveal)
    if job.state != JobState.done or job.result is None:
        raise ConflictError(f"Export {job_id} is {job.state}; there is a file when it is done.")
    if datetime.fromisoformat(job.result["expires_at"]) <= datetime.now(UTC):
        raise NotFoundError(f"The file of export {job_id} has expired; ask for it anew.")
    return job


def _job_parameters(body: ExportRequest, caller: Principal) -> dict[str, Any]:
    """Return what the job needs, bound to the caller's area.

    Raises
    ------
    InputError
        If a filter does not concern the layer, a scheme is wanting, or the box is none.
    """
    job_parameters = body.model_dump(mode="json", exclude_none=True)
    inapplicable = job_parameters.keys() - _FILTERS_BY_LAYER[body.layer] - {"layer", "format", "reveal"}
    if inapplicable:
        raise InputError(f"'{min(inapplicable)}' does not choose among {body.layer}; leave it out.")
    if body.reveal and body.layer != "entities":
        raise InputError(f"'reveal' is for entities; there is nothing personal in {body.layer}.")
    if body.scheme is None and (body.layer in _SCHEME_LAYERS or body.cell is not None):
        raise InputError("Cells and gaps belong to a scheme; name one.")
    if (bbox := parse_bbox(body.box)) is not None:
        job_parameters["box"] = list(bbox)
    if caller.area_code is not None:
        job_parameters.setdefault("area_code", caller.area_code)
    return job_parameters
