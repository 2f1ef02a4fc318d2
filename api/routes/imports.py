"""`/v1/imports`: files of entities, areas and cells that come in as jobs."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from pydantic import Field
from starlette.responses import Response

from api import schemas
from api.http.idempotency import IdempotentWriteDep, WriteResult
from api.http.parameters import DAY_IS_MEANT
from api.jobs.job_requests import JobRequests, JobRequestsDep
from api.jobs.uploads import store_upload, upload_path
from api.problems import problem_responses
from api.schemas.jobs import job_record
from api.security.audit import Action, audit
from api.security.caller import Caller
from api.security.principal import Principal, Right
from api.security.requirements import AreaPolicy, requires
from gis.datum import Datum
from layers.days import require_near_day
from layers.db.database import Session
from layers.plans.schemes import find_scheme

router = APIRouter(prefix="/v1", tags=["jobs"])

IMPORT_PATHS = ("/v1/imports", "/v1/imports/areas", "/v1/imports/cells")
"""The paths that take files."""

UploadParam = Annotated[UploadFile, File(description="In one of the formats, known by its extension.")]
PersonalFields = Annotated[
    list[Annotated[str, Field(max_length=100)]] | None,
    Form(
        max_length=50, description="Fields that are personal beside those that are recognised.", examples=[[]]
    ),
]
ValidFrom = Annotated[date | None, Form(description="From when it holds; today when not given.")]
ConfirmForm = Annotated[bool, Form(description=DAY_IS_MEANT)]


class _ReceivedFile(schemas.RequestModel):
    """A file as it was received, by which a repeated request is recognised."""

    parameters: dict[str, Any]
    sha256: str


def _read_options(
    layer: Annotated[
        str | None, Form(max_length=200, description="Of a file that holds several.", examples=["cells"])
    ] = None,
    source_crs: Annotated[
        str | None,
        Form(
            pattern=r"^(EPSG:\d{4,6}|OGC:CRS84)$",
            description="Of a file that names no CRS, or a wrong one.",
            examples=["EPSG:4547"],
        ),
    ] = None,
    lon_field: Annotated[
        str | None, Form(max_length=100, description="Of a table, if not found.", examples=["lon"])
    ] = None,
    lat_field: Annotated[str | None, Form(max_length=100, examples=["lat"])] = None,
    encoding: Annotated[
        str | None,
        Form(max_length=40, description="Of a CSV or Shapefile, if not found.", examples=["gb18030"]),
    ] = None,
) -> dict[str, str | None]:
    """Return how a file is to be read, as the parameters of `layers.formats.read_layer`."""
    return {
        "layer": layer,
        "source_crs": source_crs,
        "lon_field": lon_field,
        "lat_field": lat_field,
        "encoding": encoding,
    }


ReadOptions = Annotated[dict[str, str | None], Depends(_read_options)]

FieldName = Annotated[
    str | None, Form(max_length=100, description="Of the file, if not found by its usual names.")
]
CodeField = Annotated[
    str | None,
    Form(
        max_length=100, description='Of the codes, if not found; "#" numbers the records.', examples=["WARD"]
    ),
]


def _import_day(on: date | None, confirm: bool) -> dict[str, Any]:
    """Return the day of an import as its job takes it; a far one is questioned first."""
    if on is None:
        return {}
    require_near_day(on, confirmed=confirm)
    return {"on": on.isoformat(), "confirm": confirm or None}


def _receive_file(
    request: Request,
    file: UploadFile,
    caller: Principal,
    write: IdempotentWriteDep,
    jobs: JobRequests,
    kind: str,
    options: dict[str, Any],
) -> Response:
    """Store a file and queue its import; a repeated request leaves no file."""
    as_table = options.get("units") is not None
    path = upload_path(request.app.state.uploads, file.filename, as_table=as_table)
    is_queued = False
    try:
        stored = store_upload(file.file, path)
        parameters = {key: value for key, value in options.items() if value is not None}

        def handler(session: Session) -> WriteResult:
            if "scheme" in parameters:
                find_scheme(session, parameters["scheme"])
            job = jobs.enqueue(session, caller, kind, {**parameters, "file": path.name}, caller.area_code)
            audit(session, caller, Action.import_, f"job {job.id}", kind=kind)
            return WriteResult(job_record(job), 202, location=f"/v1/jobs/{job.id}")

        response = write(_ReceivedFile(parameters=parameters, sha256=stored.sha256), handler)
        is_queued = "idempotency-replayed" not in response.headers
        return response
    finally:
        if not is_queued:
            path.unlink(missing_ok=True)


@router.post(
    "/imports",
    summary="Import entities",
    status_code=202,
    response_model=schemas.Job,
    responses=problem_responses(404, 409),
)
@requires(Right.record, AreaPolicy.filtered)
def import_entities(
    request: Request,
    caller: Caller,
    write: IdempotentWriteDep,
    jobs: JobRequestsDep,
    file: UploadParam,
    read_options: ReadOptions,
    kind: Annotated[str | None, Form(max_length=100, examples=["enterprise"])] = None,
    personal: PersonalFields = None,
    id_field: Annotated[str | None, Form(max_length=100, examples=["id"])] = None,
    datum: Annotated[Datum, Form()] = Datum.WGS84,
    on: ValidFrom = None,
    confirm: ConfirmForm = False,
) -> Response:
    """Import a file of entities as a job; records outside the caller's area are rejected with the reason."""
    options = {
        **read_options,
        "kind": kind,
        "id_field": id_field,
        "datum": datum.value,
        "personal": personal,
        **_import_day(on, confirm),
    }
    return _receive_file(request, file, caller, write, jobs, "import-entities", options)


@router.post(
    "/imports/areas",
    summary="Import areas",
    status_code=202,
    response_model=schemas.Job,
    responses=problem_responses(409),
)
@requires(Right.administer, AreaPolicy.unrestricted)
def import_areas(
    request: Request,
    caller: Caller,
    write: IdempotentWriteDep,
    jobs: JobRequestsDep,
    file: UploadParam,
    read_options: ReadOptions,
    code_field: CodeField = None,
    name_field: FieldName = None,
    level_field: FieldName = None,
    parent_field: FieldName = None,
    parents_from_children: Annotated[
        bool,
        Form(
            description="Make every parent the union of its children, where borders do not fit.",
            examples=[False],
        ),
    ] = False,
    number_merged: Annotated[
        bool,
        Form(
            description="Give merged communities the codes that the profile of a scheme has for such.",
            examples=[False],
        ),
    ] = False,
    dry_run: Annotated[
        bool, Form(description="Tell what would change and whom it concerns; write nothing.", examples=[True])
    ] = False,
    on: ValidFrom = None,
    confirm: ConfirmForm = False,
) -> Response:
    """Import a file of areas as they are from a day on, as a job; with those already there they must nest.

    Areas whose ground others of the file take end on that day. The result tells what changes, what ground
    goes where, and which plans, officers and accounts it concerns;
    `POST /v1/area-adjustments/{adjustment_id}/undo` takes it back.
    """
    options = {
        **read_options,
        "code_field": code_field,
        "name_field": name_field,
        "level_field": level_field,
        "parent_field": parent_field,
        "parents_from_children": parents_from_children or None,
        "number_merged": number_merged or None,
        "dry_run": dry_run or None,
        **_import_day(on, confirm),
    }
    return _receive_file(request, file, caller, write, jobs, "import-areas", options)


@router.post(
    "/imports/cells",
    summary="Import cells as a draft",
    status_code=202,
    response_model=schemas.Job,
    responses=problem_responses(404, 409),
)
@requires(Right.draft, AreaPolicy.checked)
def import_cells(
    request: Request,
    caller: Caller,
    write: IdempotentWriteDep,
    jobs: JobRequestsDep,
    file: UploadParam,
    read_options: ReadOptions,
    scheme: Annotated[str, Form(max_length=60, examples=["community"])],
    name: Annotated[str, Form(min_length=1, max_length=200, examples=["2026 spring"])],
    area_code: Annotated[str | None, Form(max_length=100, examples=["440305"])] = None,
    code_field: CodeField = None,
    name_field: FieldName = None,
    area_field: FieldName = None,
    personal: PersonalFields = None,
    units: Annotated[
        bool,
        Form(
            description="Under a scheme over units: the file is a table with the columns unit and cell, and "
            "maybe name, kind and area_code of the cell.",
            examples=[False],
        ),
    ] = False,
    units_on: Annotated[
        date | None, Form(description="The day whose units are meant; today when not given.")
    ] = None,
) -> Response:
    """Make a draft of a plan from a file of cells, or of units with their cells, as a job."""
    caller.require_area(area_code)
    options = {
        **read_options,
        "scheme": scheme,
        "name": name,
        "area_code": area_code,
        "code_field": code_field,
        "name_field": name_field,
        "area_field": area_field,
        "personal": personal,
        "units": units or None,
        "units_on": None if units_on is None else units_on.isoformat(),
    }
    return _receive_file(request, file, caller, write, jobs, "import-cells", options)
