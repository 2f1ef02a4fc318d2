"""What is asked of a division: the ground, and the options of a method, one model for each method."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from api.http.parameters import DecimalNumber, WholeNumber
from api.schemas.base import RequestModel

Code = Annotated[str, Field(max_length=100)]
Level = Annotated[
    Code | None,
    Field(examples=["town"], description="Cells keep to areas of this level; the lowest if not given."),
]
WorkingCrs = Annotated[
    Code | None,
    Field(examples=["EPSG:4547"], description="Metric CRS to divide in; the scheme's if not given."),
]
UnitsScheme = Annotated[
    Annotated[str, Field(max_length=60)] | None,
    Field(
        examples=["community"],
        description="The scheme whose cells in force are the units; that of which the scheme is made if not "
        "given.",
    ),
]
UnitsDay = Annotated[
    date | None,
    Field(examples=["2026-03-01"], description="The day of the units and their loads; today if not given."),
]
LineKind = Literal["roads", "railway", "water"]
Barriers = Annotated[
    list[LineKind],
    Field(
        default_factory=list,
        max_length=3,
        examples=[["railway"]],
        description="Kinds of the base map that no cell crosses.",
    ),
]
Seed = Annotated[
    WholeNumber,
    Field(ge=0, le=2**31 - 1, examples=[1], description="The same seed gives the same cells."),
]


class DivisionWeight(RequestModel):
    """A load of units that cells share evenly."""

    column: Annotated[str, Field(min_length=1, max_length=100)] = Field(
        examples=["households"],
        description="area; the key of a measure that counts entities, such as households; an attribute of "
        "the units; or KIND.ATTRIBUTE, such as enterprise.employees, summed over the entities of a unit.",
    )
    tolerance: Annotated[DecimalNumber, Field(ge=0, le=1)] = Field(
        default=0.05, examples=[0.05], description="Share of the mean by which a cell may differ from it."
    )
    cap: Annotated[DecimalNumber, Field(gt=0, allow_inf_nan=False)] | None = Field(
        default=None, examples=[500], description="The most that a cell may have."
    )


Weights = Annotated[list[DivisionWeight], Field(min_length=1, max_length=8)]


class _Division(RequestModel):
    """What every method takes."""

    scheme: Annotated[str, Field(max_length=60)] = Field(examples=["community"])
    name: Annotated[str, Field(min_length=1, max_length=200)] = Field(examples=["squares of 100 m"])
    area_code: Code | None = Field(default=None, examples=["440305"])
    crs: WorkingCrs = None
    dry_run: bool = Field(
        default=False,
        examples=[False],
        description="Only tell the figures of the division; nothing is kept but the job.",
    )


class _NumberedDivision(_Division):
    """What methods take that give cells new codes."""

    code_layout: Literal["auto", "cn", "plain"] | None = Field(
        default=None,
        examples=["auto"],
        description="Of the codes. cn: 15 digits; plain: {area code}-{sequence}; auto: by the area codes.",
    )


class SquareDivision(_NumberedDivision):
    """An area to divide into squares."""

    method: Literal["square"] = Field(default="square", examples=["square"])
    size_m: Annotated[DecimalNumber, Field(ge=1, le=100_000)] = Field(examples=[100.0])
    level: Level = None
    min_share: Annotated[DecimalNumber, Field(ge=0, le=1)] | None = Field(
        default=None,
        examples=[0.25],
        description="Share of a square below which a remnant joins its neighbour; 0.25 if not given.",
    )


class BlockDivision(_NumberedDivision):
    """An area to divide into blocks along the streets, railways and waters of the base map."""

    method: Literal["blocks"] = Field(examples=["blocks"])
    target_area_m2: Annotated[DecimalNumber, Field(ge=100, le=1e9)] = Field(
        default=10_000.0,
        examples=[10_000.0],
        description="The size towards which blocks are joined and divided.",
    )
    level: Level = None
    lines: Annotated[list[LineKind], Field(min_length=1, max_length=3)] = Field(
        default=["roads", "railway", "water"],
        examples=[["roads", "railway", "water"]],
        description="Kinds of the base map that bound blocks.",
    )
    street_classes: Annotated[list[Code], Field(min_length=1, max_length=50)] | None = Field(
        default=None,
        examples=[["primary", "secondary"]],
        description="Only roads of these classes bound blocks; all if not given.",
    )
    barriers: Barriers
    keep_buildings: bool = Field(
        default=True,
        examples=[True],
        description="Cut no building; one that must be is listed with the reason.",
    )


class BalancedDivision(_NumberedDivision):
    """Units to group into cells with balanced loads: `zones` of them, or as many as `max_weight` asks for."""

    method: Literal["balanced"] = Field(examples=["balanced"])
    units_scheme: UnitsScheme = None
    on: UnitsDay = None
    weights: Weights
    zones: Annotated[WholeNumber, Field(ge=1, le=1_000_000)] | None = Field(
        default=None, examples=[12], description="The number of cells."
    )
    max_weight: Annotated[DecimalNumber, Field(gt=0, allow_inf_nan=False)] | None = Field(
        default=None, examples=[None], description="The most of the first weight that a cell may have."
    )
    level: Level = None
    lock: Code | None = Field(
        default=None,
        examples=["locked"],
        description="Attribute of the units; those with one value of it stay together in one cell.",
    )
    exclusive: Code | None = Field(
        default=None,
        examples=["exclusive"],
        description="Attribute of the units that marks those kept apart, such as a school or a park.",
    )
    seeds: Code | None = Field(
        default=None, examples=["service_point"], description="Kind of entities around which cells grow."
    )
    barriers: Barriers
    seed: Seed = 0
    parts: Literal["separate", "allow"] = Field(
        default="separate",
        examples=["separate"],
        description="allow lets an island join the nearest cell; separate keeps every cell in one part.",
    )

    @model_validator(mode="after")
    def _require_one_number(self) -> "BalancedDivision":
        if self.zones is not None and self.max_weight is not None:
            raise ValueError("give zones or max_weight, not both")
        if self.zones is None and self.max_weight is None and self.seeds is None:
            raise ValueError("give zones, max_weight or seeds")
        return self


class Rebalance(_Division):
    """The cells in force to balance again by moving few units."""

    method: Literal["rebalance"] = Field(examples=["rebalance"])
    units_scheme: UnitsScheme = None
    on: UnitsDay = None
    weights: Weights
    budget: Annotated[DecimalNumber, Field(ge=0, le=1)] = Field(
        default=0.1,
        examples=[0.1],
        description="The largest share of the first weight that may change cells.",
    )
    lock: Code | None = Field(
        default=None, examples=["locked"], description="Attribute of the units that stay where they are."
    )
    barriers: Barriers
    seed: Seed = 0


class Unification(_Division):
    """Cells in force of several schemes to cut into units of which the cells of each are made."""

    method: Literal["unify"] = Field(examples=["unify"])
    schemes: Annotated[list[Annotated[str, Field(max_length=60)]], Field(min_length=2, max_length=8)] = Field(
        examples=[["community", "environment"]],
        description="Their codes; each unit has that of its cell in each as an attribute of this name.",
    )
    min_width_m: Annotated[DecimalNumber, Field(ge=0, le=1000)] = Field(
        default=1.0,
        examples=[1.0],
        description="What is narrower is joined to the unit beside it, and listed.",
    )
    on: UnitsDay = None


def _method(body: Any) -> Any:
    """Return the method that a body names; squares, once all there was, need not be named."""
    return body.get("method", "square") if isinstance(body, dict) else getattr(body, "method", None)


DivisionRequest = Annotated[
    Annotated[SquareDivision, Tag("square")]
    | Annotated[BlockDivision, Tag("blocks")]
    | Annotated[BalancedDivision, Tag("balanced")]
    | Annotated[Rebalance, Tag("rebalance")]
    | Annotated[Unification, Tag("unify")],
    Discriminator(
        _method,
        custom_error_type="unknown_method",
        custom_error_message="method must be square, blocks, balanced, rebalance or unify",
    ),
]
"""The body of a division, by its method."""
