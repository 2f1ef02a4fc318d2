"""`/v1/exports`: a layer of the database as a file, made by a job and fetched while it is kept."""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request
from pydantic import Field
from starlette.responses import Response

from api import schemas
from api.http.dependencies import DatabaseDep
from api.http.guarded_file import GuardedFile
from api.http.idempotency import IdempotentWriteDep, WriteResult
from api.http.parameters import WholeNumber
from api.jobs.export_files import EXPORT_FORMATS
from api.jobs.export_requests import export_parameters, find_export, finished_export
from api.jobs.job_requests import JobRequestsDep
from api.messages import caller_language
from api.problems import problem_responses
from api.schemas.jobs import job_record
from api.security.audit import Action, audit
from api.security.auth_middleware import authenticate
from api.security.caller import Caller, require_own_site
from api.security.principal import Right
from api.security.requirements import AreaPolicy, requires
from gis.errors import NotFoundError
from layers.areas.queries import find_area
from layers.db.database import Session
from layers.plans.schemes import find_scheme

router = APIRouter(prefix="/v1/exports", tags=["exports"])

ExportJobId = Annotated[WholeNumber, Path(ge=1, le=2**53, description="The job of the export.", examples=[3])]
_RECORD_NAMES = {"cells": "cell", "entities": "entity", "officers": "officer"}
_CodeText = Annotated[str, Field(max_length=100)]


class ExportRequest(schemas.RequestModel):
    """A layer to export; what is not given does not restrict."""

    layer: Literal["areas", "cells", "entities", "gaps", "officers"] = Field(examples=["cells"])
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
        description="Of the cells or gaps; entities get their cell in it as a column, officers their posts.",
    )
    kind: _CodeText | None = Field(default=None, examples=[None], description="Entities or gaps of a kind.")
    cell: _CodeText | None = Field(
        default=None, examples=[None], description="Entities or gaps of a cell of the scheme, by its code."
    )
    severity: _CodeText | None = Field(default=None, examples=[None], description="Gaps of a severity.")
    run: Annotated[WholeNumber, Field(ge=1, le=2**53)] | None = Field(
        default=None, examples=[None], description="Gaps of a run; the last one when not given."
    )
    language: Literal["zh", "en"] | None = Field(
        default=None,
        examples=["zh"],
        description="Of the sentences of gaps; that of Accept-Language if not given.",
    )
    reveal: bool = Field(
        default=False,
        examples=[False],
        description="Entities, cells or officers with their personal values, which are left out otherwise; "
        "needs the right, and each fetching of the file is audited.",
    )


@router.post(
    "",
    summary="Export a layer",
    status_code=202,
    response_model=schemas.Job,
    responses=problem_responses(404, 409),
)
@requires(Right.read, AreaPolicy.checked)
def create_export(
    body: ExportRequest, caller: Caller, write: IdempotentWriteDep, jobs: JobRequestsDep
) -> Response:
    """Write a layer of the caller's area into a file as a job; `/v1/exports/{job_id}/file` then has it."""
    if body.area_code is not None:
        caller.require_area(body.area_code)
    if body.reveal:
        caller.require_right(Right.reveal)
    parameters = export_parameters(body.model_dump(mode="json", exclude_none=True), caller.area_code)
    parameters.setdefault("language", caller_language())

    def handler(session: Session) -> WriteResult:
        if body.scheme is not None:
            find_scheme(session, body.scheme)
        code = parameters.get("area_code")
        if body.area_code is not None:
            find_area(session, body.area_code, on=body.on)
        job = jobs.enqueue(session, caller, "export", parameters, code)
        audit(
            session,
            caller,
            Action.export,
            f"job {job.id}",
            area_code=code,
            layer=body.layer,
            personal=body.reveal,
        )
        return WriteResult(job_record(job), 202, location=f"/v1/jobs/{job.id}")

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
    """Fetch the file of an export of the caller's area until it expires; ranges of it can be asked for."""
    with database.read() as session:
        job = find_export(session, job_id, caller.area_code)
    if job.parameters["reveal"]:
        caller.require_right(Right.reveal)
        require_own_site(request.scope)
    path, rows = finished_export(request.app.state.uploads, job)
    if job.parameters["reveal"]:
        with database.write() as session:
            audit(
                session,
                caller,
                Action.reveal,
                f"{rows} {_RECORD_NAMES[job.parameters['layer']]}",
                area_code=job.area_code,
                export=job_id,
                count=rows,
            )

    async def require_access() -> None:
        present = await authenticate(request.scope, request.app.state.credentials)
        present.require_right(Right.reveal if job.parameters["reveal"] else Right.read)
        if not present.covers(job.area_code):
            raise NotFoundError(f"There is no export number {job_id}.")

    return GuardedFile(
        path,
        require_access,
        media_type=EXPORT_FORMATS[job.parameters["format"]].media_type,
        filename=f"wangge-{path.stem}-{job_id}{path.suffix}",
    )
