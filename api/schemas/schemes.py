"""Schemes as they are answered."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from api.schemas.base import build_record
from layers import models
from layers.plans.schemes import border_colour, gap_rules, scheme_labels, unit_rule


class Scheme(BaseModel):
    """One purpose with its rules."""

    id: int = Field(examples=[1])
    code: str = Field(examples=["community"])
    name: str = Field(examples=["社区网格"])
    working_crs: str = Field(examples=["EPSG:4547"])
    unit_scheme: str | None = Field(
        examples=[None],
        description="The scheme whose cells are the units of which this one's cells are made.",
    )
    coverage: str = Field(
        examples=["whole"],
        description="whole: a blank in its areas is a fault; part: some ground is meant to be in no cell.",
    )
    rules: dict[str, Any] = Field(examples=[{"max_distance_m": 50, "out_of_reach": {"distance_m": 800}}])
    unit_rule: dict[str, Any] | None = Field(
        examples=[None],
        description="How many units each cell has, and whether they are adjacent and of one area: "
        "the scheme's own `rules.units`, and the defaults for the rest. Null for a scheme without units.",
    )
    border: str | None = Field(
        examples=["#ff00ff"],
        description="The colour of cells' borders on official maps by the scheme's profile, or null.",
    )
    labels: dict[str, dict[str, dict[str, str]]] = Field(
        examples=[{"kinds": {"exclusive": {"zh": "专属网格", "en": "exclusive cell"}}}],
        description="Words by key: for `kinds` of cells, and `levels` where the profile names them.",
    )
    gap_rules: dict[str, Any] = Field(
        examples=[{"out_of_reach": {"distance_m": 800.0, "ground": True}}],
        description="By which gaps are looked for: the scheme's own, and the defaults for the rest.",
    )
    created_at: datetime
    version: int = Field(examples=[1])


def scheme_record(scheme: models.Scheme) -> dict[str, Any]:
    """Return a scheme as it is answered; of a session that is open."""
    units = scheme.unit_scheme
    return build_record(
        Scheme,
        scheme,
        unit_scheme=None if units is None else units.code,
        unit_rule=None if units is None else unit_rule(scheme).to_mapping(),
        border=border_colour(scheme),
        labels=scheme_labels(scheme),
        gap_rules=gap_rules(scheme).to_mapping(),
    )
