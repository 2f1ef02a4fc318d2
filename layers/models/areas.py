"""The table of administrative areas."""

import shapely
from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from layers.models.base import Base, KeyType


class Area(Base):
    """An administrative area."""

    __tablename__ = "areas"
    __table_args__ = (UniqueConstraint("code"), Index("ix_areas_parent", "parent"))

    id: Mapped[int] = mapped_column(KeyType, primary_key=True)
    code: Mapped[str]
    name: Mapped[str]
    level: Mapped[str]
    parent: Mapped[str | None]
    geometry: Mapped[shapely.Geometry]
