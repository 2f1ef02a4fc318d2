"""Cells and their sheet as they are answered."""

from datetime import date
from typing import Any

from pydantic import BaseModel, Field

from api.schemas.areas import AreaReference
from api.schemas.base import POLYGON
from api.schemas.gaps import Gap


class Cell(BaseModel):
    """One version of a cell."""

    id: int = Field(examples=[100])
    code: str = Field(examples=["440305001001001"])
    name: str = Field(examples=["第一网格"])
    kind: str = Field(examples=["square"])
    parent: str | None = Field(examples=[None])
    area_code: str | None = Field(examples=["440305001001"])
    area_m2: float = Field(examples=[10000.0])
    perimeter_m: float = Field(examples=[400.0])
    attributes: dict[str, Any] = Field(examples=[{"households": 300}])
    valid_from: date | None = Field(examples=["2026-01-01"])
    valid_to: date | None = Field(examples=[None])
    geometry: dict[str, Any] | None = Field(default=None, examples=[POLYGON])


class CellOfficer(BaseModel):
    """Who is what in a cell."""

    officer_id: int = Field(examples=[5])
    external_id: str = Field(examples=["G-0005"])
    duty: str = Field(examples=["leader"])
    rank: str = Field(examples=["A"], description="B is the backup of A.")
    personal: dict[str, Any] = Field(
        examples=[{"name": "李*"}], description="Masked, unless revealed to one who may see it."
    )
    valid_from: date = Field(examples=["2026-01-01"])


class CellSheet(Cell):
    """A cell in force with all that monitoring asks of it."""

    scheme: str = Field(examples=["community"])
    at: date = Field(examples=["2026-03-01"])
    box: list[float] = Field(
        examples=[[114.0, 22.5, 114.1, 22.6]], description="West, south, east, north in degrees."
    )
    areas: list[AreaReference] = Field(description="The area it lies in and those above, the lowest first.")
    counts: dict[str, int] = Field(
        examples=[{"household": 300, "enterprise": 8}], description="Entities that belong to it, by kind."
    )
    officers: list[CellOfficer] = Field(description="Leaders first, and A before B.")
    gap_run: int | None = Field(
        examples=[7], description="The newest run of gaps up to the day; null without one."
    )
    gaps: list["Gap"] = Field(description="Of that run, the most severe first; at most a hundred.")
