"""What is known of kinds of gaps, and how gaps are put together, as it is answered."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from pydantic import BaseModel, Field

from api.schemas.base import build_record
from gis.gaps import SEVERITIES, OutcomeState, gap_label
from gis.gaps import GapOutcome as Outcome
from layers.gaps.analysis import SchemeAnalysis
from layers.lists.gap_groups import GapGroup as Group


class BilingualText(BaseModel):
    """The same words in Chinese and in English."""

    zh: str = Field(examples=["服务不可达"])
    en: str = Field(examples=["Out of reach"])


class GapOutcome(BaseModel):
    """What is known of the gaps of one kind."""

    kind: str = Field(examples=["out_of_reach"])
    label: BilingualText
    state: OutcomeState = Field(
        examples=["skipped"], description="not_analysed, skipped (with the reason) or analysed."
    )
    gaps: int | None = Field(examples=[None], description="How many; null unless it was analysed.")
    reason: BilingualText | None = Field(
        examples=[{"zh": "没有服务网点数据", "en": "no service points were given"}],
        description="Why it was skipped.",
    )


class GapAnalysis(BaseModel):
    """What is known of the gaps of a scheme on the caller's ground, whatever the list is narrowed to."""

    scheme: str = Field(examples=["community"])
    run: int | None = Field(examples=[7], description="Null where no search was made.")
    on: date | None = Field(examples=["2026-01-01"])
    area_code: str | None = Field(examples=["440305"], description="The ground searched; all when null.")
    whole: bool = Field(examples=[True], description="All of the caller's ground was searched.")
    kinds: list[GapOutcome]


class GapGroup(BaseModel):
    """Gaps that belong together."""

    key: str | None = Field(
        examples=["440305001001"],
        description="Code of the area, number of the officer, or the kind; null for gaps that have none.",
    )
    name: str | None = Field(examples=["大新社区"])
    detail: str | None = Field(examples=["南山区 / 南头街道"], description="The areas above.")
    gaps: int = Field(examples=[124])
    high: int = Field(examples=[1])
    medium: int = Field(examples=[0])
    low: int = Field(examples=[123])
    kinds: dict[str, int] = Field(examples=[{"blank": 1, "unassigned": 123}])


class GapGroupList(BaseModel):
    """Groups of the gaps of a run, those with the most severe gaps first."""

    run: int | None = Field(examples=[7])
    items: list[GapGroup]
    analysis: list[GapAnalysis]


def gap_outcome_records(outcomes: Iterable[Outcome]) -> list[dict[str, Any]]:
    """Return what is known of kinds of gaps as it is answered."""
    return [
        build_record(
            GapOutcome,
            each,
            label=gap_label(each.kind)._asdict(),
            reason=None if each.reason is None else each.reason._asdict(),
        )
        for each in outcomes
    ]


def gap_analysis_record(analysis: SchemeAnalysis) -> dict[str, Any]:
    """Return what is known of the gaps of a scheme as it is answered."""
    run = None if analysis.run is None else analysis.run.run
    return {
        "scheme": analysis.scheme,
        "run": None if run is None else run.id,
        "on": None if run is None else run.on,
        "area_code": None if run is None else run.area_code,
        "whole": analysis.run is not None and analysis.run.whole,
        "kinds": gap_outcome_records(analysis.outcomes),
    }


def gap_group_record(group: Group) -> dict[str, Any]:
    """Return gaps that belong together as they are answered."""
    return {
        "key": group.key,
        "name": group.name,
        "detail": group.detail,
        "gaps": group.severities.total(),
        **{severity: group.severities[severity] for severity in SEVERITIES},
        "kinds": dict(group.kinds),
    }
