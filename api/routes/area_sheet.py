"""`/v1/areas/{code}/sheet`: a street or community with all that its sheet shows, in one answer."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.http.dependencies import DatabaseDep
from api.http.responses import json_response
from api.http.scheme_parameters import DayParam
from api.problems import problem_responses
from api.schemas.areas import AreaSheet, area_officer_record, area_sheet_record
from api.schemas.posts import level_records
from api.security.caller import Caller
from api.security.personal import Reveal, open_read_session
from api.security.principal import Right
from api.security.requirements import AreaPolicy, requires
from api.security.shown_officers import ShownOfficers
from layers.areas.queries import areas_beneath, find_area
from layers.entities.counts import count_in_area
from layers.gaps.analysis import area_outcomes
from layers.gaps.queries import count_gaps_in
from layers.gaps.runs import newest_run
from layers.plans.cell_queries import cell_totals
from layers.plans.schemes import find_scheme
from layers.snapshot import SnapshotHolder
from layers.staff.officers import officers_of_areas
from layers.staff.responsible import Responsibility, posts_at_areas

router = APIRouter(prefix="/v1/areas", tags=["areas"])


@router.get(
    "/{code}/sheet",
    summary="Read the sheet of an area",
    response_model=AreaSheet,
    responses=problem_responses(404, 422),
)
@requires(Right.read, AreaPolicy.checked)
def read_area_sheet(
    request: Request,
    code: str,
    caller: Caller,
    database: DatabaseDep,
    scheme: Annotated[str | None, Query(max_length=60, examples=["community"])] = None,
    at: DayParam = None,
    reveal: Reveal = False,
) -> Response:
    """Read an area on a day: its outline, who answers for it, its cells, what lies in it, and its gaps."""
    day = at or date.today()
    snapshots: SnapshotHolder = request.app.state.snapshots
    shown = ShownOfficers(caller, reveal=reveal)
    with open_read_session(database, caller, reveal=reveal) as session:
        area = find_area(session, code, caller.area_code, day)
        found = None if scheme is None else find_scheme(session, scheme)
        # A run of another part says nothing of this area.
        run = None if found is None else newest_run(session, found.id, code, until=day)
        gap_counts = None if run is None else count_gaps_in(session, code, run)
        officers = officers_of_areas(session, [code], day)
        chain = snapshots.current.areas_on(day).chain(code)
        at_areas = posts_at_areas(
            session, [each.code for each in chain], None if found is None else found.id, day
        )
        levels = Responsibility({}, at_areas, {}, {}).levels(None, chain)
        record = area_sheet_record(
            area,
            at=day,
            scheme=scheme,
            areas=chain[1:],
            beneath=areas_beneath(session, code, day),
            cells=None if found is None else cell_totals(session, found, day, code),
            counts=count_in_area(session, code, day),
            officers=[area_officer_record(each, shown.personal_of(each)) for each in officers],
            responsible=level_records(levels, shown.personal_of),
            run=run,
            gap_outcomes=area_outcomes(session, caller.area_code, run, code),
            gaps=gap_counts,
        )
        if reveal:
            shown.audit(session)
    return json_response(record)
