"""The crosswalk of two schemes or plans as it is answered."""

from datetime import date
from typing import Any

from pydantic import BaseModel, Field

from api.schemas.base import build_record
from gis.crosswalk import CrosswalkTable


class Crosswalk(BaseModel):
    """How much of each cell of one side lies in each cell of the other."""

    on: date = Field(examples=["2026-03-01"], description="The day of cells in force and of entities.")
    summary: dict[str, Any] = Field(
        examples=[{"rows": 3, "shared_m2": 100.0, "only_from_m2": 0.0, "only_to_m2": 0.0}]
    )
    items: list[dict[str, Any]] = Field(
        examples=[[{"from_code": "A1", "to_code": "B1", "area_m2": 60.0, "area_share": 0.6}]],
        description="By the codes; null stands for ground in no cell. Of each load its sum and share too.",
    )


def crosswalk_record(table: CrosswalkTable, on: date) -> dict[str, Any]:
    """Return a crosswalk as it is answered."""
    return build_record(Crosswalk, table, on=on, summary=table.summary(), items=table.rows.to_dict("records"))
