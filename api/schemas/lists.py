"""Lists as they are answered."""

from typing import Any

from pydantic import BaseModel, Field


class ListColumnRecord(BaseModel):
    """A column of a list."""

    key: str = Field(examples=["cell_code"])
    heading: str = Field(examples=["网格编码"])
    type: str = Field(examples=["text"], description="text, number or date.")


class ListAnswer(BaseModel):
    """Some rows of a list, and how many it has."""

    name: str = Field(examples=["entities"])
    title: str = Field(examples=["对象清单"])
    columns: list[ListColumnRecord]
    items: list[dict[str, Any]] = Field(
        examples=[[{"id": 17, "external_id": "E000017", "cell_code": "440305001001001"}]],
        description="Values by the keys of columns; `id` is what a row is read by.",
    )
    total: int = Field(examples=[117], description="Rows in all.")
    most_rows: int = Field(examples=[10000], description="The most rows of a file of it.")
    notes: list[str] = Field(
        examples=[["服务不可达：未分析（没有服务网点数据）"]],
        description="What the rows do not say: which kinds of gaps were not analysed.",
    )
