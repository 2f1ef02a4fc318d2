"""Measures of cells as the service describes and answers them."""

from datetime import date
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from gis.classes import ClassificationMethod
from gis.measures import Aggregation, Prominence, Quantity
from layers.tilesets import MeasureClassification, MeasureSummary


def _shorten(value: float) -> int | float:
    return int(value) if value.is_integer() else value


Number = Annotated[float, PlainSerializer(_shorten, return_type=float)]
"""A number that is written without a point where it is whole."""


class MeasureDescription(BaseModel):
    """What a measure is called, and how its values are written and aggregated."""

    model_config = ConfigDict(from_attributes=True)

    key: str = Field(examples=["households"], description="Also the attribute in the tiles.")
    labels: dict[str, str] = Field(
        examples=[{"zh": "户数", "en": "Households"}], description="Its name by language."
    )
    quantity: Quantity = Field(
        examples=["count"],
        description="What its values are: areas are in m², lengths in m, shares parts of one.",
    )
    unit: str | None = Field(examples=[None])
    aggregation: Aggregation = Field(
        examples=["sum"], description="What stands for the cells of a group in the tiles: their sum or mean."
    )
    prominence: Prominence = Field(
        examples=["headline"],
        description="headline: shown without being asked for; detail: only where everything is shown.",
    )


class Measure(MeasureDescription):
    """A measure and its range; null without cells, the sum also where values do not add up."""

    min: Number | None = Field(examples=[0])
    max: Number | None = Field(examples=[812])
    mean: Number | None = Field(examples=[240.5])
    sum: Number | None = Field(examples=[9620])

    @classmethod
    def of(cls, summary: MeasureSummary) -> Self:
        """Answer the range of a measure."""
        return cls(
            **MeasureDescription.model_validate(summary.measure).model_dump(),
            min=summary.min,
            max=summary.max,
            mean=summary.mean,
            sum=summary.sum,
        )


class Measures(BaseModel):
    """The measures of the cells that the caller may see."""

    scheme: str = Field(examples=["community"])
    at: date = Field(examples=["2026-03-01"])
    cells: int = Field(examples=[40])
    area_m2: Number = Field(examples=[400_000.0], description="The area that the cells cover, m².")
    items: list[Measure]


class Histogram(BaseModel):
    """How often values occur: one edge more than counts."""

    edges: list[Number] = Field(examples=[[-0.5, 99.5, 199.5]])
    counts: list[int] = Field(examples=[[30, 10]])


class MeasureClasses(BaseModel):
    """A measure in classes; `breaks` are their greatest values, inclusive, the last that of all."""

    scheme: str = Field(examples=["community"])
    at: date = Field(examples=["2026-03-01"])
    measure: str = Field(examples=["households"])
    unit: str | None = Field(examples=[None])
    method: ClassificationMethod = Field(examples=["quantiles"])
    cells: int = Field(examples=[40])
    min: Number | None = Field(examples=[0])
    max: Number | None = Field(examples=[199])
    breaks: list[Number] = Field(examples=[[12, 40, 77, 120, 199]])
    ranges: list[list[Number]] = Field(
        examples=[[[0, 12], [13, 40], [41, 77], [78, 120], [121, 199]]],
        description="From where to where each class reaches, as a legend says it.",
    )
    counts: list[int] = Field(examples=[[8, 8, 8, 8, 8]])
    histogram: Histogram

    @classmethod
    def of(cls, scheme: str, at: date, cells: int, found: MeasureClassification) -> Self:
        """Answer the classes of a measure of so many cells of a scheme on a day."""
        return cls(
            scheme=scheme,
            at=at,
            measure=found.measure.key,
            unit=found.measure.unit,
            method=found.method,
            cells=cells,
            min=found.min,
            max=found.max,
            breaks=found.breaks.tolist(),
            ranges=found.ranges.tolist(),
            counts=found.counts.tolist(),
            histogram=Histogram(edges=found.histogram.edges.tolist(), counts=found.histogram.counts.tolist()),
        )
