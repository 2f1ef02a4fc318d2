"""`/v1/entities/{entity_id}/officers`: who answers for an enterprise or another entity on a day."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from api import schemas
from api.http.dependencies import DatabaseDep
from api.http.parameters import WholeNumber
from api.http.responses import json_response
from api.http.scheme_parameters import DayParam
from api.problems import problem_responses
from api.schemas.posts import level_records
from api.security.caller import Caller
from api.security.personal import Reveal, open_read_session
from api.security.principal import Right
from api.security.requirements import AreaPolicy, requires
from api.security.shown_officers import ShownOfficers
from layers.entities.lifecycle import find_entity
from layers.entities.responsible import responsible_for_entity
from layers.plans.schemes import find_scheme
from layers.snapshot import SnapshotHolder

router = APIRouter(prefix="/v1/entities", tags=["officers"])


@router.get(
    "/{entity_id}/officers",
    summary="Who answers for an entity",
    response_model=schemas.EntityOfficers,
    responses=problem_responses(404),
)
@requires(Right.read, AreaPolicy.checked)
def read_officers(
    request: Request,
    entity_id: Annotated[WholeNumber, Path(ge=1, le=2**53, examples=[17])],
    scheme: Annotated[str, Query(max_length=60, examples=["community"])],
    caller: Caller,
    database: DatabaseDep,
    at: DayParam = None,
    reveal: Reveal = False,
) -> Response:
    """Read who holds posts at the entity itself, at its cell in a scheme, and above, on a day."""
    day = at or date.today()
    snapshots: SnapshotHolder = request.app.state.snapshots
    shown = ShownOfficers(caller, reveal=reveal)
    with open_read_session(database, caller, reveal=reveal) as session:
        entity = find_entity(session, entity_id, caller.area_code)
        levels = responsible_for_entity(
            session,
            entity,
            find_scheme(session, scheme),
            day,
            snapshots.current.areas_on(day).chain,
            caller.area_code,
        )
        record = {
            "entity": entity_id,
            "scheme": scheme,
            "at": day,
            "responsible": level_records(levels, shown.personal_of),
        }
        if reveal:
            shown.audit(session)
    return json_response(record)
