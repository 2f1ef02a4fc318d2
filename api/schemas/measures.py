"""The records of measures of cells, as they are described in the OpenAPI."""

from datetime import date

from pydantic import BaseModel, Field


class Measure(BaseModel):
    """What cells are measured by, and its range; null without cells."""

    key: str = Field(examples=["households"], description="Also the attribute in the tiles.")
    unit: str | None = Field(examples=[None])
    min: float | None = Field(examples=[0])
    max: float | None = Field(examples=[812])
    mean: float | None = Field(examples=[240.5])
    sum: float | None = Field(examples=[9620])


class Measures(BaseModel):
    """The measures of the cells that the caller may see."""

    scheme: str = Field(examples=["community"])
    at: date = Field(examples=["2026-03-01"])
    cells: int = Field(examples=[40])
    items: list[Measure]


class Histogram(BaseModel):
    """How often values occur: one edge more than counts."""

    edges: list[float] = Field(examples=[[-0.5, 99.5, 199.5]])
    counts: list[int] = Field(examples=[[30, 10]])


class MeasureClasses(BaseModel):
    """A measure in classes; `breaks` are their greatest values, inclusive, the last that of all."""

    scheme: str = Field(examples=["community"])
    at: date = Field(examples=["2026-03-01"])
    measure: str = Field(examples=["households"])
    unit: str | None = Field(examples=[None])
    method: str = Field(examples=["quantiles"])
    cells: int = Field(examples=[40])
    min: float | None = Field(examples=[0])
    max: float | None = Field(examples=[199])
    breaks: list[float] = Field(examples=[[12, 40, 77, 120, 199]])
    ranges: list[list[float]] = Field(
        examples=[[[0, 12], [13, 40], [41, 77], [78, 120], [121, 199]]],
        description="From where to where each class reaches, as a legend says it.",
    )
    counts: list[int] = Field(examples=[[8, 8, 8, 8, 8]])
    histogram: Histogram
