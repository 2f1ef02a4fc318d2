"""Officers and posts as they are answered."""

from datetime import date
from typing import Any

from pydantic import BaseModel, Field


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
    cell_code: str = Field(examples=["440305001001001"])
    duty: str = Field(examples=["leader"])
    rank: str = Field(examples=["A"])
    valid_from: date = Field(examples=["2026-01-01"])
    valid_to: date | None = Field(examples=[None])
    version: int = Field(examples=[1])
