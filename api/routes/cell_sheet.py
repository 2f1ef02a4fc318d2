"""`/v1/schemes/{scheme}/cells/{code}`: a cell in force with all that its sheet shows, in one answer.

Names of officers and what is personal of the cell are masked unless the caller may see them and asks to; each
time is audited.
"""

from datetime import date

from fastapi import APIRouter, Request
from starlette.responses import Response

from api import schemas
from api.http.conditional import IfNoneMatch, make_etag
from api.http.dependencies import DatabaseDep
from api.http.responses import json_response
from api.http.scheme_parameters import CellCode, DayParam, SchemeCode
from api.problems import problem_responses
from api.schemas.cells import cell_officer_record, cell_sheet_record
from api.schemas.posts import level_records
from api.security.caller import Caller
from api.security.personal import Reveal, audit_reveal, open_read_session
from api.security.principal import Right
from api.security.requirements import AreaPolicy, requires
from api.security.shown_officers import ShownOfficers
from layers.db.database import current_state
from layers.entities.measures import measure_cell
from layers.gaps.analysis import cell_outcomes
from layers.gaps.queries import gaps_of_cell
from layers.plans.cell_queries import find_cell
from layers.plans.schemes import find_scheme
from layers.plans.units import cells_of_unit, units_of_cell
from layers.snapshot import SnapshotHolder
from layers.staff.responsible import read_responsibility
from layers.tilesets import count_by_kind

router = APIRouter(prefix="/v1", tags=["cells"])

_MAX_LISTED = 100


@router.get(
    "/schemes/{scheme}/cells/{code}",
    summary="Read the sheet of a cell",
    response_model=schemas.CellSheet,
    responses=problem_responses(404, 422),
)
@requires(Right.read, AreaPolicy.checked)
def read_sheet(
    request: Request,
    scheme: SchemeCode,
    code: CellCode,
    caller: Caller,
    database: DatabaseDep,
    at: DayParam = None,
    reveal: Reveal = False,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Read a cell in force on a day: its place, who answers for it, what belongs to it, what is missing."""
    day = at or date.today()
    snapshots: SnapshotHolder = request.app.state.snapshots
    shown = ShownOfficers(caller, reveal=reveal)
    with open_read_session(database, caller, reveal=reveal) as session:
        found = find_scheme(session, scheme)
        cell = find_cell(session, found, code, day, caller.area_code)
        run, gaps = gaps_of_cell(session, caller.area_code, found, cell, until=day, limit=_MAX_LISTED)
        counts = count_by_kind(session, found.id, day, code)
        areas = snapshots.current.area_timeline.chain(cell.area_code, cell.geometry, day)
        answerable = read_responsibility(session, found.id, [code], [each.code for each in areas], day)
        held = answerable.cells.get(code, ())[:_MAX_LISTED]
        record = cell_sheet_record(
            cell,
            scheme=scheme,
            at=day,
            areas=areas,
            counts=counts,
            measures=measure_cell(cell, counts),
            units=units_of_cell(session, cell.id)[:_MAX_LISTED],
            unit_of=cells_of_unit(session, found, code, day, caller.area_code),
            officers=[
                cell_officer_record(each, plain=reveal and caller.covers(each.officer.area_code))
                for each in held
            ],
            responsible=level_records(answerable.levels((code, cell.name), areas), shown.personal_of),
            gap_run=run,
            gap_outcomes=cell_outcomes(session, caller.area_code, run, code),
            gaps=gaps,
            plain=reveal,
        )
        if reveal:
            shown.audit(session)
            audit_reveal(session, caller, "cell", [cell.id] if cell.personal else [])
        state = current_state(session)
    # A reveal is never answered from what the caller has already: it must be audited.
    etag = make_etag(state, caller.area_code, cell.id, {**record, "geometry": None})
    return json_response(record, etag=etag, if_none_match=None if reveal else if_none_match)
