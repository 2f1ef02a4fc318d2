"""The parameters by which a list is narrowed."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from fastapi import Depends, Query

from api.http.parameters import DecimalNumber, WholeNumber
from api.http.scheme_parameters import DayParam


@dataclass(frozen=True, slots=True)
class ListParams:
    """What is asked of a list, as the request has it."""

    scheme: str | None
    at: date | None
    since: date | None
    cell: str | None
    area: str | None
    kind: str | None
    severity: str | None
    run: int | None
    text: str | None
    lang: Literal["zh", "en"]
    staffed: bool | None = None
    measure: str | None = None
    above: float | None = None
    up_to: float | None = None
    gap: int | None = None
    affected: Literal["households", "enterprises"] | None = None
    plan: int | None = None
    against: int | None = None
    from_cell: str | None = None
    to_cell: str | None = None


async def _list_params(
    scheme: Annotated[str | None, Query(max_length=60, examples=["community"])] = None,
    at: DayParam = None,
    since: Annotated[
        date | None, Query(description="The former day of a comparison.", examples=["2026-01-01"])
    ] = None,
    cell: Annotated[str | None, Query(max_length=100, examples=["440305001001001"])] = None,
    area: Annotated[
        str | None, Query(max_length=100, description="In this area or beneath it.", examples=["440305001"])
    ] = None,
    kind: Annotated[str | None, Query(max_length=100, examples=["enterprise"])] = None,
    severity: Annotated[Literal["high", "medium", "low"] | None, Query(examples=["high"])] = None,
    run: Annotated[
        WholeNumber | None, Query(ge=1, le=2**53, description="A run of gaps.", examples=[7])
    ] = None,
    text: Annotated[str | None, Query(max_length=100, description="Words to search.")] = None,
    lang: Annotated[Literal["zh", "en"], Query(description="Language of headings and words.")] = "zh",
    staffed: Annotated[
        bool | None, Query(description="Only cells with an officer on the day, or only those without.")
    ] = None,
    measure: Annotated[
        str | None,
        Query(max_length=60, description="Only cells whose measure lies within bounds.", examples=[None]),
    ] = None,
    above: Annotated[
        DecimalNumber | None,
        Query(description="The measure is greater; as `breaks` of the class before.", examples=[None]),
    ] = None,
    up_to: Annotated[
        DecimalNumber | None,
        Query(description="The measure is no greater; as `breaks` of the class.", examples=[None]),
    ] = None,
    gap: Annotated[
        WholeNumber | None,
        Query(ge=1, le=2**53, description="Only entities that a gap affects.", examples=[None]),
    ] = None,
    affected: Annotated[
        Literal["households", "enterprises"] | None,
        Query(description="Which number of the gap they make up; both when not given.", examples=[None]),
    ] = None,
    plan: Annotated[
        WholeNumber | None,
        Query(ge=1, le=2**53, description="The plan whose handover or changes are listed.", examples=[None]),
    ] = None,
    against: Annotated[
        WholeNumber | None,
        Query(
            ge=1,
            le=2**53,
            description="The older plan, of changes; what is in force if not given.",
            examples=[None],
        ),
    ] = None,
    from_cell: Annotated[
        str | None, Query(max_length=100, description="Only entities that leave this cell.", examples=[None])
    ] = None,
    to_cell: Annotated[
        str | None, Query(max_length=100, description="Only entities that join this cell.", examples=[None])
    ] = None,
) -> ListParams:
    return ListParams(
        scheme, at, since, cell, area, kind, severity, run, text, lang,
        staffed, measure, above, up_to, gap, affected, plan, against, from_cell, to_cell,
    )  # fmt: skip


ListParamsDep = Annotated[ListParams, Depends(_list_params)]
"""The type of a parameter that takes what narrows a list."""
