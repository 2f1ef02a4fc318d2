"""The tables of those who are responsible: officers, their posts and absences, and groups of cells."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint, false
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapped, mapped_column

from layers.models.base import Base, KeyType


class Officer(Base):
    """A person responsible for cells; bound to the area of `area_code`."""

    __tablename__ = "officers"
    __table_args__ = (UniqueConstraint("external_id"), Index("ix_officers_area_code", "area_code"))

    id: Mapped[int] = mapped_column(KeyType, primary_key=True)
    external_id: Mapped[str]
    area_code: Mapped[str | None]
    personal: Mapped[dict[str, Any]]
    attributes: Mapped[dict[str, Any]]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    version: Mapped[int]


def _first_day(context: DefaultExecutionContext) -> Any:
    """Return the first day of a post, from which it is held if it continues none."""
    values: dict[str, Any] = context.get_current_parameters()  # type: ignore[no-untyped-call]
    return values["valid_from"]


class Post(Base):
    """What an officer is at a place: leader, officer, inspector or assistant, first or backup.

    The place is one of four: a cell of a scheme, a group of cells, an area, an entity. One at an area or an
    entity without a scheme is one in all schemes. `published_name` and `published_phone` are what the notice
    board shows where that differs from what the officer publishes. `held_since` is the day from which the
    officer has had the post, also in the cells that it was carried from. One that publishing a plan began
    continues `carried_from_id`; one that it ended names the plan.
    """

    __tablename__ = "posts"
    __table_args__ = (
        Index("ix_posts_officer_id", "officer_id"),
        Index("ix_posts_scheme_id_cell_code", "scheme_id", "cell_code"),
        Index("ix_posts_area_code", "area_code"),
        Index("ix_posts_group_id", "group_id"),
        Index("ix_posts_entity_id", "entity_id"),
    )

    id: Mapped[int] = mapped_column(KeyType, primary_key=True)
    officer_id: Mapped[int] = mapped_column(ForeignKey("officers.id"))
    scheme_id: Mapped[int | None] = mapped_column(ForeignKey("schemes.id"))
    cell_code: Mapped[str | None]
    group_id: Mapped[int | None] = mapped_column(ForeignKey("cell_groups.id"))
    area_code: Mapped[str | None]
    entity_id: Mapped[int | None] = mapped_column(ForeignKey("entities.id"))
    duty: Mapped[str]
    rank: Mapped[str]
    part_time: Mapped[bool] = mapped_column(default=False, server_default=false())
    published_name: Mapped[str | None]
    published_phone: Mapped[str | None]
    held_since: Mapped[date] = mapped_column(default=_first_day)
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    version: Mapped[int]
    carried_from_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id"))
    ended_by_plan_id: Mapped[int | None] = mapped_column(ForeignKey("plans.id"))


class CellGroup(Base):
    """A named group of cells (片) of a scheme, in an area that holds them all."""

    __tablename__ = "cell_groups"
    __table_args__ = (UniqueConstraint("scheme_id", "code"),)

    id: Mapped[int] = mapped_column(KeyType, primary_key=True)
    scheme_id: Mapped[int] = mapped_column(ForeignKey("schemes.id"))
    code: Mapped[str]
    name: Mapped[str]
    area_code: Mapped[str | None]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    version: Mapped[int]


class GroupCell(Base):
    """A cell in a group, from when to when; a plan that ends the cell hands its place to its successors."""

    __tablename__ = "group_cells"
    __table_args__ = (
        Index("ix_group_cells_group_id", "group_id"),
        Index("ix_group_cells_scheme_id_cell_code", "scheme_id", "cell_code"),
    )

    id: Mapped[int] = mapped_column(KeyType, primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("cell_groups.id"))
    scheme_id: Mapped[int] = mapped_column(ForeignKey("schemes.id"))
    cell_code: Mapped[str]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    version: Mapped[int]
    carried_from_id: Mapped[int | None] = mapped_column(ForeignKey("group_cells.id"))
    ended_by_plan_id: Mapped[int | None] = mapped_column(ForeignKey("plans.id"))


class Absence(Base):
    """Days on which an officer is away; the reason is personal."""

    __tablename__ = "absences"
    __table_args__ = (Index("ix_absences_officer_id", "officer_id"),)

    id: Mapped[int] = mapped_column(KeyType, primary_key=True)
    officer_id: Mapped[int] = mapped_column(ForeignKey("officers.id"))
    valid_from: Mapped[date]
    valid_to: Mapped[date]
    personal: Mapped[dict[str, Any]]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    version: Mapped[int]


class PlanOfficers(Base):
    """Who is to answer for a cell of a draft, chosen in place of what its ground proposes.

    `posts` lists officer_id, duty and rank of each; an empty list leaves the cell vacant.
    """

    __tablename__ = "plan_officers"

    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id"), primary_key=True)
    cell_code: Mapped[str] = mapped_column(primary_key=True)
    posts: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    chosen_by: Mapped[str]
