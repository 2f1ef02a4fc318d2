"""Which area of the database a location lies in: the lowest that contains it."""

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.crs import LONLAT
from gis.locate import PointLocator
from layers.db.bbox import Box, in_box
from layers.db.bulk import decode, raw
from layers.models import Area

Objects = NDArray[np.object_]


class Territory:
    """An immutable picture of the areas.

    Parameters
    ----------
    session
        Of the database that holds them.
    box
        Look at the ground in this box only.

    """

    def __init__(self, session: Session, *, box: Box | None = None) -> None:
        # Which areas are the lowest does not depend on the box.
        parents = {row.code: row.parent for row in session.execute(select(Area.code, Area.parent))}
        chosen = select(Area.code, raw(session, Area.geometry))
        if box is not None:
            chosen = chosen.where(in_box(session, Area, box))
        rows = session.execute(chosen).all()
        shapes = decode(session, [row[1] for row in rows])
        ground = gpd.GeoDataFrame({"code": [row[0] for row in rows]}, geometry=shapes, crs=LONLAT)
        self._levels = _locators(parents, ground)

    def areas_of(self, geometries: Objects) -> Objects:
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
        result: Objects = np.full(len(geometries), None, dtype=object)
        here = np.flatnonzero(~(shapely.is_missing(geometries) | shapely.is_empty(geometries)))
        shapes = geometries[here]
        extended = np.flatnonzero(shapely.get_type_id(shapes) != shapely.GeometryType.POINT)
        shapes[extended] = shapely.point_on_surface(_valid(shapes[extended]))
        lon, lat = shapely.get_x(shapes), shapely.get_y(shapes)
        for locator in self._levels:
            owners = locator.owners(lon, lat)
            held = owners >= 0
            result[here[held]] = locator.codes[owners[held]]
            here, lon, lat = here[~held], lon[~held], lat[~held]
            if not len(here):
                break
        return result


def _valid(shapes: Objects) -> Objects:
    """Mend what has no inner point as it is."""
    return np.where(shapely.is_valid(shapes), shapes, shapely.make_valid(shapes))


def _locators(parents: dict[str, str | None], ground: gpd.GeoDataFrame) -> Sequence[PointLocator]:
    """Return one locator for the lowest areas, one for those just above them, and so on."""
    levels = []
    left = parents
    while left:
        above = {parent for parent in left.values() if parent is not None}
        lowest = left.keys() - above
        part = ground[ground["code"].isin(lowest)]
        if len(part):
            levels.append(PointLocator(part))
        if not lowest:
            break
        left = {code: parent for code, parent in left.items() if code in above}
    return levels
