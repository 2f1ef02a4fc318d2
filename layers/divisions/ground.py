"""The ground that a division fills: the areas of the database that cells keep to, in their working CRS."""

from dataclasses import dataclass

import geopandas as gpd
from pyproj import CRS
from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.areas import build_hierarchy
from gis.crs import parse_working_crs
from gis.errors import InputError
from layers.areas.hierarchy import planning_day, read_area_geometries, read_hierarchy
from layers.areas.versions import areas_in_force
from layers.models import Area, Scheme
from layers.plans.schemes import used_codes


@dataclass(frozen=True)
class Ground:
    """What is divided under a scheme.

    Attributes
    ----------
    areas
        The areas that cells keep to, as `gis.areas.build_hierarchy` gives them.
    crs
        The working CRS.
    used_codes
        The codes that the scheme has given before.
    """

    areas: gpd.GeoDataFrame
    crs: CRS
    used_codes: frozenset[str]


def read_ground(
    session: Session,
    scheme: Scheme,
    area_code: str | None = None,
    *,
    level: str | None = None,
    crs: str | None = None,
) -> Ground:
    """Read what is to be divided.

    Parameters
    ----------
    area_code
        The area to divide; all areas when not given.
    level
        Which areas beneath it cells keep to, by their level; the lowest when not given.
    crs
        Metric CRS; the scheme's when not given.

    Raises
    ------
    InputError
        If there are no areas, or none of the level, or the CRS is not metric.
    NotFoundError
        If there is no such area.
    """
    names = areas_of_level(session, area_code, level)
    areas = read_area_geometries(session, names, planning_day(session, area_code))
    if not len(areas):
        raise InputError("There are no areas to divide; load areas first.")
    working_crs = parse_working_crs(crs or scheme.working_crs)
    areas = areas.assign(name=areas["code"].map(names), level="", parent=None)
    return Ground(
        build_hierarchy(areas, crs=working_crs), working_crs, frozenset(used_codes(session, scheme.id))
    )


def areas_of_level(session: Session, area_code: str | None, level: str | None) -> dict[str, str]:
    """Return the names by code of the areas of a level in an area; of the lowest when no level is given.

    Raises
    ------
    InputError
        If no area has the level.
    NotFoundError
        If there is no such area.
    """
    day = planning_day(session, area_code)
    hierarchy = read_hierarchy(session, day)
    inside = hierarchy.subtree(area_code)
    chosen = select(Area.code, Area.name, Area.level).where(
        Area.code.in_(sorted(inside)), areas_in_force(day)
    )
    rows = session.execute(chosen).all()
    if level is None:
        lowest = hierarchy.leaves(area_code)
        return {row.code: row.name for row in rows if row.code in lowest}
    names = {row.code: row.name for row in rows if row.level == level}
    if not names:
        known = ", ".join(sorted({row.level for row in rows} - {""})) or "none"
        raise InputError(f"No area has the level '{level}' (levels: {known}).")
    return names
