"""Entities and their owners as they are answered."""

from datetime import date
from typing import Any

from pydantic import BaseModel, Field

from api.schemas.base import POINT


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
    reason: str | None = Field(examples=[None])
    valid_from: date = Field(examples=["2026-01-01"])
    valid_to: date | None = Field(examples=[None])
