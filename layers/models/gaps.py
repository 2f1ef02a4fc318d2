"""The tables of gap runs and gaps."""

from datetime import date, datetime
from typing import Any

import shapely
from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from layers.models.base import Base, KeyType


class GapRun(Base):
    """One search for gaps in the cells of a scheme that were in force on `on`; kept, so that dates compare.

    `area_code` is the ground searched, the whole scheme when NULL; `rules` are those that were applied,
    `summary` counts the gaps found by kind and severity.
    """

    __tablename__ = "gap_runs"
    __table_args__ = (Index("ix_gap_runs_scheme_id_on", "scheme_id", "on"),)

    id: Mapped[int] = mapped_column(KeyType, primary_key=True)
    scheme_id: Mapped[int] = mapped_column(ForeignKey("schemes.id"))
    area_code: Mapped[str | None]
    on: Mapped[date]
    rules: Mapped[dict[str, Any]]
    summary: Mapped[dict[str, Any]]
    created_by: Mapped[str]
    created_at: Mapped[datetime]


class Gap(Base):
    """One gap of a run, as `gis.gaps` describes it; never changed. In a run the most severe come first."""

    __tablename__ = "gaps"
    __table_args__ = (Index("ix_gaps_run_id_severity", "run_id", "severity"),)

    id: Mapped[int] = mapped_column(KeyType, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("gap_runs.id"))
    kind: Mapped[str]
    severity: Mapped[str]
    cell_code: Mapped[str | None]
    area_code: Mapped[str | None]
    area_m2: Mapped[float]
    households: Mapped[int]
    enterprises: Mapped[int]
    rule: Mapped[str]
    detail: Mapped[str]
    figures: Mapped[dict[str, Any]]
    geometry: Mapped[shapely.Geometry | None]
