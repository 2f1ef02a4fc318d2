"""`/v1/entities`: what belongs to cells, one by one; files of entities come in through `/v1/imports`."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field
from starlette.responses import Response

from api import schemas
from api.http.conditional import IfMatchVersion, IfNoneMatch
from api.http.dependencies import DatabaseDep, SettingsDep
from api.http.idempotency import IdempotentWriteDep, WriteResult
from api.http.pagination import FeaturePageDep, Page
from api.http.parameters import DAY_IS_MEANT, ConfirmField, WholeNumber, parse_geometry
from api.http.responses import list_response
from api.problems import problem_responses
from api.schemas.base import POINT
from api.schemas.entities import entity_owner_record, entity_record
from api.security.audit import audited_result
from api.security.caller import Caller
from api.security.personal import Reveal, list_personal, read_personal
from api.security.principal import Principal, Right
from api.security.requirements import AreaPolicy, requires
from gis.errors import InputError
from layers.db.database import Session
from layers.entities import queries
from layers.entities.history import visible_owners, visible_states
from layers.entities.lifecycle import create_entity, end_entity, find_entity, update_entity
from layers.entities.queries import CellKey
from layers.models import Entity
from layers.plans.schemes import find_scheme

router = APIRouter(prefix="/v1/entities", tags=["entities"])

EntityId = Annotated[WholeNumber, Path(ge=1, le=2**53, examples=[17])]
ShortText = Annotated[str, Field(max_length=500)]


class EntityChanges(schemas.RequestModel):
    """What can be changed of an entity; what is not given stays."""

    name: ShortText | None = Field(default=None, examples=["Lighthouse Bakery"])
    class_name: ShortText | None = Field(default=None, examples=["A"])
    attributes: dict[str, Any] = Field(default_factory=dict, examples=[{"employees": 12}])
    personal: dict[str, Any] = Field(default_factory=dict, examples=[{"contact": "张伟"}])
    geometry: dict[str, Any] | None = Field(
        default=None, examples=[POINT], description="GeoJSON, longitude and latitude in WGS 84."
    )
    on: date | None = Field(
        default=None, examples=["2026-01-01"], description="From when; today when not given."
    )
    confirm: ConfirmField = False


class NewEntity(EntityChanges):
    """An entity to create."""

    kind: Annotated[str, Field(min_length=1, max_length=100)] = Field(examples=["enterprise"])
    external_id: Annotated[str, Field(min_length=1, max_length=200)] = Field(examples=["91440300MA5"])


def _to_record(entity: Entity, plain: bool = False) -> dict[str, Any]:
    return entity_record(entity, entity, plain=plain)


def _result(session: Session, caller: Principal, entity: Entity, **details: Any) -> WriteResult:
    return audited_result(
        session, caller, f"entity {entity.id}", entity.area_code, _to_record(entity), **details
    )


@router.get(
    "", summary="List entities", response_model=Page[schemas.Entity], responses=problem_responses(404)
)
@requires(Right.read, AreaPolicy.filtered)
def list_entities(
    caller: Caller,
    database: DatabaseDep,
    page: FeaturePageDep,
    kind: Annotated[str | None, Query(max_length=100, examples=["enterprise"])] = None,
    area_code: Annotated[str | None, Query(max_length=100, examples=["440305001001"])] = None,
    scheme: Annotated[str | None, Query(max_length=60, examples=["community"])] = None,
    cell: Annotated[str | None, Query(max_length=100, examples=["440305001001001"])] = None,
    text: Annotated[str | None, Query(max_length=100, description="Part of name or identity.")] = None,
    ended: Annotated[bool, Query(description="Also those that have ended.")] = False,
    reveal: Reveal = False,
) -> Response:
    """List the entities of the caller's area in the order in which they were made."""
    if (cell is None) != (scheme is None):
        raise InputError("A cell is named together with its scheme.")

    def find(session: Session) -> tuple[Sequence[Entity], str | None]:
        key = None
        if cell is not None and scheme is not None:
            key = CellKey(find_scheme(session, scheme).id, cell)
        return queries.list_entities(
            session,
            page,
            caller.area_code,
            kind=kind,
            area_code=area_code,
            cell=key,
            text=text,
            ended=ended,
        )

    return list_personal(database, caller, "entity", find, _to_record, reveal=reveal, geojson=page.geojson)


@router.post(
    "",
    summary="Create an entity",
    status_code=201,
    response_model=schemas.Entity,
    responses=problem_responses(409),
)
@requires(Right.record, AreaPolicy.checked)
def create(body: NewEntity, caller: Caller, settings: SettingsDep, write: IdempotentWriteDep) -> Response:
    """Create an entity, and assign it to its cell in every scheme."""
    geometry = parse_geometry(body.geometry, settings.vertices)

    def handler(session: Session) -> WriteResult:
        made = create_entity(
            session,
            body.kind,
            body.external_id,
            name=body.name,
            class_name=body.class_name,
            attributes=body.attributes,
            personal=body.personal,
            geometry=geometry,
            on=body.on,
            confirmed=body.confirm,
            scope=caller.area_code,
        )
        return _result(session, caller, made, location=f"/v1/entities/{made.id}", created=True)

    return write(body, handler)


@router.get(
    "/{entity_id}", summary="Read an entity", response_model=schemas.Entity, responses=problem_responses(404)
)
@requires(Right.read, AreaPolicy.checked)
def read_entity(
    entity_id: EntityId,
    caller: Caller,
    database: DatabaseDep,
    reveal: Reveal = False,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Read one entity in its present state, also when it has ended."""
    return read_personal(
        database,
        caller,
        "entity",
        lambda session: find_entity(session, entity_id, caller.area_code),
        _to_record,
        reveal=reveal,
        if_none_match=if_none_match,
    )


@router.get(
    "/{entity_id}/history",
    summary="Read the states of an entity",
    response_model=Page[schemas.Entity],
    responses=problem_responses(404),
)
@requires(Right.read, AreaPolicy.checked)
def list_states(entity_id: EntityId, caller: Caller, database: DatabaseDep) -> Response:
    """Read the states of an entity in the caller's area, the oldest first; personal values masked."""
    with database.read() as session:
        entity = find_entity(session, entity_id, caller.area_code)
        states = visible_states(session, entity, caller.area_code)
        return list_response([entity_record(state, entity) for state in states])


@router.get(
    "/{entity_id}/owners",
    summary="Read the cells of an entity",
    response_model=Page[schemas.EntityOwner],
    responses=problem_responses(404),
)
@requires(Right.read, AreaPolicy.checked)
def list_owners(entity_id: EntityId, caller: Caller, database: DatabaseDep) -> Response:
    """Read which cells the entity belonged to while it lay in the caller's area, by scheme and time."""
    with database.read() as session:
        entity = find_entity(session, entity_id, caller.area_code)
        owners = visible_owners(session, entity, caller.area_code)
        return list_response([entity_owner_record(owner) for owner in owners])


@router.patch(
    "/{entity_id}",
    summary="Change an entity",
    response_model=schemas.Entity,
    responses=problem_responses(404, 409, 412, 428),
)
@requires(Right.record, AreaPolicy.checked)
def change(
    entity_id: EntityId,
    body: EntityChanges,
    version: IfMatchVersion,
    caller: Caller,
    settings: SettingsDep,
    write: IdempotentWriteDep,
) -> Response:
    """Change an entity: the state it had is kept, and its cells are found again."""
    changes = {name: getattr(body, name) for name in body.model_fields_set - {"on", "confirm", "geometry"}}
    if "geometry" in body.model_fields_set:
        changes["geometry"] = parse_geometry(body.geometry, settings.vertices)

    def handler(session: Session) -> WriteResult:
        entity = update_entity(
            session,
            entity_id,
            version,
            changes,
            on=body.on,
            confirmed=body.confirm,
            scope=caller.area_code,
        )
        return _result(session, caller, entity, changed=sorted(changes))

    return write(body, handler)


@router.delete(
    "/{entity_id}",
    summary="End an entity",
    response_model=schemas.Entity,
    responses=problem_responses(404, 409, 412, 428),
)
@requires(Right.record, AreaPolicy.checked)
def end(
    entity_id: EntityId,
    version: IfMatchVersion,
    caller: Caller,
    write: IdempotentWriteDep,
    on: Annotated[date | None, Query(description="The day on which it ends; today when not given.")] = None,
    confirm: Annotated[bool, Query(description=DAY_IS_MEANT)] = False,
) -> Response:
    """End an entity; its history stays."""

    def handler(session: Session) -> WriteResult:
        entity = end_entity(session, entity_id, version, on=on, confirmed=confirm, scope=caller.area_code)
        return _result(session, caller, entity, ended=True)

    return write(None, handler)
