"""`/v1/entities`: what belongs to cells, one by one; files of them come through `/v1/imports`.

Personal values are masked unless the caller may see them and asks to; each time is audited.
"""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from api import schemas
from api.http.conditional import IfMatchVersion, IfNoneMatch
from api.http.dependencies import DatabaseDep, SettingsDep
from api.http.idempotency import IdempotentWriteDep, WriteResult
from api.http.pagination import FeaturePageDep, Page, contains_text
from api.http.responses import geojson_fragment, json_response, list_response, parse_geometry
from api.problems import problem_responses
from api.schemas.base import POINT
from api.security.area_scope import in_area_scope
from api.security.audit import Action, audit
from api.security.caller import Caller
from api.security.personal import Reveal, audit_reveal, mask_personal, open_read_session
from api.security.principal import Principal, Right
from api.security.requirements import AreaPolicy, requires
from gis.errors import InputError, NotFoundError
from layers.entities.lifecycle import create_entity, end_entity, entity_history, find_entity, update_entity
from layers.models import Assignment, Entity, EntityVersion, Scheme
from layers.plans.assignments import assignment_history
from layers.plans.schemes import find_scheme

router = APIRouter(prefix="/v1/entities", tags=["entities"])

EntityId = Annotated[int, Path(ge=1, le=2**53, examples=[17])]
ShortText = Annotated[str, Field(max_length=500)]


class EntityChanges(schemas.RequestModel):
    """What of an entity can be changed; what is not given stays."""

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


class NewEntity(EntityChanges):
    """An entity to create."""

    kind: Annotated[str, Field(min_length=1, max_length=100)] = Field(examples=["enterprise"])
    external_id: Annotated[str, Field(min_length=1, max_length=200)] = Field(examples=["91440300MA5"])


def serialize_entity(state: Entity | EntityVersion, entity: Entity, *, plain: bool = False) -> dict[str, Any]:
    """Return a state of an entity as it is answered, personal values masked unless they are to be plain."""
    return {
        "id": entity.id,
        "kind": entity.kind,
        "external_id": entity.external_id,
        "name": state.name,
        "class_name": state.class_name,
        "area_code": state.area_code,
        "attributes": state.attributes,
        "personal": state.personal if plain else mask_personal(state.personal),
        "valid_from": state.valid_from,
        "valid_to": state.valid_to,
        "version": state.version,
        "geometry": geojson_fragment(state.geometry),
    }


def _find_permitted(session: Session, caller: Principal, entity_id: int) -> Entity:
    entity = find_entity(session, entity_id)
    if not caller.covers(entity.area_code):
        raise NotFoundError(f"There is no entity number {entity_id}.")
    return entity


def _audited_result(session: Session, caller: Principal, entity: Entity, **details: Any) -> WriteResult:
    """Refuse an entity that now lies elsewhere; audit what was done to it, and answer with it."""
    caller.require_area(entity.area_code)
    audit(session, caller, Action.record, f"entity {entity.id}", area_code=entity.area_code, **details)
    status, location = (201, f"/v1/entities/{entity.id}") if "created" in details else (200, None)
    return WriteResult(serialize_entity(entity, entity), status, entity.version, location)


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
    with open_read_session(database, caller, reveal=reveal) as session:
        statement = page.filter_by_bbox(
            session, select(Entity).where(in_area_scope(Entity.area_code, caller)), Entity
        )
        if not ended:
            statement = statement.where(Entity.valid_to.is_(None))
        if kind is not None:
            statement = statement.where(Entity.kind == kind)
        if area_code is not None:
            statement = statement.where(Entity.area_code == area_code)
        if text:
            statement = statement.where(contains_text(text, Entity.name, Entity.external_id))
        if (cell is None) != (scheme is None):
            raise InputError("A cell is named together with its scheme.")
        if cell is not None and scheme is not None:
            owned = select(Assignment.entity_id).where(
                Assignment.scheme_id == find_scheme(session, scheme).id,
                Assignment.cell_code == cell,
                Assignment.valid_to.is_(None),
            )
            statement = statement.where(Entity.id.in_(owned))
        rows, next_cursor = page.fetch(session, statement, Entity.id)
        if reveal:
            audit_reveal(session, caller, "entity", [row.id for (row,) in rows if row.personal])
        return page.to_response([serialize_entity(row, row, plain=reveal) for (row,) in rows], next_cursor)


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
        )
        return _audited_result(session, caller, made, created=True)

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
    with open_read_session(database, caller, reveal=reveal) as session:
        found = _find_permitted(session, caller, entity_id)
        if reveal and found.personal:
            audit_reveal(session, caller, "entity", [entity_id])
        record, version = serialize_entity(found, found, plain=reveal), found.version
    etag = f'"{version}"'
    return json_response(record, etag=etag, if_none_match=None if reveal else if_none_match)


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
        found = _find_permitted(session, caller, entity_id)
        history_states: Sequence[Entity | EntityVersion] = entity_history(session, entity_id)
        return list_response(
            [serialize_entity(each, found) for each in history_states if caller.covers(each.area_code)]
        )


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
        _find_permitted(session, caller, entity_id)
        visible_states = [
            each for each in entity_history(session, entity_id) if caller.covers(each.area_code)
        ]
        codes = {row.id: row.code for row in session.execute(select(Scheme.id, Scheme.code))}
        items = [
            {
                "scheme": codes[each.scheme_id],
                "cell_code": each.cell_code,
                "share": each.share,
                "method": each.method,
                "distance_m": each.distance_m,
                "reason": each.reason,
                "valid_from": each.valid_from,
                "valid_to": each.valid_to,
            }
            for each in assignment_history(session, entity_id)
            if caller.is_unrestricted or any(_overlap(each, state) for state in visible_states)
        ]
    return list_response(items)


def _overlap(owner: Assignment, state: Entity | EntityVersion) -> bool:
    """Tell whether an entity had a state on a day on which it had an owner."""
    starts = max(owner.valid_from, state.valid_from)
    return all(end is None or starts < end for end in (owner.valid_to, state.valid_to))


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
    """Change an entity: the state it had is kept, and its cells are found anew."""
    changes = {name: getattr(body, name) for name in body.model_fields_set - {"on", "geometry"}}
    if "geometry" in body.model_fields_set:
        changes["geometry"] = parse_geometry(body.geometry, settings.vertices)

    def handler(session: Session) -> WriteResult:
        _find_permitted(session, caller, entity_id)
        found = update_entity(session, entity_id, version, changes, on=body.on)
        return _audited_result(session, caller, found, changed=sorted(changes))

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
    on: Annotated[date | None, Query(description="From when it is no more; today when not given.")] = None,
) -> Response:
    """End an entity; its history stays."""

    def handler(session: Session) -> WriteResult:
        _find_permitted(session, caller, entity_id)
        return _audited_result(session, caller, end_entity(session, entity_id, version, on=on), ended=True)

    return write(None, handler)
