"""What a search finds, as it is answered."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field

from api.schemas.base import build_record
from layers import models
from layers.lists.search import SearchResult
from layers.snapshot import AreaTree
from layers.staff.published import officer_name


class SearchHit(BaseModel):
    """Something that was found; what people are called is masked unless it is revealed."""

    type: str = Field(
        examples=["entity"], description="cell, area, entity, officer, or feature of the base map."
    )
    rank: int = Field(
        examples=[0], description="How well it fits: 0 for a name or code that is the text itself."
    )
    id: int | None = Field(examples=[17], description="By which an entity or officer is read.")
    code: str = Field(examples=["91440300MA5"], description="Code, identity, or number of an officer.")
    name: str | None = Field(examples=["Lighthouse Bakery"])
    kind: str | None = Field(
        examples=["enterprise"], description="Of an entity or feature; level of an area."
    )
    detail: str | None = Field(
        examples=["海滨路12号"], description="The address, or where else the text was found."
    )
    personal: dict[str, Any] | None = Field(
        examples=[None], description="Of an officer, or of an entity where it is revealed."
    )
    cell_code: str | None = Field(examples=["440305001001001"])
    area_code: str | None = Field(examples=["440305001001"])
    area: str | None = Field(
        examples=["海滨社区 · 南山街道"], description="The area and the one above it, by name."
    )
    lon: float | None = Field(examples=[114.05])
    lat: float | None = Field(examples=[22.55])
    box: list[float] | None = Field(
        examples=[[114.0, 22.5, 114.1, 22.6]], description="West, south, east, north of a feature."
    )


class LocationReading(BaseModel):
    """A text read as a location in one datum, as longitude and latitude in WGS 84."""

    datum: str = Field(examples=["gcj02"], description="The datum that the text is taken to be in.")
    lon: float = Field(examples=[114.05])
    lat: float = Field(examples=[22.55])


class SearchAnswer(BaseModel):
    """What a search has found: the sorts with the best fit first, in each the best first."""

    items: list[SearchHit]
    locations: list[LocationReading] = Field(
        examples=[[{"datum": "wgs84", "lon": 114.05, "lat": 22.55}]],
        description="Where the text is coordinates: taken as WGS 84, in China also as GCJ-02 and BD-09.",
    )


def search_hit_record(
    found: SearchResult, areas: AreaTree, personal: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return what was found as it is answered, with personal values as the caller may see them."""
    name = found.name
    if isinstance(found.source, models.Officer):
        name = officer_name(found.source, personal or {})
    chain = [area.name for area in areas.chain(found.area_code)]
    if found.type == "area":
        chain = chain[1:]
    box = found.bbox
    return build_record(
        SearchHit,
        found,
        name=name,
        personal=personal,
        area=" · ".join(chain[:2]) or None,
        lon=None if found.lon is None else round(found.lon, 7),
        lat=None if found.lat is None else round(found.lat, 7),
        box=None if box is None else [round(value, 7) for value in box],
    )
