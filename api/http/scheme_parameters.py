"""The parameters by which requests name a scheme, a cell of it and a day."""

from datetime import date
from typing import Annotated

from fastapi import Path, Query

SchemeCode = Annotated[str, Path(max_length=60, examples=["community"])]
CellCode = Annotated[str, Path(max_length=100, examples=["440305001001001"])]
DayParam = Annotated[
    date | None, Query(description="The day; today when not given.", examples=["2026-03-01"])
]
