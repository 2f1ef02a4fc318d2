"""Cells and their sheet as they are answered."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import shapely
from pydantic import BaseModel, Field

from api.http.responses import geojson_fragment
from api.schemas.areas import AreaReference
from api.schemas.base import POLYGON, build_record
from api.schemas.gap_analysis import GapOutcome, gap_outcome_records
from api.schemas.gaps import Gap, gap_record
from api.schemas.masking import mask_personal
from api.schemas.posts import LevelOfficers
from gis.gaps import GapOutcome as Outcome
from layers import models
from layers.gaps.queries import FoundGap
from layers.snapshot.areas import AreaLabel
from layers.staff.published import PublishedPost
from layers.staff.responsible import HeldPost


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
    personal: dict[str, Any] = Field(
        examples=[{"网格员姓名": "王*"}], description="Masked, unless revealed to one who may see it."
    )
    valid_from: date | None = Field(examples=["2026-01-01"])
    valid_to: date | None = Field(examples=[None])
    geometry: dict[str, Any] | None = Field(default=None, examples=[POLYGON])


class CellOfficer(BaseModel):
    """An officer with a post in a cell."""

    officer_id: int = Field(examples=[5])
    external_id: str = Field(examples=["G-0005"])
    duty: str = Field(examples=["leader"])
    rank: str = Field(examples=["A"], description="B is the backup of A.")
    part_time: bool = Field(examples=[False])
    absent: bool = Field(examples=[False], description="Away on the day.")
    acting: bool = Field(examples=[False], description="A backup who stands in for one who is away.")
    personal: dict[str, Any] = Field(
        examples=[{"name": "李*"}], description="Masked, unless revealed to one who may see it."
    )
    name: str | None = Field(
        examples=["李*"],
        description="The published name, or the name among these, whatever its field is called.",
    )
    phone: str | None = Field(examples=["*********34"], description="The phone, likewise.")
    valid_from: date = Field(examples=["2026-01-01"])


class CellAbove(BaseModel):
    """A cell that is made of others."""

    scheme: str = Field(examples=["responsibility"])
    code: str = Field(examples=["440305001001001"])
    name: str = Field(examples=["示例社区第001网格"])


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
    measures: dict[str, float | None] = Field(
        examples=[{"area_m2": 10_000, "polsby_popper": 0.785, "households": 300}],
        description="Its measures by their keys; null where one is not known.",
    )
    units: list[str] = Field(
        examples=[[]], description="Codes of the units that it is made of; at most a hundred."
    )
    unit_of: list[CellAbove] = Field(description="The cells of other schemes that have it as a unit.")
    officers: list[CellOfficer] = Field(description="Leaders first, and A before B; who is away comes last.")
    responsible: list[LevelOfficers] = Field(
        description="Who answers at each level, from the cell upwards: the cell, its group, its areas."
    )
    gap_run: int | None = Field(
        examples=[7],
        description="The newest run of gaps up to the day that has looked at this version of the cell; null "
        "without one.",
    )
    gap_run_on: date | None = Field(examples=["2026-03-01"], description="The day of that run.")
    gap_analysis: list[GapOutcome] = Field(description="What is known of each kind that a cell can have.")
    gaps: list[Gap] = Field(description="Of that run, the most severe first; at most a hundred.")


def cell_record(cell: models.Cell, *, geometry: bool = True, plain: bool = False) -> dict[str, Any]:
    """Return a version of a cell as it is answered, with its geometry or without.

    Personal values are masked unless they are to be plain.
    """
    record = build_record(
        Cell,
        cell,
        personal=cell.personal if plain else mask_personal(cell.personal),
        geometry=geojson_fragment(cell.geometry) if geometry else None,
    )
    if not geometry:
        del record["geometry"]
    return record


def cell_officer_record(post: HeldPost, *, plain: bool) -> dict[str, Any]:
    """Return who holds a post as answered, with personal values masked unless they are to be plain."""
    officer = post.officer
    personal = officer.personal if plain else mask_personal(officer.personal)
    published = PublishedPost(officer, post)
    return build_record(
        CellOfficer,
        post,
        officer_id=officer.id,
        external_id=officer.external_id,
        personal=personal,
        name=published.name(personal),
        phone=published.phone(personal),
    )


def cell_sheet_record(
    cell: models.Cell,
    *,
    scheme: str,
    at: date,
    areas: Iterable[AreaLabel],
    counts: Mapping[str, int],
    measures: Mapping[str, float | None],
    units: Sequence[str],
    unit_of: Iterable[tuple[str, str, str]],
    officers: list[dict[str, Any]],
    responsible: list[dict[str, Any]],
    gap_run: models.GapRun | None,
    gap_outcomes: Sequence[Outcome],
    gaps: Iterable[FoundGap],
    plain: bool,
) -> dict[str, Any]:
    """Return the sheet of a cell as it is answered.

    Parameters
    ----------
    cell, scheme, at
        The version in force on a day, and the code of its scheme.
    areas
        The area it lies in and those above.
    counts
        How many entities of each kind belong to it.
    measures
        By their keys.
    units, unit_of
        Its own units, and the cells that it is a unit of: scheme, code, name.
    officers, responsible
        As `cell_officer_record` and `api.schemas.posts.level_records` make them.
    gap_run, gap_outcomes, gaps
        The newest run that has looked at the cell, what it says of each kind, and its gaps there.
    plain
        Personal values of the cell are to be shown as they are.
    """
    return build_record(
        CellSheet,
        cell,
        personal=cell.personal if plain else mask_personal(cell.personal),
        geometry=geojson_fragment(cell.geometry),
        scheme=scheme,
        at=at,
        box=shapely.bounds(cell.geometry).round(7).tolist(),
        areas=[build_record(AreaReference, area) for area in areas],
        counts=counts,
        measures=measures,
        units=units,
        unit_of=[{"scheme": each[0], "code": each[1], "name": each[2]} for each in unit_of],
        officers=officers,
        responsible=responsible,
        gap_run=None if gap_run is None else gap_run.id,
        gap_run_on=None if gap_run is None else gap_run.on,
        gap_analysis=gap_outcome_records(gap_outcomes),
        gaps=[gap_record(gap, geometry=False) for gap in gaps],
    )
