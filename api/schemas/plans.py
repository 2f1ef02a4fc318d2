"""Plans, their check, publication and comparison as they are answered."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import shapely
from pydantic import BaseModel, Field

from api.http.responses import geojson_fragment
from api.schemas.base import build_record
from api.schemas.plan_rules import BrokenRule, broken_rule_record
from layers import models
from layers.plans.cell_queries import CellChange as Change
from layers.plans.cell_queries import count_changes
from layers.plans.check import StoredCheck
from layers.plans.publish import Publication
from layers.plans.rule_check import RuleFinding
from layers.plans.states import is_in_force, state_on
from layers.plans.units import CellOfUnit


class CellChange(BaseModel):
    """A cell that differs between two days."""

    code: str = Field(examples=["440305001001001"])
    name: str = Field(examples=["大新社区 001"])
    change: str = Field(examples=["changed"], description="begun, ended or changed.")
    area_code: str | None = Field(examples=["440305001001"])
    area_m2_before: float | None = Field(examples=[9800.0], description="Null for one that began.")
    area_m2: float | None = Field(examples=[10000.0], description="Null for one that ended.")
    box: list[float] = Field(
        examples=[[114.0, 22.5, 114.1, 22.6]], description="west, south, east, north of the later version."
    )


class CellChanges(BaseModel):
    """Which cells differ between two days, by their codes; the list is cut, all are counted."""

    scheme: str = Field(examples=["community"])
    since: date = Field(examples=["2026-01-01"])
    at: date = Field(examples=["2026-03-01"])
    begun: int = Field(examples=[12], description="In force on the later day alone.")
    ended: int = Field(examples=[9], description="In force on the former day alone.")
    changed: int = Field(examples=[31], description="In force on both, in different versions.")
    unstaffed: int = Field(
        examples=[3], description="Cells in force on the later day for which nobody is responsible then."
    )
    items: list[CellChange] = Field(description="By code; at most `limit`.")


class EffectiveDates(BaseModel):
    """The days on which plans of a scheme came into force, the latest first."""

    scheme: str = Field(examples=["community"])
    days: list[date] = Field(examples=[["2026-03-01", "2026-01-01"]])


class Sentences(BaseModel):
    """A list that is cut; all are counted."""

    count: int = Field(examples=[1])
    sentences: list[str] = Field(
        examples=[
            ["Of the ground of unit U7 4,200.00 m² lie in cell A and 800.00 m² lie in cell B; it goes to A."]
        ]
    )


class CarryReport(BaseModel):
    """What a draft did with a change of its units."""

    plan: int = Field(examples=[11], description="The plan of units that it follows.")
    on: date = Field(examples=["2026-03-01"], description="The day of the change.")
    units: dict[str, int] = Field(
        examples=[{"kept": 40, "moved": 0, "begun": 2, "ended": 1, "in_no_cell": 0}],
        description="How many units keep their cell, go to another, begin, end, and are in no cell.",
    )
    decisions: Sentences = Field(description="Units of the ground of several cells, and where they went.")
    problems: Sentences = Field(description="What cannot be carried through and is left to mend.")


class Plan(BaseModel):
    """A division of an area under a scheme."""

    id: int = Field(examples=[12])
    scheme: str = Field(examples=["community"])
    name: str = Field(examples=["2026 spring"])
    state: str = Field(
        examples=["draft"],
        description="draft, submitted, approved, published, withdrawn, or superseded: on all its ground "
        "others are in force.",
    )
    in_force: bool = Field(examples=[False], description="Today.")
    area_code: str | None = Field(examples=["440305"])
    valid_from: date | None = Field(examples=[None])
    valid_to: date | None = Field(
        examples=[None], description="The day from which others are in force on all of its ground."
    )
    created_by: str = Field(examples=["account planner"])
    created_at: datetime
    published_at: datetime | None = Field(examples=[None])
    checked_at: datetime | None = Field(examples=[None])
    valid: bool | None = Field(examples=[None], description="What the last check found; null before one.")
    units_on: date | None = Field(
        examples=[None], description="The day of the units of which its cells are made; null without units."
    )
    carried: CarryReport | None = Field(
        examples=[None], description="Of a draft that was made when a plan of its units was published."
    )
    version: int = Field(examples=[1])


class Finding(BaseModel):
    """One fault of a plan."""

    kind: str = Field(examples=["overlap"])
    severity: str = Field(examples=["error"])
    codes: str = Field(examples=["440305001001001,440305001001002"])
    area_m2: float = Field(examples=[12.5])
    detail: str = Field(examples=["Cells A and B overlap by 12.50 m²."])


class PlanCheck(BaseModel):
    """What the check of a plan found; at most the first thousand findings are listed, all are counted."""

    plan: Plan
    valid: bool = Field(examples=[True], description="The cells fill their area, and none overlap.")
    on: date | None = Field(
        examples=["2026-03-01"], description="The day for which it might be published; null in old checks."
    )
    publishable: bool = Field(examples=[True], description="Nothing stood in the way of publishing it then.")
    hindrances: list[str] = Field(
        examples=[["The code A1 belonged to a cell that ended on 2026-01-01; codes are not used again."]],
        description="Why publishing it for that day would be refused though it is valid.",
    )
    summary: dict[str, Any] = Field(examples=[{"overlap": {"count": 0, "area_m2": 0.0}}])
    findings: list[Finding]
    rules: list[BrokenRule] = Field(
        description="Cells that break rules of the scheme, at most a thousand; each stands in the way of "
        "submitting and publishing until it is mended or waived."
    )
    rule_counts: dict[str, int] = Field(
        examples=[{"caps.households": 1}], description="How many cells break each rule."
    )


class CarriedDraft(BaseModel):
    """A draft that carries a change of units through."""

    plan_id: int | None = Field(
        examples=[13], description="Null where the change leaves the scheme no cell to draw a draft of."
    )
    scheme: str = Field(examples=["management"])
    decisions: int = Field(examples=[1], description="Units of several cells that were given to one.")
    problems: int = Field(examples=[0], description="What is left to mend.")


class PublishedPosts(BaseModel):
    """What became of the posts in the cells that ended."""

    carried: int = Field(
        examples=[3],
        description="Begun in new cells: those of the cell with most of their ground, or chosen.",
    )
    ended: int = Field(examples=[1], description="Ended with their cells, and in no new one.")
    vacant: int = Field(examples=[1], description="Cells that begin with nobody who answers for them.")


class PublishResult(BaseModel):
    """What publishing a plan did."""

    plan: Plan
    kept: int = Field(examples=[40], description="Cells that go on as they were.")
    ended: int = Field(examples=[2])
    begun: int = Field(examples=[3])
    assignments_ended: int = Field(examples=[10])
    assignments_begun: int = Field(examples=[10])
    posts: PublishedPosts
    superseded: list[int] = Field(examples=[[11]])
    unstaffed: int = Field(
        examples=[3], description="Cells of the plan for which nobody is responsible on that day."
    )
    carried: list[CarriedDraft] = Field(
        examples=[[{"plan_id": 13, "scheme": "management", "decisions": 1, "problems": 0}]],
        description="Drafts of the plans above, with the change of their units carried through.",
    )
    revision: int = Field(examples=[7])


class UnitOfPlan(BaseModel):
    """A unit and the cell of a plan that it belongs to."""

    unit: str = Field(examples=["440305001001001"])
    cell: str = Field(examples=["M12"])
    name: str = Field(examples=["第12管理网格"], description="Of the cell.")
    kind: str = Field(examples=["management"], description="Of the cell.")


def unit_record(unit: CellOfUnit) -> dict[str, Any]:
    """Return a unit of a plan as it is answered."""
    return build_record(UnitOfPlan, unit)


def plan_record(plan: models.Plan, scheme: str) -> dict[str, Any]:
    """Return a plan, under a scheme of that code, as it is answered."""
    valid = None if plan.findings is None else plan.findings["valid"]
    today = date.today()
    return build_record(
        Plan,
        plan,
        scheme=scheme,
        valid=valid,
        state=state_on(plan, today),
        in_force=is_in_force(plan, today),
        carried=plan.carry_report,
    )


def check_record(
    plan: models.Plan, scheme: str, check: StoredCheck, rules: Sequence[RuleFinding]
) -> dict[str, Any]:
    """Return the check of a plan, and where it breaks rules, as they are answered."""
    return build_record(
        PlanCheck,
        check,
        plan=plan_record(plan, scheme),
        publishable=check.publishable and all(each.waiver is not None for each in rules),
        rules=list(map(broken_rule_record, rules)),
        rule_counts=check.rule_counts,
    )


def finding_records(
    check: StoredCheck, shapes: Sequence[shapely.Geometry | None], rules: Sequence[tuple[RuleFinding, Any]]
) -> list[dict[str, Any]]:
    """Return what a check found as features of a map, with a number each.

    Parameters
    ----------
    shapes
        Of the findings; as many, or none.
    rules
        Cells that break rules, with their polygons.
    """
    faults = [
        {**finding, "rule": None, "waived": False, "geometry": geojson_fragment(shape)}
        for finding, shape in zip(check.findings, [*shapes, *[None] * len(check.findings)], strict=False)
    ]
    broken = [
        {
            "kind": "rule",
            "severity": "error" if each.waiver is None else "warning",
            "codes": each.code,
            "area_m2": None,
            "detail": broken_rule_record(each)["detail"],
            "rule": each.rule,
            "waived": each.waiver is not None,
            "geometry": geojson_fragment(shape),
        }
        for each, shape in rules
    ]
    return [{"id": number, **each} for number, each in enumerate([*faults, *broken], 1)]


def publish_record(
    plan: models.Plan, scheme: str, publication: Publication, *, unstaffed: int
) -> dict[str, Any]:
    """Return what publishing a plan did as it is answered, and how many of its cells nobody answers for."""
    return build_record(
        PublishResult,
        publication,
        plan=plan_record(plan, scheme),
        assignments_ended=publication.assignments.ended,
        assignments_begun=publication.assignments.inserted,
        posts=build_record(PublishedPosts, publication.posts),
        superseded=list(publication.superseded),
        carried=[build_record(CarriedDraft, each) for each in publication.carried],
        unstaffed=unstaffed,
    )


def cell_changes_record(
    changes: Sequence[Change],
    boxes: Mapping[int, list[float]],
    *,
    scheme: str,
    since: date,
    at: date,
    unstaffed: int,
) -> dict[str, Any]:
    """Return which cells differ between two days as it is answered, listing those whose boxes are known."""
    listed = [
        build_record(
            CellChange,
            each.latest,
            change=each.change,
            area_m2_before=None if each.before is None else each.before.area_m2,
            area_m2=None if each.after is None else each.after.area_m2,
            box=boxes[each.latest.id],
        )
        for each in changes
        if each.latest.id in boxes
    ]
    return build_record(
        CellChanges,
        count_changes(changes),
        scheme=scheme,
        since=since,
        at=at,
        unstaffed=unstaffed,
        items=listed,
    )


def effective_dates_record(days: Sequence[date], scheme: str) -> dict[str, Any]:
    """Return the days on which plans came into force as they are answered."""
    return build_record(EffectiveDates, days, scheme=scheme, days=days)
