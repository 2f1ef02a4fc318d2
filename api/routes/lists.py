"""`/v1/lists`: entities, cells, gaps and what changed, each row with its cell, area and responsible person.

The same rows come as JSON in parts, and whole as an Excel workbook or CSV. Names of people are masked
unless the caller may see them and asks to; each time is audited.
"""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from api.http.dependencies import DatabaseDep
from api.http.list_parameters import ListParams, ListParamsDep
from api.http.parameters import WholeNumber
from api.http.responses import json_response
from api.http.tables import TABLE_RESPONSE, TableFormat, send_table
from api.problems import problem_responses
from api.schemas.lists import ListAnswer
from api.security.caller import Caller
from api.security.list_requests import list_request
from api.security.personal import Reveal, open_read_session
from api.security.principal import Principal, Right
from api.security.requirements import AreaPolicy, requires
from api.security.shown_officers import ShownOfficers
from gis.errors import LimitError, NotFoundError
from layers.lists import LISTS, MAX_ROWS, Listing
from layers.tilesets import TileSetStore, VisibleMeasures

router = APIRouter(prefix="/v1/lists", tags=["lists"])

ListName = Annotated[str, Path(max_length=40, examples=["entities"])]


@router.get(
    "/{name}.{form}",
    summary="Take a list away",
    response_class=Response,
    responses=TABLE_RESPONSE | problem_responses(404, 413, 422),
)
@requires(Right.read, AreaPolicy.filtered)
def download_list(
    http_request: Request,
    name: ListName,
    form: Annotated[TableFormat, Path(examples=["xlsx"])],
    params: ListParamsDep,
    caller: Caller,
    database: DatabaseDep,
    reveal: Reveal = False,
) -> Response:
    """Return all rows of a list as a file, at most 10,000; larger ones are exported by `POST /v1/exports`."""
    listing = _find_list(name)
    shown = ShownOfficers(caller, reveal=reveal)
    with open_read_session(database, caller, reveal=reveal) as session:
        cells = _cells_of_class(http_request, params, caller)
        request = list_request(params, caller, shown, personal=reveal, cells=cells)
        page = listing.read(session, request, MAX_ROWS, 0)
        if page.total > MAX_ROWS:
            raise LimitError(
                f"This list has {page.total:,} rows, and a file of it holds at most {MAX_ROWS:,}: narrow it "
                "by cell, area or kind, or export the layer with POST /v1/exports."
            )
        if reveal:
            shown.audit(session)
    columns = listing.table(page, params.lang)
    title = listing.title(params.lang)
    return send_table(columns, title, _file_name(listing, params), form)


@router.get(
    "/{name}", summary="Read a list", response_model=ListAnswer, responses=problem_responses(404, 422)
)
@requires(Right.read, AreaPolicy.filtered)
def read_list(
    http_request: Request,
    name: ListName,
    params: ListParamsDep,
    caller: Caller,
    database: DatabaseDep,
    reveal: Reveal = False,
    limit: Annotated[WholeNumber, Query(ge=1, le=1000, description="Rows of a part.", examples=[100])] = 100,
    offset: Annotated[WholeNumber, Query(ge=0, le=2**31, description="Rows before it.", examples=[0])] = 0,
) -> Response:
    """Return some rows of a list in its order, and how many there are."""
    listing = _find_list(name)
    shown = ShownOfficers(caller, reveal=reveal)
    with open_read_session(database, caller, reveal=reveal) as session:
        cells = _cells_of_class(http_request, params, caller)
        asked = list_request(params, caller, shown, personal=reveal, cells=cells)
        page = listing.read(session, asked, limit, offset)
        if reveal:
            shown.audit(session)
    columns = [
        {"key": each.key, "heading": each.heading(params.lang), "type": each.type} for each in listing.columns
    ]
    answer = {
        "name": name,
        "title": listing.title(params.lang),
        "columns": columns,
        "items": page.rows,
        "total": page.total,
        "most_rows": MAX_ROWS,
        "notes": page.notes,
    }
    return json_response(answer)


def _cells_of_class(request: Request, params: ListParams, caller: Principal) -> list[str] | None:
    """Return the codes of the cells whose measure lies within bounds; None where none is named."""
    if params.measure is None or params.scheme is None:
        return None
    tile_sets: TileSetStore = request.app.state.tile_sets
    tiles = tile_sets.get_or_build_cells(params.scheme, params.at, request.app.state.snapshots.current)
    visible = VisibleMeasures(tiles, caller.covered)
    return visible.codes_between(params.measure, params.above, params.up_to)


def _find_list(name: str) -> Listing:
    if name not in LISTS:
        raise NotFoundError(f"There is no list '{name}'; there are {', '.join(LISTS)}.")
    return LISTS[name]


def _file_name(listing: Listing, params: ListParams) -> str:
    """Name the file after the list, what it is of, and the day."""
    parts = (
        listing.title(params.lang),
        params.scheme,
        params.cell or params.area,
        params.kind or params.affected or params.measure,
        params.severity,
        (params.at or date.today()).isoformat(),
    )
    return "-".join(part for part in parts if part)
