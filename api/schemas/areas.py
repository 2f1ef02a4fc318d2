"""Areas as they are answered."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import shapely
from pydantic import BaseModel, Field

from api.http.responses import geojson_fragment
from api.schemas.base import POLYGON, build_record
from api.schemas.gap_analysis import GapOutcome, gap_outcome_records
from api.schemas.posts import LevelOfficers
from gis.gaps import GapOutcome as Outcome
from layers import models
from layers.areas.adjustments import AreaKinship, adjustment_state
from layers.plans.cell_queries import CellTotals
from layers.snapshot import AreaLabel
from layers.staff.published import officer_name, officer_phone


class Area(BaseModel):
    """An administrative area; geometry only when one area is asked for, or as GeoJSON."""

    id: int = Field(examples=[1])
    code: str = Field(examples=["440305"])
    name: str = Field(examples=["南山区"])
    level: str = Field(examples=["county"])
    parent: str | None = Field(examples=["4403"])
    valid_from: date | None = Field(
        examples=["2026-03-01"], description="Since when it is so; null for as long as anything is known."
    )
    valid_to: date | None = Field(
        examples=[None], description="From when on it is so no longer; null while it lasts."
    )
    change: str = Field(
        examples=["merged"],
        description="What brought this state: recorded, founded, merged, split, renumbered, moved, "
        "redrawn or renamed.",
    )
    geometry: dict[str, Any] | None = Field(default=None, examples=[POLYGON])


class AreaState(BaseModel):
    """How an area was called and where it lay from a day to a day."""

    name: str = Field(examples=["大新社区"])
    level: str = Field(examples=["village"])
    parent: str | None = Field(examples=["440305001"])
    valid_from: date | None = Field(
        examples=[None], description="Null for as long as anything is known of it."
    )
    valid_to: date | None = Field(examples=["2026-03-01"])
    change: str = Field(examples=["recorded"], description="What brought this state.")


class AreaKin(BaseModel):
    """An area that a part of another's ground came from or went to on a day."""

    code: str = Field(examples=["440305001601"])
    on: date = Field(examples=["2026-03-01"])
    area_m2: float = Field(examples=[120000.0])
    share: float = Field(examples=[0.6], description="Of the ground of the one that had it before.")


class AreaHistory(BaseModel):
    """The states of an area, and the areas it came from and became."""

    code: str = Field(examples=["440305001001"])
    states: list[AreaState] = Field(description="In the order of their days.")
    predecessors: list[AreaKin]
    successors: list[AreaKin]


class AreaAdjustment(BaseModel):
    """Changes of areas that came in together and are in force from one day."""

    id: int = Field(examples=[3])
    valid_from: date = Field(examples=["2026-03-01"], description="The first day.")
    state: str = Field(examples=["coming"], description="coming, in force or undone.")
    created_by: str = Field(examples=["account 1 admin"])
    created_at: datetime
    undone_by: str | None = Field(examples=[None])
    undone_at: datetime | None = Field(examples=[None])
    changes: list[dict[str, Any]] = Field(
        examples=[[{"code": "440305001601", "kinds": ["merged", "founded"]}]],
        description="Area by area: code, kinds, name, level, parent, former_name, former_parent, "
        "predecessors, successors.",
    )
    ground: list[dict[str, Any]] = Field(
        examples=[[{"from": "440305001001", "to": "440305001601", "area_m2": 120000.0}]],
        description="The ground that went from one area to another; null is none.",
    )
    effects: dict[str, Any] = Field(
        examples=[
            {
                "plans": [],
                "officers": [],
                "accounts": [],
                "entities": 0,
                "posts": [{"area_code": "440305001001", "successor": "440305001601", "posts": 2}],
                "vacant": [],
            }
        ],
        description="Whom it concerned when it was taken: plans with cells there, officers, accounts, "
        "entities; posts at areas that ended, with the area at which they go on; areas that began without.",
    )


class AreaReference(BaseModel):
    """An area as it is named."""

    code: str = Field(examples=["440305"])
    name: str = Field(examples=["南山区"])
    level: str = Field(examples=["county"])


def area_history_record(code: str, states: Iterable[models.Area], kinship: AreaKinship) -> dict[str, Any]:
    """Return the states of an area, with its kin, as they are answered."""
    return {
        "code": code,
        "states": [build_record(AreaState, state) for state in states],
        "predecessors": [_kin_record(each, each.predecessor) for each in kinship.predecessors],
        "successors": [_kin_record(each, each.successor) for each in kinship.successors],
    }


def _kin_record(lineage: models.AreaLineage, code: str) -> dict[str, Any]:
    share = lineage.area_m2 / lineage.predecessor_m2
    return build_record(AreaKin, lineage, code=code, on=lineage.valid_from, share=round(share, 4))


def adjustment_record(adjustment: models.AreaAdjustment) -> dict[str, Any]:
    """Return an adjustment as it is answered."""
    told = {name: adjustment.report[name] for name in ("changes", "ground", "effects")}
    return build_record(AreaAdjustment, adjustment, state=adjustment_state(adjustment), **told)


def area_record(area: models.Area, *, geometry: bool) -> dict[str, Any]:
    """Return an area as it is answered, with its geometry or without."""
    record = build_record(Area, area, geometry=geojson_fragment(area.geometry) if geometry else None)
    if not geometry:
        del record["geometry"]
    return record


class AreaOfficer(BaseModel):
    """An officer who answers for an area itself."""

    officer_id: int = Field(examples=[5])
    external_id: str = Field(examples=["G-0005"])
    name: str | None = Field(examples=["李*"], description="Masked, unless revealed to one who may see it.")
    phone: str | None = Field(examples=["*********34"], description="Likewise.")
    duty: str | None = Field(examples=["leader"])
    rank: str | None = Field(examples=["A"])


class AreaSheet(Area):
    """An area with all that monitoring asks of it."""

    at: date = Field(examples=["2026-03-01"])
    scheme: str | None = Field(examples=["community"])
    box: list[float] = Field(
        examples=[[114.0, 22.5, 114.1, 22.6]], description="West, south, east, north in degrees."
    )
    areas: list[AreaReference] = Field(description="Those above it, the lowest first.")
    beneath: list[AreaReference] = Field(description="Those directly beneath it.")
    cells: int | None = Field(
        examples=[120], description="Cells in force; null where no scheme is asked for."
    )
    area_m2: float | None = Field(examples=[3100000.0], description="Their ground, m².")
    counts: dict[str, int] = Field(examples=[{"household": 3000}], description="Entities in it, by kind.")
    officers: list[AreaOfficer] = Field(description="Who answers for the area itself, leaders first.")
    responsible: list[LevelOfficers] = Field(
        description="Who holds posts at the area and at those above it, in the scheme or in all."
    )
    gap_run: int | None = Field(
        examples=[7],
        description="The newest run of gaps up to the day that has looked at all of it; null without one.",
    )
    gap_run_on: date | None = Field(examples=["2026-03-01"], description="The day of that run.")
    gap_analysis: list[GapOutcome] = Field(description="What is known of each kind of gap.")
    gaps: dict[str, int] | None = Field(
        examples=[{"high": 1, "medium": 0, "low": 2}], description="Gaps of that run, by severity."
    )


def area_officer_record(officer: models.Officer, personal: Mapping[str, Any]) -> dict[str, Any]:
    """Return an officer of an area, with personal values as the caller may see them."""
    return {
        "officer_id": officer.id,
        "external_id": officer.external_id,
        "name": officer_name(officer, personal),
        "phone": officer_phone(officer, personal),
        "duty": officer.attributes.get("duty"),
        "rank": officer.attributes.get("rank"),
    }


def area_sheet_record(
    area: models.Area,
    *,
    at: date,
    scheme: str | None,
    areas: Iterable[AreaLabel],
    beneath: Iterable[models.Area],
    cells: CellTotals | None,
    counts: Mapping[str, int],
    officers: Sequence[dict[str, Any]],
    responsible: Sequence[dict[str, Any]],
    run: models.GapRun | None,
    gap_outcomes: Iterable[Outcome],
    gaps: Mapping[str, int] | None,
) -> dict[str, Any]:
    """Return the sheet of an area as it is answered."""
    return build_record(
        AreaSheet,
        area,
        geometry=geojson_fragment(area.geometry),
        at=at,
        scheme=scheme,
        box=shapely.bounds(area.geometry).round(7).tolist(),
        areas=[build_record(AreaReference, each) for each in areas],
        beneath=[build_record(AreaReference, each) for each in beneath],
        cells=None if cells is None else cells.cells,
        area_m2=None if cells is None else cells.area_m2,
        counts=counts,
        officers=sorted(officers, key=lambda each: (each["duty"] != "leader", each["rank"] or "")),
        responsible=responsible,
        gap_run=None if run is None else run.id,
        gap_run_on=None if run is None else run.on,
        gap_analysis=gap_outcome_records(gap_outcomes),
        gaps=gaps,
    )
