"""`/v1/entities/nearest`: the entities of a kind that are nearest to a place, in the caller's area.

Where they are is answered from memory by `layers.entities.live_index`; what is told of each is read as
`api.routes.entities` does.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy import select
from starlette.responses import Response

from api import schemas
from api.http.dependencies import Store
from api.http.pagination import Page
from api.http.responses import Form, as_geojson, listing
from api.problems import answers
from api.routes.entities import entity_record
from api.security.area_scope import within
from api.security.caller import Caller
from api.security.principal import Right
from api.security.requirements import Ground, access
from layers.db.bulk import among
from layers.entities.live_index import LiveEntities
from layers.models import Entity

router = APIRouter(prefix="/v1/entities", tags=["entities"])


def _live(request: Request) -> LiveEntities:
    found: LiveEntities = request.app.state.live_entities
    return found


@router.get(
    "/nearest",
    summary="Find the nearest entities",
    response_model=Page[schemas.NearEntity],
    responses=answers(),
)
@access(Right.read, Ground.filtered)
def nearest(
    request: Request,
    caller: Caller,
    store: Store,
    live: Annotated[LiveEntities, Depends(_live)],
    lon: Annotated[float, Query(ge=-180, le=180, examples=[114.05])],
    lat: Annotated[float, Query(ge=-90, le=90, examples=[22.55])],
    kind: Annotated[str, Query(min_length=1, max_length=100, examples=["sensor"])],
    k: Annotated[int, Query(ge=1, le=100, description="How many.", examples=[5])] = 10,
    within_m: Annotated[
        float | None, Query(ge=0, le=1e7, description="Only up to so many metres.", examples=[500.0])
    ] = None,
    f: Form = None,
) -> Response:
    """Find the entities of a kind nearest to a place, the nearest first, by metres along the ellipsoid.

    To a line or polygon it is the distance to its nearest place, 0 inside. `next` is always null.
    """
    index = live.of(kind)
    found = index.nearest(lon, lat, k, within_m=within_m, covered=caller.covered)
    with store.read() as session:
        asked = select(Entity).where(
            among(session, Entity.id, [each.id for each in found]),
            Entity.valid_to.is_(None),
            within(Entity.area_code, caller),
        )
        known = {entity.id: entity for entity in session.scalars(asked)}
    listed = [
        {**entity_record(known[each.id], known[each.id]), "distance_m": round(each.distance_m, 3)}
        for each in found
        if each.id in known
    ]
    return listing(listed, geojson=as_geojson(request, f))
