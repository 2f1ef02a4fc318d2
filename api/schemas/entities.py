"""Entities and their owners as they are answered."""

from datetime import date
from typing import Any

from pydantic import BaseModel, Field

from api.http.responses import geojson_fragment
from api.schemas.base import POINT, build_record
from api.schemas.masking import mask_personal
from layers import models
from layers.entities import history


class Entity(BaseModel):
    """An enterprise, household, sensor, component or service point."""

    id: int = Field(examples=[17])
    kind: str = Field(examples=["enterprise"])
    external_id: str = Field(examples=["91440300MA5"])
    name: str | None = Field(examples=["Lighthouse Bakery"])
    class_name: str | None = Field(examples=["A"])
    area_code: str | None = Field(examples=["440305001001"])
    attributes: dict[str, Any] = Field(examples=[{"employees": 12}])
    personal: dict[str, Any] = Field(
        examples=[{"contact": "张*"}], description="Masked, unless revealed to one who may see it."
    )
    valid_from: date = Field(examples=["2026-01-01"])
    valid_to: date | None = Field(examples=[None])
    version: int = Field(examples=[1])
    geometry: dict[str, Any] | None = Field(examples=[POINT])


class NearbyEntity(Entity):
    """An entity near a place."""

    distance_m: float = Field(examples=[41.3])


class EntityOwner(BaseModel):
    """Which cell of a scheme an entity belonged to, from when to when."""

    scheme: str = Field(examples=["community"])
    cell_code: str | None = Field(examples=["440305001001001"])
    share: float = Field(examples=[1.0])
    method: str = Field(examples=["inside"])
    distance_m: float | None = Field(examples=[None])
    reason: str | None = Field(
        examples=[None], description="Why there is no cell; `forbidden`: it lies outside the caller's area."
    )
    valid_from: date = Field(examples=["2026-01-01"])
    valid_to: date | None = Field(examples=[None])


def entity_record(
    state: models.Entity | models.EntityVersion, entity: models.Entity, *, plain: bool = False
) -> dict[str, Any]:
    """Return a state of an entity as answered, with personal values masked unless they are to be plain."""
    return build_record(
        Entity,
        state,
        id=entity.id,
        kind=entity.kind,
        external_id=entity.external_id,
        personal=state.personal if plain else mask_personal(state.personal),
        geometry=geojson_fragment(state.geometry),
    )


def nearby_entity_record(entity: models.Entity, distance_m: float) -> dict[str, Any]:
    """Return an entity near a place, with its distance in metres, as it is answered."""
    return entity_record(entity, entity) | {"distance_m": round(distance_m, 3)}


def entity_owner_record(owner: history.EntityOwner) -> dict[str, Any]:
    """Return the owner of an entity as it is answered; a cell elsewhere is forbidden, as in `/v1/locate`."""
    hidden: dict[str, Any] = {}
    if owner.is_forbidden:
        hidden = {
            "cell_code": None,
            "share": 0.0,
            "method": "none",
            "distance_m": None,
            "reason": "forbidden",
        }
    return build_record(EntityOwner, owner.assignment, scheme=owner.scheme, **hidden)
