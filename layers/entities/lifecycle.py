"""Entities one by one: created, changed and ended; former states are kept and cells assigned again."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

import numpy as np
import shapely
from sqlalchemy import case, func, insert, select, update
from sqlalchemy.orm import Session

from gis.errors import ConflictError, InputError, NotFoundError, StaleError
from layers.areas.locator import AreaLocator
from layers.areas.scope import require_within, within
from layers.days import require_near_day
from layers.db.bbox import BBox
from layers.db.bulk import id_in
from layers.db.content_hash import hash_entity
from layers.db.database import bump_revision
from layers.fields.personal import is_personal, is_personal_identity, separate_entity
from layers.models import Entity, EntityVersion
from layers.plans.assignments import update_assignments
from layers.staff.posts import end_posts_at

UPDATABLE_FIELDS = frozenset({"name", "class_name", "attributes", "personal", "geometry"})
"""What `update_entity` may change: kind and external_id are the identity, the area follows the location."""

_VERSION_COLUMNS = (
    "name",
    "class_name",
    "area_code",
    "attributes",
    "personal",
    "valid_from",
    "version",
    "geometry",
)
_NUL = "\0"


def create_entity(
    session: Session,
    kind: str,
    external_id: str,
    *,
    name: str | None = None,
    class_name: str | None = None,
    attributes: Mapping[str, Any] | None = None,
    personal: Mapping[str, Any] | None = None,
    geometry: shapely.Geometry | None = None,
    on: date | None = None,
    confirmed: bool = False,
    scope: str | None = None,
) -> Entity:
    """Create an entity, give it the area it lies in and assign it in every scheme.

    Parameters
    ----------
    session
        Of `Database.write`.
    kind, external_id
        The identity.
    name, class_name, attributes, personal
        What is known of it. What is personal among the others is kept with the personal values.
    geometry
        EPSG:4326, or None where the location is not known; an empty one counts as None.
    on
        The date from which it is there; today when not given.
    confirmed
        The day is meant, however far from today it is.
    scope
        The area that it must lie in; None for anywhere.

    Raises
    ------
    InputError
        If kind or identity are empty, the identity is an identity number of a person, a value cannot be
        kept, or the date is far from today and not confirmed.
    ForbiddenError
        If the entity, or another with this identity, lies outside the scope.
    ConflictError
        If there is or was an entity with this identity.
    """
    day = require_near_day(on, confirmed=confirmed)
    kind, external_id = kind.strip(), external_id.strip()
    if not kind or not external_id:
        raise InputError("An entity needs a kind and an identity.")
    if is_personal_identity(external_id, kind):
        raise InputError("The external_id holds an identity number of a person; give one that names nobody.")
    place = _validate_geometry(geometry)
    area_code = _locate_area(session, place)
    # The area first: who may not write there learns nothing of what is there.
    require_within(session, area_code, scope)
    existing = select(Entity).where(Entity.kind == kind, Entity.external_id == external_id)
    if (found := session.scalar(existing)) is not None:
        require_within(session, found.area_code, scope)
        raise ConflictError(f"The {kind} '{external_id}' is there already.")
    entity = Entity(
        kind=kind,
        external_id=external_id,
        area_code=area_code,
        geometry=place,
        valid_from=day,
        valid_to=None,
        version=1,
        **separate_entity(kind, name, class_name, attributes or {}, personal or {})._asdict(),
    )
    _set_content_hash(entity)
    session.add(entity)
    _finish_write(session, entity, day)
    return entity


def find_entity(session: Session, entity_id: int, scope: str | None = None) -> Entity:
    """Return an entity in its present state, ended or not.

    Parameters
    ----------
    scope
        The area that it must lie in; None for anywhere.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    entity = session.scalar(select(Entity).where(Entity.id == entity_id, within(Entity.area_code, scope)))
    if entity is None:
        raise NotFoundError(f"There is no entity number {entity_id}.")
    return entity


def update_entity(
    session: Session,
    entity_id: int,
    version: int,
    changes: Mapping[str, Any],
    *,
    on: date | None = None,
    confirmed: bool = False,
    scope: str | None = None,
) -> Entity:
    """Change an entity: the state it had is kept, the new one begins on a date.

    Parameters
    ----------
    session
        Of `Database.write`.
    entity_id
        Of the entity.
    version
        The version that the change is based on.
    changes
        New values for some of `UPDATABLE_FIELDS`; attributes and personal values are replaced as a whole.
        What is personal in the others replaces the personal value of its name. Changes that change nothing
        make no version.
    on
        The date from which the new state holds; today when not given.
    confirmed
        The day is meant, however far from today it is.
    scope
        The area that the entity must lie in; None for anywhere.

    Raises
    ------
    InputError
        If another field is to be changed, a value cannot be kept, or the date is far from today and not
        confirmed.
    NotFoundError
        If there is no such entity.
    StaleError
        If the entity has another version by now.
    ConflictError
        If it has ended, or its present state begins after `on`.
    """
    not_updatable = set(changes) - UPDATABLE_FIELDS
    if not_updatable:
        raise InputError(
            f"The field '{min(not_updatable)}' of an entity cannot be changed; "
            f"{', '.join(sorted(UPDATABLE_FIELDS))} can."
        )
    day = require_near_day(on, confirmed=confirmed)
    entity = _lock_entity(session, entity_id, version, day, scope)
    new = _merge_changes(entity, changes)
    if hash_entity(**new) == hash_entity(
        entity.name, entity.class_name, entity.attributes, entity.personal, entity.geometry
    ):
        return entity
    archive_versions(session, [entity_id], day)
    session.refresh(entity)
    for field, value in new.items():
        setattr(entity, field, value)
    if "geometry" in changes:
        entity.area_code = _locate_area(session, entity.geometry)
        require_within(session, entity.area_code, scope)
    _set_content_hash(entity)
    _finish_write(session, entity, day)
    return entity


def _merge_changes(entity: Entity, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of an entity with changes to it."""
    given = separate_entity(
        entity.kind,
        changes.get("name"),
        changes.get("class_name"),
        changes.get("attributes", {}),
        changes.get("personal", {}),
    )
    personal = given.personal
    if "personal" not in changes:
        kept = {
            field: value
            for field, value in entity.personal.items()
            if not (field in changes and is_personal(field, value, entity.kind))
        }
        personal = kept | personal
    return {
        **{
            field: getattr(given if field in changes else entity, field)
            for field in ("name", "class_name", "attributes")
        },
        "personal": personal,
        "geometry": _validate_geometry(changes.get("geometry", entity.geometry)),
    }


def end_entity(
    session: Session,
    entity_id: int,
    version: int,
    *,
    on: date | None = None,
    confirmed: bool = False,
    scope: str | None = None,
) -> Entity:
    """End an entity on a date, with the posts at it; its history stays.

    Parameters, errors and return value are those of `update_entity`.
    """
    day = require_near_day(on, confirmed=confirmed)
    entity = _lock_entity(session, entity_id, version, day, scope)
    entity.valid_to = day
    entity.version += 1
    end_posts_at(session, "entity", [entity.id], day)
    _finish_write(session, entity, day)
    return entity


def archive_versions(session: Session, ids: Collection[int], on: date) -> None:
    """Copy the present states of entities into their histories, and begin the next version of each on a date.

    Parameters
    ----------
    on
        States that begin later than this end on the day they begin.
    """
    start = case((Entity.valid_from > on, Entity.valid_from), else_=on)
    columns = [getattr(Entity, name) for name in _VERSION_COLUMNS]
    states = select(Entity.id, *columns, func.coalesce(Entity.valid_to, start)).where(
        id_in(session, Entity.id, ids)
    )
    session.execute(insert(EntityVersion).from_select(["entity_id", *_VERSION_COLUMNS, "valid_to"], states))
    session.execute(
        update(Entity)
        .where(id_in(session, Entity.id, ids))
        .values(valid_from=start, valid_to=None, version=Entity.version + 1),
        execution_options={"synchronize_session": False},
    )


def _lock_entity(session: Session, entity_id: int, version: int, day: date, scope: str | None) -> Entity:
    """Return an entity for change, and keep others from changing it."""
    statement = select(Entity).where(Entity.id == entity_id, within(Entity.area_code, scope))
    entity = session.scalar(
        statement.with_for_update(key_share=True), execution_options={"populate_existing": True}
    )
    if entity is None:
        raise NotFoundError(f"There is no entity number {entity_id}.")
    if entity.version != version:
        raise StaleError(
            f"Entity number {entity_id} has changed since: it has version {entity.version}, not {version}."
        )
    if entity.valid_to is not None:
        raise ConflictError(f"Entity number {entity_id} has ended on {entity.valid_to}.")
    if entity.valid_from > day:
        raise ConflictError(f"Entity number {entity_id} has a state from {entity.valid_from}, after {day}.")
    return entity


def _finish_write(session: Session, entity: Entity, day: date) -> None:
    session.flush()
    update_assignments(session, day, [entity.id])
    bump_revision(session)
    session.refresh(entity)


def _set_content_hash(entity: Entity) -> None:
    for text in (entity.external_id, entity.name, entity.class_name):
        if text is not None and _NUL in text:
            raise InputError("Text of an entity holds a NUL character.")
    entity.content_hash = hash_entity(
        entity.name, entity.class_name, entity.attributes, entity.personal, entity.geometry
    )


def _validate_geometry(geometry: shapely.Geometry | None) -> shapely.Geometry | None:
    if geometry is None or shapely.is_empty(geometry):
        return None
    west, south, east, north = shapely.bounds(geometry)
    if not (west >= -180 and south >= -90 and east <= 180 and north <= 90):
        raise InputError("The geometry is not in longitude and latitude, in degrees.")
    return shapely.force_2d(geometry)


def _locate_area(session: Session, geometry: shapely.Geometry | None) -> str | None:
    if geometry is None:
        return None
    geometries = np.array([geometry], dtype=object)
    found: str | None = AreaLocator(session, bbox=BBox(*shapely.bounds(geometry))).locate(geometries)[0]
    return found
