"""What all tables share: the declarative base, the type of keys, and the revision that writers raise."""

from datetime import datetime
from typing import Any

import shapely
from sqlalchemy import JSON, BigInteger, Integer, MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from layers.models.geometry_type import LonLatGeometry
from layers.models.utc_type import UtcDateTime

# SQLite numbers rows by itself only in a column declared INTEGER.
KeyType = BigInteger().with_variant(Integer(), "sqlite")


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
        shapely.Geometry: LonLatGeometry,
        datetime: UtcDateTime,
    }


class Revision(Base):
    """One row: a number that grows with every change that readers of the snapshot must follow.

    Its key is drawn at random when the database is made and when it is restored. Restoring sets numbers and
    versions back, and with the key an answer of before cannot be taken for one of afterwards.
    """

    __tablename__ = "revision"

    id: Mapped[int] = mapped_column(KeyType, primary_key=True)
    number: Mapped[int]
    changed_at: Mapped[datetime]
