"""Measures of cells as the service describes and answers them."""

from datetime import date
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from gis.classes import ClassificationMethod
from gis.measures import Aggregation, Prominence, Quantity
from layers.entities.measures import PlanMeasures as MeasuredPlan
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


class LoadBalance(BaseModel):
    """How evenly the cells of a plan share out one load."""

    model_config = ConfigDict(from_attributes=True)

    load: str = Field(examples=["households"])
    total: Number = Field(examples=[9620])
    ideal: Number = Field(examples=[240.5], description="The mean of a cell.")
    min: Number = Field(examples=[180])
    max: Number = Field(examples=[300])
    greatest_deviation: Number | None = Field(
        examples=[0.25], description="From the ideal, as a share of it; null where there is no load."
    )
    balance: Number | None = Field(
        examples=[92.5], description="0 to 100: the percentage of the load that need not move to be equal."
    )
    tolerance: Number = Field(examples=[0.05])
    out_of_tolerance: int = Field(examples=[7], description="Cells that differ from the ideal by more.")


class CellDeviation(BaseModel):
    """A cell whose load is out of tolerance."""

    model_config = ConfigDict(from_attributes=True)

    code: str = Field(examples=["440305001001001"])
    load: str = Field(examples=["households"])
    value: Number = Field(examples=[300])
    deviation: Number = Field(examples=[0.25], description="From the ideal, as a share of it.")


class PlanMeasures(BaseModel):
    """The measures of a whole plan."""

    model_config = ConfigDict(from_attributes=True)

    plan: int = Field(examples=[12])
    scheme: str = Field(examples=["community"])
    counted_on: date | None = Field(
        examples=["2026-03-01"], description="When entities are counted; null for a plan never in force."
    )
    cells: int = Field(examples=[40])
    area_m2: Number = Field(examples=[400_000.0])
    compactness: Number | None = Field(
        examples=[88.6], description="0 to 100: the circumference of circles as large over the perimeters."
    )
    polsby_popper: Number | None = Field(examples=[0.785])
    in_parts: int = Field(examples=[0], description="Cells of several parts.")
    balance: Number | None = Field(examples=[92.5], description="The mean over the loads.")
    out_of_tolerance: int = Field(examples=[7], description="Cells out of tolerance in any load.")
    loads: list[LoadBalance]
    cells_out_of_tolerance: list[CellDeviation] = Field(
        description="Those that differ most, at most 100 of all loads."
    )

    @classmethod
    def of(cls, plan: int, scheme: str, found: MeasuredPlan) -> Self:
        """Answer what a plan measures."""
        return cls(
            plan=plan,
            scheme=scheme,
            counted_on=found.counted_on,
            cells_out_of_tolerance=[CellDeviation.model_validate(each) for each in found.out_of_tolerance],
            **found.figures.summary(),
        )


class CellCounts(BaseModel):
    """How many entities lie on the ground of a cell."""

    code: str = Field(examples=["440305001001001"])
    counts: dict[str, int] = Field(examples=[{"household": 300}], description="By kind; none is left out.")


class PlanCounts(BaseModel):
    """How many entities lie on the ground of each cell of a plan today."""

    plan: int = Field(examples=[12])
    version: int = Field(examples=[4], description="Of the plan.")
    items: list[CellCounts]
