"""The tables of entities, their former states, and their assignments."""

from datetime import date
from typing import Any

import shapely
from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from layers.models.base import Base, KeyType


class Entity(Base):
    """The current state of an enterprise, household, sensor, component or service point.

    `external_id` is unique within a kind. `personal` holds names, phones and identity numbers of people, and
    nothing else does. An entity that has ended keeps its row with valid_to set. `content_hash` is
    `layers.db.content_hash`'s of what an import compares: all but the area and the dates.
    """

    __tablename__ = "entities"
    __table_args__ = (
        UniqueConstraint("kind", "external_id"),
        Index("ix_entities_area_code_kind", "area_code", "kind"),
    )

    id: Mapped[int] = mapped_column(KeyType, primary_key=True)
    kind: Mapped[str]
    external_id: Mapped[str]
    name: Mapped[str | None]
    class_name: Mapped[str | None]
    area_code: Mapped[str | None]
    attributes: Mapped[dict[str, Any]]
    personal: Mapped[dict[str, Any]]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    version: Mapped[int]
    content_hash: Mapped[str | None]
    geometry: Mapped[shapely.Geometry | None]


class EntityVersion(Base):
    """A former state of an entity, kept for ever."""

    __tablename__ = "entity_versions"
    __table_args__ = (Index("ix_entity_versions_entity_id", "entity_id"),)

    id: Mapped[int] = mapped_column(KeyType, primary_key=True)
    entity_id: Mapped[int] = mapped_column(ForeignKey("entities.id"))
    name: Mapped[str | None]
    class_name: Mapped[str | None]
    area_code: Mapped[str | None]
    attributes: Mapped[dict[str, Any]]
    personal: Mapped[dict[str, Any]]
    valid_from: Mapped[date]
    valid_to: Mapped[date]
    version: Mapped[int]
    geometry: Mapped[shapely.Geometry | None]


class Assignment(Base):
    """Which cell of a scheme an entity belonged to, from when to when; never updated but to end it."""

    __tablename__ = "assignments"
    __table_args__ = (
        Index("ix_assignments_entity_id_scheme_id", "entity_id", "scheme_id"),
        Index("ix_assignments_scheme_id_cell_code", "scheme_id", "cell_code"),
        Index(
            "uq_assignments_lasting",
            "scheme_id",
            "entity_id",
            unique=True,
            sqlite_where=text("valid_to IS NULL"),
            postgresql_where=text("valid_to IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(KeyType, primary_key=True)
    entity_id: Mapped[int] = mapped_column(ForeignKey("entities.id"))
    scheme_id: Mapped[int] = mapped_column(ForeignKey("schemes.id"))
    cell_code: Mapped[str | None]
    share: Mapped[float]
    method: Mapped[str]
    distance_m: Mapped[float | None]
    reason: Mapped[str | None]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
