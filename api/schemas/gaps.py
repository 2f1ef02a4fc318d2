"""Kinds of gaps, gap runs, gaps and their comparison as they are answered."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import shapely
from pydantic import BaseModel, Field

from api.http.pagination import Page
from api.http.responses import geojson_fragment
from api.schemas.base import POLYGON, build_record
from api.schemas.gap_analysis import BilingualText, GapAnalysis, GapOutcome, gap_outcome_records
from gis.gaps import (
    GAP_KINDS,
    GapKind,
    gap_outcomes,
)
from layers import models
from layers.gaps.differences import RunDifference
from layers.gaps.queries import FoundGap
from layers.gaps.run_visibility import VisibleRun
from layers.lists.gap_places import GapPlace

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


_FIGURES: dict[str, Any] = {
    "distance_m": 1000.0, "class": None, "other_than": [], "ground_share": 0.52, "households_in_all": 300,
    "enterprises_in_all": 8,
}  # fmt: skip

_SIZES = ("severity", "area_m2", "households", "enterprises")


class GapSymbol(BaseModel):
    """How the ground of a gap is drawn in the colour of its severity."""

    hatch: list[int] = Field(
        examples=[[45]], description="Directions of the lines in degrees, counter-clockwise from east."
    )


class GapFigure(BaseModel):
    """One figure that the gaps of a kind have."""

    name: str = Field(examples=["distance_m"])
    type: str = Field(examples=["number"], description="As in JSON Schema; an array holds strings.")
    description: str = Field(examples=["The distance that the rule allows"])
    unit: str | None = Field(examples=["m"])
    optional: bool = Field(examples=[False], description="A gap may lack it.")
    nullable: bool = Field(examples=[False], description="It may be null.")


class GapKindDescription(BaseModel):
    """A kind of gap: its name, its symbol, its rule and what its figures mean."""

    name: str = Field(examples=["out_of_reach"])
    label: BilingualText
    symbol: GapSymbol
    default_rule: dict[str, Any] = Field(examples=[{"distance_m": 1000.0, "ground": True}])
    figures: list[GapFigure]


class GapSeverity(BaseModel):
    """A severity and its colour on every map."""

    name: str = Field(examples=["high"])
    colour: str = Field(examples=["#b3261e"])


class GapKindList(BaseModel):
    """All kinds of gaps, in the order in which they are looked for."""

    items: list[GapKindDescription] = Field(
        examples=[
            [
                {
                    "name": "out_of_reach",
                    "label": {"zh": "服务不可达", "en": "Out of reach"},
                    "symbol": {"hatch": [45, 135]},
                    "default_rule": {"distance_m": 1000.0, "ground": True},
                    "figures": [],
                }
            ]
        ]
    )
    severities: list[GapSeverity] = Field(description="The most severe first.")


class GapRun(BaseModel):
    """One search for gaps; its summary counts those of the caller's area."""

    id: int = Field(examples=[7])
    scheme: str = Field(examples=["community"])
    area_code: str | None = Field(examples=["440305"], description="The ground searched; all when null.")
    whole: bool = Field(examples=[True], description="It has looked at all of the caller's ground.")
    on: date = Field(examples=["2026-01-01"], description="The day whose cells and entities were looked at.")
    rules: dict[str, Any] = Field(
        examples=[{"out_of_reach": {"distance_m": 1000.0}}], description="The rules applied, complete."
    )
    summary: dict[str, Any] = Field(
        examples=[_COUNTED], description="By kind: gaps, by severity, sizes; kinds not looked for, and why."
    )
    analysis: list[GapOutcome] = Field(description="What it says of every kind.")
    created_by: str | None = Field(
        examples=["account 3 planner"], description="Null in a run of wider ground than the caller's."
    )
    created_at: datetime


class GapEntity(BaseModel):
    """The entity that a gap is about."""

    id: int = Field(examples=[17])
    kind: str = Field(examples=["enterprise"])
    external_id: str = Field(examples=["91440300MA5"])
    name: str | None = Field(examples=["Lighthouse Bakery"], description="Null where it is a person's.")


class Gap(BaseModel):
    """Something that is missing: what, where, and who answers for it."""

    id: int = Field(examples=[900])
    run: int = Field(examples=[7])
    scheme: str = Field(examples=["community"])
    on: date = Field(examples=["2026-01-01"])
    kind: str = Field(examples=["out_of_reach"], description="One of `/v1/gaps/kinds`.")
    severity: str = Field(examples=["high"], description="high, medium or low.")
    cell_code: str | None = Field(examples=["440305001001001"])
    area_code: str | None = Field(examples=["440305001001"])
    area_m2: float = Field(examples=[5200.0], description="Ground, m².")
    households: int = Field(examples=[120])
    enterprises: int = Field(examples=[3])
    rule: str = Field(examples=["within 1000 m, in a straight line, of a service point"])
    detail: str = Field(examples=["Beyond: 52% of the ground, 120 of 300 households, 3 of 8 enterprises."])
    rule_text: BilingualText = Field(
        examples=[{"zh": "到服务网点的直线距离不超过 1000 m", "en": "within 1000 m of a service point"}],
        description="The rule in words.",
    )
    detail_text: BilingualText = Field(
        examples=[{"zh": "超出距离的占网格面积 52%。", "en": "Beyond: 52% of the ground."}],
        description="What is so there, in words.",
    )
    figures: dict[str, Any] = Field(
        examples=[_FIGURES],
        description="What rule and detail say, in no language; each kind has its own.",
        json_schema_extra=lambda schema: schema.update(
            anyOf=[*(kind.figures_schema() for kind in GAP_KINDS.values()), {"type": "object"}]
        ),
    )
    box: list[float] | None = Field(
        examples=[[114.0, 22.5, 114.1, 22.6]], description="west, south, east, north; null without location."
    )
    geometry: dict[str, Any] | None = Field(default=None, examples=[POLYGON])
    cell_name: str | None = Field(default=None, examples=["大新社区 001"])
    area: str | None = Field(
        default=None,
        examples=["南山区 / 南头街道 / 大新社区"],
        description="Names of its area and those above, the highest first.",
    )
    person: str | None = Field(
        default=None,
        examples=["李*"],
        description="Who answers for the cell or, without one, for the area: masked.",
    )
    person_number: str | None = Field(default=None, examples=["G-0005"])
    entity: GapEntity | None = Field(default=None, description="What it is about, where that is an entity.")


class GapPage(Page[Gap]):
    """Some gaps; a kind without any was not analysed, was skipped, or has none: see `analysis`."""

    analysis: list[GapAnalysis]


class PersistentGap(Gap):
    """A gap that was there before."""

    before: dict[str, Any] = Field(
        examples=[{"severity": "high", "area_m2": 5200.0, "households": 130, "enterprises": 3}]
    )


class GapDifference(BaseModel):
    """What has changed between two runs; the lists are cut, the summary counts all gaps."""

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


def gap_kind_record(kind: GapKind) -> dict[str, Any]:
    """Return a kind of gap as it is answered."""
    return build_record(
        GapKindDescription,
        kind,
        label=kind.label._asdict(),
        symbol={"hatch": list(kind.symbol.hatch)},
        default_rule=asdict(kind.default_rule),
        figures=[build_record(GapFigure, figure) for figure in kind.figures],
    )


def gap_run_record(visible: VisibleRun) -> dict[str, Any]:
    """Return a run as it is answered."""
    return build_record(
        GapRun,
        visible.run,
        scheme=visible.scheme,
        whole=visible.whole,
        summary=visible.summary,
        analysis=gap_outcome_records(gap_outcomes(visible.summary)),
        created_by=visible.created_by,
    )


def gap_record(found: FoundGap, *, geometry: bool = True, place: GapPlace | None = None) -> dict[str, Any]:
    """Return a gap as it is answered, with its geometry or without, and where it is in words if known."""
    gap = found.gap
    _, rule, detail, ground = found.words
    record = build_record(
        Gap,
        gap,
        run=found.run.id,
        scheme=found.scheme,
        on=found.run.on,
        **ground._asdict(),
        figures=found.words.figures,
        rule=rule.en,
        detail=detail.en,
        rule_text=rule._asdict(),
        detail_text=detail._asdict(),
        box=None if gap.geometry is None else shapely.bounds(gap.geometry).round(7).tolist(),
        geometry=geojson_fragment(gap.geometry) if geometry else None,
        **_place_fields(place),
    )
    if not geometry:
        del record["geometry"]
    return record


def _place_fields(place: GapPlace | None) -> dict[str, Any]:
    if place is None:
        return dict.fromkeys(GapPlace._fields)
    return {**place._asdict(), "entity": None if place.entity is None else place.entity._asdict()}


def run_difference_record(
    difference: RunDifference,
    limit: int,
    described: Callable[[VisibleRun, Sequence[models.Gap]], Iterable[tuple[FoundGap, GapPlace]]],
) -> dict[str, Any]:
    """Return what differs between two runs as it is answered, at most so many gaps of each list.

    `described` says what the caller may see of gaps of a run, and where they are.
    """
    new, old = difference.new, difference.old

    def listed(gaps: list[models.Gap], run: VisibleRun) -> list[dict[str, Any]]:
        return [gap_record(each, geometry=False, place=place) for each, place in described(run, gaps[:limit])]

    lasting = [gap for gap, _ in difference.lasting]
    gaps = {"appeared": difference.appeared, "gone": difference.gone, "lasting": lasting}
    before = [{name: getattr(former, name) for name in _SIZES} for _, former in difference.lasting[:limit]]
    return {
        "run": gap_run_record(new),
        "against": gap_run_record(old),
        "area_code": difference.area_code,
        "rules_changed": new.run.rules != old.run.rules,
        "not_compared": difference.not_compared,
        "summary": {
            kind: {change: sum(gap.kind == kind for gap in found) for change, found in gaps.items()}
            for kind in difference.kinds
        },
        "appeared": listed(difference.appeared, new),
        "gone": listed(difference.gone, old),
        "lasting": [
            {**record, "before": former} for record, former in zip(listed(lasting, new), before, strict=True)
        ],
    }
