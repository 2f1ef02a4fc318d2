"""Gap runs, gaps and their comparison as they are answered."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, Field

from api.schemas.base import POLYGON

_COUNTED = {
    "gaps": 1,
    "kinds": {
        "out_of_reach": {
            "gaps": 1, "high": 1, "medium": 0, "low": 0, "area_m2": 5200.0, "households": 120,
            "enterprises": 3,
        }
    },
    "skipped": {},
}  # fmt: skip


class GapRun(BaseModel):
    """One search for gaps; its summary counts those of the caller's area."""

    id: int = Field(examples=[7])
    scheme: str = Field(examples=["community"])
    area_code: str | None = Field(examples=["440305"], description="The ground searched; all when null.")
    on: date = Field(examples=["2026-01-01"], description="The day whose cells and entities were looked at.")
    rules: dict[str, Any] = Field(
        examples=[{"out_of_reach": {"distance_m": 1000.0}}], description="The rules applied, complete."
    )
    summary: dict[str, Any] = Field(
        examples=[_COUNTED], description="By kind: gaps, by severity, sizes; kinds not looked for, and why."
    )
    created_by: str | None = Field(
        examples=["account 3 planner"], description="Null in a run of wider ground than the caller's."
    )
    created_at: datetime


class Gap(BaseModel):
    """Something that is missing."""

    id: int = Field(examples=[900])
    run: int = Field(examples=[7])
    scheme: str = Field(examples=["community"])
    on: date = Field(examples=["2026-01-01"])
    kind: str = Field(examples=["out_of_reach"], description="blank, overlap, unassigned or out_of_reach.")
    severity: str = Field(examples=["high"], description="high, medium or low.")
    cell_code: str | None = Field(examples=["440305001001001"])
    area_code: str | None = Field(examples=["440305001001"])
    area_m2: float = Field(examples=[5200.0], description="Ground, m².")
    households: int = Field(examples=[120])
    enterprises: int = Field(examples=[3])
    rule: str = Field(examples=["within 1000 m, in a straight line, of a service point"])
    detail: str = Field(examples=["Beyond: 52% of the ground, 120 of 300 households, 3 of 8 enterprises."])
    figures: dict[str, Any] = Field(
        examples=[
            {
                "distance_m": 1000.0,
                "class": None,
                "other_than": [],
                "ground_share": 0.52,
                "households_in_all": 300,
                "enterprises_in_all": 8,
            }
        ],
        description="What rule and detail say, in no language. blank, overlap: min_area_m2, cells; "
        "unassigned: entity_kind, entity_id, reason; out_of_reach: distance_m, class, other_than, "
        "ground_share, households_in_all, enterprises_in_all.",
    )
    box: list[float] | None = Field(
        examples=[[114.0, 22.5, 114.1, 22.6]], description="west, south, east, north; null without location."
    )
    geometry: dict[str, Any] | None = Field(default=None, examples=[POLYGON])


class PersistentGap(Gap):
    """A gap that was there before."""

    before: dict[str, Any] = Field(
        examples=[{"severity": "high", "area_m2": 5200.0, "households": 130, "enterprises": 3}]
    )


class GapDifference(BaseModel):
    """What has changed between two runs; the lists are cut, the summary counts all."""

    run: GapRun
    against: GapRun
    area_code: str | None = Field(examples=["440305"], description="The ground compared.")
    rules_changed: bool = Field(examples=[False], description="The two applied different rules.")
    not_compared: list[str] = Field(examples=[[]], description="Kinds that one of them did not look for.")
    summary: dict[str, dict[str, int]] = Field(
        examples=[{"out_of_reach": {"appeared": 0, "gone": 1, "lasting": 4}}]
    )
    appeared: list[Gap]
    gone: list[Gap]
    lasting: list[PersistentGap]
