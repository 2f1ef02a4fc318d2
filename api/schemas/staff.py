"""Officers and posts as they are answered."""

from datetime import date
from typing import Any

from pydantic import BaseModel, Field

from api.schemas.base import build_record
from api.schemas.masking import mask_personal
from layers import models
from layers.staff.posts import SchemePost


class Officer(BaseModel):
    """A person responsible for cells."""

    id: int = Field(examples=[5])
    external_id: str = Field(examples=["G-0005"])
    area_code: str | None = Field(examples=["440305"])
    personal: dict[str, Any] = Field(
        examples=[{"name": "李*", "phone": "*********34"}],
        description="Masked, unless revealed to one who may see it.",
    )
    attributes: dict[str, Any] = Field(examples=[{}])
    valid_from: date = Field(examples=["2026-01-01"])
    valid_to: date | None = Field(examples=[None])
    version: int = Field(examples=[1])


class Post(BaseModel):
    """What an officer is in a cell."""

    id: int = Field(examples=[9])
    officer_id: int = Field(examples=[5])
    scheme: str = Field(examples=["community"])
    cell_code: str | None = Field(
        examples=["440305001001001"], description="Null where it lies outside the caller's area."
    )
    duty: str = Field(examples=["leader"])
    rank: str = Field(examples=["A"])
    valid_from: date = Field(examples=["2026-01-01"])
    valid_to: date | None = Field(examples=[None])
    version: int = Field(examples=[1])


def officer_record(officer: models.Officer, *, plain: bool = False) -> dict[str, Any]:
    """Return an officer as answered, with personal values masked unless they are to be plain."""
    personal = officer.personal if plain else mask_personal(officer.personal)
    return build_record(Officer, officer, personal=personal)


def post_record(held: SchemePost) -> dict[str, Any]:
    """Return a post as it is answered."""
    return build_record(Post, held.post, scheme=held.scheme, cell_code=held.cell_code)
