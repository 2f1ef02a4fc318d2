"""The steps in the life of a plan as they are answered."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from api.schemas.base import build_record
from layers.models import PlanEdit


class PlanStep(BaseModel):
    """What somebody did to a plan."""

    id: int = Field(examples=[31])
    version: int = Field(examples=[4], description="Of the plan after it.")
    action: str = Field(
        examples=["reject"],
        description="copy, edit, undo, redo, rename, lock, unlock, waive, end-waiver, submit, approve, "
        "reject, withdraw, publish, take-back or supersede.",
    )
    command: str | None = Field(examples=[None], description="Of an edit.")
    codes: list[str] = Field(examples=[[]], description="The cells that the step concerns.")
    rule: str | None = Field(examples=[None], description="That was waived, or is not any more.")
    plan: int | None = Field(
        examples=[None], description="The plan that was copied, or whose publication or taking back did this."
    )
    on: str | None = Field(examples=[None], description="The first day of what was published or copied.")
    comment: str | None = Field(examples=["The border follows no street."])
    created_by: str = Field(examples=["account 3 planner"])
    created_at: datetime


def history_record(step: PlanEdit) -> dict[str, Any]:
    """Return a step of a plan as it is answered."""
    content = step.content or {}
    told = {name: content.get(name) for name in ("plan", "on", "comment", "rule")}
    codes = step.codes["codes"] or content.get("cells", [])
    return build_record(PlanStep, step, command=step.command or None, codes=codes, **told)
