"""The tables, one model for both databases.

It owns columns, keys and indexes; GeoPackage's own tables, the migrations and every query live in the sibling
modules. Intervals are half open: valid_from ≤ date < valid_to, and valid_to is NULL while they last.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

import shapely
from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, MetaData, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from layers.storage.instant import Instant
from layers.storage.shape import Shape

# SQLite numbers rows by itself only in a column declared INTEGER.
Key = BigInteger().with_variant(Integer(), "sqlite")


class Base(DeclarativeBase):
    """The model; constraint names follow one convention, so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012  SQLAlchemy reads it
        dict[str, Any]: JSON,
        shapely.Geometry: Shape,
        datetime: Instant,
    }


class State(StrEnum):
    """The states of a plan."""

    draft = "draft"
    submitted = "submitted"
    published = "published"
    superseded = "superseded"


class JobState(StrEnum):
    """The states of a job."""

    queued = "queued"
    running = "running"
    done = "done"
    failed = "failed"
    cancelled = "cancelled"


class Area(Base):
    """An administrative area."""

    __tablename__ = "areas"
    __table_args__ = (UniqueConstraint("code"), Index("ix_areas_parent", "parent"))

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    code: Mapped[str]
    name: Mapped[str]
    level: Mapped[str]
    parent: Mapped[str | None]
    geometry: Mapped[shapely.Geometry]


class Scheme(Base):
    """One purpose with its rules; schemes live side by side over the same ground."""

    __tablename__ = "schemes"
    __table_args__ = (UniqueConstraint("code"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    code: Mapped[str]
    name: Mapped[str]
    working_crs: Mapped[str]
    rules: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    version: Mapped[int]


class Plan(Base):
    """One complete division of the ground of `area_code` (the whole scheme when NULL) under a scheme."""

    __tablename__ = "plans"
    __table_args__ = (Index("ix_plans_scheme_id_state", "scheme_id", "state"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    scheme_id: Mapped[int] = mapped_column(ForeignKey("schemes.id"))
    name: Mapped[str]
    state: Mapped[str]
    area_code: Mapped[str | None]
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    findings: Mapped[dict[str, Any] | None]
    version: Mapped[int]


class Cell(Base):
    """One version of a cell: of a draft while valid_from is NULL, in force from valid_from to valid_to after.

    `plan_id` is the plan that brought this version. A version that a later plan keeps unchanged goes on.
    """

    __tablename__ = "cells"
    __table_args__ = (
        Index("ix_cells_plan_id", "plan_id"),
        Index("ix_cells_scheme_id_code", "scheme_id", "code"),
        Index("ix_cells_scheme_id_valid_from", "scheme_id", "valid_from"),
        # A code is in force once; the database itself refuses a second.
        Index(
            "uq_cells_in_force",
            "scheme_id",
            "code",
            unique=True,
            sqlite_where=text("valid_from IS NOT NULL AND valid_to IS NULL"),
            postgresql_where=text("valid_from IS NOT NULL AND valid_to IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    scheme_id: Mapped[int] = mapped_column(ForeignKey("schemes.id"))
    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id"))
    code: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]
    parent: Mapped[str | None]
    area_code: Mapped[str | None]
    area_m2: Mapped[float]
    perimeter_m: Mapped[float]
    attributes: Mapped[dict[str, Any]]
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    geometry: Mapped[shapely.Geometry]


class PlanCell(Base):
    """Which versions of cells make a published plan: those it brought and those it kept."""

    __tablename__ = "plan_cells"
    __table_args__ = (Index("ix_plan_cells_cell_id", "cell_id"),)

    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id"), primary_key=True)
    cell_id: Mapped[int] = mapped_column(ForeignKey("cells.id"), primary_key=True)


class Entity(Base):
    """The current state of an enterprise, household, sensor, component or service point.

    `external_id` is unique within a kind. `personal` holds names, phones and identity numbers of people, and
    nothing else does. An entity that has ended keeps its row with valid_to set. `content_hash` is
    `layers.storage.content`'s of what an import compares: all but the area and the dates.
    """

    __tablename__ = "entities"
    __table_args__ = (
        UniqueConstraint("kind", "external_id"),
        Index("ix_entities_area_code_kind", "area_code", "kind"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
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

    id: Mapped[int] = mapped_column(Key, primary_key=True)
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

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    entity_id: Mapped[int] = mapped_column(ForeignKey("entities.id"))
    scheme_id: Mapped[int] = mapped_column(ForeignKey("schemes.id"))
    cell_code: Mapped[str | None]
    share: Mapped[float]
    method: Mapped[str]
    distance_m: Mapped[float | None]
    reason: Mapped[str | None]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]


class GapRun(Base):
    """One search for gaps in the cells of a scheme that were in force on `on`; kept, so that dates compare.

    `area_code` is the ground searched, the whole scheme when NULL; `rules` are those that were applied,
    `summary` counts the gaps found by kind and severity.
    """

    __tablename__ = "gap_runs"
    __table_args__ = (Index("ix_gap_runs_scheme_id_on", "scheme_id", "on"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
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

    id: Mapped[int] = mapped_column(Key, primary_key=True)
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


class BaseFeature(Base):
    """A road, a water, a green, a building or a railway of the base map: what people know their way by.

    `kind` is roads, railway, water, green or buildings; `class_name` tells a main road from a lane.
    """

    __tablename__ = "base_features"
    __table_args__ = (Index("ix_base_features_kind", "kind"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    kind: Mapped[str]
    class_name: Mapped[str | None]
    name: Mapped[str | None]
    geometry: Mapped[shapely.Geometry]


class Revision(Base):
    """One row: a number that grows with every change that readers of the snapshot must follow."""

    __tablename__ = "revision"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    number: Mapped[int]
    changed_at: Mapped[datetime]


# SQLite has the R*Trees of `layers.storage.geopackage` instead.
for _layer in (Area, Cell, Entity, Gap, BaseFeature):
    Index(f"ix_{_layer.__tablename__}_geometry", _layer.geometry, postgresql_using="gist").ddl_if(
        dialect="postgresql"
    )
