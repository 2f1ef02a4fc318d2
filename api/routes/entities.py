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
from api.http.conditional import IfNoneMatch, Version
from api.http.dependencies import Settings, Store
from api.http.idempotency import Done, Writing
from api.http.pagination import Page, PagedFeatures, mentions
from api.http.responses import geometry_of, listing, reply, shape
from api.problems import answers
from api.schemas.base import POINT
from api.security.area_scope import within
from api.security.audit import Action, audit
from api.security.caller import Caller
from api.security.personal import Reveal, audit_reveal, masked, reading
from api.security.principal import Principal, Right
from api.security.requirements import Ground, access
from gis.errors import InputError, NotFoundError
from layers.entities.assignments import owner_history
from layers.entities.lifecycle import create_entity, end_entity, find_entity, history, update_entity
from layers.models import Assignment, Entity, EntityVersion, Scheme
from layers.plans.schemes import find_scheme

router = APIRouter(prefix="/v1/entities", tags=["entities"])

Number = Annotated[int, Path(ge=1, le=2**53, examples=[17])]
Text = Annotated[str, Field(max_length=500)]


class EntityChanges(schemas.Given):
    """What of an entity can be changed; what is not given stays."""

    name: Text | None = Field(default=None, examples=["Lighthouse Bakery"])
    class_name: Text | None = Field(default=None, examples=["A"])
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


def entity_record(entity: Entity | EntityVersion, identity: Entity, *, plain: bool = False) -> dict[str, Any]:
    """Return a state of an entity as it is answered, personal values masked unless they are to be plain."""
    return {
        "id": identity.id,
        "kind": identity.kind,
        "external_id": identity.external_id,
        "name": entity.name,
        "class_name": entity.class_name,
        "area_code": entity.area_code,
        "attributes": entity.attributes,
        "personal": entity.personal if plain else masked(entity.personal),
        "valid_from": entity.valid_from,
        "valid_to": entity.valid_to,
        "version": entity.version,
        "geometry": shape(entity.geometry),
    }


def _permitted(session: Session, caller: Principal, entity_id: int) -> Entity:
    entity = find_entity(session, entity_id)
    if not caller.covers(entity.area_code):
        raise NotFoundError(f"There is no entity number {entity_id}.")
    return entity


def _written(session: Session, caller: Principal, entity: Entity, **details: Any) -> Done:
    """Refuse an entity that now lies elsewhere; audit what was done to it, and answer with it."""
    caller.require_area(entity.area_code)
    audit(session, caller, Action.record, f"entity {entity.id}", area_code=entity.area_code, **details)
    status, location = (201, f"/v1/entities/{entity.id}") if "created" in details else (200, None)
    return Done(entity_record(entity, entity), status, entity.version, location)


@router.get("", summary="List entities", response_model=Page[schemas.Entity], responses=answers(404))
@access(Right.read, Ground.filtered)
def entities(
    caller: Caller,
    store: Store,
    asked: PagedFeatures,
    kind: Annotated[str | None, Query(max_length=100, examples=["enterprise"])] = None,
    area_code: Annotated[str | None, Query(max_length=100, examples=["440305001001"])] = None,
    scheme: Annotated[str | None, Query(max_length=60, examples=["community"])] = None,
    cell: Annotated[str | None, Query(max_length=100, examples=["440305001001001"])] = None,
    text: Annotated[str | None, Query(max_length=100, description="Part of name or identity.")] = None,
    ended: Annotated[bool, Query(description="Also those that have ended.")] = False,
    reveal: Reveal = False,
) -> Response:
    """List the entities of the caller's area in the order in which they were made."""
    with reading(store, caller, reveal=reveal) as session:
        chosen = asked.within(session, select(Entity).where(within(Entity.area_code, caller)), Entity)
        if not ended:
            chosen = chosen.where(Entity.valid_to.is_(None))
        if kind is not None:
            chosen = chosen.where(Entity.kind == kind)
        if area_code is not None:
            chosen = chosen.where(Entity.area_code == area_code)
        if text:
            chosen = chosen.where(mentions(text, Entity.name, Entity.external_id))
        if (cell is None) != (scheme is None):
            raise InputError("A cell is named together with its scheme.")
        if cell is not None and scheme is not None:
            owned = select(Assignment.entity_id).where(
                Assignment.scheme_id == find_scheme(session, scheme).id,
                Assignment.cell_code == cell,
                Assignment.valid_to.is_(None),
            )
            chosen = chosen.where(Entity.id.in_(owned))
        rows, follows = asked.rows(session, chosen, Entity.id)
        if reveal:
            audit_reveal(session, caller, "entity", [row.id for (row,) in rows if row.personal])
        return asked.answer([entity_record(row, row, plain=reveal) for (row,) in rows], follows)


@router.post(
    "",
    summary="Create an entity",
    status_code=201,
    response_model=schemas.Entity,
    responses=answers(409),
)
@access(Right.record, Ground.checked)
def create(given: NewEntity, caller: Caller, settings: Settings, once: Writing) -> Response:
    """Create an entity, and assign it to its cell in every scheme."""
    geometry = geometry_of(given.geometry, settings.vertices)

    def deed(session: Session) -> Done:
        made = create_entity(
            session,
            given.kind,
            given.external_id,
            name=given.name,
            class_name=given.class_name,
            attributes=given.attributes,
            personal=given.personal,
            geometry=geometry,
            on=given.on,
        )
        return _written(session, caller, made, created=True)

    return once(given, deed)


@router.get("/{entity_id}", summary="Read an entity", response_model=schemas.Entity, responses=answers(404))
@access(Right.read, Ground.checked)
def entity(
    entity_id: Number,
    caller: Caller,
    store: Store,
    reveal: Reveal = False,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Read one entity in its present state, also when it has ended."""
    with reading(store, caller, reveal=reveal) as session:
        found = _permitted(session, caller, entity_id)
        if reveal and found.personal:
            audit_reveal(session, caller, "entity", [entity_id])
        record, version = entity_record(found, found, plain=reveal), found.version
    etag = f'"{version}"'
    return reply(record, etag=etag, unless=None if reveal else if_none_match)


@router.get(
    "/{entity_id}/history",
    summary="Read the states of an entity",
    response_model=Page[schemas.Entity],
    responses=answers(404),
)
@access(Right.read, Ground.checked)
def states(entity_id: Number, caller: Caller, store: Store) -> Response:
    """Read the states of an entity in the caller's area, the oldest first; personal values masked."""
    with store.read() as session:
        found = _permitted(session, caller, entity_id)
        known: Sequence[Entity | EntityVersion] = history(session, entity_id)
        return listing([entity_record(each, found) for each in known if caller.covers(each.area_code)])


@router.get(
    "/{entity_id}/owners",
    summary="Read the cells of an entity",
    response_model=Page[schemas.Owner],
    responses=answers(404),
)
@access(Right.read, Ground.checked)
def owners(entity_id: Number, caller: Caller, store: Store) -> Response:
    """Read which cells the entity belonged to while it lay in the caller's area, by scheme and time."""
    with store.read() as session:
        _permitted(session, caller, entity_id)
        here = [each for each in history(session, entity_id) if caller.covers(each.area_code)]
        codes = {row.id: row.code for row in session.execute(select(Scheme.id, Scheme.code))}
        listed = [
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
            for each in owner_history(session, entity_id)
            if caller.everywhere or any(_meet(each, state) for state in here)
        ]
    return listing(listed)


def _meet(owner: Assignment, state: Entity | EntityVersion) -> bool:
    """Tell whether an entity had a state on a day on which it had an owner."""
    starts = max(owner.valid_from, state.valid_from)
    return all(end is None or starts < end for end in (owner.valid_to, state.valid_to))


@router.patch(
    "/{entity_id}",
    summary="Change an entity",
    response_model=schemas.Entity,
    responses=answers(404, 409, 412, 428),
)
@access(Right.record, Ground.checked)
def change(
    entity_id: Number,
    given: EntityChanges,
    version: Version,
    caller: Caller,
    settings: Settings,
    once: Writing,
) -> Response:
    """Change an entity: the state it had is kept, and its cells are found anew."""
    changes = {name: getattr(given, name) for name in given.model_fields_set - {"on", "geometry"}}
    if "geometry" in given.model_fields_set:
        changes["geometry"] = geometry_of(given.geometry, settings.vertices)

    def deed(session: Session) -> Done:
        _permitted(session, caller, entity_id)
        found = update_entity(session, entity_id, version, changes, on=given.on)
        return _written(session, caller, found, changed=sorted(changes))

    return once(given, deed)


@router.delete(
    "/{entity_id}",
    summary="End an entity",
    response_model=schemas.Entity,
    responses=answers(404, 409, 412, 428),
)
@access(Right.record, Ground.checked)
def end(
    entity_id: Number,
    version: Version,
    caller: Caller,
    once: Writing,
    on: Annotated[date | None, Query(description="From when it is no more; today when not given.")] = None,
) -> Response:
    """End an entity; its history stays."""

    def deed(session: Session) -> Done:
        _permitted(session, caller, entity_id)
        return _written(session, caller, end_entity(session, entity_id, version, on=on), ended=True)

    return once(None, deed)
