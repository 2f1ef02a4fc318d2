"""What an edit means for the entities on its ground: how many each cell has before and after."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.crs import LONLAT
from gis.locate import PointLocator
from gis.redraw import Cell, Edit
from layers.areas.scope import within
from layers.db.bbox import BBox, bbox_intersects
from layers.db.bulk import decode_geometries, raw_geometry, read_rows
from layers.models import Entity

CellCounts = dict[str, dict[str, int]]
"""By the code of a cell and the kind of entity: how many it has."""


class Movement(NamedTuple):
    """How many entities of a kind go from one cell to another."""

    kind: str
    source: str
    target: str
    number: int


class EntityEffects(NamedTuple):
    """How many entities the cells of an edit have before and after it, and which go where."""

    before: CellCounts
    after: CellCounts
    movements: list[Movement]


def count_effects(session: Session, edit: Edit, scope: str | None = None) -> EntityEffects:
    """Count the present entities on the ground of an edit; the cost does not grow with the plan.

    Parameters
    ----------
    scope
        Only entities of this area and of those beneath it; None for all.

    Returns
    -------
    EntityEffects
        Lines and polygons count where a point within them lies.
    """
    if not edit.before:
        return EntityEffects({}, {}, [])
    bounds = shapely.total_bounds([cell.geometry for cell in edit.before])
    chosen = select(Entity.kind, raw_geometry(session, Entity.geometry)).where(
        Entity.valid_to.is_(None),
        within(Entity.area_code, scope),
        bbox_intersects(session, Entity, BBox(*map(float, bounds))),
    )
    rows = read_rows(session, chosen)
    kinds = [row[0] for row in rows]
    points = shapely.point_on_surface(decode_geometries(session, [row[1] for row in rows]))
    owners_before, owners_after = (_owners(cells, points) for cells in (edit.before, edit.after))
    moved: Counter[tuple[str, str, str]] = Counter()
    before: CellCounts = {cell.code: {} for cell in edit.before}
    after: CellCounts = {cell.code: {} for cell in edit.after}
    for kind, source, target in zip(kinds, owners_before, owners_after, strict=True):
        if source is None or target is None:
            continue
        before[source][kind] = before[source].get(kind, 0) + 1
        after[target][kind] = after[target].get(kind, 0) + 1
        if source != edit.heirs.get(target, target):
            moved[kind, source, target] += 1
    movements = [Movement(*key, count) for key, count in sorted(moved.items())]
    return EntityEffects(before, after, movements)


def _owners(cells: Sequence[Cell], points: np.ndarray) -> list[str | None]:
    """Return the code of the cell that owns each point, None where none of these does."""
    codes = [cell.code for cell in cells]
    frame = gpd.GeoDataFrame({"code": codes}, geometry=[cell.geometry for cell in cells], crs=LONLAT)
    locator = PointLocator(frame, workers=1)
    rows = locator.find_owners(shapely.get_x(points), shapely.get_y(points))
    ordered = locator.codes
    return [None if row < 0 else str(ordered[row]) for row in rows.tolist()]
