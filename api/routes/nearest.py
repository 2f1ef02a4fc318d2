"""`/v1/entities/nearest`: the entities of a kind that are nearest to a place, in the caller's area."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from api import schemas
from api.http.dependencies import DatabaseDep
from api.http.pagination import Page
from api.http.parameters import DecimalNumber, FormatParam, LatParam, LonParam, WholeNumber, wants_geojson
from api.http.responses import list_response
from api.problems import problem_responses
from api.schemas.entities import nearby_entity_record
from api.security.caller import Caller
from api.security.principal import Right
from api.security.requirements import AreaPolicy, requires
from layers.entities.live_index import LiveEntityIndexes
from layers.entities.queries import read_present

router = APIRouter(prefix="/v1/entities", tags=["entities"])


def _get_live_entities(request: Request) -> LiveEntityIndexes:
    found: LiveEntityIndexes = request.app.state.live_entities
    return found


@router.get(
    "/nearest",
    summary="Find the nearest entities",
    response_model=Page[schemas.NearbyEntity],
    responses=problem_responses(),
)
@requires(Right.read, AreaPolicy.filtered)
def find_nearest(
    request: Request,
    caller: Caller,
    database: DatabaseDep,
    live: Annotated[LiveEntityIndexes, Depends(_get_live_entities)],
    lon: LonParam,
    lat: LatParam,
    kind: Annotated[str, Query(min_length=1, max_length=100, examples=["sensor"])],
    k: Annotated[WholeNumber, Query(ge=1, le=100, description="How many.", examples=[5])] = 10,
    within_m: Annotated[
        DecimalNumber | None, Query(ge=0, le=1e7, description="Only up to so many metres.", examples=[500.0])
    ] = None,
    f: FormatParam = None,
) -> Response:
    """Find the entities of a kind nearest to a place, the nearest first, by metres along the ellipsoid.

    To a line or polygon it is the distance to its nearest place, 0 inside. `next` is always null.
    """
    found = live.for_kind(kind).nearest(lon, lat, k, within_m=within_m, area_codes=caller.covered)
    with database.read() as session:
        entities = read_present(session, [each.id for each in found], caller.area_code)
        records = [
            nearby_entity_record(entities[each.id], each.distance_m) for each in found if each.id in entities
        ]
    return list_response(records, geojson=wants_geojson(request, f))
