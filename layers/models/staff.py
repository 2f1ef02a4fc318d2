"""The tables of those who are responsible: officers, and the posts they hold in cells."""

from datetime import date
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
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
    """What an officer is in a cell of a scheme: leader, officer, inspector or assistant, first or backup."""

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
