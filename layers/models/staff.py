"""The tables of those who are responsible: officers, and the posts they hold in cells."""

from datetime import date
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint
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


class Post(Base):
    """What an officer is in a cell of a scheme: leader, officer, inspector or assistant, first or backup.

    One that publishing a plan began continues `carried_from_id`; one that it ended names the plan.
    """

    __tablename__ = "posts"
    __table_args__ = (
        Index("ix_posts_officer_id", "officer_id"),
        Index("ix_posts_scheme_id_cell_code", "scheme_id", "cell_code"),
    )

    id: Mapped[int] = mapped_column(KeyType, primary_key=True)
    officer_id: Mapped[int] = mapped_column(ForeignKey("officers.id"))
    scheme_id: Mapped[int] = mapped_column(ForeignKey("schemes.id"))
    cell_code: Mapped[str]
    duty: Mapped[str]
    rank: Mapped[str]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    version: Mapped[int]
    carried_from_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id"))
    ended_by_plan_id: Mapped[int | None] = mapped_column(ForeignKey("plans.id"))


class PlanOfficers(Base):
    """Who is to answer for a cell of a draft, chosen in place of what its ground proposes.

    `posts` lists officer_id, duty and rank of each; an empty list leaves the cell vacant.
    """

    __tablename__ = "plan_officers"

    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id"), primary_key=True)
    cell_code: Mapped[str] = mapped_column(primary_key=True)
    posts: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    chosen_by: Mapped[str]
