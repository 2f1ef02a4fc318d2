"""Areas as they are answered."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import shapely
from pydantic import BaseModel, Field

from api.http.responses import geojson_fragment
from api.schemas.base import POLYGON, build_record
from api.schemas.gap_analysis import GapOutcome, gap_outcome_records
from api.schemas.posts import LevelOfficers
from gis.gaps import GapOutcome as Outcome
from layers import models
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
