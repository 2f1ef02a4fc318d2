"""Which area of the database a location lies in: the lowest that contains it."""

from collections.abc import Sequence
from datetime import date

import geopandas as gpd
import numpy as np
import shapely
from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.arrays import ObjectArray
from gis.crs import LONLAT
from gis.locate import PointLocator
from layers.areas.versions import areas_in_force
from layers.db.bbox import BBox, bbox_intersects
from layers.db.bulk import decode_geometries, raw_geometry
from layers.models import Area


class AreaLocator:
    """An immutable picture of the areas.

    Parameters
    ----------
    session
        Of the database that holds them.
    bbox
        Look at the ground in this box only.
    on
        The day whose areas are meant; today when not given.
    """

    def __init__(self, session: Session, *, bbox: BBox | None = None, on: date | None = None) -> None:
        in_force = areas_in_force(on)
        # Which areas are the lowest does not depend on the box.
        parents = {
            row.code: row.parent for row in session.execute(select(Area.code, Area.parent).where(in_force))
        }
        chosen = select(Area.code, raw_geometry(session, Area.geometry)).where(in_force)
        if bbox is not None:
            chosen = chosen.where(bbox_intersects(session, Area, bbox))
        rows = session.execute(chosen).all()
        geometries = decode_geometries(session, [row[1] for row in rows])
        areas = gpd.GeoDataFrame({"code": [row[0] for row in rows]}, geometry=geometries, crs=LONLAT)
        self._levels = _build_locators(parents, areas)

    def locate(self, geometries: ObjectArray) -> ObjectArray:
        """Return the codes of the lowest areas that own the locations of geometries.

        Parameters
        ----------
        geometries
            EPSG:4326; a line or polygon is located by a point on it. None and empty ones lie nowhere.

        Returns
        -------
        ndarray of str or None
            On a border the lowest code; None outside all areas.
        """
        result: ObjectArray = np.full(len(geometries), None, dtype=object)
        unlocated = np.flatnonzero(~(shapely.is_missing(geometries) | shapely.is_empty(geometries)))
        points = geometries[unlocated]
        extended = np.flatnonzero(shapely.get_type_id(points) != shapely.GeometryType.POINT)
        points[extended] = shapely.point_on_surface(_make_valid(points[extended]))
        lon, lat = shapely.get_x(points), shapely.get_y(points)
        for locator in self._levels:
            owners = locator.find_owners(lon, lat)
            is_located = owners >= 0
            result[unlocated[is_located]] = locator.codes[owners[is_located]]
            unlocated, lon, lat = unlocated[~is_located], lon[~is_located], lat[~is_located]
            if not len(unlocated):
                break
        return result


def _make_valid(geometries: ObjectArray) -> ObjectArray:
    """Mend what has no inner point as it is."""
    return np.where(shapely.is_valid(geometries), geometries, shapely.make_valid(geometries))


def _build_locators(parents: dict[str, str | None], areas: gpd.GeoDataFrame) -> Sequence[PointLocator]:
    """Return one locator for the lowest areas, one for those just above them, and so on."""
    levels = []
    remaining = parents
    while remaining:
        above = {parent for parent in remaining.values() if parent is not None}
        lowest = remaining.keys() - above
        part = areas[areas["code"].isin(lowest)]
        if len(part):
            levels.append(PointLocator(part))
        if not lowest:
            break
        remaining = {code: parent for code, parent in remaining.items() if code in above}
    return levels
