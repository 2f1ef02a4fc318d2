"""The filing notice of a plan as it is answered."""

from datetime import date
from typing import Any

from pydantic import BaseModel, Field

from api.schemas.base import build_record
from layers.lists import notice


class NoticeFact(BaseModel):
    """What a notice says first."""

    name: str = Field(examples=["生效日期"])
    value: str = Field(examples=["2026-03-01"])


class NoticeTable(BaseModel):
    """A table of a notice."""

    title: str = Field(examples=["责任人变动表"])
    headings: list[str] = Field(examples=[["网格编码", "网格名称", "原责任人", "新责任人"]])
    rows: list[list[str | int | float | None]] = Field(
        examples=[[["440305001001001", "大新社区 001", "G-1 网格长 A", "G-2 网格长 A"]]]
    )


class PlanNotice(BaseModel):
    """The filing notice of a plan."""

    plan: int = Field(examples=[12])
    begins: date = Field(examples=["2026-03-01"])
    facts: list[NoticeFact]
    tables: list[NoticeTable] = Field(
        description="Cells that change, entities that move, who answers for the cells, who hands over what."
    )


def notice_record(found: notice.PlanNotice) -> dict[str, Any]:
    """Return a notice as it is answered."""
    return build_record(
        PlanNotice,
        found,
        plan=found.plan.id,
        facts=[{"name": name, "value": value} for name, value in found.facts],
        tables=[build_record(NoticeTable, each) for each in found.tables],
    )
