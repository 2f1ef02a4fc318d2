"""The tables of administrative areas: their versions, what changed them, and what each area became."""

from datetime import date, datetime
from typing import Any

import shapely
from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from layers.models.base import Base, KeyType


class Area(Base):
    """One version of an administrative area, in force from valid_from to valid_to.

    `valid_from` is NULL for an area that was there before anything is known of it, unlike elsewhere.
    """

    __tablename__ = "areas"
    __table_args__ = (
        Index("ix_areas_code", "code"),
        Index("ix_areas_parent", "parent"),
        # A code is in force once; the database itself refuses a second.
        Index(
            "uq_areas_in_force",
            "code",
            unique=True,
            sqlite_where=text("valid_to IS NULL"),
            postgresql_where=text("valid_to IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(KeyType, primary_key=True)
    code: Mapped[str]
    name: Mapped[str]
    level: Mapped[str]
    parent: Mapped[str | None]
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    change: Mapped[str] = mapped_column(server_default="recorded")
    adjustment_id: Mapped[int | None] = mapped_column(
        ForeignKey("area_adjustments.id", name="fk_areas_adjustment_id_area_adjustments")
    )
    ended_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("area_adjustments.id", name="fk_areas_ended_by_id_area_adjustments")
    )
    geometry: Mapped[shapely.Geometry]


class AreaAdjustment(Base):
    """The changes of areas that came in together and are in force from one day (区划调整).

    `settled_at` tells when entities were given the areas they lie in since.
    """

    __tablename__ = "area_adjustments"

    id: Mapped[int] = mapped_column(KeyType, primary_key=True)
    valid_from: Mapped[date]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    undone_by: Mapped[str | None]
    undone_at: Mapped[datetime | None]
    report: Mapped[dict[str, Any]]


class AreaLineage(Base):
    """How much ground of one area went to another on the day of an adjustment, of one level.

    `ended` tells that the predecessor is no more since; its ground was `predecessor_m2`.
    """

    __tablename__ = "area_lineage"
    __table_args__ = (
        Index("ix_area_lineage_predecessor", "predecessor"),
        Index("ix_area_lineage_successor", "successor"),
    )

    adjustment_id: Mapped[int] = mapped_column(ForeignKey("area_adjustments.id"), primary_key=True)
    predecessor: Mapped[str] = mapped_column(primary_key=True)
    successor: Mapped[str] = mapped_column(primary_key=True)
    valid_from: Mapped[date]
    area_m2: Mapped[float]
    predecessor_m2: Mapped[float]
    ended: Mapped[bool]
