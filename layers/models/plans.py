"""The tables of schemes, plans and cells."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

import shapely
from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from layers.models.base import Base, KeyType


class PlanState(StrEnum):
    """The states of a plan."""

    draft = "draft"
    submitted = "submitted"
    approved = "approved"
    published = "published"
    superseded = "superseded"
    withdrawn = "withdrawn"


class CoverageMode(StrEnum):
    """How the plans of a scheme cover their areas."""

    whole = "whole"
    """All ground lies in a cell; a blank is a fault."""
    part = "part"
    """Some ground is meant to lie in no cell, as around exclusive zones."""


class Scheme(Base):
    """One purpose with its rules; schemes live side by side over the same ground, or one on another.

    The cells of a scheme with a `unit_scheme_id` are sets of whole cells of that scheme, its units.
    """

    __tablename__ = "schemes"
    __table_args__ = (UniqueConstraint("code"),)

    id: Mapped[int] = mapped_column(KeyType, primary_key=True)
    code: Mapped[str]
    name: Mapped[str]
    working_crs: Mapped[str]
    rules: Mapped[dict[str, Any]]
    unit_scheme_id: Mapped[int | None] = mapped_column(ForeignKey("schemes.id"))
    coverage: Mapped[str] = mapped_column(default=CoverageMode.whole, server_default=CoverageMode.whole)
    created_at: Mapped[datetime]
    version: Mapped[int]

    unit_scheme: Mapped["Scheme | None"] = relationship(remote_side="Scheme.id")


class Plan(Base):
    """One complete division of the ground of `area_code` (the whole scheme when NULL) under a scheme.

    The cells of a plan over units are made of the units of the day `units_on`. A draft that carries a change
    of units through was made for the plan `carried_from_id`, and tells in `carry_report` what it did. One to
    which a change of a shared border was proposed was made for the draft `proposed_from_id`. Where the
    findings of its check lie is read on demand alone.
    """

    __tablename__ = "plans"
    __table_args__ = (Index("ix_plans_scheme_id_state", "scheme_id", "state"),)

    id: Mapped[int] = mapped_column(KeyType, primary_key=True)
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
    finding_shapes: Mapped[dict[str, Any] | None] = mapped_column(deferred=True)
    units_on: Mapped[date | None]
    carried_from_id: Mapped[int | None] = mapped_column(ForeignKey("plans.id"))
    carry_report: Mapped[dict[str, Any] | None]
    proposed_from_id: Mapped[int | None] = mapped_column(ForeignKey("plans.id"))
    version: Mapped[int]


class Cell(Base):
    """One version of a cell: of a draft while valid_from is NULL, in force from valid_from to valid_to after.

    `plan_id` is the plan that brought this version. `personal` holds names and numbers of people, and nothing
    else does. A version that a later plan keeps unchanged goes on.
    """

    __tablename__ = "cells"
    __table_args__ = (
        Index("ix_cells_plan_id", "plan_id"),
        Index("ix_cells_scheme_id_code", "scheme_id", "code"),
        Index("ix_cells_scheme_id_area_code", "scheme_id", "area_code"),
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

    id: Mapped[int] = mapped_column(KeyType, primary_key=True)
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
    personal: Mapped[dict[str, Any]] = mapped_column(default=dict)
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    geometry: Mapped[shapely.Geometry]


class PlanCell(Base):
    """Which versions of cells make a published plan: those it brought and those it kept."""

    __tablename__ = "plan_cells"
    __table_args__ = (Index("ix_plan_cells_cell_id", "cell_id"),)

    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id"), primary_key=True)
    cell_id: Mapped[int] = mapped_column(ForeignKey("cells.id"), primary_key=True)


class CellUnit(Base):
    """Which units a version of a cell is made of, by their codes.

    A unit belongs to the cell as long as the version is in force: the rows have no dates of their own.
    """

    __tablename__ = "cell_units"
    __table_args__ = (Index("ix_cell_units_unit_code", "unit_code"),)

    cell_id: Mapped[int] = mapped_column(KeyType, ForeignKey("cells.id"), primary_key=True)
    unit_code: Mapped[str] = mapped_column(primary_key=True)


class PlanEdit(Base):
    """One step in the life of a plan: of its drawing, or of its way into force.

    Steps are never changed. `version` is that of the plan after it. An edit has what it took away and put in
    its place, cells as `layers.plans.draft_cells` writes them; that it was undone or done again names the
    edit. `codes` are the cells it touches. The steps of the way into force have what
    `layers.plans.history.record_step` was given.
    """

    __tablename__ = "plan_edits"
    __table_args__ = (UniqueConstraint("plan_id", "version"),)

    id: Mapped[int] = mapped_column(KeyType, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id"))
    version: Mapped[int]
    action: Mapped[str]
    command: Mapped[str]
    edit_id: Mapped[int | None] = mapped_column(ForeignKey("plan_edits.id"))
    codes: Mapped[dict[str, Any]]
    content: Mapped[dict[str, Any] | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime]


class CellLock(Base):
    """A cell of a draft that is not to be redrawn, and who wanted it so."""

    __tablename__ = "cell_locks"

    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id"), primary_key=True)
    cell_code: Mapped[str] = mapped_column(primary_key=True)
    locked_by: Mapped[str]
    locked_at: Mapped[datetime]


class Waiver(Base):
    """That a cell may break a rule of its scheme, with the reason, as long as it stays as it is.

    `content_hash` is that of the cell for which it was given.
    """

    __tablename__ = "waivers"
    __table_args__ = (
        Index("ix_waivers_plan_id", "plan_id"),
        Index("ix_waivers_scheme_id_cell_code", "scheme_id", "cell_code"),
    )

    id: Mapped[int] = mapped_column(KeyType, primary_key=True)
    scheme_id: Mapped[int] = mapped_column(ForeignKey("schemes.id"))
    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id"))
    rule: Mapped[str]
    cell_code: Mapped[str]
    content_hash: Mapped[str]
    reason: Mapped[str]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    ended_by: Mapped[str | None]
    ended_at: Mapped[datetime | None]
