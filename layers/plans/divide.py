"""Dividing areas of the database: the cells of a plan to be drafted."""

import geopandas as gpd
from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.areas import build_hierarchy
from gis.codes import CodeLayout
from gis.crs import parse_working_crs
from gis.divide import divide_square
from gis.errors import InputError
from gis.progress import Note, Progress, no_note
from layers.areas.hierarchy import read_area_geometries, read_hierarchy
from layers.models import Area, Scheme
from layers.plans.schemes import used_codes


def divide_areas(
    session: Session,
    scheme: Scheme,
    area_code: str | None = None,
    *,
    size_m: float,
    level: str | None = None,
    min_share: float = 0.25,
    crs: str | None = None,
    code_layout: CodeLayout = "auto",
    note: Note = no_note,
    progress: Progress | None = None,
) -> gpd.GeoDataFrame:
    """Divide an area into squares, with codes that the scheme has not given yet.

    Parameters
    ----------
    area_code
        The area to divide; all areas when not given.
    size_m, min_share, code_layout, note, progress
        As for `gis.divide.divide_square`, whose `layout` is that of the codes.
    level
        Which areas beneath it cells must keep to, by their level; the lowest when not given.
    crs
        Metric CRS in which the squares are square; the scheme's when not given.

    Raises
    ------
    InputError
        If there are no areas, or none of the level, or as for `divide_square`.
    NotFoundError
        If there is no such area.
    """
    hierarchy = read_hierarchy(session)
    inside = hierarchy.subtree(area_code)
    rows = session.execute(
        select(Area.code, Area.name, Area.level).where(Area.code.in_(sorted(inside)))
    ).all()
    codes = hierarchy.leaves(area_code) & inside
    if level is not None:
        codes = {row.code for row in rows if row.level == level}
        if not codes:
            known = ", ".join(sorted({row.level for row in rows} - {""})) or "none"
            raise InputError(f"No area has the level '{level}' (levels: {known}).")
    areas = read_area_geometries(session, codes)
    if not len(areas):
        raise InputError("There are no areas to divide; load areas first.")
    working_crs = parse_working_crs(crs or scheme.working_crs)
    names = {row.code: row.name for row in rows}
    areas = build_hierarchy(
        areas.assign(name=areas["code"].map(names), level="", parent=None), crs=working_crs
    )
    return divide_square(
        areas,
        size_m=size_m,
        min_share=min_share,
        crs=working_crs,
        layout=code_layout,
        note=note,
        used_codes=used_codes(session, scheme.id),
        progress=progress,
    )
