"""Areas as they are answered."""

from typing import Any

from pydantic import BaseModel, Field

from api.http.responses import geojson_fragment
from api.schemas.base import POLYGON, build_record
from layers import models


class Area(BaseModel):
    """An administrative area; geometry only when one area is asked for, or as GeoJSON."""

    id: int = Field(examples=[1])
    code: str = Field(examples=["440305"])
    name: str = Field(examples=["南山区"])
    level: str = Field(examples=["county"])
    parent: str | None = Field(examples=["4403"])
    geometry: dict[str, Any] | None = Field(default=None, examples=[POLYGON])


class AreaReference(BaseModel):
    """An area as it is named."""

    code: str = Field(examples=["440305"])
    name: str = Field(examples=["南山区"])
    level: str = Field(examples=["county"])


def area_record(area: models.Area, *, geometry: bool) -> dict[str, Any]:
    """Return an area as it is answered, with its geometry or without."""
    record = build_record(Area, area, geometry=geojson_fragment(area.geometry) if geometry else None)
    if not geometry:
        del record["geometry"]
    return record
