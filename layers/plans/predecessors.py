"""Predecessors: the cells from which the ground of a plan's cells came, weighed by the households on it."""

from collections import Counter
from datetime import date
from functools import partial
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS
from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.arrays import ObjectArray
from gis.crs import LONLAT
from gis.locate import PointLocator
from gis.predecessors import share_ground
from layers.db.bbox import BBox, bbox_intersects
from layers.db.bulk import decode_geometries, raw_geometry, read_rows
from layers.models import Entity, Scheme

_KINDS = "household", "enterprise"

_AREA_DIGITS = 3
# Halves of a cell differ by that much in any projection.


class Predecessor(NamedTuple):
    """A cell of before, and what a new cell has of it: ground, and the households and enterprises on that."""

    code: str
    area_m2: float
    households: int
    enterprises: int


def find_predecessors(
    session: Session,
    scheme: Scheme,
    before: gpd.GeoDataFrame,
    after: gpd.GeoDataFrame,
    on: date,
    *,
    count_all: bool = False,
) -> dict[str, list[Predecessor]]:
    """Return the predecessors of each cell by its code, first the one whose officers it takes over.

    That is the one with most of its households; where it has none, or as many of two, the one with most of
    its ground, then the one with its own code, then the lowest code.

    Parameters
    ----------
    before, after
        Cells with code and geometry in EPSG:4326.
    on
        Households that last beyond this day count where they lie now, also those that were entered later.
    count_all
        Count households and enterprises also where a cell has one predecessor and they decide nothing.
    """
    if before.empty or after.empty:
        return {code: [] for code in after["code"]}
    crs = CRS.from_user_input(scheme.working_crs)
    old, new = (_polygons(cells, crs) for cells in (before, after))
    shares = share_ground(new, old)
    sources = np.bincount(shares.new_row, minlength=len(after))
    counted = after[sources > (0 if count_all else 1)]
    counts = _count_entities(session, before, counted, on)
    old_codes, new_codes = before["code"].tolist(), after["code"].tolist()
    found: dict[str, list[Predecessor]] = {code: [] for code in new_codes}
    for new_row, old_row, area_m2 in zip(*(column.tolist() for column in shares), strict=True):
        code, former = new_codes[new_row], old_codes[old_row]
        entities = (counts[code, former, kind] for kind in _KINDS)
        found[code].append(Predecessor(former, area_m2, *entities))
    for code, each in found.items():
        largest_m2 = max((one.area_m2 for one in each), default=0.0)
        found[code] = sorted(each, key=partial(_preference, code=code, largest_m2=largest_m2))
    return found


def _preference(one: Predecessor, code: str, largest_m2: float) -> tuple[int, float, bool, str]:
    """Return by what the predecessors of a cell are ordered; ground that differs by less counts the same."""
    return -one.households, -round(one.area_m2 / largest_m2, _AREA_DIGITS), one.code != code, one.code


def _polygons(cells: gpd.GeoDataFrame, crs: CRS) -> ObjectArray:
    polygons: ObjectArray = cells.geometry.to_crs(crs).to_numpy()
    invalid = ~shapely.is_valid(polygons)
    polygons[invalid] = shapely.make_valid(polygons[invalid])
    return polygons


def _count_entities(
    session: Session, before: gpd.GeoDataFrame, after: gpd.GeoDataFrame, on: date
) -> Counter[tuple[str, str, str]]:
    """Count what each pair of a new and an old cell has, by their codes and the kind."""
    counts: Counter[tuple[str, str, str]] = Counter()
    if after.empty:
        return counts
    chosen = select(Entity.kind, raw_geometry(session, Entity.geometry)).where(
        Entity.kind.in_(_KINDS),
        Entity.valid_to.is_(None) | (Entity.valid_to > on),
        bbox_intersects(session, Entity, BBox(*map(float, after.total_bounds))),
    )
    rows = read_rows(session, chosen)
    if not rows:
        return counts
    points = shapely.point_on_surface(decode_geometries(session, [row[1] for row in rows]))
    lon, lat = shapely.get_x(points), shapely.get_y(points)
    owners = []
    for cells in (after, before):
        locator = PointLocator(gpd.GeoDataFrame(cells[["code"]], geometry=cells.geometry, crs=LONLAT))
        codes = [*locator.codes.tolist(), None]
        # The last element stands for no owner.
        owners.append([codes[row] for row in locator.find_owners(lon, lat).tolist()])
    owned = zip(*owners, (row[0] for row in rows), strict=True)
    counts.update((new, old, kind) for new, old, kind in owned if new is not None and old is not None)
    return counts


def main_predecessors(predecessors: dict[str, list[Predecessor]]) -> dict[str, str]:
    """Return the code of the cell whose officers each cell takes over, for those that have one."""
    return {code: each[0].code for code, each in predecessors.items() if each}
