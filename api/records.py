"""The records of the HTTP interface, as they are described in its OpenAPI.

They describe; what they are made from belongs to `api.routes`.
"""

import json
import re
from datetime import date, datetime
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

# NUL as JSON writes it, after an even number of backslashes.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")

POINT = {"type": "Point", "coordinates": [114.05, 22.55]}
POLYGON = {
    "type": "Polygon",
    "coordinates": [[[114.0, 22.5], [114.1, 22.5], [114.1, 22.6], [114.0, 22.6], [114.0, 22.5]]],
}


class Area(BaseModel):
    """An administrative area; geometry only when one area is asked for, or as GeoJSON."""

    id: int = Field(examples=[1])
    code: str = Field(examples=["440305"])
    name: str = Field(examples=["南山区"])
    level: str = Field(examples=["county"])
    parent: str | None = Field(examples=["4403"])
    geometry: dict[str, Any] | None = Field(default=None, examples=[POLYGON])


class Scheme(BaseModel):
    """One purpose with its rules."""

    id: int = Field(examples=[1])
    code: str = Field(examples=["community"])
    name: str = Field(examples=["社区网格"])
    working_crs: str = Field(examples=["EPSG:4547"])
    rules: dict[str, Any] = Field(examples=[{"max_distance_m": 50, "out_of_reach": {"distance_m": 800}}])
    gap_rules: dict[str, Any] = Field(
        examples=[{"out_of_reach": {"distance_m": 800.0, "ground": True}}],
        description="By which gaps are looked for: the scheme's own, and the defaults for the rest.",
    )
    created_at: datetime
    version: int = Field(examples=[1])


class Changes(BaseModel):
    """How many cells differ between two days, by their codes."""

    scheme: str = Field(examples=["community"])
    since: date = Field(examples=["2026-01-01"])
    at: date = Field(examples=["2026-03-01"])
    begun: int = Field(examples=[12], description="In force on the later day alone.")
    ended: int = Field(examples=[9], description="In force on the former day alone.")
    changed: int = Field(examples=[31], description="In force on both, in different versions.")


class Days(BaseModel):
    """The days on which plans of a scheme came into force, the latest first."""

    scheme: str = Field(examples=["community"])
    days: list[date] = Field(examples=[["2026-03-01", "2026-01-01"]])


class Plan(BaseModel):
    """A division of an area under a scheme."""

    id: int = Field(examples=[12])
    scheme: str = Field(examples=["community"])
    name: str = Field(examples=["2026 spring"])
    state: str = Field(examples=["draft"], description="draft, submitted, published or superseded.")
    area_code: str | None = Field(examples=["440305"])
    valid_from: date | None = Field(examples=[None])
    valid_to: date | None = Field(examples=[None])
    created_by: str = Field(examples=["account planner"])
    created_at: datetime
    published_at: datetime | None = Field(examples=[None])
    checked_at: datetime | None = Field(examples=[None])
    valid: bool | None = Field(examples=[None], description="What the last check found; null before one.")
    version: int = Field(examples=[1])


class Finding(BaseModel):
    """One fault of a plan."""

    kind: str = Field(examples=["overlap"])
    severity: str = Field(examples=["error"])
    codes: str = Field(examples=["440305001001001,440305001001002"])
    area_m2: float = Field(examples=[12.5])
    detail: str = Field(examples=["Cells A and B overlap by 12.50 m²."])


class Check(BaseModel):
    """What the check of a plan found; at most the first thousand findings are listed, all are counted."""

    plan: Plan
    valid: bool = Field(examples=[True])
    summary: dict[str, Any] = Field(examples=[{"overlap": {"count": 0, "area_m2": 0.0}}])
    findings: list[Finding]


class Publication(BaseModel):
    """What publishing a plan did."""

    plan: Plan
    kept: int = Field(examples=[40], description="Cells that go on as they were.")
    ended: int = Field(examples=[2])
    begun: int = Field(examples=[3])
    assignments_ended: int = Field(examples=[10])
    assignments_begun: int = Field(examples=[10])
    superseded: list[int] = Field(examples=[[11]])
    revision: int = Field(examples=[7])


class Difference(BaseModel):
    """What changed between two plans."""

    summary: dict[str, Any] = Field(examples=[{"pieces": 1, "changed_owner_m2": 100.0}])
    codes: list[dict[str, Any]] = Field(examples=[[{"code": "A1", "kind": "moved_border"}]])


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


class AreaName(BaseModel):
    """An area as it is named."""

    code: str = Field(examples=["440305"])
    name: str = Field(examples=["南山区"])
    level: str = Field(examples=["county"])


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
    areas: list[AreaName] = Field(description="The area it lies in and those above, the lowest first.")
    counts: dict[str, int] = Field(
        examples=[{"household": 300, "enterprise": 8}], description="Entities that belong to it, by kind."
    )
    officers: list[CellOfficer] = Field(description="Leaders first, and A before B.")
    gap_run: int | None = Field(
        examples=[7], description="The newest run of gaps up to the day; null without one."
    )
    gaps: list["Gap"] = Field(description="Of that run, the most severe first; at most a hundred.")


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


class NearEntity(Entity):
    """An entity near a place."""

    distance_m: float = Field(examples=[41.3])


class Owner(BaseModel):
    """Which cell of a scheme an entity belonged to, from when to when."""

    scheme: str = Field(examples=["community"])
    cell_code: str | None = Field(examples=["440305001001001"])
    share: float = Field(examples=[1.0])
    method: str = Field(examples=["inside"])
    distance_m: float | None = Field(examples=[None])
    reason: str | None = Field(examples=[None])
    valid_from: date = Field(examples=["2026-01-01"])
    valid_to: date | None = Field(examples=[None])


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


class LastingGap(Gap):
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
    lasting: list[LastingGap]


class Job(BaseModel):
    """Work that takes longer than a request."""

    id: int = Field(examples=[3])
    kind: str = Field(examples=["import-entities"])
    state: str = Field(examples=["running"], description="queued, running, done, failed or cancelled.")
    area_code: str | None = Field(examples=[None])
    created_by: str = Field(examples=["token importer"])
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    cancel_asked: bool = Field(examples=[False])
    done: int = Field(examples=[2000])
    total: int | None = Field(examples=[10000])
    result: dict[str, Any] | None = Field(examples=[None])
    error: str | None = Field(examples=[None])


class AuditEntry(BaseModel):
    """Who did what when."""

    id: int = Field(examples=[1])
    at: datetime
    actor: str = Field(examples=["account publisher"])
    role: str | None = Field(examples=["publisher"])
    action: str = Field(examples=["plan published"])
    subject: str | None = Field(examples=["plan 12"])
    area_code: str | None = Field(examples=["440305"])
    details: dict[str, Any] = Field(examples=[{"on": "2026-01-01"}])


class Given(BaseModel):
    """What a caller sends; a field that is not known is an error."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _keepable(cls, given: Any) -> Any:
        """Refuse what Python reads as JSON and no database keeps: in a free document nothing else would."""
        try:
            # One refuses numbers that are not finite, the other those that are too long, and broken text.
            json.dumps(given, allow_nan=False)
            written = orjson.dumps(given)
        except (ValueError, TypeError, RecursionError):
            raise PydanticCustomError(
                "unkept",
                "A value cannot be kept: numbers are finite and have 64 bits, text is Unicode, nothing is "
                "nested more than 250 deep.",
            ) from None
        if _NUL.search(written):
            raise PydanticCustomError("unkept", "Text holds a NUL character.")
        return given
