"""Which rows meet a box of longitude and latitude, by the index of either database."""

from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, column, func, select, table
from sqlalchemy.orm import Session

from layers.db.bulk import is_postgresql
from layers.db.geopackage import rtree_name
from layers.models import Area, BasemapFeature, Cell, Entity, EntityVersion, Gap
from layers.models.geometry_type import SRID


class BBox(NamedTuple):
    """West, south, east, north in degrees."""

    west: float
    south: float
    east: float
    north: float


def bbox_intersects(
    session: Session, model: type[Area | BasemapFeature | Cell | Entity | EntityVersion | Gap], bbox: BBox
) -> ColumnElement[bool]:
    """Return the condition that the box of a row's geometry meets a box; no geometry meets none.

    SQLite's index keeps 32-bit numbers rounded outwards, so that rows within a metre may come too.
    """
    if is_postgresql(session):
        return model.geometry.op("&&")(func.ST_MakeEnvelope(*bbox, SRID))
    if model is EntityVersion:
        # The history is no layer of the GeoPackage and has no index.
        return and_(
            func.ST_MinX(model.geometry) <= bbox.east,
            func.ST_MaxX(model.geometry) >= bbox.west,
            func.ST_MinY(model.geometry) <= bbox.north,
            func.ST_MaxY(model.geometry) >= bbox.south,
        )
    names = ("id", "minx", "maxx", "miny", "maxy")
    index = table(rtree_name(model.__tablename__), *(column(name) for name in names))
    matching = select(index.c.id).where(
        index.c.minx <= bbox.east,
        index.c.maxx >= bbox.west,
        index.c.miny <= bbox.north,
        index.c.maxy >= bbox.south,
    )
    return model.id.in_(matching)
