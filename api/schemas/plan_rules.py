"""Rules for cells that a plan breaks, waivers of them, and locked cells, as they are answered."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from api.messages import caller_language
from api.schemas.base import build_record
from layers import models
from layers.plans.rule_check import RuleFinding
from layers.plans.waivers import StatedWaiver


class WaiverGiven(BaseModel):
    """By whom and why a cell may break a rule."""

    id: int = Field(examples=[3])
    plan: int = Field(examples=[12], description="For which it was given: this one, or one published before.")
    reason: str = Field(examples=["One tower, which cannot be divided."])
    created_by: str = Field(examples=["account 4 publisher"])
    created_at: datetime


class BrokenRule(BaseModel):
    """A cell that breaks a rule of the scheme."""

    rule: str = Field(examples=["caps.households"])
    code: str = Field(examples=["440305001001001"], description="Of the cell.")
    figure: float | None = Field(examples=[612.0], description="What it has, where that is a number.")
    limit: float | None = Field(examples=[500.0])
    detail: str = Field(examples=["Cell 440305001001001 has 612 households; the most allowed is 500."])
    waiver: WaiverGiven | None = Field(description="Null: it stands in the way of submitting and publishing.")


class Waiver(BaseModel):
    """That a cell may break a rule of its scheme."""

    id: int = Field(examples=[3])
    rule: str = Field(examples=["caps.households"])
    cell: str = Field(examples=["440305001001001"])
    state: str = Field(
        examples=["holds"], description="holds; ended; or void, for the cell has changed since it was given."
    )
    reason: str = Field(examples=["One tower, which cannot be divided."])
    created_by: str = Field(examples=["account 4 publisher"])
    created_at: datetime
    ended_by: str | None = Field(examples=[None])
    ended_at: datetime | None = Field(examples=[None])


class WaiverAnswer(BaseModel):
    """What was waived, or is not any more."""

    version: int = Field(examples=[5], description="Of the plan.")
    items: list[Waiver]


class CellLock(BaseModel):
    """A cell of a draft that is not to be redrawn."""

    code: str = Field(examples=["440305001001001"])
    locked_by: str = Field(examples=["account 3 planner"])
    locked_at: datetime


class LockAnswer(BaseModel):
    """Which cells were locked or unlocked by this step; those that were so already are not among them."""

    version: int = Field(examples=[5], description="Of the plan.")
    codes: list[str] = Field(examples=[["440305001001001"]])


def broken_rule_record(finding: RuleFinding) -> dict[str, Any]:
    """Return a broken rule as it is answered, in the language of the caller."""
    waiver = finding.waiver
    return build_record(
        BrokenRule,
        finding,
        detail=getattr(finding.words, caller_language()),
        waiver=None if waiver is None else build_record(WaiverGiven, waiver, plan=waiver.plan_id),
    )


def waiver_record(stated: StatedWaiver) -> dict[str, Any]:
    """Return a waiver as it is answered."""
    return build_record(Waiver, stated.waiver, cell=stated.waiver.cell_code, state=stated.state)


def lock_record(lock: models.CellLock) -> dict[str, Any]:
    """Return a lock as it is answered."""
    return build_record(CellLock, lock, code=lock.cell_code)
