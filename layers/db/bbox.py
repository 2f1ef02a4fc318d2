"""Which rows meet a box of longitude and latitude, by the index of either database."""

from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, column, func, select, table
from sqlalchemy.orm import Session

from layers.db.bulk import is_postgresql
from layers.db.geopackage import index_of
from layers.models import Area, BaseFeature, Cell, Entity, EntityVersion, Gap
from layers.models.geometry_type import SRID


class Box(NamedTuple):
    """West, south, east, north in degrees."""

    west: float
    south: float
    east: float
    north: float


def in_box(
    session: Session, model: type[Area | BaseFeature | Cell | Entity | EntityVersion | Gap], box: Box
) -> ColumnElement[bool]:
    """Return the condition that the box of a row's geometry meets a box; no geometry meets none.

    SQLite's index keeps 32-bit numbers rounded outwards, so that rows within a metre may come too.
    """
    if is_postgresql(session):
        return model.geometry.op("&&")(func.ST_MakeEnvelope(*box, SRID))
    if model is EntityVersion:
        # The history is no layer of the GeoPackage and has no index.
        return and_(
            func.ST_MinX(model.geometry) <= box.east,
            func.ST_MaxX(model.geometry) >= box.west,
            func.ST_MinY(model.geometry) <= box.north,
            func.ST_MaxY(model.geometry) >= box.south,
        )
    names = ("id", "minx", "maxx", "miny", "maxy")
    index = table(index_of(model.__tablename__), *(column(name) for name in names))
    found = select(index.c.id).where(
        index.c.minx <= box.east,
        index.c.maxx >= box.west,
        index.c.miny <= box.north,
        index.c.maxy >= box.south,
    )
    return model.id.in_(found)
