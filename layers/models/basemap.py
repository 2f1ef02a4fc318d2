"""The table of the base map's features."""

import shapely
from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from layers.models.base import Base, KeyType


class BasemapFeature(Base):
    """A road, a water, a green, a building or a railway of the base map: what people know their way by.

    `kind` is roads, railway, water, green or buildings; `class_name` tells a main road from a lane.
    """

    __tablename__ = "base_features"
    __table_args__ = (Index("ix_base_features_kind", "kind"),)

    id: Mapped[int] = mapped_column(KeyType, primary_key=True)
    kind: Mapped[str]
    class_name: Mapped[str | None]
    name: Mapped[str | None]
    geometry: Mapped[shapely.Geometry]
