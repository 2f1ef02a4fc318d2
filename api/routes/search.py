"""`/v1/search`: cells, areas, entities, officers, roads, buildings by name, number, address; coordinates.

People are found by name only by those who may see names and ask to, which is audited.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.http.dependencies import DatabaseDep
from api.http.list_parameters import ListParams
from api.http.parameters import WholeNumber
from api.http.responses import json_response
from api.http.scheme_parameters import DayParam
from api.problems import problem_responses
from api.schemas.search import SearchAnswer, search_hit_record
from api.security.caller import Caller
from api.security.list_requests import list_request
from api.security.personal import Reveal, open_read_session
from api.security.principal import Right
from api.security.requirements import AreaPolicy, requires
from api.security.shown_officers import ShownOfficers
from gis.china import in_gcj02_outline
from gis.coordinates import parse_location
from gis.datum import Datum, convert_coordinates
from layers.lists.search import SearchResult, search
from layers.models import Entity, Officer
from layers.snapshot import SnapshotHolder

router = APIRouter(prefix="/v1", tags=["search"])


@router.get("/search", summary="Search", response_model=SearchAnswer, responses=problem_responses(404, 422))
@requires(Right.read, AreaPolicy.filtered)
def search_all(
    request: Request,
    caller: Caller,
    database: DatabaseDep,
    text: Annotated[
        str, Query(min_length=1, max_length=100, description="Words, or coordinates.", examples=["海滨路"])
    ],
    scheme: Annotated[
        str | None, Query(max_length=60, description="Whose cells are looked at.", examples=["community"])
    ] = None,
    at: DayParam = None,
    reveal: Reveal = False,
    limit: Annotated[WholeNumber, Query(ge=1, le=50, description="The most of each sort.", examples=[6])] = 6,
) -> Response:
    """Find what fits a text in the caller's area; names of the base map everywhere.

    With `reveal` residents and officers are found by their names and phones too.
    """
    snapshots: SnapshotHolder = request.app.state.snapshots
    shown = ShownOfficers(caller, reveal=reveal)
    params = ListParams(scheme, at, None, None, None, None, None, None, text, "zh")
    with open_read_session(database, caller, reveal=reveal) as session:
        found = search(session, list_request(params, caller, shown, personal=reveal), limit)
        areas = snapshots.current.areas_on(at)
        items = [search_hit_record(each, areas, _personal(each, shown, reveal=reveal)) for each in found]
        if reveal:
            sources = [each.source for each in found]
            shown.audit(session, [each.id for each in sources if isinstance(each, Entity) and each.personal])
    return json_response({"items": items, "locations": _read_locations(text)})


def _personal(found: SearchResult, shown: ShownOfficers, *, reveal: bool) -> Any:
    if isinstance(found.source, Officer):
        return shown.personal_of(found.source)
    return found.source.personal if reveal and isinstance(found.source, Entity) else None


def _read_locations(text: str) -> list[dict[str, Any]]:
    """Read a text as a location in each datum that it may be in."""
    written = parse_location(text)
    if written is None:
        return []
    datums = list(Datum) if bool(in_gcj02_outline(*written)) else [Datum.WGS84]
    readings = []
    for datum in datums:
        lon, lat = convert_coordinates(*written, datum, Datum.WGS84)
        readings.append({"datum": datum.value, "lon": round(float(lon), 7), "lat": round(float(lat), 7)})
    return readings
