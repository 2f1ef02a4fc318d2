"""Schemes as they are answered."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from api.schemas.base import build_record
from layers import models
from layers.plans.schemes import gap_rules


class Scheme(BaseModel):
    """One purpose with its rules."""

    id: int = Field(examples=[1])
    code: str = Field(examples=["community"])
    name: str = Field(examples=["社区网格"])
    working_crs: str = Field(examples=["EPSG:4547"])
    rules: dict[str, Any] = Field(examples=[{"max_distance_m": 50, "out_of_reach": {"distance_m": 800}}])
    gap_rules: dict[str, Any] = Field(
        examples=[{"out_of_reach": {"distance_m": 800.0, "ground": True}}],
        description="By which gaps are looked for: the scheme's own, and the defaults for the rest.",
    )
    created_at: datetime
    version: int = Field(examples=[1])


def scheme_record(scheme: models.Scheme) -> dict[str, Any]:
    """Return a scheme as it is answered."""
    return build_record(Scheme, scheme, gap_rules=gap_rules(scheme).to_mapping())
